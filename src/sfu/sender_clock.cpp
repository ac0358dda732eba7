#include "sfu/sender_clock.hpp"

#include <algorithm>

namespace liaison::sfu {
namespace {

constexpr std::int64_t nanos = 1'000'000'000;
constexpr Duration jump = milliseconds(500);
constexpr std::int64_t slew_per_second_ns = 5'000'000;

}  // namespace

Duration from_ntp(std::uint64_t ntp) {
  const auto whole = static_cast<std::int64_t>(ntp >> 32);
  const auto fraction = static_cast<std::int64_t>((ntp & 0xffffffff) * nanos >> 32);
  return Duration(whole * nanos + fraction);
}

std::uint64_t to_ntp(Duration since_epoch) {
  const auto count = static_cast<std::uint64_t>(since_epoch.count());
  return count / nanos << 32 | (count % nanos << 32) / nanos;
}

std::uint64_t ntp_of(Instant instant) {
  // Far from zero, which some receivers take for "no time".
  return to_ntp(instant.time_since_epoch() + std::chrono::hours(24 * 365));
}

void SenderClock::sender_report(std::uint64_t ntp, Instant arrival) {
  const Duration sample = arrival.time_since_epoch() - from_ntp(ntp);
  if (!offset_ || std::chrono::abs(sample - *offset_) > jump) {
    least_.fill(std::nullopt);
    least_[bucket_] = sample;
    bucket_end_ = arrival + bucket_length;
    offset_ = sample;
    last_report_ = arrival;
    return;
  }
  while (arrival >= bucket_end_) {
    bucket_ = (bucket_ + 1) % buckets;
    least_[bucket_].reset();
    bucket_end_ += bucket_length;
    // After a long silence all buckets are empty: no need to count through it.
    if (arrival - bucket_end_ > bucket_length * buckets) {
      least_.fill(std::nullopt);
      bucket_end_ = arrival + bucket_length;
    }
  }
  least_[bucket_] = least_[bucket_] ? std::min(*least_[bucket_], sample) : sample;
  Duration target = sample;
  for (const auto& least : least_) {
    if (least) target = std::min(target, *least);
  }
  const Duration elapsed = std::max(arrival - last_report_, Duration{});
  const Duration most(elapsed.count() / nanos * slew_per_second_ns +
                      elapsed.count() % nanos * slew_per_second_ns / nanos);
  *offset_ += std::clamp(target - *offset_, -most, most);
  last_report_ = arrival;
}

std::optional<std::uint32_t> CaptureTime::rtp_timestamp_at(Instant instant,
                                                           const SenderClock& clock,
                                                           std::uint32_t clock_rate) const {
  if (!known_ || !clock.offset()) return std::nullopt;
  const std::int64_t ahead = (instant.time_since_epoch() - *clock.offset() - ntp_).count();
  // Split, since nanoseconds times the clock rate would overflow after a day.
  const std::int64_t ticks = ahead / nanos * clock_rate + ahead % nanos * clock_rate / nanos;
  return static_cast<std::uint32_t>(rtp_timestamp_ + static_cast<std::uint64_t>(ticks));
}

}  // namespace liaison::sfu
