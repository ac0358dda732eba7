// How often something took how long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace liaison::load {

// Counts durations in classes that are a thirty-second of their size wide (as an HDR histogram
// does), from a nanosecond to an hour: what it says is at most 3 % too large. Below zero is zero.
class Histogram {
 public:
  void add(Duration duration);
  void add(const Histogram& other);
  std::uint64_t count() const { return count_; }
  // Not exceeded by this share of them, 0 to 1; zero if there are none.
  Duration quantile(double share) const;

 private:
  static constexpr int fine_bits = 5;
  static constexpr std::size_t classes = 40 << fine_bits;

  std::array<std::uint32_t, classes> counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace liaison::load
