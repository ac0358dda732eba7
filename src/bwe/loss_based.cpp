#include "bwe/loss_based.hpp"

#include <algorithm>
#include <cmath>

namespace liaison::bwe {

namespace {

constexpr double inherent_offset = 0.05;
constexpr double inherent_balance = 150'000;  // bit/s
constexpr double least_inherent = 1e-3;

// Of an observation, by its age.
constexpr std::array<double, LossBased::window> weights = [] {
  std::array<double, LossBased::window> all{};
  double weight = 1;
  for (double& one : all) {
    one = weight;
    weight *= 0.9;
  }
  return all;
}();

double loss_probability(double rate, double bandwidth, double inherent) {
  const double overload = rate > bandwidth ? (rate - bandwidth) / rate : 0;
  return std::clamp(inherent + (1 - inherent) * overload, 1e-6, 1 - 1e-6);
}

double max_inherent(double bandwidth) {
  return std::min(inherent_offset + inherent_balance / bandwidth, 1.0);
}

}  // namespace

void LossBased::reset() { *this = LossBased(limits_); }

void LossBased::packet(const PacketResult& packet) {
  const double bytes = packet.bytes;
  if (packet.was_lost) {
    // Counted when it was reported lost: only the loss is taken back.
    if (partial_.lost >= bytes) {
      partial_.lost -= bytes;
      return;
    }
    for (std::size_t age = 0; age < count_; ++age) {
      if (observation(age).lost < bytes) continue;
      observation(age).lost -= bytes;
      return;
    }
    return;
  }
  if (!first_sent_) {
    first_sent_ = packet.sent;
    last_sent_ = packet.sent;
  }
  last_sent_ = std::max(last_sent_, packet.sent);
  partial_.bytes += bytes;
  if (!packet.received) partial_.lost += bytes;
}

bool LossBased::observe() {
  if (!first_sent_ || last_sent_ - *first_sent_ < observation_length) return false;
  const std::chrono::duration<double> elapsed = last_sent_ - *first_sent_;
  partial_.rate = partial_.bytes * 8 / elapsed.count();
  newest_ = (newest_ + 1) % window;
  observation(0) = partial_;
  count_ = std::min(count_ + 1, window);
  partial_ = {};
  first_sent_ = last_sent_;
  loss_ = average_loss();
  return true;
}

double LossBased::average_loss() const {
  std::array<double, window> rates;
  std::size_t best = 0;
  std::size_t worst = 0;
  const auto share = [&](std::size_t age) {
    const Observation& one = observation(age);
    return one.bytes > 0 ? one.lost / one.bytes : 0;
  };
  for (std::size_t age = 0; age < count_; ++age) {
    rates[age] = observation(age).rate;
    if (share(age) < share(best)) best = age;
    if (share(age) > share(worst)) worst = age;
  }
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(count_ / 2);
  std::nth_element(rates.begin(), middle, rates.begin() + static_cast<std::ptrdiff_t>(count_));
  // The extremes are left out, but not the losses of sending far too much.
  const bool leave_out = count_ >= least_observations;
  const bool keep_worst = observation(worst).rate > 2 * *middle;
  double bytes = 0;
  double lost = 0;
  for (std::size_t age = 0; age < count_; ++age) {
    if (leave_out && (age == best || (age == worst && !keep_worst))) continue;
    bytes += weights[age] * observation(age).bytes;
    lost += weights[age] * observation(age).lost;
  }
  return bytes > 0 ? lost / bytes : 0;
}

// From the average loss alone: with this much of it, more cannot be right.
double LossBased::upper_bound() const {
  if (loss_ <= inherent_offset) return limits_.most;
  return limits_.clamp(inherent_balance / (loss_ - inherent_offset));
}

void LossBased::update(double delay_based, std::optional<double> acked, bool app_limited,
                       Instant now) {
  if (!observe() || count_ < least_observations) return;
  if (!current_) current_ = Candidate{.bandwidth = delay_based};
  // While losses do not limit it, the estimate is that of the delay.
  if (state_ == State::delay_based) current_->bandwidth = delay_based;
  apply(best(delay_based, acked, app_limited, now), delay_based, acked, now);
}

LossBased::Candidate LossBased::best(double delay_based, std::optional<double> acked,
                                     bool app_limited, Instant now) {
  std::array<double, 5> bandwidths{};
  std::size_t count = 0;
  for (const double factor : {1.02, 1.0, 0.95}) bandwidths[count++] = factor * current_->bandwidth;
  if (acked && !app_limited) bandwidths[count++] = *acked;
  if (delay_based > current_->bandwidth) bandwidths[count++] = delay_based;

  double most = upper_bound();
  if (state_ != State::delay_based) {
    if (now >= ramp_end_) {
      constexpr Duration ramp_window = milliseconds(300);
      constexpr double ramp = 1.3;
      ramp_limit_ = ramp * current_->bandwidth;
      ramp_end_ = now + ramp_window;
    }
    most = std::min(most, ramp_limit_);
  }
  Candidate best;
  double best_objective = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Candidate candidate{limits_.clamp(std::min(bandwidths[i], most)), current_->inherent};
    fit(candidate);
    const double value = objective(candidate);
    if (i == 0 || value > best_objective) {
      best = candidate;
      best_objective = value;
    }
  }
  return best;
}

