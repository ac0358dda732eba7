#include "base/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace liaison {
namespace {

TEST(SpscRing, KeepsOrder) {
  SpscRing<int> ring(4);
  EXPECT_FALSE(ring.pop());
  int next_in = 0;
  int next_out = 0;
  // Different numbers in and out, so that the indices go round at every phase.
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(ring.push(next_in++));
    for (int i = 0; i < 3; ++i) ASSERT_EQ(ring.pop(), next_out++);
    ASSERT_FALSE(ring.pop());
  }
}

TEST(SpscRing, RefusesWhenFullAndLeavesTheValue) {
  SpscRing<std::unique_ptr<int>> ring(2);
  EXPECT_TRUE(ring.push(std::make_unique<int>(1)));
  EXPECT_TRUE(ring.push(std::make_unique<int>(2)));
  auto third = std::make_unique<int>(3);
  EXPECT_FALSE(ring.push(std::move(third)));
  ASSERT_NE(third, nullptr);  // NOLINT: a refused value is not moved from
  EXPECT_EQ(**ring.pop(), 1);
  EXPECT_TRUE(ring.push(std::move(third)));
  EXPECT_EQ(**ring.pop(), 2);
  EXPECT_EQ(**ring.pop(), 3);
}

TEST(SpscRing, FreesWhatWasPopped) {
  const auto value = std::make_shared<int>(1);
  SpscRing<std::shared_ptr<int>> ring(2);
  ring.push(std::shared_ptr<int>(value));
  EXPECT_EQ(value.use_count(), 2);
  ring.pop();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(SpscRingDeathTest, WantsAPowerOfTwo) {
  EXPECT_DEATH(SpscRing<int>(3), "broken invariant");
  EXPECT_DEATH(SpscRing<int>(0), "broken invariant");
}

}  // namespace
}  // namespace liaison
