// Between what an estimate may be.
#pragma once

#include <algorithm>

namespace liaison::bwe {

// Bit/s. Inside the estimator rates are doubles: they are multiplied by factors all the time.
struct RateLimits {
  double least = 30'000;
  double most = 100'000'000;

  double clamp(double rate) const { return std::clamp(rate, least, most); }
};

}  // namespace liaison::bwe
