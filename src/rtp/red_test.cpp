#include "rtp/red.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TEST(RedPrimary, IsFoundBehindRedundantBlocks) {
  // Two redundant blocks of 3 and 2 bytes, 1920 and 960 samples old, then the primary.
  const Buffer payload = {0x80 | 111, 0x1e, 0x00, 0x03, 0x80 | 111, 0x0f, 0x00, 0x02,
                          111,        1,    1,    1,    2,          2,    3,    3};
  const auto primary = red_primary(payload);
  ASSERT_TRUE(primary);
  EXPECT_EQ(primary->payload_type, 111);
  EXPECT_EQ(copy(primary->payload), (Buffer{3, 3}));
  EXPECT_EQ(primary->payload.data(), payload.data() + 14);  // not copied

  for (std::size_t size = 0; size < 14; ++size) {
    EXPECT_FALSE(red_primary(Bytes(payload).first(size))) << size;
  }
  // Cut right after the redundant data the primary is empty, which is allowed.
  EXPECT_TRUE(red_primary(Bytes(payload).first(14))->payload.empty());
}

TEST(RedPrimary, IsFoundAlone) {
  const Buffer payload = {111, 5, 6};
  const auto primary = red_primary(payload);
  ASSERT_TRUE(primary);
  EXPECT_EQ(copy(primary->payload), (Buffer{5, 6}));
}

TEST(RedPrimary, LengthsOfTenBitsCount) {
  Buffer payload = {0x80 | 111, 0, 0x03, 0xff, 111};
  payload.resize(5 + 1023 - 1);
  EXPECT_FALSE(red_primary(payload));
  payload.resize(5 + 1023);
  EXPECT_TRUE(red_primary(payload));
}

TEST(RedPrimary, RefusesHeadersWithoutEnd) {
  EXPECT_FALSE(red_primary({}));
  EXPECT_FALSE(red_primary(Buffer(400, 0x80)));
}

}  // namespace
}  // namespace liaison::rtp
