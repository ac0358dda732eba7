// Redundant audio (RFC 2198 section 3): finding the newest block, so that RED can be sent on as
// plain Opus to those who did not negotiate it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtp {

struct RedPrimary {
  std::uint8_t payload_type = 0;
  Bytes payload;  // within the RED payload; may be empty
};

// The primary block, whose sequence number and timestamp are those of the packet. Nothing if a
// block reaches beyond the end.
std::optional<RedPrimary> red_primary(Bytes payload);

}  // namespace liaison::rtp
