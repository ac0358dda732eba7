// When the node must be told the time of day.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.hpp"

namespace liaison::node {

// Compares the time of day with the monotonic clock: at first, and when somebody has set it, the
// node needs a WallClockSet. Whoever runs the node asks every `interval`. Small steps, as a time
// server makes them, are not worth telling.
class WallClock {
 public:
  static constexpr Duration interval = seconds(10);
  static constexpr microseconds jump = seconds(1);

  // By how much `wall` has moved since it was last worth telling, if it is now; 0 the first time.
  std::optional<microseconds> look(UnixTime wall, Instant now) {
    microseconds moved{};
    if (told_) {
      moved = (wall - told_->wall) - duration_cast<microseconds>(now - told_->at);
      if (std::chrono::abs(moved) <= jump) return std::nullopt;
    }
    told_ = {wall, now};
    return moved;
  }

 private:
  struct Told {
    UnixTime wall;
    Instant at;
  };
  std::optional<Told> told_;
};

}  // namespace liaison::node
