#include "rtcp/transport_cc.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace liaison::rtcp {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Statuses = std::vector<std::pair<std::uint16_t, std::optional<Duration>>>;

PacketView only(Bytes bytes) {
  const auto compound = Compound::parse(bytes);
  if (!compound) {
    ADD_FAILURE();
    return {};
  }
  return *compound->begin();
}

Statuses statuses_of(const TransportFeedback& feedback) {
  Statuses statuses;
  feedback.for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
    statuses.emplace_back(sequence, arrival);
  });
  return statuses;
}

Instant at(Duration since) { return Instant(since); }

Buffer write(std::uint64_t first, const std::vector<Arrival>& arrivals,
             std::size_t* taken = nullptr, std::size_t room = 1500) {
  Buffer out(room);
  Writer writer(out);
  const std::size_t count = write_transport_feedback(writer, {1, 2, 3}, first, arrivals);
  EXPECT_TRUE(writer.ok());
  if (taken != nullptr) *taken = count;
  out.resize(writer.size());
  return out;
}

TEST(TransportFeedback, ReadsAnExampleByHand) {
  // Base 65534, 9 packets, reference 2 * 64 ms: run of 2 small, then a two-bit vector with
  // large(-1), lost, lost, small, lost, lost, small.
  const Buffer bytes = {0xaf, 205,  0,    8,    0, 0, 0, 1,  0,    0,    0,    2,
                        0xff, 0xfe, 0,    9,    0, 0, 2, 77, 0x20, 0x02, 0xe0, 0x41,
                        4,    8,    0xff, 0xff, 1, 2, 0, 0,  0,    0,    0,    6};
  const auto feedback = TransportFeedback::parse(only(bytes));
  ASSERT_TRUE(feedback);
  EXPECT_EQ(feedback->media_ssrc(), 2U);
  EXPECT_EQ(feedback->base_sequence(), 65534);
  EXPECT_EQ(feedback->status_count(), 9);
  EXPECT_EQ(feedback->feedback_count(), 77);
  const auto ms = [](double value) {
    return std::optional<Duration>(microseconds(static_cast<long>(value * 1000)));
  };
  EXPECT_EQ(statuses_of(*feedback), (Statuses{{65534, ms(129)},
                                              {65535, ms(131)},
                                              {0, ms(130.75)},
                                              {1, std::nullopt},
                                              {2, std::nullopt},
                                              {3, ms(131)},
                                              {4, std::nullopt},
                                              {5, std::nullopt},
                                              {6, ms(131.5)}}));
  for (std::size_t words = 2; words < 8; ++words) {
    Buffer cut(bytes.begin(), bytes.begin() + static_cast<long>(4 * (words + 1)));
    cut[0] &= 0xdf;
    cut[3] = static_cast<std::uint8_t>(words);
    // The last word is only padding: without it all deltas are there.
    EXPECT_EQ(TransportFeedback::parse(only(cut)).has_value(), words == 7) << words;
  }
}

TEST(TransportFeedback, ReadsOneBitVectorsAndNegativeReferences) {
  const Buffer bytes = {0x8f, 205, 0, 5,  0,    0,    0,    1, 0,    0,    0, 2,
                        0,    5,   0, 14, 0xff, 0xff, 0xff, 0, 0xa0, 0x01, 0, 4};
  const auto feedback = TransportFeedback::parse(only(bytes));
  ASSERT_TRUE(feedback);
  const Statuses statuses = statuses_of(*feedback);
  ASSERT_EQ(statuses.size(), 14U);
  EXPECT_EQ(statuses.front(),
            std::make_pair(std::uint16_t{5}, std::optional<Duration>(milliseconds(-64))));
  EXPECT_EQ(statuses.back(),
            std::make_pair(std::uint16_t{18}, std::optional<Duration>(milliseconds(-63))));
  EXPECT_FALSE(statuses[1].second);
}

TEST(TransportFeedback, RefusesMalformed) {
  const auto parse = [](std::uint16_t count, Buffer rest) {
    Buffer bytes = {0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0, 0, 0, 0, 0};
    store_u16(&bytes[14], count);
    rest.resize((rest.size() + 3) / 4 * 4);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    bytes[3] = static_cast<std::uint8_t>(bytes.size() / 4 - 1);
    return TransportFeedback::parse(only(bytes)).has_value();
  };
  EXPECT_TRUE(parse(1, {0x20, 0x01, 0, 0}));
  EXPECT_FALSE(parse(0, {0x20, 0x01, 0, 0}));
  EXPECT_FALSE(parse(1, {}));                             // no chunk
  EXPECT_FALSE(parse(1, {0x60, 0x01, 0, 0}));             // reserved symbol in a run
  EXPECT_FALSE(parse(1, {0xf0, 0x00, 0, 0}));             // and in a vector
  EXPECT_FALSE(parse(3, {0x20, 0x03, 0, 0}));             // two of three deltas
  EXPECT_FALSE(parse(2, {0x40, 0x02, 0, 0}));             // large deltas are two bytes
  EXPECT_TRUE(parse(1, {0, 0, 0, 0, 0, 0, 0x20, 1, 0}));  // runs of none
  EXPECT_FALSE(parse(1, Buffer(400)));                    // nothing but runs of none
  EXPECT_TRUE(parse(8191, {0x1f, 0xff}));                 // all lost
  EXPECT_TRUE(parse(8192, {0x1f, 0xff, 0x00, 0x01}));
  EXPECT_FALSE(parse(8193, {0x1f, 0xff, 0x00, 0x02}));
  EXPECT_FALSE(
      TransportFeedback::parse(only(Buffer{0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0})));
}

