#include "sfu/layer_rates.hpp"

#include <algorithm>

namespace liaison::sfu {
namespace {

constexpr Duration window_length = milliseconds(500);
// A key frame is many times as large as others: over less, one of them looks like a higher rate.
constexpr int remembered_windows = 6;

}  // namespace

void LayerRates::received(std::uint8_t spatial, std::uint8_t temporal, std::size_t bytes,
                          Instant now) {
  const auto s = std::min<std::size_t>(spatial, spatial_limit - 1);
  const auto t = std::min<std::size_t>(temporal, temporal_limit - 1);
  if (!flows(now)) {
    // A pause is not a low rate.
    bytes_ = {};
    window_ = now;
  } else if (now - window_ >= window_length) {
    close_window(now);
  }
  any_ = true;
  last_ = last_of_[s] = now;
  bytes_[s][t] += static_cast<double>(bytes);
}

void LayerRates::close_window(Instant now) {
  const double elapsed = std::chrono::duration<double>(now - window_).count();
  spatial_layers_ = temporal_layers_ = 1;
  // The mean of all at first.
  windows_ = std::min(windows_ + 1, remembered_windows);
  const double weight = windows_;
  for (std::size_t s = 0; s < spatial_limit; ++s) {
    // The others go on without it. What is left of it in this window is no measure.
    const bool left_out = last_ - last_of_[s] > window_length / 2;
    for (std::size_t t = 0; t < temporal_limit; ++t) {
      const double rate = bytes_[s][t] * 8 / elapsed;
      // A layer that is not sent any more goes sooner.
      if (!left_out) rates_[s][t] += (rate - rates_[s][t]) / (rate == 0 ? 2 : weight);
      if (rates_[s][t] < 1) continue;
      spatial_layers_ = std::max(spatial_layers_, static_cast<std::uint8_t>(s + 1));
      temporal_layers_ = std::max(temporal_layers_, static_cast<std::uint8_t>(t + 1));
    }
  }
  bytes_ = {};
  window_ = now;
}

std::uint32_t LayerRates::rate(std::uint8_t spatial, std::uint8_t temporal) const {
  double sum = 0;
  for (std::size_t s = 0; s <= std::min<std::size_t>(spatial, spatial_limit - 1); ++s) {
    for (std::size_t t = 0; t <= std::min<std::size_t>(temporal, temporal_limit - 1); ++t)
      sum += rates_[s][t];
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace liaison::sfu
