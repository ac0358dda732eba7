// The estimate as far as delay alone tells.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "bwe/rate_limits.hpp"
#include "bwe/trendline.hpp"

namespace liaison::bwe {

// Falls to a share of what arrives when the queue grows, and rises slowly while it does not: by a
// share of itself, or, near what the path was seen to carry, by about half a packet per round trip
// (draft-ietf-rmcat-gcc-02 section 5.5). Never rises far above what arrives: an estimate that
// nobody uses is not tested. Bit/s.
class Aimd {
 public:
  static constexpr double decrease = 0.85;
  static constexpr double increase_per_second = 0.08;
  static constexpr Duration default_rtt = milliseconds(200);

  Aimd(double start, RateLimits limits) : limits_(limits), rate_(limits.clamp(start)) {}

  // `acked` is what arrives. True if this was a decrease.
  bool update(Trendline::Usage usage, std::optional<double> acked, Duration rtt, Instant now);
  // A better source knows the rate: a probe, or silence.
  void set(double rate, Instant now);
  // The path is another one: what was learnt of its capacity is void.
  void forget_capacity() { capacity_.reset(); }

  double rate() const { return rate_; }

 private:
  // What the path carried at the last overuses, in kbit/s.
  struct Capacity {
    double kbps = 0;
    double variance = 0.4;  // relative to kbps

    double deviation() const;
  };
  enum class State : std::uint8_t { hold, increase };

  bool may_decrease(std::optional<double> acked, Duration rtt, Instant now) const;
  void fall(std::optional<double> acked, Instant now);
  void rise(std::optional<double> acked, Duration rtt, Instant now);
  void learn_capacity(double acked);

  RateLimits limits_;
  double rate_;
  State state_ = State::hold;
  std::optional<Capacity> capacity_;
  std::optional<Instant> changed_;
  std::optional<Instant> decreased_;
};

}  // namespace liaison::bwe
