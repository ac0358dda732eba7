#include "rtp/av1.hpp"

namespace liaison::rtp {
namespace {

// AV1 section 6.2.2. The others that occur, tile groups above all, are within a frame.
enum class Obu : std::uint8_t {
  sequence_header = 1,
  temporal_delimiter = 2,
  frame_header = 3,
  metadata = 5,
  frame = 6,
};

// `reader` is behind the aggregation header.
bool begins_frame(Reader reader, bool has_size) {
  // LEB128 (AV1 section 4.10.5).
  for (int i = 0; has_size && i < 8; ++i) has_size = (reader.u8() & 0x80) != 0;
  switch (static_cast<Obu>(reader.u8() >> 3 & 0x0f)) {
    case Obu::sequence_header:
    case Obu::temporal_delimiter:
    case Obu::frame_header:
    case Obu::metadata:
    case Obu::frame:
      return true;
  }
  return false;
}

}  // namespace

std::optional<Av1Aggregation> parse_av1(Bytes payload) {
  if (payload.size() < 2) return std::nullopt;
  const std::uint8_t first = payload[0];  // Z|Y|W(2)|N|RSV(3)
  Av1Aggregation header{.continues = (first & 0x80) != 0,
                        .continued = (first & 0x40) != 0,
                        .obu_count = static_cast<std::uint8_t>((first >> 4) & 0x03),
                        .starts_sequence = (first & 0x08) != 0};
  if (header.starts_sequence && header.continues) return std::nullopt;
  header.starts_frame =
      header.starts_sequence ||
      (!header.continues && begins_frame(Reader(payload.subspan(1)), header.obu_count != 1));
  return header;
}

}  // namespace liaison::rtp
