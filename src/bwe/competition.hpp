// Whether it is others who fill the queue.
#pragma once

#include <cstddef>

#include "base/clock.hpp"

namespace liaison::bwe {

// After every decrease it reckons how much shorter the queue must have become for the packets that
// were sent since, were it our own: less was sent than the path was seen to carry. If it did not,
// others fill it (a download by TCP fills any queue), and whoever gives way to a queue then would
// give way until nothing is left. Such a verdict holds for a while, or until the queue has been
// empty.
class Competition {
 public:
  static constexpr Duration term = seconds(15);
  static constexpr Duration empty_queue = milliseconds(30);
  static constexpr Duration empty_time = seconds(1);
  static constexpr Duration least_drain = milliseconds(100);

  // After each feedback: the shortest queue of late, when the newest packet was sent that has
  // arrived, and how many bytes have arrived with it.
  void update(Duration queue, Instant sent, std::size_t bytes, Instant now);
  // The rate was lowered because of a queue; `carried` is what the path was seen to carry.
  void decreased(double carried, Duration queue, Instant now);
  bool on(Instant now) const { return now < until_; }
  void reset() { *this = Competition(); }

 private:
  double carried_ = 0;  // bit/s; 0 = nothing was lowered
  Duration longest_{};  // queue since
  Duration drain_{};    // by how much it must have become shorter
  Instant sent_;
  Instant until_ = Instant::min();
  Instant filled_;  // when it was last not empty
};

}  // namespace liaison::bwe
