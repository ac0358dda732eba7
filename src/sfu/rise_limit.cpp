#include "sfu/rise_limit.hpp"

#include <algorithm>

namespace liaison::sfu {

bool RiseLimit::allows(bool under_way, Instant now) const {
  return now >= next_ && (!under_way || now - rose_at_ >= patience);
}

void RiseLimit::shared(bool larger, bool smaller, std::uint64_t estimate, Instant now) {
  if (smaller && now - rose_at_ < regret) {
    wait_ = std::min<Duration>(2 * wait_, longest);
    next_ = now + wait_;
    regretted_ = estimate;
  } else if (now - rose_at_ > calm) {
    wait_ = interval;
  }
  if (larger) {
    rose_at_ = now;
    next_ = now + wait_;
  }
}

void RiseLimit::estimated(std::uint64_t estimate, Instant now) {
  if (wait_ <= interval ||
      static_cast<double>(estimate) <= another_path * static_cast<double>(regretted_))
    return;
  wait_ = interval;
  next_ = std::min(next_, now + interval);
}

}  // namespace liaison::sfu
