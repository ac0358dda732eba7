// Somebody else's download, through a bottleneck that media uses too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/clock.hpp"
#include "sim/link.hpp"

namespace liaison::sim {

struct TcpFlowOptions {
  Duration round_trip = milliseconds(60);  // without the queue
  std::size_t datagram = 1'500;            // bytes on the wire
};

// TCP with CUBIC (RFC 9438) whose sender always has something to send and whose receiver takes all:
// slow start, congestion avoidance with the friendly region for Reno, fast convergence, loss found
// by three later acknowledgements (RFC 6675) or a timeout (RFC 6298, at least 200 ms as in Linux).
// Left out: HyStart++, proportional rate reduction, delayed acknowledgements, pacing, and the loss
// of acknowledgements. Datagrams are counted, not bytes; a repetition is one more of them.
class TcpFlow {
 public:
  // The bottleneck must outlive it. It begins at `now`.
  TcpFlow(Bottleneck& bottleneck, const TcpFlowOptions& options, Instant now);

  void tick(Instant now);
  Instant deadline() const;

  // That have arrived.
  std::uint64_t bytes() const { return delivered_ * options_.datagram; }
  std::uint64_t losses() const { return losses_; }
  double window() const { return window_; }  // datagrams

 private:
  static constexpr double beta = 0.7;
  static constexpr double c = 0.4;
  static constexpr double first_window = 10;  // RFC 6928
  static constexpr std::uint64_t reordering = 3;
  static constexpr Duration least_timeout = milliseconds(200);

  struct Sent {
    std::uint64_t number = 0;
    Instant at;
    Instant answered = never;  // when its acknowledgement is here; never = it was dropped
  };

  void acknowledged(const Sent& sent, Instant now);
  void grow(Instant now);
  void lost(std::uint64_t number, Instant now);
  void time_out(Instant now);
  void send(Instant now);
  double cubic(double seconds) const;

  Bottleneck& bottleneck_;
  TcpFlowOptions options_;
  std::deque<Sent> flying_;  // in the order of sending, in which they also arrive
  std::uint64_t next_ = 0;
  std::uint64_t recovered_ = 0;  // losses of what was sent before this one are of one event
  double window_ = first_window;
  double threshold_ = 1e9;
  double most_ = 0;      // the window before the latest loss (W_max)
  double friendly_ = 0;  // the window that Reno would have (W_est)
  double k_ = 0;         // seconds from the epoch to W_max
  Instant epoch_ = never;
  Duration smoothed_{}, variation_{};
  Instant timeout_at_ = never;
  Duration backoff_{};  // of the timeout, while nothing is acknowledged
  std::uint64_t delivered_ = 0;
  std::uint64_t losses_ = 0;
};

}  // namespace liaison::sim
