#include "sim/link.hpp"

#include <algorithm>

namespace liaison::sim {

std::optional<Instant> Bottleneck::pass(std::size_t bytes, Instant now) {
  if (bits_per_second_ == 0) return now;
  const Instant begins = std::max(now, free_);
  if (begins - now > queue_) return std::nullopt;
  const std::uint64_t bits = std::uint64_t{bytes} * 8;
  free_ =
      begins + Duration(static_cast<Duration::rep>(
                   bits * static_cast<std::uint64_t>(Duration::period::den) / bits_per_second_));
  return free_;
}

bool Link::loses() {
  if (random_.chance(bad_ ? options_.becomes_good : options_.becomes_bad)) bad_ = !bad_;
  return random_.chance(bad_ ? options_.bad_loss : options_.loss);
}

Link::Arrivals Link::carry(std::size_t bytes, Instant now) {
  ++counts_.sent;
  if (cut_) {
    ++counts_.cut;
    return {};
  }
  const auto sent = queue().pass(bytes, now);
  if (!sent) {
    ++counts_.overflowed;
    return {};
  }
  // A datagram that is lost on the way has taken its time in the queue.
  if (loses()) {
    ++counts_.lost;
    return {};
  }
  const auto arrives = [&] {
    const Instant at = *sent + options_.latency + random_.between(Duration{}, options_.jitter);
    if (random_.chance(options_.reordered)) return at + options_.held_back;
    last_arrival_ = std::max(last_arrival_, at);
    return last_arrival_;
  };
  Arrivals arrivals{.at = {arrives()}, .count = 1};
  if (random_.chance(options_.duplicated)) {
    ++counts_.duplicated;
    arrivals.at[arrivals.count++] = arrives();
  }
  return arrivals;
}

}  // namespace liaison::sim
