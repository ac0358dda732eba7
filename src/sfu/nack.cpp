#include "sfu/nack.hpp"

#include <algorithm>

namespace liaison::sfu {

void NackGenerator::received(std::uint64_t seq, Instant now) {
  if (!highest_) {
    highest_ = seq;
    return;
  }
  if (seq <= *highest_) {
    const auto it = std::ranges::lower_bound(missing_, seq, {}, &Missing::seq);
    if (it != missing_.end() && it->seq == seq) missing_.erase(it);
    if (missing_.empty() && !overflowed_) deadline_ = never;
    return;
  }

  // This is the second packet after the newest gap: no longer likely to be mere reordering. Only
  // the newest gap still waits, hence the search from the end.
  for (auto it = missing_.rbegin(); it != missing_.rend() && it->tries == 0 && it->due > now;
       ++it) {
    it->due = now;
    deadline_ = now;
  }

  const std::uint64_t gap = seq - *highest_ - 1;
  // What will not be asked for again, and only waits for an answer on a slow path, takes no room
  // from what will.
  if (missing_.size() + gap > max_missing)
    std::erase_if(missing_, [&](const Missing& lost) { return now - lost.noticed >= max_age; });
  if (gap > max_missing || missing_.size() + gap > max_missing) {
    missing_.clear();
    overflowed_ = true;
    deadline_ = now;
  } else if (gap > 0) {
    const Instant due = now + reordering_wait;
    for (std::uint64_t lost = *highest_ + 1; lost < seq; ++lost) {
      missing_.push_back({lost, now, due, 0});
    }
    deadline_ = std::min(deadline_, due);
  }
  highest_ = seq;
}

void NackGenerator::forget_before(std::uint64_t seq) {
  missing_.erase(missing_.begin(), std::ranges::lower_bound(missing_, seq, {}, &Missing::seq));
  if (missing_.empty() && !overflowed_) deadline_ = never;
}

NackGenerator::Wish NackGenerator::collect(Instant now, Duration rtt,
                                           std::vector<std::uint16_t>& out) {
  if (now < deadline_) return Wish::nothing;
  if (overflowed_) {
    // What went missing since is asked for in the next call.
    overflowed_ = false;
    deadline_ = missing_.empty() ? never : now;
    return Wish::key_frame;
  }
  std::erase_if(missing_, [&](const Missing& missing) {
    return missing.due <= now && (missing.tries == max_tries || now - missing.noticed >= max_age);
  });
  Wish wish = Wish::nothing;
  deadline_ = never;
  for (Missing& missing : missing_) {
    if (missing.due <= now) {
      out.push_back(static_cast<std::uint16_t>(missing.seq));
      ++missing.tries;
      missing.due = now + std::max(min_repeat, rtt);
      wish = Wish::packets;
    }
    deadline_ = std::min(deadline_, missing.due);
  }
  return wish;
}

}  // namespace liaison::sfu
