// How much of what was sent arrives per second.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace liaison::bwe {

// The throughput of the packets that feedback confirmed, over a window that reaches back a second
// and some packets. The smaller of the rate of sending and that of arriving counts: a burst that a
// queue let go at once is not throughput (libwebrtc: robust throughput estimator). Bit/s.
class AcknowledgedRate {
 public:
  static constexpr std::size_t least_packets = 20;
  static constexpr Duration least_window = seconds(1);
  static constexpr std::size_t max_packets = 500;
  static constexpr Duration max_window = seconds(5);
  static constexpr std::size_t required_packets = 10;

  void received(Instant sent, Instant arrived, std::uint32_t bytes);
  std::optional<double> rate() const;
  // Of the arrivals within the last `span`, or the last six. It is what the path carries if a queue
  // stood throughout.
  std::optional<double> newest(Duration span) const;
  void reset();

 private:
  struct Packet {
    Instant sent;
    Instant arrived;
    std::uint32_t bytes = 0;
  };
  bool outside() const;

  std::vector<Packet> packets_;  // rising in arrival, from begin_ on; keeps its capacity
  std::size_t begin_ = 0;
  Instant discarded_ = Instant::min();  // when the newest that left the window was sent
};

}  // namespace liaison::bwe
