#include "sim/audio_source.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "sim/stamp.hpp"

namespace liaison::sim {
namespace {

const Instant start = Instant{} + seconds(100);

// What is sent from `from` on, by someone who asks exactly when told to.
std::vector<AudioFrame> run(AudioSource& source, Instant until) {
  std::vector<AudioFrame> frames;
  while (source.deadline() < until) {
    const Instant now = source.deadline();
    if (const auto frame = source.next(now)) frames.push_back(*frame);
    EXPECT_GT(source.deadline(), now);
  }
  return frames;
}

TEST(AudioSource, TalksInFramesOfTwentyMilliseconds) {
  AudioSource source({}, Random(1), start);
  source.force(true);
  const auto frames = run(source, start + seconds(10));
  ASSERT_EQ(frames.size(), 500U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].frame, i);
    EXPECT_EQ(frames[i].captured, start + i * AudioSource::frame_length);
    EXPECT_EQ(frames[i].timestamp, static_cast<std::uint32_t>(frames[0].timestamp + i * 960));
    EXPECT_EQ(frames[i].marker, i == 0);
    EXPECT_TRUE(frames[i].level.voice);
    EXPECT_LE(frames[i].level.level, 45);
    EXPECT_GE(frames[i].size, 60U);
    EXPECT_LE(frames[i].size, 160U);
  }
}

TEST(AudioSource, SilenceIsSentRarely) {
  AudioSource source({}, Random(2), start);
  source.force(true);
  run(source, start + seconds(1));
  source.force(false);
  const auto frames = run(source, start + seconds(21));
  // 200 ms as before, and then one in 400 ms.
  EXPECT_NEAR(static_cast<double>(frames.size()), 10 + (20.0 - 0.2) / 0.4, 1);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_FALSE(frames[i].level.voice);
    EXPECT_GE(frames[i].level.level, 75);
    EXPECT_EQ(frames[i].size, stamp_size);
    EXPECT_FALSE(frames[i].marker);
    if (i > 0) {
      const Duration between = frames[i].captured - frames[i - 1].captured;
      EXPECT_EQ(between, i < 10 ? AudioSource::frame_length : AudioSource::dtx_interval) << i;
      EXPECT_EQ(frames[i].timestamp - frames[i - 1].timestamp,
                static_cast<std::uint32_t>(between / AudioSource::frame_length) * 960);
    }
  }
  // Whoever begins to talk is not kept waiting, and the timestamps know how long it was still.
  source.force(true);
  const auto next = run(source, start + seconds(22));
  ASSERT_FALSE(next.empty());
  EXPECT_TRUE(next[0].marker);
  EXPECT_EQ(next[0].captured, frames.back().captured + AudioSource::frame_length);
  const AudioFrame& last = frames.back();
  EXPECT_EQ(next[0].timestamp - last.timestamp, 960U);
}

TEST(AudioSource, WhatWasDrawnDoesNotWakeOneWhoIsToldToBeSilent) {
  AudioSource source({}, Random(8), start);
  source.force(false);
  while (source.deadline() < start + minutes(1)) EXPECT_TRUE(source.next(source.deadline()));
}

TEST(AudioSource, WithoutDtxSilenceIsSentLikeAnythingElse) {
  AudioSource source({.dtx = false}, Random(3), start);
  source.force(false);
  EXPECT_EQ(run(source, start + seconds(10)).size(), 500U);
}

TEST(AudioSource, OneThatIsAskedLateGivesTheFrameOfThen) {
  AudioSource source({}, Random(4), start);
  source.force(true);
  const auto first = source.next(start);
  EXPECT_FALSE(source.next(start + milliseconds(19)));
  const auto late = source.next(start + milliseconds(105));
  ASSERT_TRUE(first && late);
  EXPECT_EQ(late->captured, start + milliseconds(100));
  EXPECT_EQ(late->timestamp - first->timestamp, 5 * 960U);
  EXPECT_EQ(late->frame, 1U);
  EXPECT_EQ(source.deadline(), start + milliseconds(120));
}

TEST(AudioSource, SpurtsAndPausesHaveTheirMeans) {
  AudioSource source({.spurt = seconds(2), .pause = seconds(3)}, Random(5), start);
  const auto frames = run(source, start + hours(2));
  std::size_t spoken = 0;
  std::size_t spurts = 0;
  for (const AudioFrame& frame : frames) {
    spoken += frame.level.voice;
    spurts += frame.marker;
  }
  const double talk_seconds = static_cast<double>(spoken) * 0.02;
  EXPECT_NEAR(talk_seconds / 7200, 0.4, 0.03);
  // Pauses below the hangover join two spurts: 6 % of them.
  EXPECT_NEAR(static_cast<double>(spurts), 7200.0 / 5, 7200.0 / 5 * 0.15);
}

TEST(AudioSource, OneSeedIsOneVoice) {
  const auto voice = [](std::uint64_t seed) {
    AudioSource source({}, Random(seed), start);
    std::vector<std::size_t> sizes;
    for (const AudioFrame& frame : run(source, start + seconds(20))) sizes.push_back(frame.size);
    return sizes;
  };
  EXPECT_EQ(voice(6), voice(6));
  EXPECT_NE(voice(6), voice(7));
}

}  // namespace
}  // namespace liaison::sim
