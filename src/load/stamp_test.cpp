#include "load/stamp.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::load {
namespace {

TEST(LoadStamp, IsReadAtTheEndOfAPayload) {
  std::vector<std::uint8_t> payload(160, 0x5a);
  const Stamp stamp{.source = 7, .number = 1ULL << 40, .sent = Instant(seconds(12'345))};
  write_stamp(stamp, payload);
  EXPECT_EQ(read_stamp(payload), stamp);
  EXPECT_EQ(payload[0], 0x5a);
  // Another descriptor in front changes nothing.
  payload.insert(payload.begin(), 3, 0);
  EXPECT_EQ(read_stamp(payload), stamp);
}

TEST(LoadStamp, IsNothingElse) {
  std::vector<std::uint8_t> payload(stamp_size, 0);
  EXPECT_FALSE(read_stamp(payload));
  write_stamp({}, payload);
  EXPECT_TRUE(read_stamp(payload));
  EXPECT_FALSE(read_stamp(Bytes(payload).first(stamp_size - 1)));
  EXPECT_FALSE(read_stamp({}));
}

}  // namespace
}  // namespace liaison::load
