// Whether what was published arrives: each packet, once, in order.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>

#include "load/stamp.hpp"

namespace liaison::load {

// Reads the stamps of one track as they arrive. What is missing between the first packet and the
// latest counts as lost until it comes. If another publisher is shown from now on, it begins anew
// there. What is more than `window` packets late is lost.
class ArrivalCheck {
 public:
  static constexpr std::uint64_t window = 2'048;

  enum class Arrival : std::uint8_t { in_order, late, again };
  Arrival received(const Stamp& stamp);
  std::uint64_t lost() const { return lost_; }

 private:
  std::optional<std::uint32_t> source_;
  std::uint64_t next_ = 0;
  std::bitset<window> seen_;  // of the numbers before next_, by number modulo `window`
  std::uint64_t first_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace liaison::load
