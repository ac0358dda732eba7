// What a packet of a load test says of itself, at the end of its payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace liaison::load {

// At the end, since servers write the payload descriptors in front anew. (The simulator's stamps
// say far more, and are too long for sound.)
struct Stamp {
  std::uint32_t source = 0;  // which track of which publisher
  std::uint64_t number = 0;  // of its packets, from 0
  Instant sent;              // by the clock that both ends read
  bool operator==(const Stamp&) const = default;
};

inline constexpr std::size_t stamp_size = 24;

// Into the last stamp_size bytes of `payload`, which must have as many.
void write_stamp(const Stamp& stamp, MutableBytes payload);
// Nothing if the payload does not end with a stamp.
std::optional<Stamp> read_stamp(Bytes payload);

}  // namespace liaison::load
