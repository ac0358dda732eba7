#include "signaling/limits.hpp"

#include <gtest/gtest.h>

namespace liaison::signaling {
namespace {

unsigned takes(RateLimiter& limiter, Instant now) {
  unsigned count = 0;
  while (count < 1000 && limiter.take(now)) ++count;
  return count;
}

TEST(RateLimiter, AllowsABurstAndThenItsRate) {
  const Instant start{hours(5)};
  RateLimiter limiter(20, 40, start);
  EXPECT_EQ(takes(limiter, start), 40U);
  EXPECT_EQ(takes(limiter, start + milliseconds(49)), 0U);
  EXPECT_EQ(takes(limiter, start + milliseconds(50)), 1U);
  EXPECT_EQ(takes(limiter, start + milliseconds(1050)), 20U);
  EXPECT_EQ(takes(limiter, start + hours(1)), 40U);
}

TEST(RateLimiter, ARateOfNothingIsOneASecond) {
  const Instant start{};
  RateLimiter limiter(0, 0, start);
  EXPECT_EQ(takes(limiter, start), 1U);
  EXPECT_EQ(takes(limiter, start + seconds(1)), 1U);
}

}  // namespace
}  // namespace liaison::signaling
