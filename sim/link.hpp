// One direction of a network path.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

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

  Link(LinkOptions options, Random random) : options_(options), random_(random) {}

  Arrivals carry(std::size_t bytes, Instant now);
  // From the next datagram on; what is under way is not touched.
  void change(const LinkOptions& options) { options_ = options; }
  const LinkOptions& options() const { return options_; }
  void cut(bool cut) { cut_ = cut; }
  const Counts& counts() const { return counts_; }

 private:
  bool loses();

  LinkOptions options_;
  Random random_;
  bool bad_ = false;
  bool cut_ = false;
  Instant free_ = Instant::min();          // when the last bit of the queue is out
  Instant last_arrival_ = Instant::min();  // of those in order
  Counts counts_;
};

}  // namespace liaison::sim
