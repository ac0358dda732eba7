#include "bwe/probe_cluster.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

constexpr Duration patience = milliseconds(300);

class BweProbeClustersTest : public testing::Test {
 protected:
  static Instant at(double ms) {
    return Instant(seconds(100)) + Duration(static_cast<std::int64_t>(ms * 1e6));
  }
  // Ten packets of 500 bytes, one each `sent_ms`; those that arrive do so each `arrived_ms`.
  void play(ProbeId id, double sent_ms, double arrived_ms, int arrive = 10) {
    clusters.begin({.id = id,
                    .rate = 2'000'000,
                    .bytes = 5000,
                    .least_packets = 5,
                    .packet_bytes = 500,
                    .length = milliseconds(20)},
                   at(0));
    for (int i = 0; i < 10; ++i) clusters.sent(id, 500, at(i * sent_ms));
    for (int i = 0; i < 10; ++i) {
      PacketResult packet;
      packet.sent = at(i * sent_ms);
      packet.arrived = at(50 + i * arrived_ms);
      packet.bytes = 500;
      packet.probe = id;
      packet.received = i < arrive;
      clusters.answered(packet);
    }
  }
  ProbeClusters clusters;
};

TEST_F(BweProbeClustersTest, MeasuresWhatPassedWhole) {
  play(1, 2, 2);
  EXPECT_EQ(clusters.sending(), no_probe);
  const auto outcome = clusters.finished(patience, at(100));
  ASSERT_TRUE(outcome && outcome->rate);
  EXPECT_EQ(outcome->id, 1);
  EXPECT_NEAR(*outcome->rate, 2'000'000, 1);
  EXPECT_FALSE(clusters.finished(patience, at(100)));
  EXPECT_FALSE(clusters.open());
}

TEST_F(BweProbeClustersTest, MeasuresTheBottleneck) {
  play(1, 2, 4);
  EXPECT_NEAR(*clusters.finished(patience, at(100))->rate, 0.95 * 1'000'000, 1);
}

TEST_F(BweProbeClustersTest, NeedsMostOfThePackets) {
  play(1, 2, 2, 8);
  EXPECT_TRUE(clusters.finished(patience, at(100))->rate);
  play(2, 2, 2, 7);
  EXPECT_FALSE(clusters.finished(patience, at(100))->rate);
}

TEST_F(BweProbeClustersTest, DoesNotBelieveInMiracles) {
  play(1, 4, 1);
  EXPECT_FALSE(clusters.finished(patience, at(100))->rate);
  play(2, 2, 0);
  EXPECT_FALSE(clusters.finished(patience, at(100))->rate);
  play(3, 2, 200);
  EXPECT_FALSE(clusters.finished(patience, at(100))->rate);
}

TEST_F(BweProbeClustersTest, WaitsForWhatIsSentAndForTheAnswer) {
  clusters.begin({.id = 1, .bytes = 1000, .least_packets = 5, .length = milliseconds(15)}, at(0));
  EXPECT_EQ(clusters.sending(), 1);
  EXPECT_EQ(clusters.deadline(patience), at(80));  // twice as long, and 50 ms
  for (int i = 0; i < 4; ++i) clusters.sent(1, 500, at(i));
  EXPECT_EQ(clusters.sending(), 1);
  clusters.sent(1, 500, at(4));
  EXPECT_EQ(clusters.sending(), no_probe);
  EXPECT_EQ(clusters.deadline(patience), at(304));
  EXPECT_FALSE(clusters.finished(patience, at(303)));
  const auto outcome = clusters.finished(patience, at(304));
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->rate);
  EXPECT_EQ(clusters.deadline(patience), never);
}

TEST_F(BweProbeClustersTest, GivesUpWhatIsNotSent) {
  clusters.begin({.id = 1, .bytes = 1000, .least_packets = 5, .length = milliseconds(15)}, at(0));
  clusters.sent(1, 500, at(1));
  EXPECT_FALSE(clusters.finished(patience, at(79)));
  EXPECT_FALSE(clusters.finished(patience, at(80))->rate);
}

TEST_F(BweProbeClustersTest, CanBeAborted) {
  clusters.begin({.id = 1, .bytes = 1000, .least_packets = 5, .length = milliseconds(15)}, at(0));
  clusters.abort();
  EXPECT_EQ(clusters.sending(), no_probe);
  EXPECT_TRUE(clusters.open());
  EXPECT_FALSE(clusters.finished(patience, at(1))->rate);
  EXPECT_FALSE(clusters.open());
}

}  // namespace
}  // namespace liaison::bwe
