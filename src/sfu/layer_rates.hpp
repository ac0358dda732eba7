// How much each layer of one encoding takes.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.hpp"

namespace liaison::sfu {

inline constexpr std::size_t spatial_limit = 3;
inline constexpr std::size_t temporal_limit = 4;

// Smoothed over about three seconds. While nothing comes, of all of it or of a spatial layer, it
// remembers what was last measured: the publisher leaves out what nobody wants, and whoever wants
// it again will need as much.
class LayerRates {
 public:
  // Layers above the limits count as the highest.
  void received(std::uint8_t spatial, std::uint8_t temporal, std::size_t bytes, Instant now);

  // bit/s of all layers up to these; 0 if nothing was measured yet.
  std::uint32_t rate(std::uint8_t spatial, std::uint8_t temporal) const;
  // How many layers there are, at least one.
  std::uint8_t spatial_layers() const { return spatial_layers_; }
  std::uint8_t temporal_layers() const { return temporal_layers_; }
  // Something came within the last second.
  bool flows(Instant now) const { return any_ && now - last_ <= seconds(1); }

 private:
  using Table = std::array<std::array<double, temporal_limit>, spatial_limit>;
  void close_window(Instant now);

  Table bytes_{};
  Table rates_{};  // bit/s
  bool any_ = false;
  int windows_ = 0;  // that have been measured
  Instant window_;
  Instant last_;
  std::array<Instant, spatial_limit> last_of_{};
  std::uint8_t spatial_layers_ = 1;
  std::uint8_t temporal_layers_ = 1;
};

}  // namespace liaison::sfu
