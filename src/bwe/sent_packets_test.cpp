#include "bwe/sent_packets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace liaison::bwe {
namespace {

constexpr Duration circle = (std::int64_t{1} << 24) * milliseconds(64);

class BweSentPacketsTest : public testing::Test {
 protected:
  Instant at(int ms) const { return start + milliseconds(ms); }

  // Feedback on `count` packets from `first` on, of which those in `arrived` arrived.
  std::vector<PacketResult> report(std::uint16_t first,
                                   const std::map<std::uint16_t, Instant>& arrived, Instant now) {
    std::vector<rtcp::Arrival> arrivals;
    for (const auto& [sequence, when] : arrived) {
      const std::uint64_t extended = sequence < first ? sequence + 65536 : sequence;
      arrivals.push_back({extended, when});
    }
    std::ranges::sort(arrivals, {}, &rtcp::Arrival::sequence);
    std::vector<std::uint8_t> buffer(30'000);
    Writer out(buffer);
    EXPECT_EQ(rtcp::write_transport_feedback(out, {1, 2, 0}, first, arrivals), arrivals.size());
    const auto compound = rtcp::Compound::parse(out.written());
    std::vector<PacketResult> results;
    jumped = packets.match(*rtcp::TransportFeedback::parse(*compound->begin()), now, results);
    return results;
  }

  const Instant start = Instant(seconds(1000));
  SentPackets packets;
  bool jumped = false;
};

TEST_F(BweSentPacketsTest, SaysWhatBecameOfEach) {
  EXPECT_EQ(packets.add(100, no_probe, at(0)), 0);
  EXPECT_EQ(packets.add(200, 7, at(10)), 1);
  EXPECT_EQ(packets.add(300, no_probe, at(20)), 2);
  EXPECT_EQ(packets.add(400, no_probe, at(30)), 3);
  EXPECT_EQ(packets.unanswered(), 4U);
  EXPECT_EQ(packets.unanswered_bytes(), 1000U);
  const auto results = report(0, {{0, at(500)}, {2, at(530)}}, at(60));
  ASSERT_EQ(results.size(), 3U);
  EXPECT_FALSE(jumped);
  EXPECT_TRUE(results[0].received);
  EXPECT_EQ(results[0].sent, at(0));
  EXPECT_EQ(results[0].bytes, 100U);
  EXPECT_FALSE(results[1].received);
  EXPECT_EQ(results[1].probe, 7);
  // Their clock is not ours, but differences hold.
  EXPECT_EQ(results[2].arrived - results[0].arrived, milliseconds(30));
  EXPECT_EQ(packets.unanswered(), 1U);
  EXPECT_EQ(packets.unanswered_bytes(), 400U);
}

TEST_F(BweSentPacketsTest, TellsEachAnswerOnce) {
  for (int i = 0; i < 3; ++i) packets.add(100, no_probe, at(i));
  EXPECT_EQ(report(0, {{0, at(50)}, {2, at(52)}}, at(60)).size(), 3U);
  EXPECT_TRUE(report(0, {{0, at(50)}, {2, at(52)}}, at(61)).empty());
  // What was lost has come after all.
  const auto late = report(1, {{1, at(80)}, {2, at(52)}}, at(90));
  ASSERT_EQ(late.size(), 1U);
  EXPECT_TRUE(late[0].received);
  EXPECT_TRUE(late[0].was_lost);
  EXPECT_EQ(packets.kept(), 0U);
}

TEST_F(BweSentPacketsTest, KnowsNothingOfWhatWasNotSent) {
  EXPECT_TRUE(report(0, {{0, at(1)}, {5, at(2)}}, at(3)).empty());
  packets.add(100, no_probe, at(10));
  EXPECT_TRUE(report(1, {{1, at(1)}, {9, at(3)}}, at(20)).empty());
  EXPECT_TRUE(report(65'000, {{65'000, at(1)}, {65'535, at(3)}}, at(20)).empty());
  EXPECT_TRUE(report(30'000, {{30'000, at(1)}}, at(20)).empty());
  EXPECT_EQ(packets.unanswered(), 1U);
}

TEST_F(BweSentPacketsTest, NumbersGoRound) {
  std::uint16_t last = 0;
  for (int i = 0; i < 70'000; ++i) {
    last = packets.add(100, no_probe, at(i));
    if (i % 10 == 9) {
      const auto first = static_cast<std::uint16_t>(last - 9);
      std::map<std::uint16_t, Instant> arrived;
      for (int j = 0; j < 10; ++j) arrived[static_cast<std::uint16_t>(first + j)] = at(i + j);
      ASSERT_EQ(report(first, arrived, at(i + 20)).size(), 10U) << i;
    }
  }
  EXPECT_EQ(last, 69'999 - 65'536);
  EXPECT_EQ(packets.kept(), 0U);
}

TEST_F(BweSentPacketsTest, KeepsNoMoreThanItsLimit) {
  for (int i = 0; i < 100'000; ++i) packets.add(100, no_probe, at(0));
  EXPECT_EQ(packets.kept(), SentPackets::max_kept);
  EXPECT_EQ(packets.unanswered(), SentPackets::max_kept);
  EXPECT_EQ(packets.unanswered_bytes(), SentPackets::max_kept * 100);
  packets.add(100, no_probe, at(20'000));
  EXPECT_EQ(packets.kept(), 1U);
  EXPECT_EQ(packets.unanswered_bytes(), 100U);
}

TEST_F(BweSentPacketsTest, TheirClockMayGoRound) {
  for (int i = 0; i < 4; ++i) packets.add(100, no_probe, at(i * 100));
  const Instant end{circle / 2 - milliseconds(50)};  // signed on the wire
  const auto before = report(0, {{0, end}}, at(60));
  ASSERT_EQ(before.size(), 1U);
  const auto after = report(1, {{1, end + milliseconds(100)}}, at(160));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_FALSE(jumped);
  EXPECT_EQ(after[0].arrived - before[0].arrived, milliseconds(100));
}

TEST_F(BweSentPacketsTest, TheirClockMayJump) {
  for (int i = 0; i < 4; ++i) packets.add(100, no_probe, at(i * 100));
  report(0, {{0, at(0)}}, at(60));
  const auto after = report(1, {{1, at(3'600'000)}}, at(160));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_TRUE(jumped);
  // Whatever they say, times stay near ours.
  EXPECT_EQ(after[0].arrived, at(160));
  EXPECT_EQ(report(2, {{2, at(3'600'100)}}, at(260)).size(), 1U);
  EXPECT_FALSE(jumped);
}

TEST_F(BweSentPacketsTest, DoesNotBelieveInArrivalsFarAway) {
  for (int i = 0; i < 20; ++i) packets.add(100, no_probe, at(i));
  // Steps of eight seconds, the largest that fit.
  std::map<std::uint16_t, Instant> arrived;
  for (int i = 0; i < 20; ++i) arrived[static_cast<std::uint16_t>(i)] = at(i * 8000);
  const auto results = report(0, arrived, at(100));
  EXPECT_EQ(results.size(), 4U);
  for (const PacketResult& result : results) {
    EXPECT_LE(result.arrived, at(100) + ArrivalClock::max_distance);
  }
}

}  // namespace
}  // namespace liaison::bwe
