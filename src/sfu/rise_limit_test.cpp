#include "sfu/rise_limit.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

constexpr std::uint64_t estimate = 1'000'000;

class RiseLimitTest : public testing::Test {
 protected:
  void rise() { limit.shared(true, false, estimate, now); }
  void fall() { limit.shared(false, true, estimate, now); }
  // After how long the next may rise.
  Duration wait(bool under_way = false) {
    Duration waited{};
    while (!limit.allows(under_way, now + waited)) waited += milliseconds(100);
    return waited;
  }

  Instant now = Instant{} + seconds(100);
  RiseLimit limit;
};

TEST_F(RiseLimitTest, AllowsTheFirstAtOnceAndTheNextHalfASecondLater) {
  EXPECT_EQ(wait(), Duration{});
  rise();
  EXPECT_EQ(wait(), RiseLimit::interval);
}

TEST_F(RiseLimitTest, WhoeverWaitsForAKeyFrameGetsItFirstButNotForEver) {
  rise();
  EXPECT_EQ(wait(true), RiseLimit::patience);
}

TEST_F(RiseLimitTest, WaitsTwiceAsLongEachTimeThatOneHadToBeTakenBack) {
  for (const Duration expected :
       {seconds(1), seconds(2), seconds(4), seconds(8), seconds(16), seconds(16)}) {
    rise();
    now += seconds(1);
    fall();
    EXPECT_EQ(wait(), expected);
    now += expected;
  }
}

TEST_F(RiseLimitTest, AFallLongAfterTheLastRiseIsNoReasonToWait) {
  rise();
  now += RiseLimit::regret;
  fall();
  EXPECT_EQ(wait(), Duration{});
}

TEST_F(RiseLimitTest, APictureThatLastsMakesTheWaitShortAgain) {
  rise();
  now += seconds(1);
  fall();
  now += RiseLimit::calm;
  limit.shared(false, false, estimate, now);
  rise();
  EXPECT_EQ(wait(), RiseLimit::interval);
}

TEST_F(RiseLimitTest, AWiderPathMakesTheWaitShortAgain) {
  for (int i = 0; i < 5; ++i) {
    rise();
    fall();
  }
  limit.estimated(estimate * 3 / 2, now);
  EXPECT_EQ(wait(), RiseLimit::longest);
  limit.estimated(estimate * 3 / 2 + 1, now);
  EXPECT_EQ(wait(), RiseLimit::interval);
}

}  // namespace
}  // namespace liaison::sfu
