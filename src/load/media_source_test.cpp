#include "load/media_source.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rtp/frame_info.hpp"

namespace liaison::load {
namespace {

struct Sent {
  rtp::HeaderFields fields;
  std::vector<std::uint8_t> payload;
  rtp::FrameInfo frame() const {
    return rtp::frame_info(rtp::CodecName::vp8, payload, fields.marker, nullptr).value();
  }
};

std::vector<Sent> frame_at(MediaSource& source, Instant now) {
  std::vector<Sent> all;
  source.tick(now, now, [&](const rtp::HeaderFields& fields, Bytes payload) {
    all.push_back({fields, {payload.begin(), payload.end()}});
  });
  return all;
}

const Instant begin = Instant(seconds(100));

TEST(MediaSource, SendsVideoAtItsRateInWholePackets) {
  MediaSource source({.bits_per_second = 2'500'000, .first_sequence = 65'530}, begin);
  std::size_t bytes = 0;
  std::size_t frames = 0;
  std::uint16_t sequence = 65'530;
  std::uint64_t number = 0;
  while (source.deadline() < begin + seconds(2)) {
    const Instant now = source.deadline();
    const auto packets = frame_at(source, now);
    ASSERT_FALSE(packets.empty());
    ++frames;
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const Sent& packet = packets[i];
      EXPECT_EQ(packet.fields.sequence, sequence++);
      EXPECT_EQ(packet.payload.size(), 1'160U);
      EXPECT_EQ(packet.frame().starts_frame, i == 0);
      EXPECT_EQ(packet.fields.marker, i + 1 == packets.size());
      EXPECT_EQ(read_stamp(packet.payload)->number, number++);
      EXPECT_EQ(read_stamp(packet.payload)->sent, now);
      bytes += packet.payload.size();
    }
  }
  EXPECT_EQ(frames, 60U);
  EXPECT_NEAR(static_cast<double>(bytes) * 8 / 2, 2'500'000, 10'000);
  EXPECT_EQ(source.timestamp(), 59U * 3'000U);
}

TEST(MediaSource, BeginsWithAKeyFrameAndAnswersManyWishesOnce) {
  MediaSource source({}, begin);
  const auto next = [&] { return frame_at(source, source.deadline()).front().frame().key_frame; };
  EXPECT_TRUE(next());
  EXPECT_FALSE(next());
  source.request_key_frame();
  source.request_key_frame();
  int keys = 0;
  int until_first = 0;
  for (int i = 0; i < 30; ++i) {
    keys += next() ? 1 : 0;
    if (keys == 0) ++until_first;
  }
  EXPECT_EQ(keys, 1);
  EXPECT_EQ(until_first, 7);  // 300 ms after the one before: the tenth frame
  EXPECT_EQ(source.key_frames(), 2U);
}

TEST(MediaSource, SendsSoundFiftyTimesASecond) {
  MediaSource source({.video = false, .bits_per_second = 64'000}, begin);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(source.deadline(), begin + i * milliseconds(20));
    const auto packets = frame_at(source, source.deadline());
    ASSERT_EQ(packets.size(), 1U);
    EXPECT_EQ(packets[0].payload.size(), 160U);
    EXPECT_EQ(packets[0].fields.timestamp, static_cast<std::uint32_t>(i) * 960);
  }
}

TEST(MediaSource, LeavesOutWhatComesTooLateAndSaysSo) {
  MediaSource source({.video = false}, begin);
  EXPECT_TRUE(frame_at(source, begin - milliseconds(1)).empty());
  EXPECT_EQ(frame_at(source, begin).size(), 1U);
  EXPECT_EQ(frame_at(source, begin + milliseconds(105)).size(), 1U);
  EXPECT_EQ(source.skipped(), 4U);
  EXPECT_EQ(source.deadline(), begin + milliseconds(120));
}

}  // namespace
}  // namespace liaison::load
