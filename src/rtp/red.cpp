#include "rtp/red.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::rtp {
namespace {

constexpr std::uint8_t follows = 0x80;  // F: another header comes after this one

}  // namespace

std::optional<Red> parse_red(Bytes payload) {
  // Headers of redundant blocks: F=1, PT(7), timestamp offset(14), length(10); then the header of
  // the primary block: F=0, PT(7); then the data of all in the same order.
  Red red;
  struct Size {
    std::size_t skipped = 0;  // of blocks that are too old to be wanted
    std::array<std::size_t, max_redundant_blocks> of{};
  } size;
  Reader reader(payload);
  std::uint8_t first = reader.u8();
  while (reader.ok() && (first & follows) != 0) {
    const std::uint32_t rest = reader.u24();
    if (red.count == max_redundant_blocks) {
      size.skipped += size.of[0];
      std::ranges::rotate(red.blocks, red.blocks.begin() + 1);
      std::ranges::rotate(size.of, size.of.begin() + 1);
      --red.count;
    }
    red.blocks[red.count] = {static_cast<std::uint8_t>(first & ~follows), rest >> 10, {}};
    size.of[red.count++] = rest & max_red_size;
    first = reader.u8();
  }
  reader.skip(size.skipped);
  for (std::size_t i = 0; i < red.count; ++i) red.blocks[i].payload = reader.take(size.of[i]);
  if (!reader.ok()) return std::nullopt;
  red.primary = {first, 0, reader.rest()};
  return red;
}

void write_red(Writer& writer, std::span<const RedBlock> redundant, std::uint8_t payload_type,
               Bytes primary) {
  for (const RedBlock& block : redundant) {
    ENSURE(block.age <= max_red_age && block.payload.size() <= max_red_size);
    writer.u8(static_cast<std::uint8_t>(follows | block.payload_type));
    writer.u24(block.age << 10 | static_cast<std::uint32_t>(block.payload.size()));
  }
  writer.u8(payload_type);
  for (const RedBlock& block : redundant) writer.bytes(block.payload);
  writer.bytes(primary);
}

}  // namespace liaison::rtp
