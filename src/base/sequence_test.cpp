#include "base/sequence.hpp"

#include <gtest/gtest.h>

namespace liaison {
namespace {

TEST(Newer, GoesRound) {
  EXPECT_TRUE(newer<std::uint16_t>(2, 1));
  EXPECT_FALSE(newer<std::uint16_t>(1, 2));
  EXPECT_FALSE(newer<std::uint16_t>(1, 1));
  EXPECT_TRUE(newer<std::uint16_t>(0, 65535));
  EXPECT_TRUE(newer<std::uint16_t>(32767, 0));
  EXPECT_FALSE(newer<std::uint16_t>(32768, 0));  // half of the circle: neither is newer
  EXPECT_FALSE(newer<std::uint16_t>(0, 32768));
  EXPECT_TRUE(newer<std::uint32_t>(5, 0xfffffff0));
  EXPECT_TRUE(newer<std::uint8_t>(127, 0));
  EXPECT_FALSE(newer<std::uint8_t>(128, 0));
}

TEST(Unwrapper, CountsCircles) {
  Unwrapper<std::uint16_t> unwrapper;
  EXPECT_FALSE(unwrapper.last());
  EXPECT_EQ(unwrapper.unwrap(65534), 65536 + 65534U);
  EXPECT_EQ(unwrapper.unwrap(65535), 65536 + 65535U);
  EXPECT_EQ(unwrapper.unwrap(0), 2 * 65536U);
  EXPECT_EQ(unwrapper.unwrap(65535), 65536 + 65535U);  // late, from before the wrap
  EXPECT_EQ(unwrapper.last(), 2 * 65536U);             // which the late one does not move
  EXPECT_EQ(unwrapper.unwrap(1), 2 * 65536 + 1U);
}

TEST(Unwrapper, LateAtTheStartStaysAboveZero) {
  Unwrapper<std::uint16_t> unwrapper;
  EXPECT_EQ(unwrapper.unwrap(0), 65536U);
  EXPECT_EQ(unwrapper.unwrap(65000), 65000U);
}

TEST(Unwrapper, PeekForgets) {
  Unwrapper<std::uint32_t> unwrapper;
  unwrapper.unwrap(10);
  EXPECT_EQ(unwrapper.peek(20), (std::uint64_t{1} << 32) + 20);
  EXPECT_EQ(unwrapper.last(), (std::uint64_t{1} << 32) + 10);
}

TEST(Unwrapper, GoesManyTimesRound) {
  Unwrapper<std::uint16_t> unwrapper;
  std::uint64_t expected = 65536 + 7;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(unwrapper.unwrap(static_cast<std::uint16_t>(expected)), expected);
    expected += 32767;  // the longest step that still counts as ahead
  }
}

}  // namespace
}  // namespace liaison
