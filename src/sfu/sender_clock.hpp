// When a publisher's media was captured, in our time: what keeps lips and voice together.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace liaison::sfu {

// NTP timestamps (RFC 3550 section 4) as used in reports: seconds since an epoch in 32.32 fixed
// point.
Duration from_ntp(std::uint64_t ntp);
std::uint64_t to_ntp(Duration since_epoch);
// The NTP time that we write for an instant. Its epoch is ours: receivers use only differences.
std::uint64_t ntp_of(Instant instant);

// The offset between one publisher's NTP clock and ours, shared by all its tracks, so that their
// relative timing is passed on exactly. It is the least (arrival - NTP) of the last 30 s, since
// only the delay above the least is jitter; it moves by at most 5 ms a second (RFC 3550
// section 6.4.1 reports come every few seconds), and starts again when the publisher's clock has
// jumped by more than 500 ms.
class SenderClock {
 public:
  void sender_report(std::uint64_t ntp, Instant arrival);
  // Our instant minus the sender's NTP time, as of the newest report; none before the first.
  std::optional<Duration> offset() const { return offset_; }

 private:
  static constexpr std::size_t buckets = 6;
  static constexpr Duration bucket_length = seconds(5);

  std::array<std::optional<Duration>, buckets> least_{};
  std::size_t bucket_ = 0;
  Instant bucket_end_;
  Instant last_report_;
  std::optional<Duration> offset_;
};

// The newest sender report of one encoding: which RTP timestamp belongs to which moment.
class CaptureTime {
 public:
  void sender_report(std::uint64_t ntp, std::uint32_t rtp_timestamp) {
    ntp_ = from_ntp(ntp);
    rtp_timestamp_ = rtp_timestamp;
    known_ = true;
  }
  // The RTP timestamp of what was captured at our `instant`; none before the first report.
  std::optional<std::uint32_t> rtp_timestamp_at(Instant instant, const SenderClock& clock,
                                                std::uint32_t clock_rate) const;

 private:
  Duration ntp_{};
  std::uint32_t rtp_timestamp_ = 0;
  bool known_ = false;
};

}  // namespace liaison::sfu
