// What was sent, until feedback has said what became of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "rtcp/transport_cc.hpp"

namespace liaison::bwe {

// Names a cluster of probe packets; none of them is named 0.
using ProbeId = std::uint16_t;
inline constexpr ProbeId no_probe = 0;

// What feedback newly says of one packet.
struct PacketResult {
  Instant sent;
  // On our clock, but for a constant; only of what is received.
  Instant arrived = Instant::min();
  std::uint32_t bytes = 0;
  ProbeId probe = no_probe;
  bool received = false;
  bool was_lost = false;  // received, after an earlier feedback had said lost
};

// Brings the far end's arrival times onto our clock: they start anywhere and go round every
// 2^24 * 64 ms. Whatever the far end says, results stay within max_distance of our time.
class ArrivalClock {
 public:
  static constexpr Duration max_distance = seconds(30);

  // The first arrival of a feedback. True if the clock had to be set: earlier arrivals cannot be
  // compared with those that follow.
  bool begin(Duration arrival, Instant now);
  // Another arrival of that feedback; nothing for what cannot be true.
  std::optional<Instant> ours(Duration arrival, Instant now) const;

 private:
  Instant extend(Duration arrival) const;

  bool set_ = false;
  Duration theirs_{};
  Instant ours_;
};

// Numbers the packets of one transport (draft-holmer-rmcat-transport-wide-cc-extensions-01 section
// 2) and matches feedback with them. A packet is told once as lost and once as received, however
// often feedback repeats it. Holds what waits for an answer, in a ring that grows up to max_kept.
class SentPackets {
 public:
  static constexpr std::size_t max_kept = 8192;
  static constexpr Duration max_age = seconds(10);
  // What was reported lost may still arrive for so long.
  static constexpr Duration lost_age = seconds(2);

  // Returns the number that the packet is to carry.
  std::uint16_t add(std::size_t bytes, ProbeId probe, Instant now);
  // Appends what the feedback newly says. True if arrivals cannot be compared with those of earlier
  // feedback.
  bool match(const rtcp::TransportFeedback& feedback, Instant now, std::vector<PacketResult>& out);

  // Packets sent after the newest that feedback spoke of.
  std::uint64_t unanswered() const { return next_ - answered_; }
  std::uint64_t unanswered_bytes() const { return unanswered_bytes_; }
  std::size_t kept() const { return static_cast<std::size_t>(next_ - oldest_); }

 private:
  enum class State : std::uint8_t { in_flight, lost, received };
  struct Packet {
    Instant sent;
    std::uint16_t bytes = 0;
    ProbeId probe = no_probe;
    State state = State::in_flight;
  };

  Packet& at(std::uint64_t number) { return ring_[number & (ring_.size() - 1)]; }
  void forget(Instant now);
  void answer_until(std::uint64_t number);
  void grow();

  std::vector<Packet> ring_;  // its size is a power of two
  std::uint64_t oldest_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t answered_ = 0;  // the first that no feedback has spoken of
  std::uint64_t unanswered_bytes_ = 0;
  ArrivalClock clock_;
};

}  // namespace liaison::bwe
