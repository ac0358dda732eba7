// No SRTP index is used twice under one key: that would give the key stream away, and under GCM the
// authentication key (RFC 7714 section 8.1).
#include <fmt/format.h>

#include <bitset>
#include <memory>
#include <unordered_map>

#include "base/sequence.hpp"
#include "sim/checks/checks.hpp"
#include "sim/world.hpp"
#include "transport/demux.hpp"

namespace liaison::sim {
namespace {

class SrtpIndexCheck : public Check {
 public:
  std::string_view name() const override { return "srtp_index"; }

  void left_server(World& world, const Server&, const SocketAddress&, Peer* peer,
                   Bytes bytes) override {
    if (peer == nullptr || transport::classify(bytes) != transport::DatagramKind::rtp) return;
    Stream& stream = streams_[{peer->number(), load_u32(&bytes[8])}];
    const std::uint64_t index = stream.sequence.unwrap(load_u16(&bytes[2]));
    for (; stream.cleared < index; ++stream.cleared) stream.used.reset((stream.cleared + 1) % size);
    if (index + size / 2 < stream.cleared) world.fail(name(), "an index from long ago");
    if (stream.used.test(index % size))
      world.fail(name(), fmt::format("SSRC {} to {} uses index {} twice", load_u32(&bytes[8]),
                                     peer->browser().name(), index));
    stream.used.set(index % size);
  }
  void closed(World&, Peer& peer) override {
    std::erase_if(streams_, [&](const auto& entry) { return entry.first.first == peer.number(); });
  }

 private:
  static constexpr std::size_t size = 4'096;
  struct Stream {
    Unwrapper<std::uint16_t> sequence;
    std::uint64_t cleared = 0;  // highest so far
    std::bitset<size> used;
  };
  std::map<std::pair<std::uint64_t, std::uint32_t>, Stream> streams_;
};

}  // namespace

std::unique_ptr<Check> srtp_index_check() { return std::make_unique<SrtpIndexCheck>(); }

}  // namespace liaison::sim
