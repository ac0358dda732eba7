#include "sfu/speaker.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace liaison::sfu {
namespace {

constexpr std::uint8_t silent = 127;
constexpr std::uint8_t noise = 90;
constexpr std::uint8_t speech = 25;

class SpeakerDetectorTest : public testing::Test {
 protected:
  using Levels = std::map<std::uint64_t, std::uint8_t>;

  // One packet of each track every 20 ms, in a fixed order; nothing for tracks that are not named.
  void run(int ms, const Levels& levels) {
    for (const int end = elapsed + ms; elapsed < end; elapsed += 20) {
      for (const auto& [track, level] : levels) detector.level(TrackId{track}, level, now());
      tick();
    }
  }
  void tick() {
    if (now() < detector.deadline()) return;
    if (const auto change = detector.tick(now())) changes.emplace_back(elapsed, change->value);
  }
  Instant now() const { return Instant(seconds(100)) + milliseconds(elapsed); }
  std::uint64_t current() const { return changes.empty() ? 0 : changes.back().second; }

  SpeakerDetector detector;
  int elapsed = 0;
  std::vector<std::pair<int, std::uint64_t>> changes;
};

TEST_F(SpeakerDetectorTest, NamesNobodyInSilenceAndSleeps) {
  run(2000, {{1, silent}, {2, silent}});
  EXPECT_TRUE(changes.empty());
  EXPECT_EQ(detector.deadline(), never);
  EXPECT_EQ(detector.size(), 0U);
}

TEST_F(SpeakerDetectorTest, NamesNobodyForSteadyNoise) {
  run(5000, {{1, noise}, {2, noise}});
  EXPECT_TRUE(changes.empty());
}

TEST_F(SpeakerDetectorTest, NamesWhoSpeaksFirst) {
  // The first level says what is noise on this track.
  run(200, {{1, noise}, {2, noise}});
  run(2000, {{1, noise}, {2, speech}});
  EXPECT_EQ(current(), 2U);
  EXPECT_EQ(changes.size(), 1U);
  EXPECT_LE(changes[0].first, 1100);
}

TEST_F(SpeakerDetectorTest, FollowsTheConversation) {
  run(200, {{1, noise}, {2, noise}});
  run(3000, {{1, speech}, {2, noise}});
  EXPECT_EQ(current(), 1U);
  run(3000, {{1, noise}, {2, speech}});
  EXPECT_EQ(current(), 2U);
  run(3000, {{1, noise}, {2, noise}});
  EXPECT_EQ(current(), 2U);  // who spoke last stays, in silence
  EXPECT_EQ(changes.size(), 2U);
}

TEST_F(SpeakerDetectorTest, KeepsTheFloorAgainstAShortSound) {
  run(200, {{1, noise}, {2, noise}});
  run(3000, {{1, speech}, {2, noise}});
  run(100, {{1, speech}, {2, 0}});  // a cough
  run(1000, {{1, speech}, {2, noise}});
  EXPECT_EQ(current(), 1U);
  EXPECT_EQ(changes.size(), 1U);
}

TEST_F(SpeakerDetectorTest, TellsAChangeOnlyWhenItPersists) {
  run(200, {{1, noise}});
  run(3000, {{1, speech}});
  ASSERT_EQ(current(), 1U);
  const int begin = elapsed;
  run(3000, {{1, silent}, {2, noise}});
  run(3000, {{1, silent}, {2, speech}});
  ASSERT_EQ(current(), 2U);
  // Not before the second decision that names it.
  EXPECT_GE(changes.back().first - begin - 3000, 300);
}

TEST_F(SpeakerDetectorTest, ReadsSilenceFromMissingPackets) {
  run(200, {{1, noise}, {2, noise}});
  run(3000, {{1, speech}, {2, noise}});
  run(3000, {{2, speech}});  // the first stops sending: DTX
  EXPECT_EQ(current(), 2U);
}

TEST_F(SpeakerDetectorTest, CountsLongPacketsForTheirTime) {
  run(200, {{1, noise}});
  for (int i = 0; i < 50; ++i, elapsed += 60) {
    detector.level(TrackId{1}, speech, now());
    tick();
  }
  EXPECT_EQ(current(), 1U);
}

TEST_F(SpeakerDetectorTest, SaysAtOnceThatTheSpeakerIsGone) {
  run(200, {{1, noise}, {2, noise}});
  run(2000, {{1, speech}, {2, noise}});
  ASSERT_EQ(current(), 1U);
  detector.remove(TrackId{1}, now());
  EXPECT_EQ(detector.deadline(), now());
  tick();
  EXPECT_EQ(changes.back(), std::make_pair(elapsed, std::uint64_t{0}));
  run(2000, {{2, speech}});
  EXPECT_EQ(current(), 2U);
  detector.remove(TrackId{7}, now());  // nobody
  EXPECT_EQ(detector.size(), 1U);
}

TEST_F(SpeakerDetectorTest, WatchesALimitedNumber) {
  Levels levels;
  for (std::uint64_t track = 1; track <= 100; ++track) levels[track] = noise;
  run(1000, levels);
  EXPECT_EQ(detector.size(), SpeakerDetector::max_speakers);
  // The noise of 100 people does not keep out the voice of one.
  levels[100] = speech;
  run(3000, levels);
  EXPECT_EQ(current(), 100U);
  EXPECT_EQ(detector.size(), SpeakerDetector::max_speakers);
  // Nor does that of those who have a place, nor the one who spoke before.
  levels[100] = noise;
  levels[99] = speech;
  run(3000, levels);
  EXPECT_EQ(current(), 99U);
}

TEST_F(SpeakerDetectorTest, KeepsThePlaceOfWhoeverSpokeOfLate) {
  Levels levels;
  for (std::uint64_t track = 1; track <= 64; ++track) levels[track] = speech;
  run(1000, levels);
  // As loud as they are: there is no reason to forget one of them.
  levels[100] = speech;
  run(1000, levels);
  EXPECT_NE(current(), 100U);
  EXPECT_EQ(detector.size(), SpeakerDetector::max_speakers);
  // One has fallen silent.
  levels[7] = silent;
  run(5000, levels);
  for (std::uint64_t track = 1; track <= 64; ++track) levels[track] = silent;
  run(3000, levels);
  EXPECT_EQ(current(), 100U);
}

TEST_F(SpeakerDetectorTest, TakesLevelsBeyondTheScaleAsSilence) {
  run(1000, {{1, 255}});
  EXPECT_EQ(detector.size(), 0U);
}

}  // namespace
}  // namespace liaison::sfu