TEST(WriteTransportFeedback, HasTheLayoutOfTheDraft) {
  // 64.25 ms and 65 ms: reference 1, deltas 1 and 3 ticks; one packet lost between.
  const Buffer bytes =
      write(0x10005, {{0x10005, at(microseconds(64'250))}, {0x10007, at(milliseconds(65))}});
  EXPECT_EQ(bytes, (Buffer{0x8f, 205, 0, 5, 0, 0, 0, 1, 0,    0,    0, 2,
                           0,    5,   0, 3, 0, 0, 1, 3, 0xa8, 0x00, 1, 3}));
}

// What was written, as its reader must say it: every sequence from `first` to the last taken.
Statuses expected(std::uint64_t first, std::span<const Arrival> arrivals) {
  Statuses statuses;
  std::uint64_t next = first;
  for (const Arrival& arrival : arrivals) {
    for (; next < arrival.sequence; ++next) statuses.emplace_back(next, std::nullopt);
    const Duration since = arrival.at.time_since_epoch();
    statuses.emplace_back(next++, since - since % TransportFeedback::tick);
  }
  return statuses;
}

TEST(WriteTransportFeedback, RoundTripsWhateverHappened) {
  std::mt19937 random(1);  // NOLINT: the same numbers on each run
  const auto draw = [&](std::uint32_t below) {
    return static_cast<std::uint32_t>(random() % below);
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Arrival> arrivals;
    const std::uint64_t first = 65536 + draw(65536);
    std::uint64_t sequence = first + (draw(4) == 0 ? draw(100) : 0);
    Duration now = microseconds(1'000'000 + draw(1'000'000'000));
    const std::uint32_t loss = draw(4);
    const std::uint32_t disorder = draw(3);
    for (std::uint32_t i = 0, count = 1 + draw(120); i < count; ++i) {
      arrivals.push_back({sequence, at(now)});
      sequence += 1 + (draw(10) < loss ? draw(i % 7 == 0 ? 60 : 3) : 0);
      now += microseconds(draw(draw(10) == 0 ? 200'000 : 3'000));
      if (draw(10) < disorder) now -= microseconds(draw(20'000));
    }
    const std::size_t room = draw(5) == 0 ? 40 + draw(80) : 1200;
    std::size_t taken = 0;
    const Buffer bytes = write(first, arrivals, &taken, room);
    ASSERT_LE(bytes.size(), room);
    if (room == 1200) {
      ASSERT_EQ(taken, arrivals.size());
    }
    if (taken == 0) {
      ASSERT_TRUE(bytes.empty());
      continue;
    }
    const auto feedback = TransportFeedback::parse(only(bytes));
    ASSERT_TRUE(feedback) << round;
    ASSERT_EQ(statuses_of(*feedback), expected(first, std::span(arrivals).first(taken))) << round;
  }
}

TEST(WriteTransportFeedback, PacksRuns) {
  std::vector<Arrival> arrivals;
  arrivals.reserve(100);
  for (std::uint64_t i = 0; i < 100; ++i) arrivals.push_back({1000 + i, at(milliseconds(i))});
  // One chunk for a hundred packets.
  EXPECT_EQ(write(1000, arrivals).size(), (20 + 2 + 100 + 3) / 4 * 4U);
  // The longest run, all lost but the last.
  EXPECT_EQ(write(1000, {{1000 + 8191, at(seconds(1))}}).size(), 20 + 2 + 2 + 1 + 3U);
}

TEST(WriteTransportFeedback, StopsWhereOnePacketCannotSayMore) {
  std::size_t taken = 0;
  // A delta of more than 16 bits.
  write(1, {{1, at(seconds(1))}, {2, at(seconds(10))}}, &taken);
  EXPECT_EQ(taken, 1U);
  write(1, {{1, at(seconds(10))}, {2, at(seconds(1))}}, &taken);
  EXPECT_EQ(taken, 1U);
  // More packets than one feedback may speak of.
  write(1, {{1, at(seconds(1))}, {8192, at(seconds(1))}, {8193, at(seconds(1))}}, &taken);
  EXPECT_EQ(taken, 2U);
  EXPECT_TRUE(write(1, {{8193, at(seconds(1))}}, &taken).empty());
  EXPECT_EQ(taken, 0U);
  // No room.
  EXPECT_TRUE(write(1, {{1, at(seconds(1))}}, &taken, 23).empty());
  EXPECT_EQ(taken, 0U);
  EXPECT_EQ(
      write(1, {{1, at(seconds(1))}, {2, at(seconds(1))}, {3, at(seconds(1))}}, &taken, 24).size(),
      24U);
  EXPECT_EQ(taken, 2U);
}

}  // namespace
}  // namespace liaison::rtcp
