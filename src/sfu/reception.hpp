// How well one SSRC arrives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "rtcp/report.hpp"

namespace liaison::sfu {

// Receiver statistics of one SSRC for reports to its sender (RFC 3550 sections 6.4.1, A.3, A.8).
// It counts what came on this SSRC itself: what was repaired by RTX stays lost, since the sender
// wants to know about the path.
class Reception {
 public:
  explicit Reception(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // `seq` is extended as Unwrapper<std::uint16_t> does it.
  void received(std::uint64_t seq, std::uint32_t timestamp, Instant now);
  void sender_report(std::uint64_t ntp, Instant now);

  // The block for the next report, which ends the interval of the fraction lost. Nothing before the
  // first packet.
  std::optional<rtcp::ReportBlock> report(std::uint32_t ssrc, Instant now);
  // The share that was lost in the time of the last five reports, 0 to 1.
  double recent_loss() const;

 private:
  void measure_jitter(std::uint32_t timestamp, Instant now);

  std::uint32_t clock_rate_;
  std::uint64_t first_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t expected_before_ = 0;
  std::uint64_t count_before_ = 0;

  struct Interval {
    std::int64_t expected = 0;
    std::int64_t lost = 0;
  };
  std::array<Interval, 5> intervals_{};  // before the last reports; a ring
  std::size_t next_interval_ = 0;

  std::uint32_t last_timestamp_ = 0;
  Instant last_arrival_;
  std::uint64_t jitter_ = 0;  // in 1/16 of a clock tick

  std::uint32_t last_sr_ = 0;
  Instant last_sr_arrival_;
};

}  // namespace liaison::sfu
