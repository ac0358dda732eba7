// RFC 4571: any bytes, arriving in any pieces, give the same datagrams or the same break.
#include <algorithm>
#include <vector>

#include "base/ensure.hpp"
#include "io/tcp_framing.hpp"

namespace {

using namespace liaison;

std::vector<std::uint8_t> cut(Bytes stream, std::size_t piece) {
  io::FrameReader reader;
  std::vector<std::uint8_t> all;
  while (!stream.empty() && !reader.broken()) {
    const MutableBytes room = reader.room();
    const std::size_t count = std::min({piece, room.size(), stream.size()});
    ENSURE(count > 0);
    std::copy_n(stream.begin(), count, room.begin());
    reader.arrived(count);
    stream = stream.subspan(count);
    while (const auto datagram = reader.next()) {
      ENSURE(!datagram->empty() && datagram->size() <= Packet::capacity);
      all.insert(all.end(), datagram->begin(), datagram->end());
      all.push_back(0xff);
    }
  }
  all.push_back(reader.broken());
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes stream(data + 1, size - 1);
  ENSURE(cut(stream, data[0] + 1U) == cut(stream, 8'192));
  return 0;
}
