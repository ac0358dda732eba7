#include "sfu/twcc_feedback.hpp"

#include <algorithm>

namespace liaison::sfu {

void FeedbackSender::received(std::uint32_t ssrc, std::uint16_t sequence, std::size_t size,
                              Instant now) {
  media_ssrc_ = ssrc;
  const std::uint64_t extended = unwrapper_.unwrap(sequence);
  if (!next_) {
    next_ = extended;
    last_report_ = now;
    measure_start_ = now;
  }
  measure(size, now);
  if (extended + max_gap < *next_ || !remember(extended, now)) return;
  next_ = std::min(*next_, extended);
  newest_ = now;
  ++unreported_;
  forget(now);
}

void FeedbackSender::measure(std::size_t size, Instant now) {
  constexpr Duration span = milliseconds(500);
  measured_bytes_ += size;
  const Duration elapsed = now - measure_start_;
  if (elapsed < span) return;
  const auto ms = static_cast<std::uint64_t>(duration_cast<milliseconds>(elapsed).count());
  interval_ = measured_bytes_ * 8 * 1000 > fast_rate * ms ? fast_interval : slow_interval;
  measured_bytes_ = 0;
  measure_start_ = now;
}

bool FeedbackSender::remember(std::uint64_t sequence, Instant now) {
  const auto begin = arrivals_.begin() + static_cast<std::ptrdiff_t>(begin_);
  auto at = arrivals_.end();
  while (at != begin && std::prev(at)->sequence > sequence) --at;
  if (at != begin && std::prev(at)->sequence == sequence) return false;  // the first one counts
  arrivals_.insert(at, {sequence, now});
  return true;
}

// What is too old, or too much; what is not reported yet only if it is too much.
void FeedbackSender::forget(Instant now) {
  while (arrivals_.size() - begin_ > max_remembered ||
         (arrivals_[begin_].sequence < *next_ && now - arrivals_[begin_].at > back_window)) {
    ++begin_;
  }
  if (begin_ > arrivals_.size() / 2) {
    arrivals_.erase(arrivals_.begin(), arrivals_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

Instant FeedbackSender::deadline() const {
  if (unreported_ == 0) return never;
  if (unreported_ > max_unreported) return newest_;
  return last_report_ + interval_;
}

std::vector<rtcp::Arrival>::const_iterator FeedbackSender::first_from(
    std::uint64_t sequence) const {
  return std::ranges::lower_bound(arrivals_.begin() + static_cast<std::ptrdiff_t>(begin_),
                                  arrivals_.end(), sequence, {}, &rtcp::Arrival::sequence);
}

bool FeedbackSender::write(Writer& out, Instant now) {
  if (now < deadline()) return false;
  const auto first = first_from(*next_);
  if (first == arrivals_.end()) {
    unreported_ = 0;
    return false;
  }
  const std::uint64_t base = first->sequence - *next_ > max_gap ? first->sequence : *next_;
  // Up to the next jump.
  const auto last = std::adjacent_find(first, arrivals_.cend(), [](const auto& a, const auto& b) {
    return b.sequence - a.sequence - 1 > max_gap;
  });
  const std::span<const rtcp::Arrival> run(
      &*first, static_cast<std::size_t>(last - first) + (last == arrivals_.cend() ? 0 : 1));
  const std::size_t taken =
      rtcp::write_transport_feedback(out, {sender_ssrc_, media_ssrc_, feedback_count_}, base, run);
  if (taken == 0) return false;
  ++feedback_count_;
  next_ = run[taken - 1].sequence + 1;
  if (first_from(*next_) == arrivals_.cend()) {
    unreported_ = 0;
    last_report_ = now;
  }
  return true;
}

}  // namespace liaison::sfu
