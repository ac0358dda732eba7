// How fast to begin with somebody who was here before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/address.hpp"
#include "base/clock.hpp"

namespace liaison::sfu {

// What the paths to addresses carried when they were last used, so that whoever comes back, by a
// reload or for the next call, need not be measured from the beginning. An address is a line: all
// of IPv4, the first 64 bits of IPv6 (RFC 4291 section 2.5.4), of which each device has many.
class StartRates {
 public:
  static constexpr Duration kept = hours(1);
  static constexpr std::size_t limit = 4096;  // lines; the oldest is forgotten
  // Of what was measured: the path may have become worse, and probes soon tell if not.
  static constexpr double share = 0.7;
  static constexpr std::uint64_t least = 100'000;  // bit/s, as the other
  static constexpr std::uint64_t most = 5'000'000;

  void remember(const IpAddress& address, std::uint64_t rate, Instant now);
  // bit/s; nothing if nothing is known.
  std::optional<std::uint64_t> start(const IpAddress& address, Instant now) const;
  std::size_t size() const { return lines_.size(); }

 private:
  struct Line {
    std::uint64_t rate = 0;
    Instant at;
  };
  std::map<IpAddress, Line> lines_;
};

}  // namespace liaison::sfu
