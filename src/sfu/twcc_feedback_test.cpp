#include "sfu/twcc_feedback.hpp"

#include <gtest/gtest.h>

#include <map>

namespace liaison::sfu {
namespace {

class FeedbackSenderTest : public testing::Test {
 protected:
  struct Told {
    std::uint16_t base = 0;
    std::uint8_t count = 0;
    std::uint32_t media_ssrc = 0;
    std::vector<std::pair<std::uint16_t, bool>> statuses;
  };

  Instant at(int ms) const { return Instant(seconds(64)) + milliseconds(ms); }
  void receive(std::uint16_t sequence, int ms, std::size_t size = 100) {
    sender.received(77, sequence, size, at(ms));
  }
  // All feedback that is due.
  std::vector<Told> collect(int ms, std::size_t room = 1200) {
    std::vector<Told> told;
    std::vector<std::uint8_t> buffer(room);
    while (true) {
      Writer out(buffer);
      if (!sender.write(out, at(ms))) return told;
      const auto compound = rtcp::Compound::parse(out.written());
      const auto feedback = rtcp::TransportFeedback::parse(*compound->begin());
      Told& one = told.emplace_back();
      one.base = feedback->base_sequence();
      one.count = feedback->feedback_count();
      one.media_ssrc = feedback->media_ssrc();
      feedback->for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
        one.statuses.emplace_back(sequence, arrival.has_value());
        if (arrival) arrivals[sequence] = *arrival - seconds(64);
      });
    }
  }
  using Statuses = std::vector<std::pair<std::uint16_t, bool>>;

  FeedbackSender sender{1};
  std::map<std::uint16_t, Duration> arrivals;
};

TEST_F(FeedbackSenderTest, SaysNothingOfNothing) {
  EXPECT_EQ(sender.deadline(), never);
  EXPECT_TRUE(collect(1000).empty());
}

TEST_F(FeedbackSenderTest, ReportsEveryHundredMilliseconds) {
  receive(10, 0);
  receive(12, 5);
  EXPECT_EQ(sender.deadline(), at(100));
  EXPECT_TRUE(collect(99).empty());
  const auto told = collect(100);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].media_ssrc, 77U);
  EXPECT_EQ(told[0].count, 0);
  EXPECT_EQ(told[0].statuses, (Statuses{{10, true}, {11, false}, {12, true}}));
  EXPECT_EQ(arrivals[10], milliseconds(0));
  EXPECT_EQ(arrivals[12], milliseconds(5));
  EXPECT_EQ(sender.deadline(), never);

  // The next report begins where this one ended.
  receive(15, 110);
  EXPECT_EQ(sender.deadline(), at(200));
  const auto next = collect(200);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].count, 1);
  EXPECT_EQ(next[0].statuses, (Statuses{{13, false}, {14, false}, {15, true}}));
}

TEST_F(FeedbackSenderTest, ReportsTwiceAsOftenAtAHighRate) {
  // 1,200 bytes every 5 ms is 1.92 Mbit/s.
  int reports = 0;
  std::uint16_t sequence = 0;
  for (int ms = 0; ms < 2000; ms += 5) {
    receive(sequence++, ms, 1200);
    const auto told = collect(ms);
    if (ms >= 1000) reports += static_cast<int>(told.size());
  }
  EXPECT_EQ(reports, 20);
  for (int ms = 2000; ms < 4000; ms += 20) {
    receive(sequence++, ms, 100);
    const auto told = collect(ms);
    if (ms >= 3000) reports += static_cast<int>(told.size());
  }
  EXPECT_EQ(reports, 30);
}

TEST_F(FeedbackSenderTest, ReportsABurstAtOnce) {
  for (std::uint16_t i = 0; i < 40; ++i) receive(i, 1);
  EXPECT_TRUE(collect(1).empty());
  receive(40, 1);
  EXPECT_EQ(sender.deadline(), at(1));
  const auto told = collect(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].statuses.size(), 41U);
}

