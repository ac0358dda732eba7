#include "bwe/competition.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

class CompetitionTest : public testing::Test {
 protected:
  // Feedback every 100 ms of what was sent in that time, 100 ms ago; `queue` changes by so much
  // each time.
  void run(Duration time, double sending, Duration change = {}) {
    for (const Instant end = now + time; now < end; now += milliseconds(100)) {
      queue = std::max(Duration{}, queue + change);
      const auto bytes = static_cast<std::size_t>(sending / 8 / 10);
      competition.update(queue, now - milliseconds(100), bytes, now);
    }
  }

  Instant now = Instant{} + seconds(100);
  Duration queue{};
  Competition competition;
};

TEST_F(CompetitionTest, NoDecreaseNoVerdict) {
  queue = milliseconds(100);
  run(seconds(20), 100'000);
  EXPECT_FALSE(competition.on(now));
}

TEST_F(CompetitionTest, AQueueThatStaysThoughLessIsSentIsThatOfOthers) {
  queue = milliseconds(100);
  run(seconds(1), 1e6);
  competition.decreased(1e6, queue, now);
  run(milliseconds(700), 0.8e6);
  EXPECT_FALSE(competition.on(now)) << "20 % less for 0.6 s are 120 ms";
  run(milliseconds(400), 0.8e6);
  EXPECT_TRUE(competition.on(now)) << "and for 0.8 s half as much again as there were";
  run(Competition::term, 0.5e6);
  EXPECT_FALSE(competition.on(now)) << "it is tried again";
}

TEST_F(CompetitionTest, AQueueOfOursGetsShorter) {
  queue = milliseconds(300);
  competition.decreased(1e6, queue, now);
  // By 20 ms in 100 ms, as it must at a fifth less; and slower.
  run(seconds(3), 0.8e6, -milliseconds(20));
  EXPECT_FALSE(competition.on(now));
  queue = milliseconds(300);
  competition.decreased(1e6, queue, now);
  run(seconds(3), 0.8e6, -milliseconds(12));
  EXPECT_FALSE(competition.on(now));
}

TEST_F(CompetitionTest, WhatTheQueueHeldBeforeTheDecreaseCountsForNothing) {
  queue = milliseconds(200);
  competition.decreased(1e6, queue, now + seconds(5));
  run(seconds(5), 0.1e6);
  EXPECT_FALSE(competition.on(now));
}

TEST_F(CompetitionTest, AsMuchAsIsCarriedEmptiesNothing) {
  queue = milliseconds(200);
  competition.decreased(1e6, queue, now);
  run(seconds(10), 1e6);
  EXPECT_FALSE(competition.on(now));
}

TEST_F(CompetitionTest, ALowerEstimateOfThePathBeginsAnew) {
  queue = milliseconds(200);
  competition.decreased(2e6, queue, now);
  run(milliseconds(500), 1e6);
  competition.decreased(1e6, queue, now);
  run(seconds(10), 0.99e6);
  EXPECT_FALSE(competition.on(now)) << "half of 2 Mbit/s was all that the path carries";
}

TEST_F(CompetitionTest, EndsWhenTheQueueHasBeenEmpty) {
  queue = milliseconds(100);
  competition.decreased(1e6, queue, now);
  run(seconds(2), 0.5e6);
  ASSERT_TRUE(competition.on(now));
  queue = milliseconds(5);
  run(milliseconds(900), 0.5e6);
  EXPECT_TRUE(competition.on(now));
  run(milliseconds(300), 0.5e6);
  EXPECT_FALSE(competition.on(now));
}

}  // namespace
}  // namespace liaison::bwe
