#include "bwe/arrival_group.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

class BweArrivalGroupsTest : public testing::Test {
 protected:
  static Instant at(int ms) { return Instant(seconds(100)) + milliseconds(ms); }
  std::optional<ArrivalGroups::Difference> receive(int sent_ms, int arrived_ms) {
    return groups.received(at(sent_ms), at(arrived_ms), at(arrived_ms + 20));
  }
  ArrivalGroups groups;
};

TEST_F(BweArrivalGroupsTest, ComparesFinishedGroups) {
  EXPECT_FALSE(receive(0, 50));
  EXPECT_FALSE(receive(4, 54));   // the same group
  EXPECT_FALSE(receive(20, 72));  // the second begins
  const auto difference = receive(40, 95);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->sent, milliseconds(16));
  EXPECT_EQ(difference->arrived, milliseconds(18));
}

TEST_F(BweArrivalGroupsTest, WhatArrivesInOneBurstIsOneGroup) {
  receive(0, 50);
  receive(20, 100);
  // Held up somewhere, then let go at once.
  EXPECT_FALSE(receive(40, 101));
  EXPECT_FALSE(receive(60, 102));
  const auto difference = receive(80, 130);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->sent, milliseconds(60));
  EXPECT_EQ(difference->arrived, milliseconds(52));
}

TEST_F(BweArrivalGroupsTest, ABurstHasAnEnd) {
  receive(0, 50);
  int groups_seen = 0;
  for (int i = 1; i < 100; ++i) groups_seen += receive(i * 10, 100 + i * 4).has_value() ? 1 : 0;
  EXPECT_GE(groups_seen, 2);
}

TEST_F(BweArrivalGroupsTest, IgnoresWhatBelongsToAGroupBefore) {
  receive(20, 50);
  receive(40, 70);
  EXPECT_FALSE(receive(10, 71));
  ASSERT_TRUE(receive(60, 90));
}

TEST_F(BweArrivalGroupsTest, BeginsAnewWithAnotherClock) {
  receive(0, 50);
  receive(20, 70);
  groups.received(at(40), at(5000), at(91));
  EXPECT_FALSE(groups.received(at(60), at(5020), at(111)));
  EXPECT_FALSE(groups.received(at(80), at(5040), at(131)));
  EXPECT_TRUE(groups.received(at(100), at(5060), at(151)));
}

TEST_F(BweArrivalGroupsTest, BeginsAnewAfterThreeThatWentBack) {
  for (int i = 0; i < 4; ++i) receive(i * 20, 50 + i * 20);
  for (int i = 4; i < 8; ++i) EXPECT_FALSE(receive(i * 20, 50 - i * 20) && i > 4);
  // The first two after that only begin.
  int differences = 0;
  for (int i = 8; i < 12; ++i) differences += receive(i * 20, i * 20).has_value() ? 1 : 0;
  EXPECT_GT(differences, 0);
}

}  // namespace
}  // namespace liaison::bwe
