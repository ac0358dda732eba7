#include "bwe/arrival_group.hpp"

#include <algorithm>

namespace liaison::bwe {

std::optional<ArrivalGroups::Difference> ArrivalGroups::received(Instant sent, Instant arrived,
                                                                 Instant now) {
  std::optional<Difference> difference;
  if (current_ && sent < current_->first_sent) return difference;  // too late for its group
  if (current_ && belongs(sent, arrived)) {
    current_->last_sent = std::max(current_->last_sent, sent);
    current_->last_arrived = arrived;
    current_->noticed = now;
    return difference;
  }
  if (current_) {
    if (previous_) difference = this->difference();
    previous_ = current_;
  }
  current_ = {sent, sent, arrived, arrived, now};
  return difference;
}

bool ArrivalGroups::belongs(Instant sent, Instant arrived) const {
  const Duration sent_apart = sent - current_->last_sent;
  const Duration arrived_apart = arrived - current_->last_arrived;
  if (sent_apart == Duration{}) return true;
  if (arrived_apart < sent_apart && arrived_apart <= burst_length &&
      arrived - current_->first_arrived < max_burst) {
    return true;
  }
  return sent - current_->first_sent <= burst_length;
}

// Between the two groups, if they can be compared.
std::optional<ArrivalGroups::Difference> ArrivalGroups::difference() {
  const Duration arrived = current_->last_arrived - previous_->last_arrived;
  if (arrived - (current_->noticed - previous_->noticed) >= max_offset) {
    reset();
    return std::nullopt;
  }
  if (arrived < Duration{}) {
    if (++reordered_ >= max_reordered) reset();
    return std::nullopt;
  }
  reordered_ = 0;
  return Difference{current_->last_sent - previous_->last_sent, arrived};
}

void ArrivalGroups::reset() {
  current_.reset();
  previous_.reset();
  reordered_ = 0;
}

}  // namespace liaison::bwe
