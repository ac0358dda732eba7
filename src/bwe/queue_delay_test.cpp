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
  // One every 10 ms.
  void packets(std::initializer_list<int> delays_ms, bool probe = false) {
    for (const int delay_ms : delays_ms) {
      now += milliseconds(10);
      queue.packet(milliseconds(delay_ms - 1000), now, probe);
    }
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

TEST_F(BweQueueDelayTest, GrowsFromPacketToPacket) {
  feed(1000, 30);
  packets({30, 30, 40, 50, 60, 70, 80});
  EXPECT_FALSE(queue.growing()) << "the least of three has risen by 30 ms";
  packets({90, 100});
  EXPECT_FALSE(queue.growing()) << "by 50 ms now";
  packets({110});
  EXPECT_TRUE(queue.growing());
  packets({110, 110, 110, 108, 108, 108});
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, OneStepIsAnotherPath) {
  feed(1000, 30);
  packets({30, 30, 30, 110, 110, 110, 110, 110, 110});
  EXPECT_FALSE(queue.growing());
  packets({112, 114, 116, 118});
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, WhatAnUnsteadyLinkHeldBackComesFasterAndFaster) {
  feed(1000, 30);
  packets({150, 140, 130, 120, 110, 100, 90});
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, JitterIsNoGrowth) {
  feed(1000, 30);
  packets({30, 60, 35, 70, 32, 90, 31, 100, 33, 80, 30, 95});
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, GrowsThroughJitter) {
  feed(1000, 30);
  packets({30, 45, 30, 60, 50, 80, 65, 95, 85, 120, 105, 130, 115});
  EXPECT_TRUE(queue.growing());
}

TEST_F(BweQueueDelayTest, GrowsSlowlyIsNotGrowing) {
  feed(1000, 30);
  for (int delay = 30; delay < 150; ++delay) packets({delay});
  EXPECT_FALSE(queue.growing());
}

TEST_F(BweQueueDelayTest, AProbeMayMakeAQueue) {
  feed(1000, 30);
  packets({30, 40, 50, 60, 70, 80, 90, 100}, true);
  EXPECT_FALSE(queue.growing());
  packets({110, 120, 130, 140, 150});
  EXPECT_TRUE(queue.growing()) << "but not such a one";
}

TEST_F(BweQueueDelayTest, AShortQueueMayGrow) {
  feed(1000, 30);
  packets({30, 35, 42, 49, 56, 63, 70, 77, 84});
  EXPECT_FALSE(queue.growing()) << "the least of three has come to 40 ms";
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
