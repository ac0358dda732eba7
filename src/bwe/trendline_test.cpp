#include "bwe/trendline.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

using Usage = Trendline::Usage;

class BweTrendlineTest : public testing::Test {
 protected:
  // Groups 10 ms apart, each later by so much than the one before.
  void groups(int count, double later_ms) {
    for (int i = 0; i < count; ++i) {
      const Duration apart = milliseconds(10) + Duration(static_cast<std::int64_t>(later_ms * 1e6));
      now += apart;
      trend.update(milliseconds(10), apart, now);
      overused = overused || trend.usage() == Usage::over;
    }
  }
  Instant now = Instant(seconds(100));
  Trendline trend;
  bool overused = false;
};

TEST_F(BweTrendlineTest, AStandingDelayIsNormal) {
  groups(200, 0);
  EXPECT_EQ(trend.usage(), Usage::normal);
  EXPECT_FALSE(overused);
  EXPECT_TRUE(trend.calm());
  EXPECT_NEAR(trend.trend(), 0, 1e-9);
}

TEST_F(BweTrendlineTest, AGrowingQueueIsOveruse) {
  groups(60, 0);
  groups(30, 2);
  EXPECT_TRUE(overused);
  EXPECT_FALSE(trend.calm());
}

TEST_F(BweTrendlineTest, AQueueThatEmptiesIsUnderuse) {
  groups(60, 0);
  groups(30, 2);
  groups(30, -2);
  EXPECT_EQ(trend.usage(), Usage::under);
  groups(200, 0);
  EXPECT_EQ(trend.usage(), Usage::normal);
}

TEST_F(BweTrendlineTest, OneLateGroupIsNoOveruse) {
  groups(60, 0);
  groups(1, 20);
  groups(1, -20);
  groups(60, 0);
  EXPECT_FALSE(overused);
}

TEST_F(BweTrendlineTest, TheThresholdFollowsJitterButNotAQueue) {
  groups(60, 0);
  const double calm = trend.threshold();
  EXPECT_GE(calm, 6);
  for (int i = 0; i < 60; ++i) groups(16, i % 2 == 0 ? 3 : -3);
  EXPECT_GT(trend.threshold(), calm + 1);
  groups(300, 0);
  EXPECT_EQ(trend.threshold(), calm);
  groups(30, 5);
  EXPECT_GT(trend.trend(), 60);
  EXPECT_LT(trend.threshold(), 20);
  trend.reset();
  EXPECT_EQ(trend.threshold(), Trendline::first_threshold_ms);
}

}  // namespace
}  // namespace liaison::bwe
