#include "bwe/probe_cluster.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::bwe {

namespace {

// What the pacer does not finish in this time it will not.
// A slow one takes longer than it was meant to: it needs its bytes.
Duration longest(const Probe& probe) {
  constexpr std::uint64_t most_ms = 1000;
  const std::uint64_t needed_ms =
      probe.rate == 0 ? 0 : std::min(most_ms, std::uint64_t{probe.bytes} * 8000 / probe.rate);
  return 2 * std::max<Duration>(probe.length, milliseconds(needed_ms)) + milliseconds(50);
}

}  // namespace

ProbeClusters::Cluster* ProbeClusters::find(ProbeId id) {
  if (id == no_probe) return nullptr;
  const auto it =
      std::ranges::find_if(clusters_, [&](const Cluster& one) { return one.probe.id == id; });
  return it == clusters_.end() ? nullptr : &*it;
}

void ProbeClusters::begin(const Probe& probe, Instant now) {
  const auto free =
      std::ranges::find_if(clusters_, [](const Cluster& one) { return one.probe.id == no_probe; });
  ENSURE(free != clusters_.end() && probe.id != no_probe);
  *free = Cluster{.probe = probe, .begun = now, .completed = std::nullopt};
}

void ProbeClusters::sent(ProbeId id, std::size_t bytes, Instant now) {
  Cluster* cluster = find(id);
  if (!cluster || cluster->completed || cluster->aborted) return;
  ++cluster->sent_packets;
  cluster->sent_bytes += bytes;
  if (cluster->sent_packets >= cluster->probe.least_packets &&
      cluster->sent_bytes >= cluster->probe.bytes) {
    cluster->completed = now;
  }
}

void ProbeClusters::answered(const PacketResult& packet) {
  Cluster* cluster = find(packet.probe);
  if (!cluster) return;
  if (!packet.was_lost) ++cluster->answered_packets;
  if (!packet.received) return;
  ++cluster->arrived_packets;
  cluster->arrived_bytes += packet.bytes;
  cluster->first_sent = std::min(cluster->first_sent, packet.sent);
  if (packet.sent >= cluster->last_sent) {
    cluster->last_sent = packet.sent;
    cluster->last_sent_bytes = packet.bytes;
  }
  if (packet.arrived < cluster->first_arrived) {
    cluster->first_arrived = packet.arrived;
    cluster->first_arrived_bytes = packet.bytes;
  }
  cluster->last_arrived = std::max(cluster->last_arrived, packet.arrived);
}

Instant ProbeClusters::end(const Cluster& cluster, Duration patience) {
  if (cluster.aborted) return cluster.begun;
  if (!cluster.completed) return cluster.begun + longest(cluster.probe);
  return *cluster.completed + patience;
}

std::optional<ProbeClusters::Outcome> ProbeClusters::finished(Duration patience, Instant now) {
  for (Cluster& cluster : clusters_) {
    if (cluster.probe.id == no_probe) continue;
    const bool answered = cluster.completed && cluster.answered_packets >= cluster.sent_packets;
    if (!answered && now < end(cluster, patience)) continue;
    Outcome outcome{.id = cluster.probe.id, .rate = std::nullopt, .bunched = std::nullopt};
    measure(cluster, outcome);
    cluster.probe.id = no_probe;
    return outcome;
  }
  return std::nullopt;
}

void ProbeClusters::measure(const Cluster& cluster, Outcome& outcome) {
  constexpr Duration longest_interval = seconds(1);
  constexpr double least_share = 0.8;
  constexpr double most_faster = 2;  // than it was sent: a queue elsewhere let it go
  constexpr double saturated = 0.9;
  constexpr double below_saturation = 0.95;
  if (!cluster.completed || cluster.aborted) return;
  if (static_cast<double>(cluster.arrived_packets) <
          least_share * static_cast<double>(cluster.probe.least_packets) ||
      static_cast<double>(cluster.arrived_bytes) <
          least_share * static_cast<double>(cluster.probe.bytes)) {
    return;
  }
  const Duration sent = cluster.last_sent - cluster.first_sent;
  const Duration arrived = cluster.last_arrived - cluster.first_arrived;
  if (sent <= Duration{} || sent > longest_interval || arrived < Duration{} ||
      arrived > longest_interval) {
    return;
  }
  const auto rate = [](std::size_t bytes, Duration duration) {
    return static_cast<double>(bytes) * 8 / std::chrono::duration<double>(duration).count();
  };
  const double sending = rate(cluster.arrived_bytes - cluster.last_sent_bytes, sent);
  const double arriving = rate(cluster.arrived_bytes - cluster.first_arrived_bytes,
                               std::max<Duration>(arrived, microseconds(1)));
  if (arriving > most_faster * sending)
    outcome.bunched = sending;
  else if (arriving < saturated * sending)
    outcome.rate = below_saturation * arriving;
  else
    outcome.rate = std::min(sending, arriving);
}

void ProbeClusters::abort() {
  for (Cluster& cluster : clusters_) cluster.aborted = true;
}

ProbeId ProbeClusters::sending() const {
  for (const Cluster& cluster : clusters_) {
    if (cluster.probe.id != no_probe && !cluster.completed && !cluster.aborted)
      return cluster.probe.id;
  }
  return no_probe;
}

bool ProbeClusters::open() const {
  return std::ranges::any_of(clusters_,
                             [](const Cluster& one) { return one.probe.id != no_probe; });
}

Instant ProbeClusters::deadline(Duration patience) const {
  Instant deadline = never;
  for (const Cluster& cluster : clusters_) {
    if (cluster.probe.id != no_probe) deadline = std::min(deadline, end(cluster, patience));
  }
  return deadline;
}

}  // namespace liaison::bwe
