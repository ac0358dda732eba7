// Translation of the numbers of one down-track, reversible.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ring.hpp"

namespace liaison::sfu {

// Sequence numbers run on without a gap when a source is replaced or a packet is left out on
// purpose, so that what is missing at the subscriber is exactly what was lost. `out = in - offset`,
// with one offset for each interval between two packets left out; a late packet uses the offset of
// its own interval, and so does a repeated one, whichever source it came from. What else is
// renumbered (timestamps, VP8 picture ids) goes with the interval. Inputs are extended (64 bits,
// see Unwrapper). Knows nothing of packets. The newest 128 intervals are kept, in a ring that grows
// up to that: most have few.
class SeqMap {
 public:
  // What is added to the other numbers of a packet, and where it is from.
  struct Offsets {
    std::uint32_t timestamp = 0;
    std::uint16_t picture_id = 0;
    std::uint8_t tl0_index = 0;
    std::uint8_t encoding = 0;
    // Timestamps before `pressed_until` (as they come in) keep only so much of their distance from
    // it: a past that is shown as fast as it arrives.
    std::uint16_t pressed = 1;
    std::uint32_t pressed_until = 0;
    bool operator==(const Offsets&) const = default;
  };
  struct Number {
    std::uint64_t seq = 0;
    Offsets offsets;
    bool operator==(const Number&) const = default;
  };

  // `first_out` is the number before the first that goes out.
  explicit SeqMap(std::uint16_t first_out) : last_out_(std::uint64_t{1} << 16 | first_out) {}

  // A new source begins with `first_in`. `skip` numbers are left free: 1 tells the receiver that
  // the frame before was cut off in the middle.
  void start(std::uint64_t first_in, std::uint64_t skip, const Offsets& offsets);
  void start(std::uint64_t first_in, std::uint64_t skip = 0) { start(first_in, skip, Offsets{}); }
  // What went out so far cannot be asked for any more: it is of another track.
  void forget() {
    intervals_.clear();
    source_ = 0;
  }

  // The number under which `in`, of the newest source, goes out, or none if it is older than the
  // source's first or was left out.
  std::optional<Number> translate(std::uint64_t in);

  // `in` does not go out. Only the newest can be left out without a gap; an older one has its
  // number already, and then this is false. `offsets` hold for what comes after it.
  bool leave_out(std::uint64_t in, const Offsets& offsets);
  bool leave_out(std::uint64_t in) { return leave_out(in, newest_offsets()); }

  // The input that went out as `out`.
  std::optional<Number> reverse(std::uint16_t out) const;

  // Takes back every number from `out` on: nothing has been sent under them.
  void take_back(std::uint64_t out);

  std::uint64_t last_out() const { return last_out_; }
  // Of what comes next; those of no source before the first.
  Offsets newest_offsets() const {
    return intervals_.empty() ? Offsets{} : intervals_.back().offsets;
  }

 private:
  static constexpr std::size_t limit = 128;
  struct Interval {
    std::uint64_t first_in = 0;
    std::uint64_t first_out = 0;
    Offsets offsets;
  };
  void push(const Interval& interval);

  Ring<Interval> intervals_;
  std::size_t source_ = 0;        // the first interval of the newest source
  std::uint64_t source_out_ = 0;  // its first number …
  std::uint64_t ended_out_ = 0;   // … and the first that the source before did not use
  std::uint64_t highest_in_ = 0;  // of what was translated or left out
  std::uint64_t last_out_;        // highest that went out
};

}  // namespace liaison::sfu
