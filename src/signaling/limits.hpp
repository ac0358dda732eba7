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

  // A call stays on one worker until that has so many endpoints; then others take their share.
  std::size_t endpoints_before_spreading = 500;

  // ── WHIP and WHEP ──
  // A worker has places for 4,096 endpoints; people need some of them.
  std::size_t viewers_per_worker = 3'500;
  // A publisher whose media is gone may come back for this long.
  Duration publisher_grace = seconds(20);
  std::size_t request_bytes = 64 * 1024;
  // Sessions to be opened with one token: so many at once, and ten a minute.
  std::uint32_t posts_per_token = 10;
  Duration post_interval = seconds(6);
  // Requests of any kind from one address.
  std::uint32_t requests_per_second = 100;
  std::uint32_t request_burst = 200;
  // Tokens and addresses whose rates are remembered.
  std::size_t rates = 20'000;
  // Requests that wait for the store.
  std::size_t pending_requests = 1'000;
};

// A token bucket: `rate` a second on average, or one every `interval`; `burst` at once.
class RateLimiter {
 public:
  RateLimiter(std::uint32_t rate, std::uint32_t burst, Instant now)
      : RateLimiter(Duration(seconds(1)) / std::max(rate, 1U), burst, now) {}
  RateLimiter(Duration interval, std::uint32_t burst, Instant now)
      : interval_(interval), depth_(interval_ * std::max(burst, 1U)), empty_at_(now - depth_) {}

  // Takes one token, or says that there is none.
  bool take(Instant now) {
    // The generic cell rate algorithm: empty_at_ is when the bucket would be full again.
    const Instant base = std::max(empty_at_, now - depth_);
    if (base + interval_ > now) return false;
    empty_at_ = base + interval_;
    return true;
  }

  // When the next token is there …
  Instant next() const { return empty_at_ + interval_; }
  // … and when the bucket is full again, as if nothing had been taken.
  Instant full_at() const { return empty_at_ + depth_; }

 private:
  Duration interval_;
  Duration depth_;
  Instant empty_at_;
};

}  // namespace liaison::signaling
