#include "bwe/loss_based.hpp"

#include <gtest/gtest.h>

#include "bwe/test_path.hpp"

namespace liaison::bwe {
namespace {

using State = LossBased::State;

class BweLossBasedTest : public testing::Test {
 protected:
  // So many seconds at a rate of which a share is lost, whatever the estimate is.
  void send(double duration_s, double rate, double share, double delay_based) {
    const int packets = static_cast<int>(duration_s * rate / 8000);
    for (int i = 0; i < packets; ++i) {
      now += Duration(static_cast<std::int64_t>(8000 / rate * 1e9));
      PacketResult packet;
      packet.sent = now;
      packet.bytes = 1000;
      packet.received = random.draw() >= share;
      loss.packet(packet);
      if (i % 5 == 4) loss.update(delay_based, rate * (1 - share), false, now);
    }
  }
  // At the rate of the estimate on a path that carries no more than `capacity`.
  void follow(double duration_s, double capacity, double share, double delay_based) {
    for (int left = static_cast<int>(duration_s * 10); left > 0; --left) {
      const double rate = std::min(delay_based, loss.limit().value_or(delay_based));
      const double too_much = rate > capacity ? 1 - capacity / rate : 0;
      send(0.1, rate, share + (1 - share) * too_much, delay_based);
    }
  }
  double limit() const { return loss.limit().value_or(0); }

  Instant now = Instant(seconds(100));
  LossBased loss{{30'000, 100'000'000}};
  TestRandom random{1};
};

TEST_F(BweLossBasedTest, SaysNothingWithoutLoss) {
  send(10, 1'000'000, 0, 1'000'000);
  EXPECT_EQ(loss.state(), State::delay_based);
  EXPECT_FALSE(loss.limit());
  EXPECT_EQ(loss.loss(), 0);
}

TEST_F(BweLossBasedTest, DoesNotMindLittleLossThatComesAnyway) {
  follow(30, 1e9, 0.02, 1'000'000);
  EXPECT_FALSE(loss.limit());
  EXPECT_NEAR(loss.loss(), 0.02, 0.02);
  EXPECT_GT(loss.inherent(), 0.001);
}

TEST_F(BweLossBasedTest, FallsWithHeavyLoss) {
  follow(10, 500'000, 0, 1'000'000);
  ASSERT_TRUE(loss.limit());
  EXPECT_LT(limit(), 650'000);
  EXPECT_GT(limit(), 400'000);
}

TEST_F(BweLossBasedTest, RecoversWhenLossEnds) {
  follow(10, 500'000, 0, 1'000'000);
  ASSERT_TRUE(loss.limit());
  follow(10, 1e9, 0, 1'000'000);
  EXPECT_EQ(loss.state(), State::delay_based);
}

TEST_F(BweLossBasedTest, HoldsAfterAFall) {
  follow(2, 300'000, 0, 1'000'000);
  EXPECT_EQ(loss.state(), State::decreasing);
}

TEST_F(BweLossBasedTest, WhatArrivesAfterAllWasNotLost) {
  for (int i = 0; i < 2000; ++i) {
    now += milliseconds(1);
    PacketResult packet;
    packet.sent = now;
    packet.bytes = 1000;
    loss.packet(packet);  // lost
    packet.received = true;
    packet.was_lost = true;
    loss.packet(packet);
    if (i % 50 == 49) loss.update(1'000'000, std::nullopt, false, now);
  }
  EXPECT_EQ(loss.loss(), 0);
  EXPECT_FALSE(loss.limit());
}

TEST_F(BweLossBasedTest, NeverFallsBelowWhatArrives) {
  send(10, 1'000'000, 0.3, 1'000'000);
  EXPECT_GE(limit(), 690'000);
}

TEST_F(BweLossBasedTest, AProbeRaisesIt) {
  follow(10, 500'000, 0, 1'000'000);
  ASSERT_TRUE(loss.limit());
  // Not while it falls.
  const double before = limit();
  if (loss.state() == State::decreasing) {
    loss.probed(900'000);
    EXPECT_EQ(limit(), before);
  }
  while (loss.state() == State::decreasing) follow(0.25, 1e9, 0, 1'000'000);
  if (loss.limit()) {
    loss.probed(900'000);
    EXPECT_GE(limit(), 900'000);
  }
}

TEST_F(BweLossBasedTest, StaysWithinItsLimits) {
  send(20, 100'000, 1, 100'000);
  EXPECT_GE(limit(), 30'000);
  EXPECT_LE(limit(), 100'000);
}

}  // namespace
}  // namespace liaison::bwe
