#include "sim/link.hpp"

#include <gtest/gtest.h>

#include "sim/nat.hpp"

namespace liaison::sim {
namespace {

const Instant start = Instant{} + seconds(100);

TEST(Link, TakesItsTime) {
  Link link({.latency = milliseconds(30)}, Random(1));
  const auto arrivals = link.carry(1200, start);
  ASSERT_EQ(arrivals.count, 1U);
  EXPECT_EQ(arrivals.at[0], start + milliseconds(30));
}

TEST(Link, JitterKeepsTheOrderAndReorderingDoesNot) {
  const auto overtaken = [](double reordered) {
    Link link({.jitter = milliseconds(20), .reordered = reordered, .held_back = milliseconds(40)},
              Random(2));
    Instant last = Instant::min();
    int count = 0;
    for (int i = 0; i < 1000; ++i) {
      const Instant at = link.carry(100, start + milliseconds(i)).at[0];
      if (at < last) ++count;
      last = at;
    }
    return count;
  };
  EXPECT_EQ(overtaken(0), 0);
  EXPECT_GT(overtaken(0.05), 20);
}

TEST(Link, LosesWhatItShouldAndInBursts) {
  // Bad for 10 datagrams on average, one time in 100: about a tenth of the time.
  Link link({.bad_loss = 1, .becomes_bad = 0.01, .becomes_good = 0.1}, Random(3));
  int bursts = 0;
  bool lost = false;
  for (int i = 0; i < 100'000; ++i) {
    const bool now_lost = link.carry(100, start).count == 0;
    if (now_lost && !lost) ++bursts;
    lost = now_lost;
  }
  const double share = static_cast<double>(link.counts().lost) / 100'000;
  EXPECT_NEAR(share, 0.09, 0.01);
  EXPECT_NEAR(static_cast<double>(link.counts().lost) / bursts, 10, 1);
}

TEST(Link, ARateMakesAQueueAndAFullQueueDrops) {
  // 1,250 bytes take 10 ms at 1 Mbit/s.
  Link link({.latency = {}, .bits_per_second = 1'000'000, .queue = milliseconds(50)}, Random(4));
  for (int i = 1; i <= 6; ++i) {
    EXPECT_EQ(link.carry(1250, start).at[0], start + milliseconds(10) * i);
  }
  EXPECT_EQ(link.carry(1250, start).count, 0U);
  EXPECT_EQ(link.counts().overflowed, 1U);
  EXPECT_EQ(link.carry(1250, start + seconds(1)).at[0], start + seconds(1) + milliseconds(10));
}

TEST(Link, DuplicatesAndCuts) {
  Link link({.duplicated = 1}, Random(5));
  EXPECT_EQ(link.carry(100, start).count, 2U);
  link.cut(true);
  EXPECT_EQ(link.carry(100, start).count, 0U);
  EXPECT_EQ(link.counts().cut, 1U);
  link.cut(false);
  EXPECT_EQ(link.carry(100, start).count, 2U);
}

TEST(Nat, GivesEachInsideItsPortUntilItForgets) {
  const SocketAddress a{IpAddress::v4(192, 168, 0, 2), 5000};
  const SocketAddress b{IpAddress::v4(192, 168, 0, 3), 5000};
  const IpAddress outside = IpAddress::v4(203, 0, 113, 1);
  Nat nat(outside, Random(6));
  const SocketAddress seen = nat.outward(a);
  EXPECT_EQ(seen.ip, outside);
  EXPECT_EQ(nat.outward(a), seen);
  EXPECT_NE(nat.outward(b), seen);
  EXPECT_EQ(nat.inward(seen), a);
  nat.rebind();
  EXPECT_FALSE(nat.inward(seen));
  const SocketAddress again = nat.outward(a);
  EXPECT_EQ(nat.inward(again), a);
  nat.move(IpAddress::v4(198, 51, 100, 1));
  EXPECT_FALSE(nat.inward(again));
  EXPECT_EQ(nat.outward(a).ip, IpAddress::v4(198, 51, 100, 1));
}

TEST(Link, TwoMayShareABottleneck) {
  Bottleneck shared(1'000'000, milliseconds(50));
  Link one({.latency = {}}, Random(5));
  Link other({.latency = {}}, Random(6));
  one.share(&shared);
  other.share(&shared);
  EXPECT_EQ(one.carry(1250, start).at[0], start + milliseconds(10));
  EXPECT_EQ(other.carry(1250, start).at[0], start + milliseconds(20));
  EXPECT_EQ(one.waiting(start), milliseconds(20));
  // Twice as fast, for what comes now.
  shared.change(2'000'000, milliseconds(50));
  EXPECT_EQ(one.carry(1250, start).at[0], start + milliseconds(25));
}

}  // namespace
}  // namespace liaison::sim
