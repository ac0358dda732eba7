// How long packets wait on the way.
#pragma once

#include <array>
#include <cstddef>

#include "base/clock.hpp"

namespace liaison::bwe {

// The one-way delay above the least that was seen, both on clocks that differ by an unknown
// constant and drift apart by some microseconds a second. Hence two bases: the least of the last
// minute or two, which drift does not reach, and that of ten, which a standing queue does not
// become. The trend of the delay, by which congestion is found, sees no queue that stands.
class QueueDelay {
 public:
  static constexpr Duration bucket_length = minutes(1);
  static constexpr std::size_t buckets = 10;
  static constexpr std::size_t recent_buckets = 2;
  static constexpr Duration long_delay = milliseconds(60);
  static constexpr Duration least_rise = milliseconds(10);  // from one feedback to the next
  static constexpr Duration busy_delay = milliseconds(10);
  static constexpr Duration busy_time = milliseconds(500);
  static constexpr std::size_t least_packets = 8;  // tell a queue from jitter
  static constexpr std::size_t few_packets = 3;    // tell of one that grows fast
  static constexpr Duration standing_delay = milliseconds(250);
  static constexpr Duration standing_time = milliseconds(300);
  // A delay that stays where it is for so long, within so much, is no queue: the path has become
  // longer, and is measured from there.
  static constexpr Duration steady_delay = milliseconds(20);
  static constexpr Duration steady_range = milliseconds(20);
  static constexpr Duration steady_time = seconds(5);

  // The least one-way delay of the packets of one feedback, and how many there were.
  void update(Duration one_way, std::size_t packets, Instant now);
  void reset();

  // Of the last feedback.
  Duration delay() const { return delay_; }
  // The least of so many packets that what is above it may be jitter.
  Duration floor() const;
  // The queue has not been empty for a while.
  bool busy(Instant now) const { return now - empty_ >= busy_time; }
  // A queue that no jitter makes grows from feedback to feedback: sooner certain than the trend,
  // which needs some twenty groups, and these come slowly out of a narrow bottleneck.
  bool growing() const { return rises_ >= 2 && delay_ >= long_delay; }
  // True when a long queue has stood and the sender should give way, once; then again after a
  // second, or later each time if giving way did not help: others fill the queue.
  bool standing(Instant now);

 private:
  struct Sample {
    Duration delay{};
    std::size_t packets = 0;
  };

  void look_whether_steady(Duration base, Instant now);

  std::array<Duration, buckets> least_{};
  std::size_t count_ = 0;  // of buckets, the newest first
  Instant bucket_start_;
  Duration delay_{};
  std::array<Sample, 4> samples_{};  // the newest first
  Instant empty_;
  int rises_ = 0;       // in a row
  Duration guarded_{};  // above the older base

  Instant steady_since_ = never;
  Duration steady_least_{};  // above the recent base
  Duration steady_most_{};

  Instant standing_since_ = never;
  Instant next_warning_ = Instant::min();
  Duration wait_ = seconds(1);
  Duration warned_{};  // the delay at the last warning
};

}  // namespace liaison::bwe
