#include "sfu/reception.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

constexpr std::uint64_t circle = 65536;

class ReceptionTest : public testing::Test {
 protected:
  Instant at(int ms) const { return Instant(seconds(100)) + milliseconds(ms); }
  // One packet every 20 ms, in time, without those for which `lost` says so.
  template <typename Lost>
  void receive(std::uint64_t first, std::uint64_t count, Lost&& lost) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (lost(i)) continue;
      reception.received(circle + i, static_cast<std::uint32_t>(i * 960),
                         at(static_cast<int>(i) * 20));
    }
  }

  Reception reception{48'000};
};

TEST_F(ReceptionTest, ReportsNothingBeforeTheFirstPacket) {
  reception.sender_report(1, at(0));
  EXPECT_FALSE(reception.report(1, at(0)));
}

TEST_F(ReceptionTest, ReportsAWholeStream) {
  receive(0, 100, [](std::uint64_t) { return false; });
  const auto block = reception.report(42, at(2000));
  ASSERT_TRUE(block);
  EXPECT_EQ(*block, (rtcp::ReportBlock{.ssrc = 42, .highest_sequence = 99}));
}

TEST_F(ReceptionTest, CountsLossSinceTheLastReportAndInAll) {
  receive(0, 100, [](std::uint64_t i) { return i % 4 == 1; });
  auto block = reception.report(1, at(2000));
  EXPECT_EQ(block->fraction_lost, 64);  // a quarter
  EXPECT_EQ(block->cumulative_lost, 25);
  receive(100, 100, [](std::uint64_t) { return false; });
  block = reception.report(1, at(4000));
  EXPECT_EQ(block->fraction_lost, 0);
  EXPECT_EQ(block->cumulative_lost, 25);
  // Nothing came since.
  block = reception.report(1, at(5000));
  EXPECT_EQ(block->fraction_lost, 0);
  EXPECT_EQ(block->highest_sequence, 199U);
}

TEST_F(ReceptionTest, KnowsTheLossOfTheLastFiveReports) {
  EXPECT_EQ(reception.recent_loss(), 0);
  receive(0, 49, [](std::uint64_t i) { return i % 4 == 1; });
  reception.report(1, at(980));
  EXPECT_EQ(reception.recent_loss(), 0) << "too few to say";
  receive(49, 51, [](std::uint64_t i) { return i % 4 == 1; });
  reception.report(1, at(2000));
  EXPECT_DOUBLE_EQ(reception.recent_loss(), 0.25);
  for (std::uint64_t i = 0; i < 4; ++i) {
    receive(100 + i * 50, 50, [](std::uint64_t) { return false; });
    reception.report(1, at(3000));
  }
  EXPECT_NEAR(reception.recent_loss(), 0.05, 0.01) << "13 of 251";
  receive(300, 50, [](std::uint64_t) { return false; });
  reception.report(1, at(4000));
  EXPECT_EQ(reception.recent_loss(), 0);
}

TEST_F(ReceptionTest, TakesBackWhatComesLate) {
  receive(0, 10, [](std::uint64_t i) { return i == 5; });
  EXPECT_EQ(reception.report(1, at(200))->cumulative_lost, 1);
  reception.received(circle + 5, 5 * 960, at(210));
  const auto block = reception.report(1, at(220));
  EXPECT_EQ(block->cumulative_lost, 0);
  EXPECT_EQ(block->fraction_lost, 0);
}

TEST_F(ReceptionTest, DuplicatesMakeTheLossNegative) {
  reception.received(circle, 0, at(0));
  reception.received(circle, 0, at(1));
  EXPECT_EQ(reception.report(1, at(2))->cumulative_lost, -1);
  EXPECT_EQ(reception.report(1, at(2))->fraction_lost, 0);
}

TEST_F(ReceptionTest, CountsCycles) {
  reception.received(circle + 65'535, 0, at(0));
  reception.received(2 * circle, 960, at(20));
  EXPECT_EQ(reception.report(1, at(30))->highest_sequence, 65536U);
  EXPECT_EQ(reception.report(1, at(30))->cumulative_lost, 0);
}

TEST_F(ReceptionTest, ClampsToTheFields) {
  reception.received(circle, 0, at(0));
  reception.received(circle + 0x1000000, 960, at(20));
  const auto block = reception.report(1, at(30));
  EXPECT_EQ(block->cumulative_lost, 0x7fffff);
  EXPECT_EQ(block->fraction_lost, 255);
}

TEST_F(ReceptionTest, MeasuresJitterAsTheStandardDoes) {
  // Alternately 0 and 5 ms late: each difference is 5 ms = 240 ticks, to which the mean converges.
  for (int i = 0; i < 500; ++i) {
    reception.received(circle + static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(i * 960),
                       at(i * 20 + (i % 2) * 5));
  }
  EXPECT_NEAR(reception.report(1, at(10'000))->jitter, 240, 2);
}

TEST_F(ReceptionTest, JitterIsNotOfPacingPausesOrReordering) {
  Reception video{90'000};
  std::uint64_t seq = circle;
  for (int frame = 0; frame < 100; ++frame) {
    const auto timestamp = static_cast<std::uint32_t>(frame * 3600);
    video.received(seq++, timestamp, at(frame * 40));
    video.received(seq++, timestamp, at(frame * 40 + 15));  // the same frame, paced
  }
  video.received(seq - 10, 95 * 3600, at(4000));    // late
  video.received(seq++, 4'000'000'000U, at(4000));  // timestamps began anew
  video.received(seq++, 4'000'003'600U, at(4040));
  EXPECT_EQ(video.report(1, at(5000))->jitter, 0U);
}

TEST_F(ReceptionTest, RefersToTheLastSenderReport) {
  reception.received(circle, 0, at(0));
  EXPECT_EQ(reception.report(1, at(0))->last_sr, 0U);
  EXPECT_EQ(reception.report(1, at(0))->delay_since_last_sr, 0U);
  reception.sender_report(0x11112222'33334444, at(1000));
  auto block = reception.report(1, at(1500));
  EXPECT_EQ(block->last_sr, 0x22223333U);
  EXPECT_EQ(block->delay_since_last_sr, 32768U);
  block = reception.report(1, at(1000) + hours(24));
  EXPECT_EQ(block->delay_since_last_sr, UINT32_MAX);
}

}  // namespace
}  // namespace liaison::sfu
