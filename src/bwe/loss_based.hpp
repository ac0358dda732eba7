// What losses say about the estimate.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "bwe/rate_limits.hpp"
#include "bwe/sent_packets.hpp"

namespace liaison::bwe {

// Explains the losses of the last seconds by a path that carries `bandwidth` and loses a share
// `inherent` of whatever is sent, congested or not. Of some candidates the likeliest pair wins,
// with a leaning towards more; so losses that come at any rate, as on a radio link, do not lower
// the estimate, and those that come with too much sent do (libwebrtc: loss based BWE v2, without
// its padding: probes tell whether losses have ended). Speaks only while it limits the estimate.
// Bit/s.
class LossBased {
 public:
  static constexpr std::size_t window = 15;  // observations
  static constexpr std::size_t least_observations = 3;
  static constexpr Duration observation_length = milliseconds(250);
  static constexpr Duration first_hold = milliseconds(300);
  static constexpr Duration max_hold = seconds(60);

  enum class State : std::uint8_t { delay_based, increasing, decreasing };

  explicit LossBased(RateLimits limits) : limits_(limits) {}

  void packet(const PacketResult& packet);
  // After the packets of one feedback. `acked` is what arrives.
  void update(double delay_based, std::optional<double> acked, bool app_limited, Instant now);
  // A probe has found that the path carries this.
  void probed(double rate);
  void reset();

  State state() const { return state_; }
  // Nothing while losses do not limit the estimate.
  std::optional<double> limit() const;
  // While an increase is on hold after a decrease.
  bool held(Instant now) const;
  // The share that is lost at whatever rate is sent.
  double inherent() const { return current_ ? current_->inherent : 0; }
  // The average share of bytes that are lost.
  double loss() const { return loss_; }

 private:
  struct Observation {
    double bytes = 0;
    double lost = 0;
    double rate = 0;  // of sending
  };
  struct Candidate {
    double bandwidth = 0;
    double inherent = 0.01;
  };

  Observation& observation(std::size_t age) {
    return observations_[(newest_ + window - age) % window];
  }
  const Observation& observation(std::size_t age) const {
    return observations_[(newest_ + window - age) % window];
  }
  bool observe();
  double average_loss() const;
  double upper_bound() const;
  Candidate best(double delay_based, std::optional<double> acked, bool app_limited, Instant now);
  template <typename Visit>
  void weigh(const Candidate& candidate, Visit&& visit) const;
  void fit(Candidate& candidate) const;
  double objective(const Candidate& candidate) const;
  void apply(Candidate best, double delay_based, std::optional<double> acked, Instant now);

  RateLimits limits_;
  std::array<Observation, window> observations_{};
  std::size_t count_ = 0;
  std::size_t newest_ = 0;
  Observation partial_;
  std::optional<Instant> first_sent_;  // of the partial observation
  Instant last_sent_;

  std::optional<Candidate> current_;
  State state_ = State::delay_based;
  double loss_ = 0;
  double ramp_limit_ = 0;  // until ramp_end_
  Instant ramp_end_;
  Duration hold_ = first_hold;
  Instant hold_end_;
  double hold_rate_ = 0;
};

}  // namespace liaison::bwe
