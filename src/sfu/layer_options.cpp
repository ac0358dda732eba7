#include "sfu/layer_options.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace liaison::sfu {
namespace {

// Of the whole of a camera; its encodings have a half and a quarter of it.
constexpr std::uint32_t camera_height = 720;
constexpr std::uint32_t screen_height = 1080;

std::uint32_t usual_rate(std::uint32_t height, bool screen) {
  if (screen) return 800'000;
  if (height <= 180) return 150'000;
  if (height <= 360) return 500'000;
  return 1'700'000;
}

// What nobody has measured yet: the smallest encoding must be tried to be known.
constexpr std::uint32_t least_rate = 150'000;

bool has_spatial_layers(const UpEncoding& encoding) {
  return encoding.rates().spatial_layers() > 1;
}

std::uint32_t total_rate(const LayerRates& rates, Instant now, std::uint32_t usual) {
  const std::uint32_t measured =
      rates.rate(rates.spatial_layers() - 1, rates.temporal_layers() - 1);
  // What came once was perhaps held back by whatever it came through.
  return rates.flows(now) && measured != 0 ? measured : std::max(measured, usual);
}

}  // namespace

std::vector<LayerOption> layer_options(const UpTrack& track, Instant now) {
  const bool screen = track.media().screen;
  const std::uint32_t whole = screen ? screen_height : camera_height;
  std::vector<LayerOption> options;
  const std::size_t count = track.encodings().size();
  // Where one encoding has the other sizes as its spatial layers, the others never come.
  const bool layered = std::ranges::any_of(track.encodings(), has_spatial_layers);
  for (std::size_t i = 0; i < count; ++i) {
    if (layered && !has_spatial_layers(track.encodings()[i])) continue;
    const LayerRates& rates = track.encodings()[i].rates();
    const std::uint8_t spatial_layers = rates.spatial_layers();
    const std::uint32_t height = std::min(whole, whole >> (count - 1 - i) << (spatial_layers - 1));
    const std::uint8_t temporal_layers = rates.temporal_layers();
    const std::uint32_t measured = rates.rate(spatial_layers - 1, temporal_layers - 1);
    const std::uint32_t all =
        total_rate(rates, now, i == 0 ? least_rate : usual_rate(height, screen));
    for (std::uint8_t s = 0; s < spatial_layers; ++s) {
      for (std::uint8_t t = 0; t < temporal_layers; ++t) {
        const double share = measured == 0 ? 1 : static_cast<double>(rates.rate(s, t)) / measured;
        options.push_back({.layer = {static_cast<std::uint8_t>(i), s, t},
                           .rate = std::max(1U, static_cast<std::uint32_t>(share * all)),
                           .height = height >> (spatial_layers - 1 - s),
                           .frame_share = std::ldexp(1.0, t + 1 - temporal_layers)});
      }
    }
  }
  return options;
}

Layer layer_to_begin_with(const UpTrack& track, const DownTrack& down, bool draining, Instant now) {
  const Layer granted = *down.granted();
  const auto current = down.current();
  if (draining && (!current || current->encoding != granted.encoding)) {
    const bool below = current && current->encoding < granted.encoding;
    return {below ? current->encoding : std::uint8_t{0}, granted.spatial, 0};
  }
  const auto& encodings = track.encodings();
  const auto flows = [&](std::uint8_t encoding) { return encodings[encoding].rates().flows(now); };
  // What it sees goes on until the other begins.
  if (flows(granted.encoding) || (down.current() && flows(down.current()->encoding)))
    return granted;
  for (std::uint8_t encoding = granted.encoding; encoding-- > 0;) {
    if (!flows(encoding)) continue;
    const LayerRates& rates = encodings[encoding].rates();
    return {encoding, static_cast<std::uint8_t>(rates.spatial_layers() - 1),
            static_cast<std::uint8_t>(rates.temporal_layers() - 1)};
  }
  return granted;
}

}  // namespace liaison::sfu
