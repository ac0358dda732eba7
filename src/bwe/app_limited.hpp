// Whether much less is sent than could be.
#pragma once

#include <cstddef>

#include "base/clock.hpp"

namespace liaison::bwe {

// A budget of half a second that fills at a share of the estimate and is spent by what is sent. As
// long as it stays full, what arrives says nothing about the path (libwebrtc: ALR detector).
class AppLimited {
 public:
  static constexpr Duration window = milliseconds(500);
  static constexpr double share = 0.65;

  void sent(std::size_t bytes, double estimate, Instant now);
  bool limited() const { return limited_; }

 private:
  double budget_ = 0;  // in bits
  Instant updated_;
  bool limited_ = false;
};

}  // namespace liaison::bwe
