#include "sim/stream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace liaison::sim {
namespace {

constexpr Instant begun{seconds(1'000)};

// What arrives, in its order, when everything is retried at its time.
std::vector<std::string> carry(Stream& stream, Link& link, Duration limit) {
  std::vector<std::string> texts;
  Instant now = begun;
  Instant last = begun;
  while (now < begun + limit) {
    while (auto departure = stream.take(link, now)) {
      EXPECT_GE(departure->arrives, last);
      last = departure->arrives;
      texts.push_back(departure->frame.text);
    }
    if (!stream.waits()) break;
    now = stream.retry();
  }
  return texts;
}

TEST(Stream, KeepsOrderAndLosesNothing) {
  Link link(
      {.latency = milliseconds(30), .jitter = milliseconds(50), .loss = 0.3, .reordered = 0.2},
      Random(1));
  Stream stream;
  std::vector<std::string> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(std::string(static_cast<std::size_t>(1 + i * 37 % 5'000), 'x') +
                   std::to_string(i));
    stream.send({Frame::Kind::text, sent.back()});
  }
  EXPECT_EQ(carry(stream, link, std::chrono::hours(1)), sent);
}

// A message larger than the queue of its link gets through in parts.
TEST(Stream, GoesInSegments) {
  Link link({.bits_per_second = 100'000, .queue = milliseconds(200)}, Random(2));
  Stream stream;
  stream.send({Frame::Kind::text, std::string(20'000, 'x')});
  EXPECT_EQ(carry(stream, link, seconds(60)).size(), 1U);
}

TEST(Stream, WaitsWhileTheLinkIsCut) {
  Link link({}, Random(3));
  link.cut(true);
  Stream stream;
  stream.send({Frame::Kind::text, "one"});
  EXPECT_FALSE(stream.take(link, begun));
  EXPECT_TRUE(stream.waits());
  EXPECT_TRUE(stream.take_unplanned());
  EXPECT_FALSE(stream.take_unplanned());
  link.cut(false);
  EXPECT_FALSE(stream.take(link, begun));  // not before its time
  const auto departure = stream.take(link, stream.retry());
  ASSERT_TRUE(departure);
  EXPECT_EQ(departure->frame.text, "one");
}

TEST(Stream, KnowsWhatWaitsAndSinceWhen) {
  Link link({}, Random(4));
  Stream stream;
  stream.send({Frame::Kind::datagram, std::string(100, 'x')});
  stream.send({Frame::Kind::text, std::string(50, 'x')});
  EXPECT_EQ(stream.bytes_waiting(), 152U);  // RFC 4571's two bytes
  EXPECT_FALSE(stream.stuck_since());
  link.cut(true);
  EXPECT_FALSE(stream.take(link, begun));
  EXPECT_FALSE(stream.take(link, stream.retry()));
  EXPECT_EQ(stream.stuck_since(), begun);
  link.cut(false);
  EXPECT_TRUE(stream.take(link, stream.retry()));
  EXPECT_FALSE(stream.stuck_since());
  EXPECT_EQ(stream.bytes_waiting(), 50U);
  stream.clear();
  EXPECT_FALSE(stream.waits());
  EXPECT_EQ(stream.bytes_waiting(), 0U);
}

}  // namespace
}  // namespace liaison::sim
