#include "sfu/loudest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace liaison::sfu {
namespace {

using Verdict = Loudest::Verdict;

class LoudestTest : public testing::Test {
 protected:
  // One packet in 20 ms of each, with its level; who was heard in the last round.
  std::set<std::uint64_t> heard(const std::vector<std::uint8_t>& levels, Duration time) {
    std::set<std::uint64_t> all;
    for (const Instant end = now + time; now < end; now += milliseconds(20)) {
      all.clear();
      for (std::size_t i = 0; i < levels.size(); ++i) {
        const Verdict verdict = loudest.level(TrackId{i + 1}, levels[i], now);
        if (verdict == Verdict::heard) all.insert(i + 1);
        ends += verdict == Verdict::ends ? 1 : 0;
      }
    }
    return all;
  }
  // So many in silence, and these levels instead of the first.
  static std::vector<std::uint8_t> room(std::size_t size, std::vector<std::uint8_t> levels) {
    levels.resize(size, 90);
    return levels;
  }

  Instant now = Instant{} + seconds(100);
  Loudest loudest;
  int ends = 0;
};

TEST_F(LoudestTest, InASmallGroupEverybodyIsHeard) {
  EXPECT_EQ(heard(std::vector<std::uint8_t>(8, 30), seconds(3)).size(), 8U);
  EXPECT_EQ(heard(std::vector<std::uint8_t>(8, 127), seconds(3)).size(), 8U);
  EXPECT_EQ(ends, 0);
}

TEST_F(LoudestTest, InALargeGroupTheLoudestAre) {
  heard(room(20, {}), seconds(1));
  EXPECT_EQ(heard(room(20, {50, 20, 40, 25, 55, 30, 45}), seconds(3)),
            (std::set<std::uint64_t>{2, 4, 6, 3}));
}

TEST_F(LoudestTest, AVoiceIsHeardFromItsFirstPacket) {
  heard(room(20, {}), seconds(5));
  EXPECT_EQ(loudest.level(TrackId{17}, 35, now), Verdict::heard);
}

TEST_F(LoudestTest, KeepsItsPlaceForTwoSeconds) {
  heard(room(20, {30, 30, 30, 30}), seconds(3));
  // The first falls silent, another begins to speak, not louder than the others.
  const auto now_others = room(20, {90, 30, 30, 30, 32});
  EXPECT_TRUE(heard(now_others, milliseconds(1900)).contains(1));
  EXPECT_EQ(heard(now_others, milliseconds(300)), (std::set<std::uint64_t>{2, 3, 4, 5}));
  EXPECT_GE(ends, 1);
}

TEST_F(LoudestTest, WhoIsClearlyLouderTakesAPlaceAtOnce) {
  heard(room(20, {50, 40, 40, 40}), seconds(3));
  EXPECT_FALSE(heard(room(20, {50, 40, 40, 40, 46}), seconds(1)).contains(5));
  EXPECT_EQ(heard(room(20, {50, 40, 40, 40, 35}), milliseconds(60)),
            (std::set<std::uint64_t>{2, 3, 4, 5}));
}

TEST_F(LoudestTest, NoiseTakesNoPlaceFromAnybody) {
  heard(room(20, {}), seconds(5));
  ends = 0;
  std::vector<std::uint8_t> noise;
  for (std::uint8_t i = 0; i < 20; ++i) noise.push_back(static_cast<std::uint8_t>(62 + i));
  const auto first = heard(noise, milliseconds(20));
  for (int i = 0; i < 100; ++i) {
    std::ranges::rotate(noise, noise.begin() + 1);
    EXPECT_EQ(heard(noise, milliseconds(20)), first);
  }
  EXPECT_EQ(ends, 0);
}

TEST_F(LoudestTest, WhoGoesLeavesAPlace) {
  heard(room(9, {30, 30, 30, 30, 31}), seconds(3));
  EXPECT_EQ(loudest.level(TrackId{5}, 31, now), Verdict::quiet);
  loudest.remove(TrackId{2});
  EXPECT_EQ(loudest.level(TrackId{5}, 31, now), Verdict::heard);
  EXPECT_EQ(loudest.level(TrackId{9}, 90, now), Verdict::heard) << "they are eight now";
}

TEST_F(LoudestTest, WhenTheGroupGrowsThoseWithoutAPlaceEndOnce) {
  heard(room(8, {30, 30, 30, 30}), seconds(3));
  heard(room(9, {30, 30, 30, 30}), milliseconds(100));
  EXPECT_EQ(ends, 4) << "the ninth was never heard";
}

}  // namespace
}  // namespace liaison::sfu
