// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3): when each
// packet of a transport arrived, in steps of 250 us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "rtcp/compound.hpp"

namespace liaison::rtcp {

// The most packets one feedback may speak of. The field could say 65,535, and 14 bytes could then
// keep us busy; feedback that comes every 250 ms has use for this many at 400 Mbit/s.
inline constexpr std::size_t max_feedback_statuses = 8192;

// One parsed feedback packet; what it says is read by for_each().
class TransportFeedback {
 public:
  // Nothing if the packet has another type, says more than max_feedback_statuses or less than one,
  // uses the reserved symbol, or lacks chunks or deltas.
  static std::optional<TransportFeedback> parse(const PacketView& packet);

  std::uint32_t media_ssrc() const { return media_ssrc_; }
  std::uint16_t base_sequence() const { return base_sequence_; }
  std::uint16_t status_count() const { return status_count_; }
  // Goes up by one with each feedback; a gap means that a feedback was lost.
  std::uint8_t feedback_count() const { return feedback_count_; }

  // visit(std::uint16_t sequence, std::optional<Duration> arrival) for each packet in order;
  // nullopt for those that did not arrive. Arrivals are on the far end's clock, which starts
  // anywhere and goes round every 2^24 * 64 ms.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    Symbols symbols(chunks_);
    Reader deltas(deltas_);
    Duration arrival = reference_time_;
    for (std::uint32_t i = 0; i < status_count_; ++i) {
      const auto sequence = static_cast<std::uint16_t>(base_sequence_ + i);
      const std::uint8_t symbol = symbols.next();
      if (symbol == not_received) {
        visit(sequence, std::optional<Duration>());
        continue;
      }
      const int delta =
          symbol == small_delta ? deltas.u8() : static_cast<std::int16_t>(deltas.u16());
      arrival += delta * tick;
      visit(sequence, std::optional<Duration>(arrival));
    }
  }

  static constexpr Duration tick = microseconds(250);
  static constexpr Duration reference_unit = milliseconds(64);

  // The two bits that say what became of a packet.
  static constexpr std::uint8_t not_received = 0;
  static constexpr std::uint8_t small_delta = 1;  // one byte, 0..255 ticks
  static constexpr std::uint8_t large_delta = 2;  // two bytes, signed

 private:
  // Takes the symbols out of the 16-bit chunks, one by one.
  class Symbols {
   public:
    explicit Symbols(Bytes chunks) : reader_(chunks) {}
    std::uint8_t next();
    bool ok() const { return reader_.ok(); }
    Bytes rest() const { return reader_.rest(); }

   private:
    Reader reader_;
    std::uint16_t chunk_ = 0;
    std::uint16_t left_ = 0;
  };

  std::uint32_t media_ssrc_ = 0;
  std::uint16_t base_sequence_ = 0;
  std::uint16_t status_count_ = 0;
  std::uint8_t feedback_count_ = 0;
  Duration reference_time_{};
  Bytes chunks_;
  Bytes deltas_;
};

struct Arrival {
  std::uint64_t sequence = 0;  // extended
  Instant at;
};

struct FeedbackHeader {
  std::uint32_t sender_ssrc = 0;
  std::uint32_t media_ssrc = 0;
  std::uint8_t feedback_count = 0;
};

// Writes one feedback packet that begins with `first_sequence` and says of everything up to the
// last arrival it takes whether it came. `arrivals` rise strictly in sequence, from first_sequence
// on. Takes as many as fit the room in `out`, max_feedback_statuses, and the 16 bits of a delta;
// returns how many those are (0, and nothing written, if not even the first fits). The caller goes
// on with the next packet after the last taken.
std::size_t write_transport_feedback(Writer& out, const FeedbackHeader& header,
                                     std::uint64_t first_sequence,
                                     std::span<const Arrival> arrivals);

}  // namespace liaison::rtcp
