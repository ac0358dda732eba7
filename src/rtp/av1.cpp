#include "rtp/av1.hpp"

namespace liaison::rtp {

std::optional<Av1Aggregation> parse_av1(Bytes payload) {
  if (payload.size() < 2) return std::nullopt;
  const std::uint8_t first = payload[0];  // Z|Y|W(2)|N|RSV(3)
  const Av1Aggregation header{.continues = (first & 0x80) != 0,
                              .continued = (first & 0x40) != 0,
                              .obu_count = static_cast<std::uint8_t>((first >> 4) & 0x03),
                              .starts_sequence = (first & 0x08) != 0};
  if (header.starts_sequence && header.continues) return std::nullopt;
  return header;
}

}  // namespace liaison::rtp
