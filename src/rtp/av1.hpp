// The AV1 aggregation header ("RTP Payload Format For AV1", section 4.4), and of the first OBU
// what it is.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtp {

struct Av1Aggregation {
  bool continues = false;        // Z: the first OBU element goes on from the packet before
  bool continued = false;        // Y: the last one goes on in the packet after
  std::uint8_t obu_count = 0;    // W: 0 = every element has a length of its own
  bool starts_sequence = false;  // N: first packet of a coded video sequence, hence of a key frame
  // The first OBU begins, and it is one that frames begin with.
  bool starts_frame = false;
};

// Nothing if no OBU follows, or if a sequence starts in the middle of an OBU.
std::optional<Av1Aggregation> parse_av1(Bytes payload);

}  // namespace liaison::rtp
