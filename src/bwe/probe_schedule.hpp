// When to try for more, and how much.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "bwe/rate_limits.hpp"

namespace liaison::bwe {

// Decides on probes. At the start of a path two at once tell what it carries, and each that passes
// is followed by one of twice its rate. Later a probe is sent while the receivers want more than
// the estimate, whether or not the estimate is used up: an SFU rises in steps, and no path becomes
// wider for being used just below the next step. A probe far above the estimate is repeated for a
// quarter of a second before it is believed. It knows no packets. Rates in bit/s.
class ProbeSchedule {
 public:
  static constexpr Duration cluster_length = milliseconds(15);
  static constexpr Duration confirm_length = milliseconds(250);
  static constexpr double big_step = 500'000;  // is confirmed
  // The wait for the first probe after the queue has drained, longer by half after each failure.
  static constexpr Duration first_wait = milliseconds(700);
  static constexpr Duration max_wait = milliseconds(3000);
  // After long_time without change.
  static constexpr Duration max_long_wait = seconds(10);
  static constexpr Duration long_time = minutes(1);
  static constexpr Duration next_step_wait = milliseconds(50);

  enum class Stage : std::uint8_t { initial, step, confirm };
  struct Plan {
    double rate = 0;
    Duration length{};
    Stage stage = Stage::initial;
  };
  struct Path {
    double estimate = 0;
    bool clear = false;      // no overuse, no queue, no hold after losses
    bool heard = false;      // anything at all: until then only the probes of the start are sent
    double most_factor = 2;  // times the estimate
  };

  explicit ProbeSchedule(RateLimits limits) : limits_(limits) {}

  // A new path, where `rate` is believed in.
  void start(double rate, Instant now);
  // All that is wanted, and what is needed in all with the next step up.
  void set_demand(double wanted, double next_step, Instant now);
  // The estimate fell. `by_probe`: so soon after a probe that it may be the reason.
  void fell(bool by_probe, Instant now);
  void drained(Instant now);

  // The next cluster, if one is due; it counts as sent. One must have finished before the next
  // begins, except for the two of the start.
  std::optional<Plan> take(const Path& path, Instant now);
  // What came of it. Returns the rate that is to be the estimate, if any.
  std::optional<double> finished(const Plan& plan, std::optional<double> result, const Path& path,
                                 Instant now);

  bool waits_for_drain() const { return waits_for_drain_; }
  // When take() may give something; it does not if the path is not clear then.
  Instant due(double estimate) const;

 private:
  double cap() const;
  bool wants_more(double estimate) const { return estimate < 1.05 * wanted_; }
  double step_rate(const Path& path) const;
  void failed(Instant now);

  RateLimits limits_;
  double wanted_ = 0;
  double next_step_ = 0;
  double start_ = 0;
  double initial_ = 0;       // the next of the start; 0 when there is none
  bool pair_ = false;        // and another one after it, at once
  int initial_waiting_ = 0;  // results of the start that are not known yet
  bool probing_ = false;     // another is under way
  std::optional<double> to_confirm_;
  Instant next_;
  Duration wait_ = first_wait;
  double reach_ = 0;  // times the estimate, where that is more than what is needed
  Instant changed_;
  bool waits_for_drain_ = false;
};

}  // namespace liaison::bwe
