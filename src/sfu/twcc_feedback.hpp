// When each packet of an endpoint arrived, told to its sender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/sequence.hpp"
#include "rtcp/transport_cc.hpp"

namespace liaison::sfu {

// Collects the transport-wide sequence numbers of everything one endpoint sends and builds the
// feedback from which its sender estimates the path
// (draft-holmer-rmcat-transport-wide-cc-extensions-01). A packet that comes after it was reported
// missing is reported again, with what followed it. It does not estimate anything itself.
class FeedbackSender {
 public:
  static constexpr Duration fast_interval = milliseconds(50);  // above fast_rate
  static constexpr Duration slow_interval = milliseconds(100);
  static constexpr std::uint64_t fast_rate = 1'500'000;  // bit/s
  static constexpr std::size_t max_unreported = 40;      // more are reported at once
  // Arrivals are remembered this long for repeated reports.
  static constexpr Duration back_window = milliseconds(500);
  static constexpr std::size_t max_remembered = 4096;
  // A jump by more is not reported as so many losses; a packet later than that is not reported.
  static constexpr std::uint64_t max_gap = 512;

  explicit FeedbackSender(std::uint32_t sender_ssrc) : sender_ssrc_(sender_ssrc) {}

  // A packet with its number and its size on the wire. `ssrc` goes into the feedback as the media
  // source: libwebrtc reads only feedback on an SSRC of its own.
  void received(std::uint32_t ssrc, std::uint16_t sequence, std::size_t size, Instant now);

  Instant deadline() const;
  // Writes one feedback packet if one is due. To be called again, with room for another, until it
  // is false.
  bool write(Writer& out, Instant now);

 private:
  bool remember(std::uint64_t sequence, Instant now);
  void forget(Instant now);
  void measure(std::size_t size, Instant now);
  std::vector<rtcp::Arrival>::const_iterator first_from(std::uint64_t sequence) const;

  std::uint32_t sender_ssrc_;
  std::uint32_t media_ssrc_ = 0;
  Unwrapper<std::uint16_t> unwrapper_;
  std::vector<rtcp::Arrival> arrivals_;  // rising in sequence, from begin_ on; keeps its capacity
  std::size_t begin_ = 0;
  std::optional<std::uint64_t> next_;  // the first number that the next report speaks of
  std::size_t unreported_ = 0;
  std::uint8_t feedback_count_ = 0;
  Instant last_report_;
  Instant newest_;

  Duration interval_ = slow_interval;
  Instant measure_start_;
  std::uint64_t measured_bytes_ = 0;
};

}  // namespace liaison::sfu
