// Packets sent at a rate above the estimate, and what came of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "bwe/sent_packets.hpp"

namespace liaison::bwe {

// What the pacer is to send: media and, where that does not suffice, padding, all at `rate`
// together and all marked with the id, until both `bytes` and `least_packets` are reached.
struct Probe {
  ProbeId id = no_probe;
  std::uint64_t rate = 0;  // bit/s
  std::size_t bytes = 0;
  std::size_t least_packets = 0;
  std::size_t packet_bytes = 0;  // larger padding would make the cluster longer than asked for
  Duration length{};
};

// Follows the clusters that are being sent or whose answer is awaited, and measures at what rate
// they arrived (libwebrtc: probe bitrate estimator).
class ProbeClusters {
 public:
  static constexpr std::size_t max_open = 4;
  static constexpr std::size_t least_packets = 5;

  struct Outcome {
    ProbeId id = no_probe;
    std::optional<double> rate;  // nothing if the cluster failed
    // The rate at which it was sent, if all came, but in one bunch, as out of a TCP connection or a
    // radio: a measure of nothing, except where no queue remained behind it.
    std::optional<double> bunched;
  };

  void begin(const Probe& probe, Instant now);
  void sent(ProbeId id, std::size_t bytes, Instant now);
  void answered(const PacketResult& packet);
  // One that has ended, taken out; call until it gives none. `patience` is how long an answer may
  // take.
  std::optional<Outcome> finished(Duration patience, Instant now);
  // Whatever is open: no more of it is to be sent, and it has failed.
  void abort();

  // The one that is being sent.
  ProbeId sending() const;
  bool open() const;
  // When one is over without further news.
  Instant deadline(Duration patience) const;

 private:
  struct Cluster {
    Probe probe;
    Instant begun;
    std::optional<Instant> completed;  // all of it was sent
    bool aborted = false;
    std::size_t sent_packets = 0;
    std::size_t sent_bytes = 0;
    std::size_t answered_packets = 0;
    std::size_t arrived_packets = 0;
    std::size_t arrived_bytes = 0;
    Instant first_sent = Instant::max();  // of those that arrived, as the rest
    Instant last_sent = Instant::min();
    Instant first_arrived = Instant::max();
    Instant last_arrived = Instant::min();
    std::size_t last_sent_bytes = 0;
    std::size_t first_arrived_bytes = 0;
  };

  Cluster* find(ProbeId id);
  static Instant end(const Cluster& cluster, Duration patience);
  static void measure(const Cluster& cluster, Outcome& outcome);

  std::array<Cluster, max_open> clusters_;  // those without an id are free
};

}  // namespace liaison::bwe
