// What is missing of one encoding, and when to ask for it (again).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace liaison::sfu {

// Watches the extended sequence numbers of one encoding as they arrive and says which to ask for
// with a NACK (RFC 4585 section 6.2.1). It waits for reordering first, repeats no faster than the
// path can answer, and gives up on what nobody could show in time any more. It knows nothing of
// RTCP, of RTX, or of what was lost on the way to subscribers.
class NackGenerator {
 public:
  static constexpr Duration reordering_wait = milliseconds(10);
  static constexpr Duration min_repeat = milliseconds(20);
  static constexpr int max_tries = 8;
  static constexpr Duration max_age = milliseconds(600);
  static constexpr std::size_t max_missing = 500;

  enum class Wish : std::uint8_t {
    nothing,
    packets,    // those appended to `out`
    key_frame,  // more is missing than max_missing: asking for a key frame is cheaper
  };

  // Every packet of the encoding, those that came as RTX too.
  void received(std::uint64_t seq, Instant now);
  // What is missing before `seq` is not needed any more: a key frame began there.
  void forget_before(std::uint64_t seq);

  // The first of a stretch: nothing before it is missing.
  void begin_with(std::uint64_t seq) {
    *this = {};
    highest_ = seq;
  }

  Instant deadline() const { return deadline_; }
  // Appends what is due, in rising order. `rtt` is the time until an answer can be here; where it
  // is not known yet, a cautious guess such as 100 ms.
  Wish collect(Instant now, Duration rtt, std::vector<std::uint16_t>& out);

  std::size_t missing_count() const { return missing_.size(); }

 private:
  struct Missing {
    std::uint64_t seq = 0;
    Instant noticed;
    Instant due;
    int tries = 0;
  };

  std::vector<Missing> missing_;  // rising in seq; keeps its capacity
  std::optional<std::uint64_t> highest_;
  Instant deadline_ = never;  // not after the earliest `due`
  bool overflowed_ = false;
};

}  // namespace liaison::sfu
