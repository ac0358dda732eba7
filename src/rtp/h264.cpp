#include "rtp/h264.hpp"

#include <cstdint>

namespace liaison::rtp {
namespace {

// NAL unit types, RFC 6184 section 5.2 and H.264 table 7-1.
constexpr std::uint8_t nal_idr = 5;
constexpr std::uint8_t nal_sps = 7;
constexpr std::uint8_t nal_stap_a = 24;
constexpr std::uint8_t nal_fu_a = 28;

bool begins(std::uint8_t type, Bytes body) {
  if (type == nal_sps) return true;
  // first_mb_in_slice is the first field of a slice, in Exp-Golomb code: a 1 bit says 0 (H.264
  // section 7.3.3). Other slices of an IDR picture do not begin it.
  return type == nal_idr && !body.empty() && (body[0] & 0x80) != 0;
}

}  // namespace

bool h264_starts_key_frame(Bytes payload) {
  Reader reader(payload);
  const std::uint8_t type = reader.u8() & 0x1f;
  if (type == nal_stap_a) {
    while (reader.ok() && reader.remaining() > 0) {
      Reader nal(reader.take(reader.u16()));
      const std::uint8_t inner = nal.u8() & 0x1f;
      if (nal.ok() && begins(inner, nal.rest())) return true;
    }
    return false;
  }
  if (type == nal_fu_a) {
    const std::uint8_t header = reader.u8();  // S|E|R|type(5)
    return reader.ok() && (header & 0x80) != 0 && begins(header & 0x1f, reader.rest());
  }
  return reader.ok() && begins(type, reader.rest());
}

}  // namespace liaison::rtp
