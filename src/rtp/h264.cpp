#include "rtp/h264.hpp"

#include <cstdint>

namespace liaison::rtp {
namespace {

// NAL unit types, RFC 6184 section 5.2 and H.264 table 7-1.
constexpr std::uint8_t nal_slice = 1;
constexpr std::uint8_t nal_sps = 7;
constexpr std::uint8_t last_single_unit = 23;
constexpr std::uint8_t nal_stap_a = 24;
constexpr std::uint8_t nal_fu_a = 28;

// One unit, or a fragment of one; `reader` is behind its header.
void take_unit(std::uint8_t type, bool begins, Reader reader, H264Payload& payload) {
  if (!begins) return;
  if (type == nal_sps) payload.starts_frame = payload.starts_key_frame = true;
  // A slice header begins with first_mb_in_slice, in Exp-Golomb code: zero is a single 1 bit.
  if (type == nal_slice && (reader.u8() & 0x80) != 0) payload.starts_frame = true;
}

}  // namespace

std::optional<H264Payload> parse_h264(Bytes bytes) {
  Reader reader(bytes);
  const std::uint8_t first = reader.u8();  // F|NRI(2)|type(5)
  const std::uint8_t type = first & 0x1f;
  H264Payload payload;
  if (type == nal_stap_a) {
    do {
      Reader unit(reader.take(reader.u16()));
      const std::uint8_t header = unit.u8();
      if (!reader.ok() || !unit.ok()) return std::nullopt;
      take_unit(header & 0x1f, true, unit, payload);
    } while (reader.remaining() > 0);
  } else if (type == nal_fu_a) {
    const std::uint8_t fragment = reader.u8();  // S|E|R|type(5)
    take_unit(fragment & 0x1f, (fragment & 0x80) != 0, reader, payload);
  } else if (type >= nal_slice && type <= last_single_unit) {
    take_unit(type, true, reader, payload);
  } else {
    return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return payload;
}

}  // namespace liaison::rtp
