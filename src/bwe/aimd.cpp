#include "bwe/aimd.hpp"

#include <algorithm>
#include <cmath>

namespace liaison::bwe {

namespace {

double to_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// Half a packet of a frame at 30 per second, per response time.
double additive_per_second(double rate, Duration rtt) {
  constexpr double frames_per_second = 30;
  constexpr double packet_bits = 1200 * 8;
  constexpr double least = 4000;
  const double frame_bits = rate / frames_per_second;
  const double average_bits = frame_bits / std::ceil(frame_bits / packet_bits);
  return std::max(least, average_bits / (2 * to_seconds(rtt + milliseconds(100))));
}

}  // namespace

double Aimd::Capacity::deviation() const { return 3 * std::sqrt(variance * kbps); }

bool Aimd::update(Trendline::Usage usage, std::optional<double> acked, Duration rtt, Instant now) {
  if (usage == Trendline::Usage::over) {
    if (!may_decrease(acked, rtt, now)) return false;
    fall(acked, now);
    return true;
  }
  // While the queue empties, growth would only fill it again.
  if (usage == Trendline::Usage::under) {
    state_ = State::hold;
  } else if (state_ == State::hold) {
    state_ = State::increase;
    changed_ = now;
  }
  if (state_ == State::increase) rise(acked, rtt, now);
  return false;
}

bool Aimd::may_decrease(std::optional<double> acked, Duration rtt, Instant now) const {
  constexpr Duration longest = milliseconds(200);
  if (!decreased_) return true;
  // The last decrease shows after a round trip.
  const Duration spacing =
      acked ? std::clamp<Duration>(rtt, milliseconds(10), longest) : Duration(longest);
  return now - *decreased_ >= spacing || (acked && *acked < 0.5 * rate_);
}

void Aimd::fall(std::optional<double> acked, Instant now) {
  double lower = rate_ / 2;
  if (acked) {
    constexpr double margin = 5000;
    lower = decrease * *acked;
    if (lower > margin) lower -= margin;
    if (lower > rate_ && capacity_) lower = decrease * capacity_->kbps * 1000;
    learn_capacity(*acked);
  }
  rate_ = limits_.clamp(std::min(rate_, lower));
  state_ = State::hold;
  changed_ = now;
  decreased_ = now;
}

void Aimd::learn_capacity(double acked) {
  constexpr double weight = 0.05;
  const double kbps = acked / 1000;
  if (capacity_ && kbps < capacity_->kbps - capacity_->deviation()) capacity_.reset();
  if (!capacity_) {
    capacity_ = Capacity{.kbps = kbps};
    return;
  }
  capacity_->kbps += weight * (kbps - capacity_->kbps);
  const double error = capacity_->kbps - kbps;
  const double variance = error * error / std::max(capacity_->kbps, 1.0);
  capacity_->variance += weight * (variance - capacity_->variance);
  capacity_->variance = std::clamp(capacity_->variance, 0.4, 2.5);
}

void Aimd::rise(std::optional<double> acked, Duration rtt, Instant now) {
  const double elapsed = std::clamp(to_seconds(now - changed_.value_or(now)), 0.0, 1.0);
  changed_ = now;
  if (!acked) return;
  if (capacity_ && *acked / 1000 > capacity_->kbps + capacity_->deviation()) capacity_.reset();
  const double limit = 1.5 * *acked + 10'000;
  if (rate_ >= limit) return;
  const double step = capacity_ ? additive_per_second(rate_, rtt) * elapsed
                                : std::max(rate_ * (std::pow(1 + increase_per_second, elapsed) - 1),
                                           1000 * elapsed);
  rate_ = limits_.clamp(std::min(rate_ + step, limit));
}

void Aimd::set(double rate, Instant now) {
  rate_ = limits_.clamp(rate);
  changed_ = now;
}

}  // namespace liaison::bwe
