#include "bwe/aimd.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

using Usage = Trendline::Usage;

class BweAimdTest : public testing::Test {
 protected:
  // So many updates, 50 ms apart.
  void updates(int count, Usage usage, std::optional<double> acked) {
    for (int i = 0; i < count; ++i) {
      now += milliseconds(50);
      if (aimd.update(usage, acked, milliseconds(100), now)) ++decreases;
    }
  }
  Instant now = Instant(seconds(100));
  Aimd aimd{1'000'000, {30'000, 5'000'000}};
  int decreases = 0;
};

TEST_F(BweAimdTest, RisesEightPercentASecond) {
  updates(1, Usage::normal, 1'000'000);
  updates(20, Usage::normal, 1'000'000);
  EXPECT_NEAR(aimd.rate(), 1'080'000, 1000);
}

TEST_F(BweAimdTest, RisesNoFurtherThanWhatArrives) {
  updates(2000, Usage::normal, 1'000'000);
  EXPECT_NEAR(aimd.rate(), 1'510'000, 1);
  // And does not fall because less is sent.
  updates(100, Usage::normal, 100'000);
  EXPECT_NEAR(aimd.rate(), 1'510'000, 1);
}

TEST_F(BweAimdTest, FallsToAShareOfWhatArrives) {
  updates(1, Usage::over, 800'000);
  EXPECT_NEAR(aimd.rate(), 0.85 * 800'000 - 5000, 1);
  EXPECT_EQ(decreases, 1);
}

TEST_F(BweAimdTest, FallsOncePerRoundTrip) {
  updates(2, Usage::over, 800'000);
  EXPECT_EQ(decreases, 1);
  updates(1, Usage::over, 800'000);
  EXPECT_EQ(decreases, 2);
  // Unless much less arrives.
  updates(1, Usage::over, 200'000);
  EXPECT_EQ(decreases, 3);
}

TEST_F(BweAimdTest, OveruseNeverRaises) {
  updates(1, Usage::over, 3'000'000);
  EXPECT_LE(aimd.rate(), 1'000'000);
}

TEST_F(BweAimdTest, HalvesWhereNothingIsKnown) {
  updates(1, Usage::over, std::nullopt);
  EXPECT_NEAR(aimd.rate(), 500'000, 1);
  updates(1, Usage::over, std::nullopt);
  EXPECT_NEAR(aimd.rate(), 500'000, 1);
  updates(200, Usage::over, std::nullopt);
  EXPECT_EQ(aimd.rate(), 30'000);
}

TEST_F(BweAimdTest, HoldsWhileTheQueueEmpties) {
  updates(50, Usage::under, 1'000'000);
  EXPECT_EQ(aimd.rate(), 1'000'000);
}

TEST_F(BweAimdTest, RisesSlowlyNearTheKnownCapacity) {
  updates(1, Usage::over, 1'000'000);
  const double fallen = aimd.rate();
  updates(1, Usage::normal, 1'000'000);
  updates(20, Usage::normal, 1'000'000);
  EXPECT_GT(aimd.rate(), fallen + 4000);
  EXPECT_LT(aimd.rate(), fallen + 40'000);
  // Far more arrives: it was not the capacity.
  updates(20, Usage::normal, 2'000'000);
  EXPECT_GT(aimd.rate(), fallen + 60'000);
}

TEST_F(BweAimdTest, StaysWithinItsLimits) {
  aimd.set(1e12, now);
  EXPECT_EQ(aimd.rate(), 5'000'000);
  updates(100, Usage::normal, 1e12);
  EXPECT_EQ(aimd.rate(), 5'000'000);
  aimd.set(0, now);
  EXPECT_EQ(aimd.rate(), 30'000);
}

}  // namespace
}  // namespace liaison::bwe
