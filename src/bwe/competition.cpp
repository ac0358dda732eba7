#include "bwe/competition.hpp"

#include <algorithm>

namespace liaison::bwe {

void Competition::update(Duration queue, Instant sent, std::size_t bytes, Instant now) {
  const Duration span = std::max(sent - sent_, Duration{});
  sent_ = std::max(sent_, sent);
  if (queue >= empty_queue) filled_ = now;
  if (now - filled_ >= empty_time) until_ = Instant::min();
  if (carried_ == 0) return;
  // On a thin path packets wait for each other.
  const std::chrono::duration<double> two_packets(2 * 1200 * 8 / carried_);
  if (queue < std::max<Duration>(empty_queue, duration_cast<Duration>(two_packets))) {
    carried_ = 0;
    return;
  }
  longest_ = std::max(longest_, queue);
  // It gets shorter: that is what was wanted. From here on, once more.
  if (queue * 2 < longest_) {
    longest_ = queue;
    drain_ = {};
    return;
  }
  const std::chrono::duration<double> to_carry(static_cast<double>(bytes) * 8 / carried_);
  drain_ = std::max(Duration{}, drain_ + span - duration_cast<Duration>(to_carry));
  if (drain_ < std::max<Duration>(least_drain, longest_ * 3 / 2)) return;
  until_ = now + term;
  carried_ = 0;
}

void Competition::decreased(double carried, Duration queue, Instant now) {
  constexpr double noticeable = 0.9;
  if (carried_ != 0 && carried >= noticeable * carried_) return;
  // The path carries less than was thought: nothing was to be expected so far.
  carried_ = carried;
  longest_ = queue;
  drain_ = {};
  sent_ = std::max(sent_, now);
}

}  // namespace liaison::bwe
