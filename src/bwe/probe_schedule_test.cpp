#include "bwe/probe_schedule.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

using Plan = ProbeSchedule::Plan;
using Stage = ProbeSchedule::Stage;

class BweProbeScheduleTest : public testing::Test {
 protected:
  Instant at(int ms) const { return start + milliseconds(ms); }
  std::optional<Plan> take(int ms) { return schedule.take(path, at(ms)); }
  // Past the probes of the start, with nothing found.
  void settle() {
    schedule.start(500'000, at(-1000));
    for (int i = 0; i < 2; ++i) {
      const auto plan = take(-1000);
      ASSERT_TRUE(plan);
      schedule.finished(*plan, 500'000, path, at(-1000));
    }
    path.estimate = 500'000;
  }
  // When the next comes, asked every 10 ms.
  int next(int from) {
    for (int ms = from; ms < from + 60'000; ms += 10) {
      if (const auto plan = take(ms)) {
        last = *plan;
        return ms;
      }
    }
    return -1;
  }

  const Instant start = Instant(seconds(1000));
  ProbeSchedule schedule{{30'000, 100'000'000}};
  ProbeSchedule::Path path{.estimate = 500'000, .clear = true, .heard = true};
  Plan last;
};

TEST_F(BweProbeScheduleTest, BeginsWithTwoAtOnce) {
  schedule.start(500'000, at(0));
  const auto first = take(0);
  const auto second = take(0);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->rate, 1'000'000);
  EXPECT_EQ(second->rate, 2'000'000);
  EXPECT_EQ(first->length, milliseconds(15));
  EXPECT_FALSE(take(10));
  EXPECT_EQ(schedule.finished(*first, 990'000, path, at(100)), 990'000);
  EXPECT_EQ(schedule.finished(*second, 1'200'000, path, at(100)), 1'200'000);
  // It passed less than 70 % of the second.
  EXPECT_FALSE(take(110));
}

TEST_F(BweProbeScheduleTest, DoublesAsLongAsTheyPass) {
  schedule.set_demand(20'000'000, 1'000'000, at(0));
  schedule.start(500'000, at(0));
  auto plan = take(0);
  schedule.finished(*plan, 1'000'000, path, at(100));
  plan = take(0);
  schedule.finished(*plan, 1'900'000, path, at(100));
  plan = take(100);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->rate, 3'800'000);
  schedule.finished(*plan, 3'000'000, path, at(200));
  plan = take(200);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->rate, 6'000'000);
}

TEST_F(BweProbeScheduleTest, TheStartAsksForNoMoreThanIsWanted) {
  schedule.set_demand(600'000, 600'000, at(0));
  schedule.start(500'000, at(0));
  const auto plan = take(0);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->rate, 1'000'000);
  const auto second = take(0);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->rate, 1'000'000);
}

TEST_F(BweProbeScheduleTest, WithoutADeficitThereIsNothing) {
  settle();
  EXPECT_EQ(next(0), -1);
  EXPECT_EQ(schedule.due(500'000), never);
  schedule.set_demand(470'000, 470'000, at(0));
  EXPECT_EQ(next(0), -1);
}

TEST_F(BweProbeScheduleTest, ProbesForTheNextStep) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  ASSERT_GE(next(0), 0);
  EXPECT_EQ(last.stage, Stage::step);
  EXPECT_NEAR(last.rate, 1.2 * 650'000, 1);
}

TEST_F(BweProbeScheduleTest, ProbesForNoMoreThanTwiceOrThanIsWanted) {
  settle();
  schedule.set_demand(9'000'000, 9'000'000, at(0));
  ASSERT_GE(next(0), 0);
  EXPECT_NEAR(last.rate, 1'000'000, 1);
  schedule.finished(last, std::nullopt, path, at(5000));
  schedule.set_demand(600'000, 600'000, at(5000));
  ASSERT_GE(next(5000), 0);
  EXPECT_NEAR(last.rate, 720'000, 1);
}

TEST_F(BweProbeScheduleTest, DoesNothingWhileThePathIsNotClear) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  path.clear = false;
  EXPECT_EQ(next(0), -1);
  path.clear = true;
  EXPECT_GE(next(60'000), 0);
}

TEST_F(BweProbeScheduleTest, BeforeAnAnswerThereIsOnlyTheStart) {
  path.heard = false;
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  EXPECT_EQ(next(0), -1);
}

TEST_F(BweProbeScheduleTest, WaitsLongerAfterEachFailure) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  int now = next(0);
  std::vector<int> waits;
  for (int i = 0; i < 40; ++i) {
    schedule.finished(last, std::nullopt, path, at(now));
    const int after = next(now);
    ASSERT_GE(after, 0);
    waits.push_back(after - now);
    now = after;
  }
  EXPECT_EQ(waits[0], 700);
  EXPECT_EQ(waits[1], 1050);
  EXPECT_GE(waits[2], 1570);
  EXPECT_EQ(waits[8], 3000);
  EXPECT_EQ(waits.back(), 10'000);  // nothing has changed for more than a minute
}

TEST_F(BweProbeScheduleTest, GoesOnAtOnceAfterASuccess) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  const int now = next(0);
  EXPECT_EQ(schedule.finished(last, 700'000, path, at(now)), 700'000);
  path.estimate = 700'000;
  EXPECT_EQ(next(now), now + 50);
}

TEST_F(BweProbeScheduleTest, ABigStepIsConfirmed) {
  path.estimate = 1'000'000;
  settle();
  path.estimate = 1'000'000;
  schedule.set_demand(9'000'000, 2'500'000, at(0));
  int now = next(0);
  EXPECT_NEAR(last.rate, 2'000'000, 1);
  EXPECT_EQ(schedule.finished(last, 1'900'000, path, at(now)), std::nullopt);
  now = next(now);
  EXPECT_EQ(last.stage, Stage::confirm);
  EXPECT_EQ(last.length, milliseconds(250));
  EXPECT_EQ(last.rate, 1'900'000);
  EXPECT_EQ(schedule.finished(last, 1'850'000, path, at(now)), 1'850'000);

  // What does not last is not believed.
  now = next(now);
  EXPECT_EQ(schedule.finished(last, 1'900'000, path, at(now)), std::nullopt);
  now = next(now);
  EXPECT_EQ(last.stage, Stage::confirm);
  EXPECT_EQ(schedule.finished(last, 1'400'000, path, at(now)), std::nullopt);
  EXPECT_EQ(next(now), now + 700);
  EXPECT_EQ(last.stage, Stage::step);
}

TEST_F(BweProbeScheduleTest, AFallWaitsForTheQueue) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  schedule.fell(false, at(0));
  EXPECT_TRUE(schedule.waits_for_drain());
  EXPECT_EQ(next(0), -1);
  schedule.drained(at(60'000));
  EXPECT_EQ(next(60'000), 60'700);
}

TEST_F(BweProbeScheduleTest, AFallBecauseOfAProbeDoesNotShortenTheWait) {
  settle();
  schedule.set_demand(3'000'000, 650'000, at(0));
  int now = next(0);
  for (int i = 0; i < 3; ++i) {
    schedule.finished(last, std::nullopt, path, at(now));
    now = next(now);
  }
  schedule.fell(true, at(now));
  schedule.finished(last, std::nullopt, path, at(now));
  schedule.drained(at(now + 100));
  EXPECT_GT(next(now), now + 2000);
}

}  // namespace
}  // namespace liaison::bwe
