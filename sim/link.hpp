// One direction of a network path.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

struct LinkOptions {
  Duration latency = milliseconds(10);
  // On top of it, drawn for each datagram from 0 to this. Order is kept.
  Duration jitter{};
  // Gilbert–Elliott: a good and a bad state, each with its loss; the chances are per datagram.
  double loss = 0;
  double bad_loss = 0;
  double becomes_bad = 0;
  double becomes_good = 1;
  // This share is held back by `held_back` more, so that others overtake it.
  double reordered = 0;
  Duration held_back = milliseconds(5);
  // This share arrives twice.
  double duplicated = 0;
  // 0 = as fast as you like. What would wait longer than `queue` is dropped.
  std::uint64_t bits_per_second = 0;
  Duration queue = milliseconds(200);
};

// A queue in front of a line of some rate. It holds no datagrams either, only when the last bit of
// them will be out. Several links, and flows of other kinds, may share one.
class Bottleneck {
 public:
  Bottleneck() = default;
  Bottleneck(std::uint64_t bits_per_second, Duration queue)
      : bits_per_second_(bits_per_second), queue_(queue) {}

  // From the next datagram on; those that wait leave as was planned.
  void change(std::uint64_t bits_per_second, Duration queue) {
    bits_per_second_ = bits_per_second;
    queue_ = queue;
  }
  std::uint64_t bits_per_second() const { return bits_per_second_; }
  // When the last bit of it is out; nothing if there is no room for it.
  std::optional<Instant> pass(std::size_t bytes, Instant now);
  // What comes now waits for so long.
  Duration waiting(Instant now) const { return std::max(free_, now) - now; }

 private:
  std::uint64_t bits_per_second_ = 0;
  Duration queue_{};
  Instant free_ = Instant::min();  // when the last bit of the queue is out
};

// When what is sent arrives, if it does. It holds no datagrams: the owner plans their arrival.
class Link {
 public:
  struct Arrivals {
    std::array<Instant, 2> at;
    std::size_t count = 0;  // 0 lost, 1, or 2 if it was duplicated
  };
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;        // by chance
    std::uint64_t overflowed = 0;  // no room in the queue
    std::uint64_t cut = 0;         // while the link was cut
    std::uint64_t duplicated = 0;
  };

  Link(LinkOptions options, Random random)
      : options_(options), random_(random), own_(options.bits_per_second, options.queue) {}

  Arrivals carry(std::size_t bytes, Instant now);
  // From the next datagram on; what is under way is not touched.
  void change(const LinkOptions& options) {
    options_ = options;
    own_.change(options.bits_per_second, options.queue);
  }
  // What it carries goes through this one, which others share and which outlives it, instead of one
  // of its own; nullptr = through its own.
  void share(Bottleneck* bottleneck) { shared_ = bottleneck; }
  Duration waiting(Instant now) const {
    return (shared_ != nullptr ? *shared_ : own_).waiting(now);
  }
  const LinkOptions& options() const { return options_; }
  void cut(bool cut) { cut_ = cut; }
  const Counts& counts() const { return counts_; }

 private:
  bool loses();
  Bottleneck& queue() { return shared_ != nullptr ? *shared_ : own_; }

  LinkOptions options_;
  Random random_;
  bool bad_ = false;
  bool cut_ = false;
  Bottleneck own_;
  Bottleneck* shared_ = nullptr;
  Instant last_arrival_ = Instant::min();  // of those in order
  Counts counts_;
};

}  // namespace liaison::sim
