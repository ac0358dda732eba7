#include "bwe/app_limited.hpp"

#include <algorithm>

namespace liaison::bwe {

void AppLimited::sent(std::size_t bytes, double estimate, Instant now) {
  constexpr double start = 0.8;
  constexpr double stop = 0.5;
  const std::chrono::duration<double> length = window;
  const std::chrono::duration<double> elapsed = std::min<Duration>(now - updated_, 2 * window);
  updated_ = now;
  const double full = share * estimate * length.count();
  budget_ += share * estimate * elapsed.count();
  budget_ = std::clamp(std::min(budget_, full) - static_cast<double>(bytes) * 8, -full, full);
  if (budget_ > start * full) limited_ = true;
  if (budget_ < stop * full) limited_ = false;
}

}  // namespace liaison::bwe
