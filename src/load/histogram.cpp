#include "load/histogram.hpp"

#include <algorithm>
#include <bit>

namespace liaison::load {

void Histogram::add(Duration duration) {
  const auto value = static_cast<std::uint64_t>(std::max(duration, Duration::zero()).count());
  // The highest bits of the value, behind how far they are from the lowest: the classes of one
  // power of two follow each other.
  const int shift = std::max(static_cast<int>(std::bit_width(value)) - fine_bits - 1, 0);
  const std::size_t at = (static_cast<std::size_t>(shift) << fine_bits) + (value >> shift);
  ++counts_[std::min(at, classes - 1)];
  ++count_;
}

void Histogram::add(const Histogram& other) {
  for (std::size_t at = 0; at < classes; ++at) counts_[at] += other.counts_[at];
  count_ += other.count_;
}

Duration Histogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < classes; ++at) {
    seen += counts_[at];
    if (seen <= wanted && seen < count_) continue;
    if (counts_[at] == 0) continue;
    const std::size_t shift = at < 2U << fine_bits ? 0 : (at >> fine_bits) - 1;
    const std::uint64_t top = at - (shift << fine_bits);
    return Duration(static_cast<Duration::rep>(((top + 1) << shift) - 1));
  }
  return Duration::zero();
}

}  // namespace liaison::load
