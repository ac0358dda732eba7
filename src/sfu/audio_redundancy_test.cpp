#include "sfu/audio_redundancy.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

class AudioRedundancyTest : public testing::Test {
 protected:
  // One update in 100 ms.
  void lose(double loss, Duration time, Duration queue = {}) {
    for (const Instant end = now + time; now < end; now += milliseconds(100))
      redundancy.update(loss, queue, now);
  }

  Instant now = Instant{} + seconds(100);
  AudioRedundancy redundancy;
};

TEST_F(AudioRedundancyTest, NothingIsSentAgainWhereNothingIsLost) {
  lose(0, seconds(30));
  EXPECT_EQ(redundancy.frames(), 0U);
  lose(0.019, seconds(30));
  EXPECT_EQ(redundancy.frames(), 0U);
}

TEST_F(AudioRedundancyTest, TheMoreIsLostTheMoreIsSentAgainAndAtOnce) {
  lose(0.03, milliseconds(100));
  EXPECT_EQ(redundancy.frames(), 1U);
  lose(0.1, milliseconds(100));
  EXPECT_EQ(redundancy.frames(), 2U);
  lose(0.3, milliseconds(100));
  EXPECT_EQ(redundancy.frames(), 3U);
}

TEST_F(AudioRedundancyTest, GoesOnUntilLossesHaveStayedAway) {
  lose(0.3, seconds(1));
  lose(0, seconds(9));
  EXPECT_EQ(redundancy.frames(), 3U);
  lose(0, seconds(1) + milliseconds(100));
  EXPECT_EQ(redundancy.frames(), 0U);
}

TEST_F(AudioRedundancyTest, ALossNearTheThresholdIsNoReasonToChange) {
  lose(0.03, seconds(1));
  lose(0.011, seconds(60));
  EXPECT_EQ(redundancy.frames(), 1U);
  lose(0.21, milliseconds(100));
  lose(0.15, seconds(60));
  EXPECT_EQ(redundancy.frames(), 3U);
  lose(0.09, seconds(11));
  EXPECT_EQ(redundancy.frames(), 2U);
}

TEST_F(AudioRedundancyTest, WhatAFullQueueLosesIsNoReason) {
  lose(0.3, seconds(1), milliseconds(300));
  // The queue is out, and the figure still remembers.
  lose(0.3, AudioRedundancy::memory - milliseconds(200));
  EXPECT_EQ(redundancy.frames(), 0U);
  lose(0.3, seconds(1));
  EXPECT_EQ(redundancy.frames(), 3U) << "it was not the queue after all";
  // And none to give up what there is.
  lose(0, seconds(60), milliseconds(300));
  EXPECT_EQ(redundancy.frames(), 3U);
}

TEST_F(AudioRedundancyTest, AnotherLossMeanwhileBeginsTheWaitAnew) {
  lose(0.05, seconds(1));
  lose(0, seconds(9));
  lose(0.02, milliseconds(100));
  lose(0, seconds(9));
  EXPECT_EQ(redundancy.frames(), 1U);
}

}  // namespace
}  // namespace liaison::sfu