// visit(weight, probability of loss, kB lost, kB received, bytes) for each observation.
template <typename Visit>
void LossBased::weigh(const Candidate& candidate, Visit&& visit) const {
  for (std::size_t age = 0; age < count_; ++age) {
    const Observation& one = observation(age);
    visit(weights[age], loss_probability(one.rate, candidate.bandwidth, candidate.inherent),
          one.lost / 1000, (one.bytes - one.lost) / 1000, one.bytes);
  }
}

// One step of Newton's method towards the likeliest inherent loss.
void LossBased::fit(Candidate& candidate) const {
  constexpr double step = 0.75;
  double first = 0;
  double second = 0;
  weigh(candidate, [&](double weight, double p, double lost, double received, double) {
    first += weight * (lost / p - received / (1 - p));
    second -= weight * (lost / (p * p) + received / ((1 - p) * (1 - p)));
  });
  if (second != 0) candidate.inherent -= step * first / second;
  candidate.inherent =
      std::clamp(candidate.inherent, least_inherent, max_inherent(candidate.bandwidth));
}

double LossBased::objective(const Candidate& candidate) const {
  // The leaning towards more goes with little loss, and turns round with much.
  constexpr double much_loss = 0.2;
  const double leaning = (much_loss - loss_) / (0.002 + std::abs(much_loss - loss_));
  const double kbps = candidate.bandwidth / 1000;
  const double bias = leaning * (0.0002 * kbps + 0.02 * std::log1p(kbps));
  double sum = 0;
  weigh(candidate, [&](double weight, double p, double lost, double received, double bytes) {
    sum += weight * (lost * std::log(p) + received * std::log1p(-p));
    sum += weight * bias * bytes / 1000;
  });
  return sum;
}

void LossBased::apply(Candidate best, double delay_based, std::optional<double> acked,
                      Instant now) {
  const double before = current_->bandwidth;
  const bool limited = state_ != State::delay_based;
  if (loss_ > best.inherent && best.bandwidth > before) best.bandwidth = before;
  if (limited && acked) {
    const double factor = hold_rate_ > 0 && *acked < 1.3 * hold_rate_ ? 1.2 : 1.5;
    best.bandwidth = std::max(before, std::min(best.bandwidth, factor * *acked));
    // A standstill counts as an increase, so that a probe can tell whether there is room.
    if (state_ == State::decreasing && best.bandwidth == before) best.bandwidth += 1000;
  }
  double bounded = std::min({best.bandwidth, upper_bound(), delay_based});
  if (acked) bounded = std::max(bounded, std::min(*acked, delay_based));
  bounded = limits_.clamp(bounded);

  if (state_ == State::decreasing && now < hold_end_ && bounded < delay_based) {
    hold_rate_ = std::max(hold_rate_, acked.value_or(0));
    current_->inherent = best.inherent;
    current_->bandwidth = limits_.clamp(std::min(bounded, hold_rate_));
    return;
  }
  const bool below = bounded < delay_based && bounded < limits_.most;
  const bool rising =
      limited && (bounded > before || (bounded == before && state_ != State::decreasing));
  if (below && rising) {
    state_ = State::increasing;
  } else if (below) {
    if (state_ != State::decreasing) {
      hold_end_ = now + hold_;
      hold_rate_ = bounded;
      hold_ = std::min<Duration>(2 * hold_, max_hold);
    }
    state_ = State::decreasing;
  } else {
    state_ = State::delay_based;
    hold_ = first_hold;
    hold_rate_ = 0;
  }
  current_ = Candidate{bounded, best.inherent};
}

void LossBased::probed(double rate) {
  if (!current_ || state_ == State::decreasing) return;
  current_->bandwidth = limits_.clamp(std::max(current_->bandwidth, rate));
}

std::optional<double> LossBased::limit() const {
  if (state_ == State::delay_based || !current_) return std::nullopt;
  return current_->bandwidth;
}

bool LossBased::held(Instant now) const { return state_ == State::decreasing && now < hold_end_; }

}  // namespace liaison::bwe
