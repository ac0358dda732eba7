// Which encodings of a published track somebody wants.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "sfu/command.hpp"

namespace liaison::sfu {

// Merges what the subscribers get into what the publisher is to send. More is wanted at once; less
// only after it has not been wanted for 5 s, since whoever comes back would have to wait for a key
// frame. It does not know who wants anything.
class LayerDemand {
 public:
  static constexpr Duration rest_after = seconds(5);

  struct Wanted {
    std::array<bool, encoding_limit> encodings{true, true, true};
    std::uint8_t spatial_layers = 3;
    void add(const Wanted& other);
    bool operator==(const Wanted&) const = default;
  };
  static constexpr Wanted nothing{{}, 1};

  // Before it is told anything, the publisher takes all as wanted, or `told`.
  LayerDemand() = default;
  explicit LayerDemand(const Wanted& told) : wanted_(told), told_(told) {}

  // What is wanted now. Returns what the publisher is to be told, if it is to be told.
  std::optional<Wanted> set(const Wanted& wanted, Instant now);
  Instant deadline() const;
  std::optional<Wanted> tick(Instant now);

  const Wanted& told() const { return told_; }

 private:
  static constexpr std::size_t spatial = encoding_limit;  // the last of the timers

  Wanted wanted_;
  Wanted told_;
  // Since when each encoding, or spatial layer, that was told is not wanted any more.
  std::array<std::optional<Instant>, encoding_limit + 1> unwanted_since_{};
};

}  // namespace liaison::sfu
