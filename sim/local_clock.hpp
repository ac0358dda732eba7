// The clocks of one simulated machine.
#pragma once

#include "base/clock.hpp"

namespace liaison::sim {

// A monotonic clock that runs a little fast or slow against the world's time, and a clock of the
// day that may also jump. The world plans by its own time; machines are only ever told this one.
class LocalClock {
 public:
  // `drift` is the share by which it is fast: 100e-6 gains 0.1 ms a second. `wall` is the time of
  // day at the world's `now`.
  LocalClock(double drift, Instant now, UnixTime wall) : drift_(drift), begun_(now), wall_(wall) {}

  Instant local(Instant world) const {
    const Duration gone = world - begun_;
    return world + gain(gone);
  }
  // The first instant of the world at which local() has reached `local`; what is long past stays
  // so.
  Instant world(Instant local) const {
    if (local == never) return never;
    if (local <= begun_) return begun_;
    const auto gone = static_cast<double>((local - begun_).count());
    Instant at = begun_ + Duration(static_cast<Duration::rep>(gone / (1 + drift_)));
    while (this->local(at) < local) at += nanoseconds(1);
    return at;
  }
  UnixTime wall(Instant world) const {
    return wall_ + duration_cast<microseconds>(local(world) - begun_);
  }
  // Somebody, or a time server, sets the clock of the day.
  void jump(microseconds by) { wall_ += by; }

 private:
  Duration gain(Duration gone) const {
    return Duration(static_cast<Duration::rep>(static_cast<double>(gone.count()) * drift_));
  }

  double drift_;
  Instant begun_;
  UnixTime wall_;
};

}  // namespace liaison::sim
