#include "sfu/layer_demand.hpp"

#include <algorithm>

namespace liaison::sfu {

void LayerDemand::Wanted::add(const Wanted& other) {
  for (std::size_t i = 0; i < encoding_limit; ++i)
    encodings[i] = encodings[i] || other.encodings[i];
  spatial_layers = std::max(spatial_layers, other.spatial_layers);
}

std::optional<LayerDemand::Wanted> LayerDemand::set(const Wanted& wanted, Instant now) {
  wanted_ = wanted;
  const Wanted before = told_;
  told_.add(wanted);
  const auto note = [&](std::size_t timer, bool less) {
    if (!less)
      unwanted_since_[timer].reset();
    else if (!unwanted_since_[timer])
      unwanted_since_[timer] = now;
  };
  for (std::size_t i = 0; i < encoding_limit; ++i) {
    note(i, told_.encodings[i] && !wanted.encodings[i]);
  }
  note(spatial, wanted.spatial_layers < told_.spatial_layers);
  return told_ == before ? std::nullopt : std::optional(told_);
}

Instant LayerDemand::deadline() const {
  Instant at = never;
  for (const auto& since : unwanted_since_) {
    if (since) at = std::min(at, *since + rest_after);
  }
  return at;
}

std::optional<LayerDemand::Wanted> LayerDemand::tick(Instant now) {
  if (deadline() > now) return std::nullopt;
  const auto due = [&](std::size_t timer) {
    auto& since = unwanted_since_[timer];
    if (!since || *since + rest_after > now) return false;
    since.reset();
    return true;
  };
  for (std::size_t i = 0; i < encoding_limit; ++i) {
    if (due(i)) told_.encodings[i] = false;
  }
  if (due(spatial)) told_.spatial_layers = wanted_.spatial_layers;
  return told_;
}

}  // namespace liaison::sfu
