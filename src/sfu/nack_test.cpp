#include "sfu/nack.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

using Wish = NackGenerator::Wish;
using Sequences = std::vector<std::uint16_t>;

class NackGeneratorTest : public testing::Test {
 protected:
  Instant at(int ms) const { return start + milliseconds(ms); }
  void receive(std::initializer_list<std::uint64_t> seqs, int ms) {
    for (const std::uint64_t seq : seqs) nack.received(seq, at(ms));
  }
  Sequences due(int ms, Duration rtt = milliseconds(50)) {
    Sequences out;
    wish = nack.collect(at(ms), rtt, out);
    return out;
  }

  const Instant start = Instant(seconds(100));
  NackGenerator nack;
  Wish wish = Wish::nothing;
};

TEST_F(NackGeneratorTest, WantsNothingOfAWholeStream) {
  receive({100'000, 100'001, 100'002}, 0);
  EXPECT_EQ(nack.deadline(), never);
  EXPECT_EQ(due(0), Sequences{});
  EXPECT_EQ(wish, Wish::nothing);
}

TEST_F(NackGeneratorTest, WaitsTenMilliseconds) {
  receive({65536, 65539}, 0);
  EXPECT_EQ(nack.deadline(), at(10));
  EXPECT_EQ(due(9), Sequences{});
  EXPECT_EQ(due(10), (Sequences{1, 2}));
  EXPECT_EQ(wish, Wish::packets);
}

TEST_F(NackGeneratorTest, WaitsForTwoLaterPackets) {
  receive({65536, 65538}, 0);
  receive({65539}, 3);
  EXPECT_EQ(nack.deadline(), at(3));
  EXPECT_EQ(due(3), Sequences{1});
}

TEST_F(NackGeneratorTest, LeavesReorderedPacketsAlone) {
  receive({65536, 65538}, 0);
  receive({65537}, 2);
  EXPECT_EQ(nack.deadline(), never);
  receive({65539, 65540}, 3);
  EXPECT_EQ(due(50), Sequences{});
  // A late packet is no second packet after the gap.
  receive({65543}, 60);  // 65541 and 65542 are missing
  receive({65541}, 61);
  EXPECT_EQ(due(62), Sequences{});
  EXPECT_EQ(due(70), Sequences{6});
}

TEST_F(NackGeneratorTest, RepeatsWithTheRoundTripTime) {
  receive({65536, 65538, 65539}, 0);
  EXPECT_EQ(due(0), Sequences{1});
  EXPECT_EQ(nack.deadline(), at(50));
  EXPECT_EQ(due(49), Sequences{});
  EXPECT_EQ(due(50), Sequences{1});
  EXPECT_EQ(nack.deadline(), at(100));
  // On a short path no faster than every 20 ms.
  EXPECT_EQ(due(100, milliseconds(1)), Sequences{1});
  EXPECT_EQ(nack.deadline(), at(120));
  receive({65537}, 110);
  EXPECT_EQ(nack.deadline(), never);
  EXPECT_EQ(due(120), Sequences{});
}

TEST_F(NackGeneratorTest, GivesUpAfterEightTries) {
  receive({65536, 65538, 65539}, 0);
  int tries = 0;
  while (nack.deadline() != never) {
    Sequences out;
    nack.collect(nack.deadline(), milliseconds(1), out);
    tries += static_cast<int>(out.size());
    ASSERT_LE(tries, 8);
  }
  EXPECT_EQ(tries, 8);
  EXPECT_EQ(nack.missing_count(), 0U);
}

TEST_F(NackGeneratorTest, GivesUpAfterSixHundredMilliseconds) {
  receive({65536, 65538, 65539}, 0);
  EXPECT_EQ(due(0, milliseconds(300)), Sequences{1});
  EXPECT_EQ(due(300, milliseconds(300)), Sequences{1});
  EXPECT_EQ(due(600, milliseconds(300)), Sequences{});
  EXPECT_EQ(nack.deadline(), never);
  EXPECT_EQ(wish, Wish::nothing);
}

TEST_F(NackGeneratorTest, AsksForAKeyFrameWhenTooMuchIsMissing) {
  receive({65536, 65536 + 501}, 0);
  EXPECT_EQ(nack.missing_count(), 500U);
  EXPECT_EQ(due(0), Sequences{});
  receive({65536 + 503}, 1);  // one more
  EXPECT_EQ(nack.missing_count(), 0U);
  EXPECT_EQ(nack.deadline(), at(1));
  receive({65536 + 505}, 1);  // missing after the overflow
  EXPECT_EQ(due(1), Sequences{});
  EXPECT_EQ(wish, Wish::key_frame);
  EXPECT_EQ(due(11), Sequences{504});
  EXPECT_EQ(wish, Wish::packets);

  NackGenerator fresh;
  fresh.received(65536, at(0));
  fresh.received(UINT64_MAX / 2, at(0));  // whatever the gap
  Sequences out;
  EXPECT_EQ(fresh.collect(at(0), milliseconds(1), out), Wish::key_frame);
  EXPECT_EQ(fresh.deadline(), never);
}

// With a long round trip what is old waits beyond its age, and must not count as missing.
TEST_F(NackGeneratorTest, WhatIsTooOldTakesNoRoom) {
  receive({65536, 65536 + 401}, 0);
  EXPECT_EQ(due(10, seconds(2)).size(), 400U);
  receive({65536 + 602}, 590);  // 200 more, while the 400 may still come
  EXPECT_EQ(due(590, seconds(2)), Sequences{});
  EXPECT_EQ(wish, Wish::key_frame);

  nack = {};
  receive({65536, 65536 + 401}, 0);
  EXPECT_EQ(due(10, seconds(2)).size(), 400U);
  receive({65536 + 602}, 700);
  EXPECT_EQ(due(710, seconds(2)).size(), 200U);
  EXPECT_EQ(wish, Wish::packets);
}

TEST_F(NackGeneratorTest, ForgetsWhatAKeyFrameReplaces) {
  receive({65536, 65538, 65540, 65541}, 0);
  nack.forget_before(65539);
  EXPECT_EQ(due(0), Sequences{3});
  nack.forget_before(65541);
  EXPECT_EQ(nack.deadline(), never);
}

TEST_F(NackGeneratorTest, WrapsOnTheWire) {
  receive({131'070, 131'074, 131'075}, 0);
  EXPECT_EQ(due(0), (Sequences{65535, 0, 1}));
}

}  // namespace
}  // namespace liaison::sfu
