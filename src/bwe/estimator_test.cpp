#include "bwe/estimator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "bwe/test_path.hpp"

namespace liaison::bwe {
namespace {

// ---- The machine by itself.

class BweEstimatorTest : public testing::Test {
 protected:
  Instant at(int ms) const { return start + milliseconds(ms); }

  // Feedback on the packets from `first` to `last`, the i-th of which arrived at arrival(i) on the
  // far end's clock.
  template <typename Arrival>
  void report(std::uint64_t first, std::uint64_t last, const Arrival& arrival, Instant now) {
    std::vector<rtcp::Arrival> arrivals;
    for (std::uint64_t i = first; i <= last; ++i) arrivals.push_back({i, arrival(i)});
    std::vector<std::uint8_t> buffer(40'000);
    Writer out(buffer);
    ASSERT_GT(rtcp::write_transport_feedback(out, {1, 2, 0}, first, arrivals), 0U);
    const auto compound = rtcp::Compound::parse(out.written());
    estimator.feedback(*rtcp::TransportFeedback::parse(*compound->begin()), now);
  }
  // 1,000 bytes every 10 ms, reported every 50 ms after a round trip of 60 ms.
  void traffic(int from_ms, int to_ms) {
    for (int ms = from_ms; ms < to_ms; ms += 10) {
      estimator.sent(1000, at(ms));
      ++count;
      if (count % 5 != 0) continue;
      const std::uint64_t first = count - 5;
      report(
          first, count - 1,
          [&](std::uint64_t i) { return at(ms + 30 - static_cast<int>(count - 1 - i) * 10); },
          at(ms + 60));
    }
  }

  const Instant start = Instant(seconds(5000));
  Estimator estimator{{}, start};
  std::uint64_t count = 0;
};

TEST_F(BweEstimatorTest, BeginsAtItsStart) {
  EXPECT_EQ(estimator.estimate(), 1'000'000U);
  EXPECT_EQ(estimator.target(), 1'000'000U);
  EXPECT_FALSE(estimator.acknowledged());
  EXPECT_FALSE(estimator.in_overuse());
  const Estimator low({.start = 10, .least = 30'000, .most = 50'000}, start);
  EXPECT_EQ(low.estimate(), 30'000U);
}

TEST_F(BweEstimatorTest, BeginsWithWhatIsKnownUntilSomethingIsHeard) {
  estimator.begin_with(2'500'000, at(0));
  EXPECT_EQ(estimator.estimate(), 2'500'000U);
  const auto probe = estimator.take_probe(at(0));
  ASSERT_TRUE(probe);
  EXPECT_GT(probe->rate, 2'500'000U);
  traffic(0, 500);
  const std::uint64_t measured = estimator.estimate();
  estimator.begin_with(123'456, at(600));
  EXPECT_EQ(estimator.estimate(), measured);
}

TEST_F(BweEstimatorTest, NumbersEachPacket) {
  for (int i = 0; i < 70'000; ++i) {
    ASSERT_EQ(estimator.sent(100, at(i)), static_cast<std::uint16_t>(i));
  }
}

TEST_F(BweEstimatorTest, AnIdleTransportCostsNothing) {
  EXPECT_EQ(estimator.deadline(), never);
  traffic(0, 2000);
  Instant now = at(2060);
  for (int ticks = 0; estimator.deadline() != never; ++ticks) {
    now = std::max(now, estimator.deadline());
    estimator.tick(now);
    ASSERT_GT(estimator.deadline(), now);
    ASSERT_LT(ticks, 10);
  }
  // Nor does silence count where nothing was sent.
  EXPECT_FALSE(estimator.feedback_lost(at(3'600'000)));
}

TEST_F(BweEstimatorTest, MeasuresTheRoundTrip) {
  traffic(0, 2000);
  EXPECT_NEAR(static_cast<double>(estimator.rtt().count()) / 1e6, 60, 2);
  EXPECT_LT(estimator.queue_delay(), milliseconds(2));
  EXPECT_EQ(estimator.loss(), 0);
  EXPECT_NEAR(static_cast<double>(estimator.acknowledged().value_or(0)), 800'000, 20'000);
}

TEST_F(BweEstimatorTest, MissesFeedback) {
  traffic(0, 1000);
  const auto before = estimator.estimate();
  for (int ms = 1000; ms < 1400; ms += 10) estimator.sent(1000, at(ms));
  EXPECT_FALSE(estimator.feedback_lost(at(1499)));
  EXPECT_TRUE(estimator.feedback_lost(at(1500)));
  for (int ms = 1400; ms < 3000; ms += 10) estimator.sent(1000, at(ms));
  // The first deadlines may be those of probes.
  while (estimator.deadline() < at(1500)) estimator.tick(estimator.deadline());
  ASSERT_EQ(estimator.deadline(), at(1500));
  estimator.tick(at(1500));
  EXPECT_EQ(estimator.estimate(), before);
  while (estimator.deadline() < at(3000)) estimator.tick(estimator.deadline());
  ASSERT_EQ(estimator.deadline(), at(3000));
  estimator.tick(at(3000));
  EXPECT_EQ(estimator.estimate(), before / 2);
  // And again after the same time, until nothing is sent any more.
  ASSERT_EQ(estimator.deadline(), at(5000));
  estimator.tick(at(5000));
  EXPECT_NEAR(static_cast<double>(estimator.estimate()), static_cast<double>(before) / 4, 2);
  EXPECT_EQ(estimator.deadline(), never);
}

TEST_F(BweEstimatorTest, GivesWayWhereAnswersTakeSeconds) {
  const auto before = estimator.estimate();
  for (int ms = 0; ms < 10'000; ms += 100) {
    estimator.sent(1000, at(ms));
    ++count;
    const std::uint64_t last = count - 1;
    report(last, last, [&](std::uint64_t) { return at(ms + 30); }, at(ms + 4000));
  }
  EXPECT_GT(estimator.rtt(), milliseconds(3900));
  EXPECT_LT(static_cast<double>(estimator.estimate()), 0.2 * static_cast<double>(before));
}

TEST_F(BweEstimatorTest, FewPacketsWithoutFeedbackAreNoSilence) {
  traffic(0, 1000);
  const auto before = estimator.estimate();
  for (int i = 0; i < 10; ++i) estimator.sent(1000, at(1000 + i));
  EXPECT_FALSE(estimator.feedback_lost(at(9000)));
  estimator.tick(at(9000));
  EXPECT_EQ(estimator.estimate(), before);
}

TEST_F(BweEstimatorTest, ProbesAnewAfterWhatWasNeverAnswered) {
  traffic(0, 1000);
  estimator.set_demand(5'000'000, 1'500'000, at(1000));
  while (estimator.take_probe(at(1000))) {
  }
  // Too few packets to be called a silence, and nothing more is sent.
  for (int i = 0; i < 5; ++i) estimator.sent(1000, at(3000 + i));
  EXPECT_FALSE(estimator.feedback_lost(at(5000)));
  while (estimator.deadline() < at(5000)) estimator.tick(estimator.deadline());
  EXPECT_FALSE(estimator.take_probe(at(5000))) << "they may still be answered";
  while (estimator.deadline() < at(5100)) estimator.tick(estimator.deadline());
  EXPECT_TRUE(estimator.take_probe(at(5100)));
}

TEST_F(BweEstimatorTest, SilenceBeginsWithTraffic) {
  traffic(0, 1000);
  for (int i = 0; i < 20; ++i) estimator.sent(1000, at(1000 + i));
  EXPECT_TRUE(estimator.feedback_lost(at(1600)));
  // An hour later nobody waits for these any more.
  for (int i = 0; i < 20; ++i) estimator.sent(1000, at(3'600'000 + i));
  EXPECT_FALSE(estimator.feedback_lost(at(3'600'400)));
  EXPECT_TRUE(estimator.feedback_lost(at(3'600'500)));
}

TEST_F(BweEstimatorTest, AnotherRouteBeginsWithWhatArrived) {
  traffic(0, 2000);
  while (estimator.take_probe(at(2000))) estimator.tick(at(3000));
  EXPECT_GT(estimator.estimate(), 900'000U);
  estimator.route_changed(at(3000));
  EXPECT_NEAR(static_cast<double>(estimator.estimate()), 800'000, 20'000);
  const auto probe = estimator.take_probe(at(3000));
  ASSERT_TRUE(probe);
  EXPECT_NEAR(static_cast<double>(probe->rate), 1'600'000, 50'000);
}

TEST_F(BweEstimatorTest, OneProbeAtATime) {
  const auto probe = estimator.take_probe(at(0));
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->rate, 2'000'000U);
  EXPECT_EQ(probe->bytes, 3750U);
  EXPECT_EQ(probe->least_packets, 5U);
  EXPECT_EQ(estimator.sending_probe(), probe->id);
  EXPECT_FALSE(estimator.take_probe(at(1)));
  for (int i = 0; i < 8; ++i) estimator.sent(500, at(2 + i), probe->id);
  EXPECT_EQ(estimator.sending_probe(), no_probe);
  const auto second = estimator.take_probe(at(11));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->rate, 4'000'000U);
  EXPECT_NE(second->id, probe->id);
}

TEST_F(BweEstimatorTest, FeedbackThatLiesDoesNoHarm) {
  // All of it arrived at once, or took minutes, or before it was sent.
  const std::vector<std::function<Instant(std::uint64_t)>> lies = {
      [&](std::uint64_t) { return at(0); },
      [&](std::uint64_t i) { return at(static_cast<int>(i % 100) * 8000); },
      [&](std::uint64_t i) { return at(1'000'000 - static_cast<int>(i % 100) * 8000); },
      [&](std::uint64_t i) { return Instant(seconds(i % 2 == 0 ? 1'000'000 : 4)); },
  };
  int ms = 0;
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 20; ++i) estimator.sent(60'000, at(++ms));
    count += 20;
    report(count - 20, count - 1, lies[static_cast<std::size_t>(round) % lies.size()], at(ms));
    report(count - 10, count - 1, lies[0], at(ms));
    if (const auto probe = estimator.take_probe(at(ms))) {
      for (int i = 0; i < 20; ++i) estimator.sent(500, at(ms), probe->id);
      count += 20;
    }
    estimator.tick(at(ms));
    ASSERT_GE(estimator.estimate(), 30'000U);
    ASSERT_LE(estimator.estimate(), 100'000'000U);
    ASSERT_LE(estimator.target(), estimator.estimate());
    ASSERT_GE(estimator.target(), 30'000U);
    ASSERT_LE(estimator.queue_delay(), 2 * ArrivalClock::max_distance + SentPackets::max_age);
  }
}

TEST_F(BweEstimatorTest, OldFeedbackIsNotNews) {
  traffic(0, 2000);
  const auto before = estimator.estimate();
  for (int i = 0; i < 100; ++i) {
    report(0, count - 1, [&](std::uint64_t j) { return at(static_cast<int>(j) * 200); }, at(2000));
  }
  EXPECT_EQ(estimator.estimate(), before);
}

// ---- On a path (test_path.hpp). The figures are those that the estimator is built to reach.

double part(std::vector<double> values, double share) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return *at;
}
double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}
std::vector<double> estimates(const TestSender& sender, std::size_t from_ms) {
  std::vector<double> all;
  for (std::size_t i = from_ms; i < sender.samples.size(); ++i) {
    all.push_back(static_cast<double>(sender.samples[i].estimate));
  }
  return all;
}
// A figure that the log of the test shows.
void note(const std::string& name, double value) {
  testing::Test::RecordProperty(name, std::to_string(value));
}

class BwePathTest : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, BwePathTest, testing::Values(1, 2, 3, 4));

TEST(BweOnePath, FindsTheCapacityAtTheStart) {
  TestSender sender({.capacity = 4'000'000}, false);
  sender.run(seconds(1));
  EXPECT_GT(sender.estimator.estimate(), 2'800'000U);
  sender.run(seconds(20));
  const auto all = estimates(sender, 5000);
  EXPECT_GT(part(all, 0.05), 0.7 * 4e6);
  EXPECT_LT(part(all, 0.95), 1.15 * 4e6);
}

TEST(BweOnePath, AStartThatIsTooHighIsCorrected) {
  TestSender sender({.capacity = 300'000}, false);
  sender.run(seconds(3));
  EXPECT_LT(sender.estimator.estimate(), 330'000U);
  sender.run(seconds(2));
  EXPECT_LT(to_ms(sender.path.wait()), 100);
}

// 2.5 to 0.6 Mbit/s. What is on the way before anybody can know (a round trip, a feedback interval)
// fills the queue, which then takes its own length to empty.
TEST_P(BwePathTest, LetsTheQueueOutWithinASecond) {
  TestSender sender({.capacity = 2'500'000}, false, GetParam());
  sender.run(seconds(20) + milliseconds(37 * GetParam()));
  const std::size_t step = sender.samples.size();
  sender.path.options.capacity = 600'000;
  sender.run(seconds(10));
  std::size_t longest = step;
  std::size_t empty = step;
  for (std::size_t i = step; i < step + 3000; ++i) {
    if (sender.samples[i].wait > sender.samples[longest].wait) longest = i;
    if (sender.samples[i].wait < milliseconds(50)) continue;
    if (i < empty + 500) empty = i + 1;  // else it is another, of a probe
  }
  note("longest_queue_ms", to_ms(sender.samples[longest].wait));
  note("until_below_50_ms", static_cast<double>(empty - step));
  EXPECT_LT(to_ms(sender.samples[longest].wait), 700);
  EXPECT_LT(static_cast<double>(empty - step), 1000 + to_ms(sender.samples[longest].wait));
  EXPECT_GT(part(estimates(sender, step + 5000), 0.5), 0.65 * 600'000);
}

// When it says so, nothing waits any more, and the path has not been idle for long.
TEST_P(BwePathTest, KnowsWhenTheQueueWillBeGone) {
  TestSender sender({.capacity = 2'500'000, .buffer = 22'500}, false, GetParam());
  sender.run(seconds(20) + milliseconds(37 * GetParam()));
  sender.path.options.capacity = 600'000;
  for (int ms = 0; ms < 1000 && !sender.estimator.draining(); ++ms) sender.run(milliseconds(1));
  ASSERT_TRUE(sender.estimator.draining());
  EXPECT_LT(sender.estimator.target(), sender.estimator.estimate() / 5);
  int idle = 0;
  for (int ms = 0; ms < 1000 && sender.estimator.draining(); ++ms) {
    EXPECT_GE(sender.estimator.drained_at(), sender.now - milliseconds(1));
    sender.run(milliseconds(1));
    idle += sender.path.wait() == Duration{} ? 1 : 0;
  }
  ASSERT_FALSE(sender.estimator.draining());
  note("idle_ms", idle);
  note("rest_ms", to_ms(sender.path.wait()));
  EXPECT_LT(idle, 100);
  EXPECT_LT(to_ms(sender.path.wait()), 50);
  EXPECT_EQ(sender.estimator.target(), sender.estimator.estimate());
}

// 4 to 0.5 to 4 Mbit/s, three videos in layers of 150, 500 and 1,700 kbit/s.
TEST_P(BwePathTest, ComesBackWithinFiveSeconds) {
  TestSender sender({.capacity = 4'000'000, .buffer = 100'000}, true, GetParam());
  sender.run(seconds(20));
  const double before = sender.media();
  ASSERT_GT(before, 2'500'000);
  sender.path.options.capacity = 500'000;
  sender.run(seconds(15) + milliseconds(613 * GetParam()));
  ASSERT_LT(sender.media(), 600'000);
  ASSERT_GT(sender.media(), 150'000);
  sender.path.options.capacity = 4'000'000;
  int ms = 0;
  while (ms < 30'000 && sender.media() < 0.9 * before) {
    sender.run(milliseconds(10));
    ms += 10;
  }
  note("back_after_ms", ms);
  EXPECT_LE(ms, 5000);
}

TEST_P(BwePathTest, RandomLossIsNotCongestion) {
  TestSender sender({.capacity = 2'000'000, .loss = 0.1}, false, GetParam());
  sender.run(seconds(90));
  const auto all = estimates(sender, 10'000);
  note("p5_of_capacity", part(all, 0.05) / 2e6);
  note("p50_of_capacity", part(all, 0.5) / 2e6);
  EXPECT_GE(part(all, 0.05), 0.7 * 2e6);
  EXPECT_LE(part(all, 0.95), 1.1 * 2e6);
}

// Every other second the way is 15 ms longer, as on a radio link: no queue, and no buffer that
// overflows.
TEST_P(BwePathTest, WhatGetsLostAnywayIsNoFullBuffer) {
  TestSender sender({.capacity = 1'000'000, .loss = 0.05}, true, GetParam());
  sender.run(seconds(15));
  for (int i = 0; i < 60; ++i) {
    sender.path.options.latency = milliseconds(i % 2 == 0 ? 45 : 30);
    sender.run(seconds(1));
  }
  const auto all = estimates(sender, 15'000);
  note("p5_of_capacity", part(all, 0.05) / 1e6);
  note("p50_of_capacity", part(all, 0.5) / 1e6);
  EXPECT_GE(part(all, 0.05), 0.4 * 1e6);
  EXPECT_GE(part(all, 0.5), 0.7 * 1e6);
}

// A little speech, and once a second a key frame, paced by a quarter more than the path carries.
TEST(BweOnePath, ABurstIsNotCongestion) {
  TestPath path({.capacity = 600'000}, 1);
  Instant now = Instant(seconds(5000));
  Estimator estimator({.start = 600'000}, now);
  std::uint64_t least = UINT64_MAX;
  for (int ms = 0; ms < 60'000; ++ms, now += milliseconds(1)) {
    const auto send = [&](std::size_t bytes) { path.send(estimator.sent(bytes, now), bytes, now); };
    if (ms % 20 == 0) send(100);
    if (ms % 1000 < 110 && ms % 11 == 0) send(1000);
    path.step(now,
              [&](const rtcp::TransportFeedback& feedback) { estimator.feedback(feedback, now); });
    if (estimator.deadline() <= now) estimator.tick(now);
    if (ms > 1000) least = std::min(least, estimator.estimate());
  }
  EXPECT_GT(least, 500'000U);
}

TEST_P(BwePathTest, JitterIsNotCongestion) {
  TestSender sender({.capacity = 4'000'000, .jitter = milliseconds(30)}, false, GetParam());
  sender.run(seconds(60));
  const auto all = estimates(sender, 15'000);
  note("p5_of_capacity", part(all, 0.05) / 4e6);
  EXPECT_GE(part(all, 0.05), 0.7 * 4e6);
  TestSender ladder({.capacity = 4'000'000, .jitter = milliseconds(30)}, true, GetParam());
  ladder.run(seconds(60));
  const auto of_ladder = estimates(ladder, 15'000);
  note("ladder_p5_of_capacity", part(of_ladder, 0.05) / 4e6);
  EXPECT_GE(part(of_ladder, 0.05), 0.5 * 4e6);
}

TEST(BweOnePath, SilenceHalves) {
  TestSender sender({.capacity = 2'000'000}, false);
  sender.run(seconds(10));
  const auto before = static_cast<double>(sender.estimator.estimate());
  sender.path.silent = true;
  // What is under way still comes; then 2 s.
  sender.run(milliseconds(450));
  EXPECT_FALSE(sender.estimator.feedback_lost(sender.now));
  sender.run(milliseconds(200));
  EXPECT_TRUE(sender.estimator.feedback_lost(sender.now));
  sender.run(milliseconds(1550));
  const auto after = static_cast<double>(sender.estimator.estimate());
  EXPECT_LE(after, 0.55 * before);
  EXPECT_GE(after, 0.4 * before);
  sender.path.silent = false;
  sender.run(seconds(10));
  EXPECT_GT(static_cast<double>(sender.estimator.estimate()), 0.7 * 2e6);
}

// More is wanted for two minutes than there is: what the probes cost then.
TEST_P(BwePathTest, ProbesCostLittle) {
  for (const double capacity : {1'000'000.0, 2'000'000.0}) {
    // Where it lies between the layers matters.
    const double share = 1 + 0.08 * static_cast<double>(GetParam());
    TestSender sender({.capacity = share * capacity}, true, GetParam());
    sender.run(seconds(10));
    sender.probe_waits.clear();
    sender.probe_counts = {};
    sender.media_counts = {};
    const double carried = sender.path.sent_bytes();
    sender.run(seconds(120));
    std::vector<double> waits;
    waits.reserve(sender.probe_waits.size());
    for (const Duration wait : sender.probe_waits) waits.push_back(to_ms(wait));
    ASSERT_GT(sender.probe_counts.probes, 10U);
    const std::string of = "_" + std::to_string(static_cast<int>(capacity / 1000));
    note("probe_queue_p95_ms" + of, part(waits, 0.95));
    note("probe_share" + of, static_cast<double>(sender.probe_counts.probe_bytes) /
                                 (sender.path.sent_bytes() - carried));
    EXPECT_LT(part(waits, 0.95), 20);
    const auto dropped = sender.media_counts.dropped + sender.probe_counts.dropped;
    const auto sent = sender.media_counts.sent + sender.probe_counts.sent;
    EXPECT_LT(static_cast<double>(dropped), 0.003 * static_cast<double>(sent));
    EXPECT_LT(static_cast<double>(sender.probe_counts.probe_bytes),
              0.05 * (sender.path.sent_bytes() - carried));
  }
}

TEST_P(BwePathTest, LostFeedbackIsNotLostMedia) {
  TestSender sender({.capacity = 2'000'000, .feedback_loss = 0.1}, false, GetParam());
  sender.run(seconds(60));
  EXPECT_GT(part(estimates(sender, 10'000), 0.05), 0.6 * 2e6);
}

// A buffer of 16 ms: no delay to speak of, but losses.
TEST(BweOnePath, AShortBufferIsNotFlooded) {
  TestSender sender({.capacity = 3'000'000, .buffer = 6000}, false);
  sender.run(seconds(10));
  sender.media_counts = {};
  sender.run(seconds(60));
  const double share = static_cast<double>(sender.media_counts.dropped) /
                       static_cast<double>(sender.media_counts.sent);
  note("dropped", share);
  EXPECT_LT(share, 0.03);
  EXPECT_GT(part(estimates(sender, 10'000), 0.5), 0.7 * 3e6);
}

TEST_P(BwePathTest, TheDeadlineIsNeverPast) {
  TestSender sender({.capacity = 1'000'000, .jitter = milliseconds(5), .feedback_loss = 0.2}, true,
                    GetParam());
  for (int ms = 0; ms < 20'000; ++ms) {
    sender.run(milliseconds(1));
    sender.path.silent = ms / 4000 % 2 == 1;
    sender.estimator.tick(sender.now);
    ASSERT_GT(sender.estimator.deadline(), sender.now);
  }
}

TEST(BweOnePath, TheSameInputGivesTheSameEstimate) {
  const TestPathOptions options{.capacity = 1'500'000, .jitter = milliseconds(8), .loss = 0.03};
  TestSender one(options, true, 9);
  TestSender other(options, true, 9);
  one.run(seconds(30));
  other.run(seconds(30));
  for (std::size_t i = 0; i < one.samples.size(); ++i) {
    ASSERT_EQ(one.samples[i].target, other.samples[i].target) << i;
  }
}

}  // namespace
}  // namespace liaison::bwe
