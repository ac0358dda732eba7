#include "bwe/queue_delay.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

class BweQueueDelayTest : public testing::Test {
 protected:
  // Feedback every 50 ms for so long with this one-way delay; counts the warnings.
  int feed(int ms, int delay_ms, std::size_t packets = 10) {
    int warnings = 0;
    for (int i = 0; i < ms; i += 50) {
      now += milliseconds(50);
      // Clocks differ: the delay may be negative.
      queue.update(milliseconds(delay_ms - 1000), packets, now);
      warnings += queue.standing(now) ? 1 : 0;
    }
    return warnings;
  }
  Instant now = Instant(seconds(100));
  QueueDelay queue;
};

TEST_F(BweQueueDelayTest, IsWhatIsAboveTheLeast) {
  feed(1000, 30);
  EXPECT_EQ(queue.delay(), milliseconds(0));
  feed(50, 75);
  EXPECT_EQ(queue.delay(), milliseconds(45));
  feed(50, 20);
  EXPECT_EQ(queue.delay(), milliseconds(0));
}

TEST_F(BweQueueDelayTest, ALongerPathIsNoQueueAfterFiveSeconds) {
  feed(1000, 30);
  feed(4000, 80);
  EXPECT_EQ(queue.delay(), milliseconds(50));
  feed(2000, 80);
  EXPECT_EQ(queue.delay(), milliseconds(0));
}

TEST_F(BweQueueDelayTest, AQueueThatComesAndGoesIsNoLongerPath) {
  feed(1000, 30);
  for (int i = 0; i < 30; ++i) {
    feed(400, 80);
    feed(400, 130);
  }
  EXPECT_EQ(queue.delay(), milliseconds(100));
}

TEST_F(BweQueueDelayTest, TheFloorIsOfSeveralPackets) {
  feed(1000, 30);
  feed(50, 35, 2);
  feed(150, 60, 3);
  EXPECT_EQ(queue.delay(), milliseconds(30));
  EXPECT_EQ(queue.floor(), milliseconds(30));  // nine packets
  feed(50, 31, 1);
  feed(50, 90, 2);
  EXPECT_EQ(queue.floor(), milliseconds(1));
}

TEST_F(BweQueueDelayTest, GrowsFromFeedbackToFeedback) {
  feed(1000, 30);
  feed(50, 60);
  EXPECT_FALSE(queue.growing());
  feed(50, 100);
  EXPECT_TRUE(queue.growing());
  feed(50, 100);
  EXPECT_FALSE(queue.growing());
  feed(50, 150);
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, FewPacketsDoNotTellThatItGrows) {
  feed(1000, 30);
  feed(50, 60, 2);
  feed(50, 100, 2);
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, IsBusyWhenItWasNotEmptyForAWhile) {
  feed(1000, 30);
  feed(450, 45);
  EXPECT_FALSE(queue.busy(now));
  feed(100, 45);
  EXPECT_TRUE(queue.busy(now));
  feed(50, 32);
  EXPECT_FALSE(queue.busy(now));
}

TEST_F(BweQueueDelayTest, WarnsOfAQueueThatStands) {
  feed(1000, 30);
  EXPECT_EQ(feed(300, 400), 0);
  EXPECT_EQ(feed(50, 400), 1);
  EXPECT_EQ(feed(10'000, 270), 0);  // below it
}

TEST_F(BweQueueDelayTest, WarnsSeldomOfAQueueThatOthersFill) {
  feed(1000, 30);
  // It varies, as queues do.
  const auto feed_queue = [&](int ms) {
    int warnings = 0;
    for (int fed = 0; fed < ms; fed += 400) warnings += feed(200, 400) + feed(200, 450);
    return warnings;
  };
  // After 0.3 s, then 1, 2, 4, 8, 16, 16 … seconds.
  EXPECT_EQ(feed_queue(16'000), 5);
  EXPECT_EQ(feed_queue(160'000), 10);
  // Nor does it take it for the path's own within ten minutes.
  EXPECT_GE(feed_queue(60'000), 3);
}

TEST_F(BweQueueDelayTest, WarnsOftenWhereThatHelps) {
  feed(1000, 30);
  EXPECT_EQ(feed(400, 1500), 1);
  EXPECT_EQ(feed(1000, 1100), 1);
  EXPECT_EQ(feed(1000, 700), 1);
  EXPECT_EQ(feed(1000, 400), 1);
}

}  // namespace
}  // namespace liaison::bwe
