#include "sfu/sender_clock.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

Instant at(std::int64_t ms) { return Instant{} + milliseconds(ms); }
// A sender whose clock shows 3.9e9 s at our zero.
std::uint64_t sender_ntp(std::int64_t ms) {
  return to_ntp(seconds(3'900'000'000) + milliseconds(ms));
}

TEST(Ntp, ThereAndBack) {
  for (const std::int64_t ns : {0L, 1L, 999'999'999L, 3'900'000'000'123'456'789L}) {
    EXPECT_NEAR(static_cast<double>((from_ntp(to_ntp(Duration(ns))) - Duration(ns)).count()), 0, 1)
        << ns;
  }
  EXPECT_EQ(to_ntp(milliseconds(1500)), 0x1'8000'0000U);
}

TEST(SenderClock, TakesTheLeastDelay) {
  SenderClock clock;
  EXPECT_FALSE(clock.offset());
  clock.sender_report(sender_ntp(0), at(20));
  const Duration first = *clock.offset();
  clock.sender_report(sender_ntp(1000), at(1080));
  EXPECT_EQ(*clock.offset(), first) << "a late report changes nothing";
  clock.sender_report(sender_ntp(2000), at(2018));
  EXPECT_NEAR(static_cast<double>((*clock.offset() - first).count()), -2e6, 10)
      << "an earlier one does, by 2 ms";
}

TEST(SenderClock, MovesSlowly) {
  SenderClock clock;
  clock.sender_report(sender_ntp(0), at(200));
  const Duration first = *clock.offset();
  clock.sender_report(sender_ntp(1000), at(1000));
  EXPECT_NEAR(static_cast<double>((*clock.offset() - first).count()), -4e6, 10)
      << "0.8 s at 5 ms a second";
}

TEST(SenderClock, FollowsAJumpAtOnce) {
  SenderClock clock;
  clock.sender_report(sender_ntp(0), at(20));
  clock.sender_report(sender_ntp(61'000), at(1020));
  EXPECT_NEAR(
      static_cast<double>(
          (at(1020).time_since_epoch() - from_ntp(sender_ntp(61'000)) - *clock.offset()).count()),
      0, 10);
}

TEST(SenderClock, ForgetsTheLeastAfterThirtySeconds) {
  SenderClock clock;
  clock.sender_report(sender_ntp(0), at(20));
  const Duration first = *clock.offset();
  for (int s = 1; s <= 60; ++s) clock.sender_report(sender_ntp(s * 1000), at(s * 1000 + 50));
  EXPECT_NEAR(static_cast<double>((*clock.offset() - first).count()), 30e6, 10)
      << "the way has grown by 30 ms";
}

TEST(CaptureTime, KeepsTwoTracksTogether) {
  SenderClock clock;
  CaptureTime audio;
  CaptureTime video;
  EXPECT_FALSE(audio.rtp_timestamp_at(at(0), clock, 48'000));
  audio.sender_report(sender_ntp(1000), 5'000);
  clock.sender_report(sender_ntp(1000), at(1030));
  video.sender_report(sender_ntp(1500), 0xffffff00);
  clock.sender_report(sender_ntp(1500), at(1530));
  // What was captured at the sender's 2,000 ms has offset 30 ms in our time.
  EXPECT_NEAR(*audio.rtp_timestamp_at(at(2030), clock, 48'000), 5'000 + 48'000, 1);
  EXPECT_NEAR(static_cast<double>(*video.rtp_timestamp_at(at(2030), clock, 90'000)),
              static_cast<double>(static_cast<std::uint32_t>(0xffffff00U + 45'000U)), 1);
  EXPECT_NEAR(*audio.rtp_timestamp_at(at(1030), clock, 48'000), 5'000, 1);
}

}  // namespace
}  // namespace liaison::sfu
