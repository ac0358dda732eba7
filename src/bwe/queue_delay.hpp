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
  static constexpr Duration growth = milliseconds(40);         // of a run of packets, each later
  static constexpr Duration probe_growth = milliseconds(100);  // as no probe makes it
  static constexpr std::size_t growth_packets = 6;
  static constexpr Duration growth_time = milliseconds(300);  // what takes longer is not fast
  static constexpr Duration busy_delay = milliseconds(10);
  static constexpr Duration busy_time = milliseconds(500);
  static constexpr std::size_t least_packets = 8;  // tell a queue from jitter
  static constexpr Duration standing_delay = milliseconds(250);
  static constexpr Duration standing_time = milliseconds(300);
  // A delay that stays where it is for so long, within so much, is no queue: the path has become
  // longer, and is measured from there.
  static constexpr Duration steady_delay = milliseconds(20);
  static constexpr Duration steady_range = milliseconds(20);
  static constexpr Duration steady_time = seconds(5);

  // The least one-way delay of the packets of one feedback, and how many there were …
  void update(Duration one_way, std::size_t packets, Instant now);
  // … and then each of them, in the order of arrival.
  void packet(Duration one_way, Instant arrived, bool probe);
  void reset();

  // Of the last feedback.
  Duration delay() const { return delay_; }
  // The least of so many packets that what is above it may be jitter.
  Duration floor() const;
  // The queue has not been empty for a while.
  bool busy(Instant now) const { return now - empty_ >= busy_time; }
  // A queue grows from packet to packet, by more than one step: sooner certain than the trend,
  // which needs some twenty groups, and these come slowly out of a narrow bottleneck.
  bool growing() const {
    const Duration rise = run_.newest - run_.from;
    return run_.packets >= growth_packets && rise >= (run_.probed ? probe_growth : growth) &&
           run_.longest_step <= rise / 2 && run_.newest - base_ >= long_delay;
  }
  // True when a long queue has stood and the sender should give way, once; then again after a
  // second, or later each time if giving way did not help: others fill the queue.
  bool standing(Instant now);

 private:
  struct Sample {
    Duration delay{};
    std::size_t packets = 0;
  };

  // Packets of which each took no less time than the one before.
  struct Run {
    std::size_t packets = 0;
    Duration from{};
    Duration newest{};
    Duration longest_step{};
    Instant since;
    bool probed = false;
  };

  void look_whether_steady(Instant now);

  std::array<Duration, buckets> least_{};
  std::size_t count_ = 0;  // of buckets, the newest first
  Instant bucket_start_;
  Duration base_{};
  Duration delay_{};
  std::array<Sample, 4> samples_{};  // the newest first
  Instant empty_;
  // The times of the last packets: what the least of them rises by is no jitter.
  std::array<Duration, 3> times_ = {Duration::max(), Duration::max(), Duration::max()};
  Run run_;
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
