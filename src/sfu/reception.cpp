#include "sfu/reception.hpp"

#include <algorithm>
#include <cstdlib>

namespace liaison::sfu {

void Reception::received(std::uint64_t seq, std::uint32_t timestamp, Instant now) {
  if (count_++ == 0) {
    first_ = seq;
    highest_ = seq;
    last_timestamp_ = timestamp;
    last_arrival_ = now;
    return;
  }
  if (seq <= highest_) return;
  highest_ = seq;
  measure_jitter(timestamp, now);
}

void Reception::measure_jitter(std::uint32_t timestamp, Instant now) {
  // The further packets of a frame share its timestamp and say only how it was paced.
  if (timestamp == last_timestamp_) return;
  const std::int64_t arrived =
      duration_cast<microseconds>(now - last_arrival_).count() * clock_rate_ / 1'000'000;
  const std::int64_t sent = static_cast<std::int32_t>(timestamp - last_timestamp_);
  last_timestamp_ = timestamp;
  last_arrival_ = now;
  const auto difference = static_cast<std::uint64_t>(std::abs(arrived - sent));
  // Not jitter but a source that was paused or has started its timestamps anew.
  if (difference > 5 * std::uint64_t{clock_rate_}) return;
  jitter_ += difference;
  jitter_ -= (jitter_ - difference + 8) >> 4;  // RFC 3550 section A.8
}

void Reception::sender_report(std::uint64_t ntp, Instant now) {
  last_sr_ = static_cast<std::uint32_t>(ntp >> 16);
  last_sr_arrival_ = now;
}

std::optional<rtcp::ReportBlock> Reception::report(std::uint32_t ssrc, Instant now) {
  if (count_ == 0) return std::nullopt;
  const std::uint64_t expected = highest_ - first_ + 1;
  const auto expected_since = static_cast<std::int64_t>(expected - expected_before_);
  const auto lost_since = expected_since - static_cast<std::int64_t>(count_ - count_before_);
  expected_before_ = expected;
  count_before_ = count_;
  intervals_[next_interval_++ % intervals_.size()] = {expected_since, lost_since};

  rtcp::ReportBlock block;
  block.ssrc = ssrc;
  if (expected_since > 0 && lost_since > 0) {
    block.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::int64_t>(lost_since * 256 / expected_since, 255));
  }
  const std::int64_t lost = static_cast<std::int64_t>(expected) - static_cast<std::int64_t>(count_);
  block.cumulative_lost =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7fffff));
  // The unwrapper starts one circle above zero.
  block.highest_sequence = static_cast<std::uint32_t>(highest_ - 65536);
  block.jitter = static_cast<std::uint32_t>(std::min<std::uint64_t>(jitter_ >> 4, UINT32_MAX));
  if (last_sr_ != 0) {
    block.last_sr = last_sr_;
    const Duration delay = now - last_sr_arrival_;
    block.delay_since_last_sr = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        duration_cast<microseconds>(delay).count() * 65536 / 1'000'000, 0, UINT32_MAX));
  }
  return block;
}

double Reception::recent_loss() const {
  constexpr std::int64_t enough = 50;  // of fewer packets one that is lost says nothing
  Interval all;
  for (const Interval& interval : intervals_) {
    all.expected += interval.expected;
    all.lost += interval.lost;
  }
  if (all.expected < enough || all.lost < 0) return 0;
  return static_cast<double>(all.lost) / static_cast<double>(all.expected);
}

}  // namespace liaison::sfu
