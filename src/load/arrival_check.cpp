#include "load/arrival_check.hpp"

namespace liaison::load {

ArrivalCheck::Arrival ArrivalCheck::received(const Stamp& stamp) {
  if (source_ != stamp.source) {
    source_ = stamp.source;
    first_ = next_ = stamp.number;
    seen_.reset();
  }
  if (stamp.number >= next_) {
    lost_ += stamp.number - next_;
    if (stamp.number - next_ >= window) {
      seen_.reset();
      next_ = stamp.number;
    }
    for (; next_ < stamp.number; ++next_) seen_.reset(next_ % window);
    seen_.set(next_++ % window);
    return Arrival::in_order;
  }
  const bool known =
      stamp.number < first_ || next_ - stamp.number > window || seen_.test(stamp.number % window);
  if (known) return Arrival::again;
  seen_.set(stamp.number % window);
  --lost_;
  return Arrival::late;
}

}  // namespace liaison::load
