// The only place where time comes from: below this floor it is an argument.
#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace liaison::io {

inline Instant monotonic_now() {
  return Instant(duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

inline UnixTime unix_now() {
  return UnixTime(duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()));
}

}  // namespace liaison::io