TEST_F(FeedbackSenderTest, PutsReorderedPacketsInOrder) {
  receive(100, 0);
  receive(102, 1);
  receive(101, 2);
  receive(103, 3);
  const auto told = collect(100);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].statuses, (Statuses{{100, true}, {101, true}, {102, true}, {103, true}}));
  EXPECT_EQ(arrivals[101], milliseconds(2));
}

TEST_F(FeedbackSenderTest, ReportsAgainWhatCameAfterTheReport) {
  receive(100, 0);
  receive(102, 1);
  receive(103, 2);
  collect(100);
  receive(101, 105);
  const auto told = collect(200);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].statuses, (Statuses{{101, true}, {102, true}, {103, true}}));
  // And goes on after the newest.
  receive(104, 201);
  EXPECT_EQ(collect(300)[0].statuses, (Statuses{{104, true}}));
}

TEST_F(FeedbackSenderTest, CountsADuplicateOnce) {
  receive(100, 0);
  receive(100, 5);
  const auto told = collect(100);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(arrivals[100], milliseconds(0));
  receive(100, 105);  // after it was reported
  EXPECT_EQ(sender.deadline(), never);
}

TEST_F(FeedbackSenderTest, GoesRound) {
  receive(65534, 0);
  receive(1, 1);
  const auto told = collect(100);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].statuses, (Statuses{{65534, true}, {65535, false}, {0, false}, {1, true}}));
}

TEST_F(FeedbackSenderTest, DoesNotSpellOutAJump) {
  receive(100, 0);
  receive(613, 1);  // 512 after the next expected: still a gap
  auto told = collect(100);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].statuses.size(), 514U);

  receive(614, 110);
  receive(2000, 111);
  receive(2001, 112);
  told = collect(210);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].statuses, (Statuses{{614, true}}));
  EXPECT_EQ(told[1].statuses, (Statuses{{2000, true}, {2001, true}}));
  EXPECT_EQ(told[1].count, 2);

  // The same between reports, and a packet from too long ago is not reported.
  receive(9000, 220);
  receive(5000, 221);
  told = collect(320);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].statuses, (Statuses{{5000, true}}));
  EXPECT_EQ(told[1].statuses, (Statuses{{9000, true}}));
  receive(8000, 330);
  EXPECT_TRUE(collect(1000).empty());
}

TEST_F(FeedbackSenderTest, UsesMorePacketsWhereOneIsTooSmall) {
  for (std::uint16_t i = 0; i < 40; ++i) receive(i, i);
  const auto told = collect(100, 44);
  ASSERT_GT(told.size(), 1U);
  std::uint16_t next = 0;
  std::uint8_t count = 0;
  for (const Told& one : told) {
    EXPECT_EQ(one.count, count++);
    for (const auto& [sequence, arrived] : one.statuses) {
      EXPECT_EQ(sequence, next++);
      EXPECT_TRUE(arrived);
    }
  }
  EXPECT_EQ(next, 40);
  EXPECT_EQ(sender.deadline(), never);
}

TEST_F(FeedbackSenderTest, WritesNothingWithoutRoom) {
  receive(1, 0);
  EXPECT_TRUE(collect(100, 20).empty());
  EXPECT_EQ(collect(100).size(), 1U);
}

TEST_F(FeedbackSenderTest, TellsEachPacketOfALongStreamOnce) {
  std::uint16_t sequence = 60'000;
  std::uint16_t next = 60'000;
  for (int ms = 0; ms < 100'000; ms += 5) {
    receive(sequence++, ms);
    for (const Told& one : collect(ms)) {
      for (const auto& [told, arrived] : one.statuses) {
        ASSERT_EQ(told, next++);
        ASSERT_TRUE(arrived);
      }
    }
  }
  EXPECT_LE(static_cast<std::uint16_t>(sequence - next), 40);
}

}  // namespace
}  // namespace liaison::sfu
