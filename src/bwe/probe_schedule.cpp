#include "bwe/probe_schedule.hpp"

#include <algorithm>
#include <utility>

namespace liaison::bwe {

void ProbeSchedule::start(double rate, Instant now) {
  start_ = rate;
  initial_ = 2 * rate;
  pair_ = true;
  initial_waiting_ = 0;
  probing_ = false;
  to_confirm_.reset();
  next_ = now;
  changed_ = now;
  wait_ = first_wait;
  waits_for_drain_ = false;
}

void ProbeSchedule::set_demand(double wanted, double next_step, Instant now) {
  constexpr double much_more = 1.1;
  if (wanted > much_more * wanted_) {
    changed_ = now;
    wait_ = first_wait;
    next_ = std::min(next_, now + first_wait);
  }
  wanted_ = wanted;
  next_step_ = next_step;
}

void ProbeSchedule::fell(bool by_probe, Instant now) {
  if (!by_probe) {
    changed_ = now;
    wait_ = first_wait;
  }
  initial_ = 0;
  to_confirm_.reset();
  waits_for_drain_ = true;
}

void ProbeSchedule::drained(Instant now) {
  waits_for_drain_ = false;
  next_ = std::max(next_, now + wait_);
}

// Nobody wants more than this.
double ProbeSchedule::cap() const {
  constexpr double margin = 1.2;
  return limits_.clamp(wanted_ > 0 ? std::max(margin * wanted_, 2 * start_) : 4 * start_);
}

double ProbeSchedule::step_rate(const Path& path) const {
  constexpr double step_margin = 1.2;
  constexpr double least_factor = 1.25;
  constexpr double wanted_margin = 1.2;
  // After a success there may be much more. After a failure, which jitter may have made of a small
  // gain, it would not make one of a large.
  const double rate =
      std::max(step_margin * next_step_, std::max(least_factor, reach_) * path.estimate);
  return limits_.clamp(std::min({rate, path.most_factor * path.estimate, wanted_margin * wanted_}));
}

std::optional<ProbeSchedule::Plan> ProbeSchedule::take(const Path& path, Instant now) {
  if (now < due(path.estimate) || !path.clear) return std::nullopt;
  if (initial_ > 0) {
    const double rate = std::min(initial_, cap());
    // The first two are sent one after the other.
    initial_ = std::exchange(pair_, false) && rate == initial_ ? 2 * initial_ : 0;
    ++initial_waiting_;
    return Plan{rate, cluster_length, Stage::initial};
  }
  if (!path.heard) return std::nullopt;
  if (to_confirm_) {
    probing_ = true;
    return Plan{*to_confirm_, confirm_length, Stage::confirm};
  }
  const double rate = step_rate(path);
  constexpr double worth_it = 1.02;
  if (rate < worth_it * path.estimate) return std::nullopt;
  probing_ = true;
  return Plan{rate, cluster_length, Stage::step};
}

Instant ProbeSchedule::due(double estimate) const {
  if (probing_ || waits_for_drain_) return never;
  if (initial_ > 0) return next_;
  if (initial_waiting_ > 0 || !wants_more(estimate)) return never;
  return next_;
}

std::optional<double> ProbeSchedule::finished(const Plan& plan, std::optional<double> result,
                                              const Path& path, Instant now) {
  constexpr double passed = 0.7;     // of the rate, at the start
  constexpr double confirmed = 0.9;  // of the rate, in the second stage
  constexpr double gained = 1.02;    // of the estimate
  if (plan.stage == Stage::initial) {
    if (initial_waiting_ > 0) --initial_waiting_;
    // The last result of a round says how it goes on.
    if (initial_waiting_ == 0 && initial_ == 0) {
      if (!result) {
        failed(now);
      } else if (*result > passed * plan.rate && plan.rate < cap()) {
        initial_ = 2 * *result;
        next_ = now;
      } else {
        next_ = now + wait_;
      }
    }
    return result;
  }
  probing_ = false;
  to_confirm_.reset();
  const double reached = result.value_or(0);
  const bool believed = plan.stage == Stage::confirm ? reached >= confirmed * plan.rate
                                                     : reached >= gained * path.estimate;
  if (!believed) {
    failed(now);
    return std::nullopt;
  }
  changed_ = now;
  wait_ = first_wait;
  next_ = now + next_step_wait;
  reach_ = 2;
  if (plan.stage == Stage::step && reached - path.estimate > big_step) {
    to_confirm_ = reached;
    next_ = now;
    return std::nullopt;
  }
  return reached;
}

void ProbeSchedule::failed(Instant now) {
  const Duration most = now - changed_ < long_time ? Duration(max_wait) : Duration(max_long_wait);
  next_ = now + wait_;
  constexpr double reach = 1.6;
  reach_ = reach_ > 0 ? 0 : reach;
  wait_ = std::min<Duration>(wait_ * 3 / 2, most);
}

}  // namespace liaison::bwe
