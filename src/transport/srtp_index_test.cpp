#include "transport/srtp_index.hpp"

#include <gtest/gtest.h>

#include <set>

namespace liaison::transport {
namespace {

TEST(SrtpIndex, IsTheNearestToTheHighest) {
  EXPECT_EQ(estimate_index(0x0'0010, 0x0011), 0x0'0011U);
  EXPECT_EQ(estimate_index(0x0'ffff, 0x0000), 0x1'0000U) << "wraps";
  EXPECT_EQ(estimate_index(0x1'0002, 0xfffe), 0x0'fffeU) << "late, from before the wrap";
  EXPECT_EQ(estimate_index(0x1'0002, 0x0001), 0x1'0001U);
  EXPECT_EQ(estimate_index(0x5'8000, 0x0000), 0x5'0000U) << "half the circle back";
  EXPECT_EQ(estimate_index(0x5'8001, 0x0000), 0x6'0000U) << "less than half ahead";
  EXPECT_EQ(estimate_index(0x5'0000, 0x8000), 0x5'8000U) << "half the circle ahead";
  EXPECT_EQ(estimate_index(0x5'0000, 0x8001), 0x4'8001U);
}

TEST(SrtpIndex, HasNothingBeforeTheFirst) {
  EXPECT_EQ(estimate_index(0x0000, 0xffff), std::nullopt);
  EXPECT_EQ(estimate_index(0x7fff, 0xffff), 0xffffU);
  EXPECT_EQ(estimate_index(0x7ffe, 0xffff), std::nullopt);
}

TEST(SrtpIndexWindow, KnowsWhatWasUsed) {
  IndexWindow<128> window;
  EXPECT_TRUE(window.empty());
  EXPECT_TRUE(window.is_fresh(0));
  window.use(1000);
  EXPECT_EQ(window.highest(), 1000U);
  EXPECT_FALSE(window.is_fresh(1000));
  EXPECT_TRUE(window.is_fresh(1001));
  EXPECT_TRUE(window.is_fresh(1000 - 127));
  EXPECT_FALSE(window.is_fresh(1000 - 128)) << "too old to know";
  window.use(1000 - 127);
  EXPECT_FALSE(window.is_fresh(1000 - 127));
  EXPECT_EQ(window.highest(), 1000U);
  window.use(1127);
  EXPECT_FALSE(window.is_fresh(1000)) << "just inside";
  EXPECT_TRUE(window.is_fresh(1001)) << "skipped";
  window.use(1'000'000);
  for (std::uint64_t i = 1; i < 128; ++i) EXPECT_TRUE(window.is_fresh(1'000'000 - i)) << i;
}

TEST(SrtpIndexWindow, AgreesWithASet) {
  IndexWindow<64> window;
  std::set<std::uint64_t> used;
  std::uint64_t state = 1, around = 100;
  for (int round = 0; round < 20'000; ++round) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t step = state >> 33;
    if (step % 50 == 0) around += step % 100;
    const std::uint64_t index = around + step % 70;
    const bool fresh = used.empty() || index > *used.rbegin() ||
                       (*used.rbegin() - index < 64 && !used.contains(index));
    ASSERT_EQ(window.is_fresh(index), fresh) << round;
    if (!fresh) continue;
    window.use(index);
    used.insert(index);
  }
}

}  // namespace
}  // namespace liaison::transport
