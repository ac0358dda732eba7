// Redundant audio (RFC 2198 section 3): a packet that carries again what was in those before it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace liaison::rtp {

struct RedBlock {
  std::uint8_t payload_type = 0;
  std::uint32_t age = 0;  // clock ticks before the timestamp of the packet; 0 to max_red_age
  Bytes payload;
};

// What the header of a redundant block has room for.
inline constexpr std::uint32_t max_red_age = (1U << 14) - 1;
inline constexpr std::size_t max_red_size = (1U << 10) - 1;  // bytes
// More than this is of no use to anybody.
inline constexpr std::size_t max_redundant_blocks = 4;

struct Red {
  RedBlock primary;  // sequence number and timestamp are those of the packet; may be empty
  // The newest max_redundant_blocks, oldest first.
  std::array<RedBlock, max_redundant_blocks> blocks{};
  std::size_t count = 0;
  std::span<const RedBlock> redundant() const { return std::span(blocks).first(count); }
};

// Payloads point into `payload`. Nothing if a block reaches beyond the end.
std::optional<Red> parse_red(Bytes payload);

// The payload of a packet with these blocks, oldest first. Each must have room in its header.
void write_red(Writer& writer, std::span<const RedBlock> redundant, std::uint8_t payload_type,
               Bytes primary);

}  // namespace liaison::rtp
