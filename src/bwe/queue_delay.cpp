#include "bwe/queue_delay.hpp"

#include <algorithm>

namespace liaison::bwe {
namespace {

constexpr Duration run_tolerance = milliseconds(1);

}  // namespace

void QueueDelay::packet(Duration one_way, Instant arrived, bool probe) {
  std::ranges::copy_backward(times_.begin(), times_.end() - 1, times_.end());
  times_[0] = one_way;
  const Duration least = std::ranges::min(times_);
  const Duration step = least - run_.newest;
  if (run_.packets == 0 || step < -run_tolerance || arrived - run_.since > growth_time) {
    run_ = {.packets = 1, .from = least, .newest = least, .since = arrived, .probed = probe};
    return;
  }
  run_.probed |= probe;
  ++run_.packets;
  if (step <= Duration{}) return;
  run_.longest_step = std::max(run_.longest_step, step);
  run_.newest = least;
}

void QueueDelay::update(Duration one_way, std::size_t packets, Instant now) {
  if (count_ == 0) empty_ = now;
  if (count_ == 0 || now - bucket_start_ >= bucket_length) {
    std::ranges::copy_backward(least_.begin(), least_.end() - 1, least_.end());
    least_[0] = one_way;
    count_ = std::min(count_ + 1, buckets);
    bucket_start_ = now;
  }
  least_[0] = std::min(least_[0], one_way);
  const auto base = [&](std::size_t of) {
    return *std::min_element(least_.begin(),
                             least_.begin() + static_cast<std::ptrdiff_t>(std::min(of, count_)));
  };
  base_ = base(recent_buckets);
  delay_ = one_way - base_;
  std::ranges::copy_backward(samples_.begin(), samples_.end() - 1, samples_.end());
  samples_[0] = {delay_, packets};
  if (floor() < busy_delay) empty_ = now;
  look_whether_steady(now);
  guarded_ = one_way - base(buckets);
  if (guarded_ <= standing_delay) {
    standing_since_ = never;
  } else if (standing_since_ == never) {
    standing_since_ = now;
  }
}

void QueueDelay::look_whether_steady(Instant now) {
  const Duration lowest = floor();
  if (lowest < steady_delay) {
    steady_since_ = never;
    return;
  }
  steady_least_ = std::min(steady_least_, lowest);
  steady_most_ = std::max(steady_most_, lowest);
  if (steady_since_ == never || steady_most_ - steady_least_ > steady_range) {
    steady_since_ = now;
    steady_least_ = steady_most_ = lowest;
  } else if (now - steady_since_ >= steady_time) {
    least_[0] = base_ += steady_least_;
    count_ = 1;
    bucket_start_ = empty_ = now;
    delay_ = Duration{};
    samples_ = {};
    standing_since_ = steady_since_ = never;
  }
}

Duration QueueDelay::floor() const {
  Duration least = delay_;
  std::size_t packets = 0;
  for (const Sample& sample : samples_) {
    if (packets >= least_packets || sample.packets == 0) break;
    least = std::min(least, sample.delay);
    packets += sample.packets;
  }
  return least;
}

bool QueueDelay::standing(Instant now) {
  constexpr Duration longest_wait = seconds(16);
  if (standing_since_ == never) {
    if (now >= next_warning_) wait_ = seconds(1);
    return false;
  }
  if (now - standing_since_ < standing_time || now < next_warning_) return false;
  const bool helped = warned_ == Duration{} || guarded_ < warned_ * 4 / 5;
  wait_ = helped ? Duration(seconds(1)) : std::min<Duration>(2 * wait_, longest_wait);
  warned_ = guarded_;
  next_warning_ = now + wait_;
  return true;
}

void QueueDelay::reset() { *this = QueueDelay(); }

}  // namespace liaison::bwe
