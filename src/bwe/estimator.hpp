// How much one path carries.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "bwe/acknowledged_rate.hpp"
#include "bwe/aimd.hpp"
#include "bwe/app_limited.hpp"
#include "bwe/arrival_group.hpp"
#include "bwe/competition.hpp"
#include "bwe/loss_based.hpp"
#include "bwe/probe_cluster.hpp"
#include "bwe/probe_schedule.hpp"
#include "bwe/queue_delay.hpp"
#include "bwe/sent_packets.hpp"
#include "bwe/trendline.hpp"
#include "rtcp/transport_cc.hpp"

namespace liaison::bwe {

struct EstimatorOptions {
  std::uint64_t start = 1'000'000;  // bit/s, as the others
  std::uint64_t least = 30'000;
  std::uint64_t most = 100'000'000;
};

// Estimates what one transport may send, from its far end's transport-wide feedback alone: growing
// delay (Trendline, Aimd), losses (LossBased) and probes, put together as in today's libwebrtc
// (draft-ietf-rmcat-gcc-02 is its ancestor), with what a server that sends ladders of layers needs
// differently: ProbeSchedule, QueueDelay, Competition, and that the queue is let out after a fall
// (target()).
// It does not know RTP, layers, or who sends what; it trusts nothing that feedback says further
// than to slow down its own far end.
//
// Whoever drives it calls sent() for every packet as it is written, feedback() as it comes and
// tick() at deadline(), and after each of these asks for take_probe().
class Estimator {
 public:
  static constexpr Duration probe_queue = milliseconds(20);      // no probes above it
  static constexpr Duration jitter_queue = milliseconds(5);      // no overuse below it
  static constexpr double full_loss = 0.03;                      // of a full buffer: above …
  static constexpr double times_usual_loss = 2;                  // … what gets lost without a queue
  static constexpr Duration drain_queue = milliseconds(30);      // is let out after a fall
  static constexpr Duration drain_patience = milliseconds(250);  // without progress
  static constexpr Duration drain_pause = seconds(5);            // after a drain that did not help
  static constexpr Duration silence = milliseconds(500);         // feedback_lost()
  static constexpr Duration long_silence = seconds(2);           // halves the estimate
  static constexpr std::uint64_t silence_packets = 10;           // must be unanswered for both

  Estimator(const EstimatorOptions& options, Instant now);

  // A packet of so many bytes on the wire, headers included, that belongs to the probe if one is
  // named. Returns the number for its header extension.
  std::uint16_t sent(std::size_t bytes, Instant now, ProbeId probe = no_probe);
  void feedback(const rtcp::TransportFeedback& feedback, Instant now);
  // What all layers that are wanted need together, and what is needed in all if the next better
  // layer is sent too. While the first is more than the estimate, the second is probed for.
  void set_demand(std::uint64_t wanted, std::uint64_t next_step, Instant now);
  // The far end is reached another way (ICE chose another pair): the past says little.
  void route_changed(Instant now);

  // What is known of the path from another time, in bit/s. Not heard once there is feedback.
  void begin_with(std::uint64_t rate, Instant now);

  void tick(Instant now);
  Instant deadline() const;

  // A cluster that is to be sent now. It must be sent, or what was sent of it is what counts.
  std::optional<Probe> take_probe(Instant now);
  // The cluster to go on with; no_probe when it is complete, or given up because a queue grew.
  ProbeId sending_probe() const { return clusters_.sending(); }

  // Bit/s. What the path is believed to carry: for choosing layers.
  std::uint64_t estimate() const { return static_cast<std::uint64_t>(rate()); }
  // What may be sent at this moment: less than the estimate while a queue is let out.
  std::uint64_t target() const;
  // A queue is being let out, and when it will be gone.
  bool draining() const { return drain_end_.has_value(); }
  Instant drained_at() const { return *drain_end_; }
  std::optional<std::uint64_t> acknowledged() const;

  Duration rtt() const { return rtt_; }
  Duration queue_delay() const { return queue_.delay(); }
  double loss() const { return loss_.loss(); }
  // The share that is lost at whatever rate is sent.
  double inherent_loss() const { return loss_.inherent(); }
  // The queue is that of others.
  bool competing(Instant now) const { return competition_.on(now); }
  bool in_overuse() const { return usage_ == Trendline::Usage::over; }
  LossBased::State loss_state() const { return loss_.state(); }
  // Packets that wait for an answer, or may still be answered.
  std::size_t kept() const { return sent_.kept(); }
  // Much was sent and nothing is heard of it: send audio only.
  bool feedback_lost(Instant now) const;

 private:
  struct OpenPlan {
    ProbeId id = no_probe;
    ProbeSchedule::Plan plan;
  };

  double rate() const;
  void reset_delay();
  void measure_times(Instant now);
  void take_in(Instant now);
  void measure_usual_loss(const PacketResult& result);
  void judge_delay(Instant now);
  void compete(Instant now);
  double tcp_rate() const;
  std::optional<double> carried() const;
  void drain(Instant now);
  void finish_probes(Instant now);
  bool near_probe(Instant now) const { return clusters_.open() || now < probe_shadow_; }
  bool idle(Instant now) const;
  ProbeSchedule::Path path(Instant now) const;
  Duration patience() const { return rtt_ + milliseconds(250); }

  RateLimits limits_;
  SentPackets sent_;
  std::vector<PacketResult> results_;  // of one feedback; keeps its capacity
  AcknowledgedRate acked_;
  ArrivalGroups groups_;
  Trendline trend_;
  Trendline::Usage usage_ = Trendline::Usage::normal;
  QueueDelay queue_;
  Competition competition_;
  double usual_loss_ = 0;  // the share of packets that get lost while there is no queue
  Instant next_yield_ = Instant::min();
  Aimd aimd_;
  LossBased loss_;
  AppLimited app_limited_;
  ProbeClusters clusters_;
  ProbeSchedule schedule_;
  std::array<OpenPlan, ProbeClusters::max_open> plans_{};
  ProbeId last_probe_ = no_probe;
  Instant probe_shadow_ = Instant::min();  // until then what delay says may be of a probe
  Instant probe_told_ = Instant::min();    // tick() came for this one

  Duration rtt_ = Aimd::default_rtt;
  Duration base_rtt_{};  // without the queue
  bool heard_ = false;
  Instant last_feedback_;
  Instant last_sent_;
  Instant silent_since_ = never;  // packets are unanswered since
  Instant halve_at_ = never;
  bool silence_told_ = false;
  Instant next_backoff_ = Instant::min();
  // A queue is being let out until then, or until it is gone.
  std::optional<Instant> drain_end_;
  Instant give_up_;  // it is not drained unless there is progress
  double drain_capacity_ = 0;
  Duration drained_to_{};  // the shortest so far
  Instant next_drain_ = Instant::min();
};

}  // namespace liaison::bwe
