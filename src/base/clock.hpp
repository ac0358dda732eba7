// Time as a value. Neither clock has a now(): below floor 5 a machine learns the time only from its
// caller, so that the simulator can be that caller.
#pragma once

#include <chrono>

namespace liaison {

// Monotonic time of this process; its epoch is arbitrary.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};
using Duration = Clock::duration;
using Instant = Clock::time_point;

// The deadline of a machine that waits for nothing.
inline constexpr Instant never = Instant::max();

// The nearest beat, twenty of which are in a second. For what is done now and then, and need not be
// done at any particular moment: whoever looks after thousands wakes up for many at a time.
inline Instant on_beat(Instant at) {
  using Beats = std::chrono::duration<Duration::rep, std::ratio<1, 20>>;
  return std::chrono::round<Beats>(at);
}

// Time since 1970-01-01 UTC, in microseconds; may jump.
struct UnixClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<UnixClock>;
  static constexpr bool is_steady = false;
};
using UnixTime = UnixClock::time_point;

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

}  // namespace liaison
