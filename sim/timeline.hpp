// What is going to happen, in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ensure.hpp"

namespace liaison::sim {

// Events ordered by time; those of one instant happen in the order in which they were planned, so
// that a run depends on nothing but its seed.
template <typename Event>
class Timeline {
 public:
  // Not before the last one that was taken.
  void plan(Instant at, Event event) {
    ENSURE(at >= now_);
    planned_.push_back({at, next_serial_++, std::move(event)});
    std::push_heap(planned_.begin(), planned_.end(), later);
  }
  bool empty() const { return planned_.empty(); }
  std::size_t size() const { return planned_.size(); }
  // Of the next event; `never` if there is none.
  Instant next() const { return planned_.empty() ? never : planned_.front().at; }
  // Takes the next event; there must be one.
  Event take() {
    ENSURE(!planned_.empty());
    std::pop_heap(planned_.begin(), planned_.end(), later);
    Planned taken = std::move(planned_.back());
    planned_.pop_back();
    now_ = taken.at;
    return std::move(taken.event);
  }

 private:
  struct Planned {
    Instant at;
    std::uint64_t serial;
    Event event;
  };
  static bool later(const Planned& a, const Planned& b) {
    return a.at != b.at ? a.at > b.at : a.serial > b.serial;
  }

  std::vector<Planned> planned_;
  std::uint64_t next_serial_ = 0;
  Instant now_ = Instant::min();
};

}  // namespace liaison::sim
