// When each packet of an endpoint leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/ring.hpp"

namespace liaison::sfu {

// A token bucket, and the packets that wait for it. What waits is named, not held: a packet stays
// in the history of its publisher's encoding until it leaves. Repetitions go before video; audio
// and RTCP do not wait but are counted. Without a rate nothing ever waits.
class Pacer {
 public:
  // What waits: a packet of a down-track, under the number that it got when it was accepted.
  struct Entry {
    std::uint16_t slot = 0;
    std::uint8_t encoding = 0;
    bool repetition = false;
    std::uint64_t in_seq = 0;
    std::uint64_t out_seq = 0;
    std::size_t bytes = 0;  // about
  };
  // More is refused: push() says false.
  static constexpr std::size_t entry_limit = 4096;
  // What may leave at once after a silence: on a path that is full; and on one with room, where a
  // frame had better leave in one piece. There is less of it to handle, here and on the way, and
  // its last packet arrives no later than if all of them had been held back.
  static constexpr Duration burst = milliseconds(5);
  static constexpr Duration roomy_burst = milliseconds(20);
  static constexpr std::size_t least_burst = 1250;  // bytes
  // So many bytes of repetitions leave before they are paid for: somebody waits for them already.
  static constexpr double repetition_credit = 3 * 1250;

  // bit/s; 0 = no limit.
  void set_rate(std::uint64_t rate, Instant now);
  std::uint64_t rate() const { return rate_; }
  void set_burst(Duration most, Instant now);

  // Nothing waits and there is room: a packet may be sent past the queue.
  bool open(Instant now) { return queue_.empty() && repetitions_.empty() && has_room(now); }
  // A repetition may leave: it waits only for others of its kind.
  bool may_repeat(Instant now) { return repetitions_.empty() && has_room(now, repetition_credit); }
  // Has left, by whichever way. The debt may grow, since what may not wait goes before, but not
  // beyond what is paid within half a second.
  void sent(std::size_t bytes, Instant now);

  bool push(const Entry& entry);
  // The next that may leave now, taken out.
  std::optional<Entry> pop(Instant now);
  // Of video; repetitions do not count.
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  std::size_t size() const { return queue_.size() + repetitions_.size(); }
  // Takes out what waits of a slot. How much of it was no repetition.
  std::size_t remove(std::uint16_t slot);

  // When pop() next gives something.
  Instant deadline() const;

 private:
  bool has_room(Instant now, double credit = 0);
  double most_room() const;
  double most_debt() const;
  void refill(Instant now);

  std::uint64_t rate_ = 0;
  Duration burst_ = burst;
  double room_ = least_burst;  // bytes; below 0 = debt
  Instant refilled_;
  Ring<Entry> queue_;
  Ring<Entry> repetitions_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace liaison::sfu
