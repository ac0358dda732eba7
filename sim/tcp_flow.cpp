#include "sim/tcp_flow.hpp"

#include <algorithm>
#include <cmath>

namespace liaison::sim {
namespace {

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

TcpFlow::TcpFlow(Bottleneck& bottleneck, const TcpFlowOptions& options, Instant now)
    : bottleneck_(bottleneck), options_(options) {
  send(now);
}

Instant TcpFlow::deadline() const {
  const auto next =
      std::ranges::find_if(flying_, [](const Sent& sent) { return sent.answered != never; });
  return std::min(timeout_at_, next == flying_.end() ? never : next->answered);
}

void TcpFlow::tick(Instant now) {
  for (;;) {
    const auto next =
        std::ranges::find_if(flying_, [](const Sent& sent) { return sent.answered != never; });
    if (next == flying_.end() || next->answered > now) break;
    const Sent sent = *next;
    flying_.erase(next);
    acknowledged(sent, now);
    // What was sent three before it should have come before it.
    while (!flying_.empty() && flying_.front().number + reordering <= sent.number) {
      const std::uint64_t number = flying_.front().number;
      flying_.pop_front();
      lost(number, now);
    }
    send(now);
  }
  if (timeout_at_ <= now) time_out(now);
}

void TcpFlow::acknowledged(const Sent& sent, Instant now) {
  ++delivered_;
  const Duration round_trip = now - sent.at;
  if (smoothed_ == Duration{}) {
    smoothed_ = round_trip;
    variation_ = round_trip / 2;
  } else {
    const Duration off = round_trip > smoothed_ ? round_trip - smoothed_ : smoothed_ - round_trip;
    variation_ = (3 * variation_ + off) / 4;
    smoothed_ = (7 * smoothed_ + round_trip) / 8;
  }
  backoff_ = std::max<Duration>(least_timeout, smoothed_ + 4 * variation_);
  timeout_at_ = now + backoff_;
  // A window that is being taken back does not grow.
  if (sent.number >= recovered_) grow(now);
}

double TcpFlow::cubic(double time) const { return c * std::pow(time - k_, 3) + most_; }

void TcpFlow::grow(Instant now) {
  if (window_ < threshold_) {
    window_ += 1;
    return;
  }
  if (epoch_ == never) {
    // The first growth after slow start or a loss (section 4.2).
    epoch_ = now;
    most_ = std::max(most_, window_);
    k_ = std::cbrt((most_ - window_) / c);
    friendly_ = window_;
  }
  const double time = as_seconds(now - epoch_);
  // Section 4.3: as much as Reno with this beta, and from W_max on as Reno itself.
  const double alpha = friendly_ >= most_ ? 1.0 : 3 * (1 - beta) / (1 + beta);
  friendly_ += alpha / window_;
  if (cubic(time) < friendly_) {
    window_ = std::max(window_, friendly_);
    return;
  }
  const double target = std::clamp(cubic(time + as_seconds(smoothed_)), window_, 1.5 * window_);
  window_ += (target - window_) / window_;
}

void TcpFlow::lost(std::uint64_t number, Instant) {
  ++losses_;
  if (number < recovered_) return;
  recovered_ = next_;
  // Section 4.7: whoever has less than last time makes room for others.
  most_ = window_ < most_ ? window_ * (1 + beta) / 2 : window_;
  window_ = std::max(2.0, window_ * beta);
  threshold_ = window_;
  epoch_ = never;
}

void TcpFlow::time_out(Instant now) {
  backoff_ = std::min<Duration>(2 * std::max<Duration>(backoff_, least_timeout), seconds(60));
  timeout_at_ = now + backoff_;
  most_ = window_ < most_ ? window_ * (1 + beta) / 2 : window_;
  threshold_ = std::max(2.0, window_ * beta);
  window_ = 1;
  epoch_ = never;
  recovered_ = next_;
  losses_ += flying_.size();
  flying_.clear();
  send(now);
}

void TcpFlow::send(Instant now) {
  while (static_cast<double>(flying_.size()) < window_) {
    Sent sent{.number = next_++, .at = now};
    if (const auto out = bottleneck_.pass(options_.datagram, now))
      sent.answered = *out + options_.round_trip;
    flying_.push_back(sent);
    if (timeout_at_ == never) {
      backoff_ = seconds(1);
      timeout_at_ = now + backoff_;
    }
  }
}

}  // namespace liaison::sim
