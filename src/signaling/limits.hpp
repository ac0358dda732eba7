// How much an outsider can make the control plane hold or do, and the bucket that measures rates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace liaison::signaling {

struct Limits {
  std::size_t connections = 5000;
  std::size_t connections_per_address = 500;
  std::size_t rooms = 1000;
  std::size_t people_per_room = 100;
  // The most person slots an offer may have: a page of 49, oneself included.
  std::uint16_t person_slots = 48;
  // Sessions that can still be resumed, living ones included.
  std::size_t sessions = 20'000;

  std::size_t message_bytes = 512 * 1024;
  std::uint32_t messages_per_second = 20;
  std::uint32_t message_burst = 40;

  Duration join_timeout = seconds(10);
  // A connection that said nothing: asked for a sign of life, then closed.
  Duration silence_ping = seconds(15);
  Duration silence_close = seconds(30);
  // Someone whose signaling and media are both gone is still listed for this long.
  Duration absence = seconds(30);
  // And may resume for this long.
  Duration resume = minutes(2);
};

// A token bucket: `rate` a second on average, `burst` at once.
class RateLimiter {
 public:
  RateLimiter(std::uint32_t rate, std::uint32_t burst, Instant now)
      : interval_(Duration(seconds(1)) / std::max(rate, 1U)),
        depth_(interval_ * std::max(burst, 1U)),
        empty_at_(now - depth_) {}

  // Takes one token, or says that there is none.
  bool take(Instant now) {
    // The generic cell rate algorithm: empty_at_ is when the bucket would be full again.
    const Instant base = std::max(empty_at_, now - depth_);
    if (base + interval_ > now) return false;
    empty_at_ = base + interval_;
    return true;
  }

 private:
  Duration interval_;
  Duration depth_;
  Instant empty_at_;
};

}  // namespace liaison::signaling
