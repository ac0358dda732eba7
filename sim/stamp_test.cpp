#include "sim/stamp.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace liaison::sim {
namespace {

using Buffer = std::vector<std::uint8_t>;

// Every field has a value of its own, with its highest bit set where it has one to spare.
Stamp full() {
  return {.room = 0x80000001,
          .person = 0x80000002,
          .source = Source::screen_audio,
          .encoding = 0x83,
          .spatial = 0x84,
          .temporal = 0x85,
          .key = true,
          .frame = 0x80000006,
          .picture = 0x80000007,
          .packet = 0x8008,
          .packets = 0x8009,
          .references = {0x800a, 0x800b},
          .timestamp = 0x8000000c,
          .number = 0x800000000000000d,
          .captured = Instant(Duration(std::numeric_limits<Duration::rep>::max() - 14))};
}

Buffer written(const Stamp& stamp, std::size_t size) {
  Buffer buffer(size);
  write_stamp(stamp, buffer);
  return buffer;
}

TEST(Stamp, ComesBackAtEverySize) {
  for (std::size_t size = stamp_size; size < 300; ++size) {
    EXPECT_EQ(read_stamp(written(full(), size)), full()) << size;
    EXPECT_EQ(read_stamp(written({}, size)), Stamp{}) << size;
  }
  EXPECT_EQ(read_stamp(written(full(), stamped_limit)), full());
}

TEST(Stamp, EveryBitCounts) {
  for (const std::size_t size : {stamp_size, std::size_t{100}}) {
    Buffer buffer = written(full(), size);
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      const auto mask = static_cast<std::uint8_t>(1 << bit % 8);
      buffer[bit / 8] ^= mask;
      EXPECT_FALSE(read_stamp(buffer)) << bit;
      buffer[bit / 8] ^= mask;
    }
    EXPECT_TRUE(read_stamp(buffer));
  }
}

TEST(Stamp, TruncationAndExtensionAreSeen) {
  Buffer buffer = written(full(), 200);
  for (std::size_t size = 0; size < buffer.size(); ++size) {
    EXPECT_FALSE(read_stamp(Bytes(buffer).first(size))) << size;
  }
  for (std::size_t from = 1; from < buffer.size(); ++from) {
    EXPECT_FALSE(read_stamp(Bytes(buffer).subspan(from))) << from;
  }
  buffer.push_back(0);
  EXPECT_FALSE(read_stamp(buffer));
  EXPECT_FALSE(read_stamp(Buffer(stamp_size)));
  EXPECT_FALSE(read_stamp(Buffer(stamped_limit + 1)));
}

TEST(Stamp, TheBeginningOfOneAndTheEndOfAnotherAreNoStamp) {
  Stamp other = full();
  other.number += 1;
  const Buffer a = written(full(), 200);
  const Buffer b = written(other, 200);
  for (std::size_t cut = 1; cut < a.size(); ++cut) {
    Buffer mixed(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(cut));
    mixed.insert(mixed.end(), b.begin() + static_cast<std::ptrdiff_t>(cut), b.end());
    // Before the place where they begin to differ, and after it ends, a cut changes nothing.
    if (mixed != a && mixed != b) {
      EXPECT_FALSE(read_stamp(mixed)) << cut;
    }
  }
}

}  // namespace
}  // namespace liaison::sim
