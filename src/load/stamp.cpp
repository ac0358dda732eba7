#include "load/stamp.hpp"

#include "base/ensure.hpp"

namespace liaison::load {
namespace {

constexpr std::uint32_t magic = 0x4c69624e;  // "LibN": nothing that media would end with by chance

}  // namespace

void write_stamp(const Stamp& stamp, MutableBytes payload) {
  ENSURE(payload.size() >= stamp_size);
  Writer out(payload.last(stamp_size));
  out.u32(magic);
  out.u32(stamp.source);
  out.u64(stamp.number);
  out.u64(static_cast<std::uint64_t>(stamp.sent.time_since_epoch().count()));
}

std::optional<Stamp> read_stamp(Bytes payload) {
  if (payload.size() < stamp_size) return std::nullopt;
  Reader in(payload.last(stamp_size));
  if (in.u32() != magic) return std::nullopt;
  Stamp stamp;
  stamp.source = in.u32();
  stamp.number = in.u64();
  stamp.sent = Instant(Duration(static_cast<Duration::rep>(in.u64())));
  return stamp;
}

}  // namespace liaison::load
