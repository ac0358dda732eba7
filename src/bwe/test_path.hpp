// A path with one bottleneck, a far end that reports, and a sender that follows the estimate: what
// the tests of the estimator try it on.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/sequence.hpp"
#include "bwe/estimator.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/transport_cc.hpp"

namespace liaison::bwe {

// A linear congruential generator: the same draws on every machine.
class TestRandom {
 public:
  explicit TestRandom(std::uint64_t seed) : state_(seed) {}
  // From 0 to 1.
  double draw() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state_ >> 11) / static_cast<double>(std::uint64_t{1} << 53);
  }

 private:
  std::uint64_t state_;
};

struct TestPathOptions {
  double capacity = 2'500'000;
  std::size_t buffer = 75'000;          // bytes; what does not fit is dropped
  Duration latency = milliseconds(30);  // each way
  Duration jitter{};                    // on top, drawn for each packet; order is not kept
  double loss = 0;                      // behind the bottleneck
  Duration feedback_interval = milliseconds(50);
  double feedback_loss = 0;
};

// Bottleneck and far end.
class TestPath {
 public:
  TestPath(const TestPathOptions& path, std::uint64_t seed) : options(path), random_(seed) {}

  // False if it was dropped.
  bool send(std::uint16_t sequence, std::size_t bytes, Instant now) {
    if (backlog_ + bytes > options.buffer) return false;
    backlog_ += bytes;
    queue_.push_back({sequence, bytes, now});
    return true;
  }
  // How long a packet that is sent now waits.
  Duration wait() const {
    return Duration(
        static_cast<std::int64_t>(static_cast<double>(backlog_) * 8e9 / options.capacity));
  }
  double sent_bytes() const { return carried_; }

  // One millisecond passes. Calls deliver(feedback) for what reached the sender.
  template <typename Deliver>
  void step(Instant now, Deliver&& deliver) {
    room_ = std::min(room_ + options.capacity / 8000, options.capacity / 8000 + 1500);
    while (!queue_.empty() && static_cast<double>(queue_.front().bytes) <= room_) {
      const Packet packet = queue_.front();
      queue_.pop_front();
      room_ -= static_cast<double>(packet.bytes);
      backlog_ -= packet.bytes;
      carried_ += static_cast<double>(packet.bytes);
      if (random_.draw() < options.loss) continue;
      const Duration more(
          static_cast<std::int64_t>(random_.draw() * static_cast<double>(options.jitter.count())));
      arrive({unwrapper_.unwrap(packet.sequence), now + options.latency + more});
    }
    if (queue_.empty()) room_ = 0;
    report(now);
    while (!under_way_.empty() && under_way_.front().at <= now) {
      const auto compound = rtcp::Compound::parse(under_way_.front().bytes);
      const auto feedback = rtcp::TransportFeedback::parse(*compound->begin());
      deliver(*feedback);
      under_way_.pop_front();
    }
  }

  TestPathOptions options;
  bool silent = false;  // no feedback gets through

 private:
  struct Packet {
    std::uint16_t sequence;
    std::size_t bytes;
    Instant sent;
  };
  struct Report {
    Instant at;
    std::vector<std::uint8_t> bytes;
  };

  void arrive(rtcp::Arrival arrival) {
    const auto at = std::ranges::upper_bound(arrivals_, arrival.at, {}, &rtcp::Arrival::at);
    arrivals_.insert(at, arrival);
  }

  void report(Instant now) {
    if (now < next_report_) return;
    const auto here = std::ranges::upper_bound(arrivals_, now, {}, &rtcp::Arrival::at);
    std::vector<rtcp::Arrival> arrived(arrivals_.begin(), here);
    if (arrived.empty()) return;
    next_report_ = now + options.feedback_interval;
    arrivals_.erase(arrivals_.begin(), here);
    std::ranges::sort(arrived, {}, &rtcp::Arrival::sequence);
    std::span<const rtcp::Arrival> rest(arrived);
    while (!rest.empty()) {
      Report& report = under_way_.emplace_back();
      report.at = now + options.latency;
      report.bytes.resize(1500);
      Writer out(report.bytes);
      // What came late is reported again with all that followed.
      const std::uint64_t first =
          std::min(next_sequence_.value_or(rest[0].sequence), rest[0].sequence);
      const std::size_t taken = rtcp::write_transport_feedback(out, {1, 2, count_++}, first, rest);
      if (taken == 0) break;
      report.bytes.resize(out.size());
      next_sequence_ = std::max(next_sequence_.value_or(0), rest[taken - 1].sequence + 1);
      rest = rest.subspan(taken);
      if (silent || random_.draw() < options.feedback_loss) under_way_.pop_back();
    }
  }

  TestRandom random_;
  std::deque<Packet> queue_;
  std::size_t backlog_ = 0;
  double room_ = 0;
  double carried_ = 0;
  Unwrapper<std::uint16_t> unwrapper_;
  std::vector<rtcp::Arrival> arrivals_;  // by time; also those that are still under way
  std::optional<std::uint64_t> next_sequence_;
  Instant next_report_;
  std::uint8_t count_ = 0;
  std::deque<Report> under_way_;
};

// Sends what the estimator lets it, packet by packet, probes included. Without a ladder it fills
// the target; with one it sends three videos, each in the best layer for which there is room.
class TestSender {
 public:
  static constexpr std::array<double, 3> layers = {150'000, 500'000, 1'700'000};
  static constexpr double audio = 40'000;
  struct Sample {
    Instant at;
    std::uint64_t estimate;
    std::uint64_t target;
    Duration wait;  // at the bottleneck
    double media;   // bit/s of the layers
  };
  struct Counts {
    std::size_t sent = 0;
    std::size_t dropped = 0;
    std::size_t probes = 0;
    std::size_t probe_bytes = 0;
  };

  TestSender(const TestPathOptions& options, bool ladder, std::uint64_t seed = 1)
      : path(options, seed), estimator({}, now), ladder_(ladder) {
    if (ladder) {
      estimator.set_demand(static_cast<std::uint64_t>(3 * layers[2] + audio), next_need(), now);
    } else {
      estimator.set_demand(100'000'000, 100'000'000, now);
    }
  }

  void run(Duration duration) {
    const Instant end = now + duration;
    while (now < end) step();
  }
  double media() const { return need(chosen_); }

  Instant now = Instant(seconds(1000));
  TestPath path;
  Estimator estimator;
  std::vector<Sample> samples;  // one each millisecond
  // By how much each packet of a probe waited longer at the bottleneck than the probe's first.
  std::vector<Duration> probe_waits;
  Counts media_counts;
  Counts probe_counts;

 private:
  void step() {
    now += milliseconds(1);
    path.step(now,
              [&](const rtcp::TransportFeedback& feedback) { estimator.feedback(feedback, now); });
    if (estimator.deadline() <= now) estimator.tick(now);
    if (const auto probe = estimator.take_probe(now)) {
      probe_ = *probe;
      ++probe_counts.probes;
      probe_base_ = path.wait();
      probe_credit_ = static_cast<double>(probe_.packet_bytes);
    }
    if (ladder_) choose();
    produce();
    send();
    samples.push_back({now, estimator.estimate(), estimator.target(), path.wait(), media()});
  }

  double need(const std::array<std::size_t, 3>& chosen) const {
    double sum = audio;
    for (const std::size_t layer : chosen) sum += layer == 0 ? 0 : layers[layer - 1];
    return sum;
  }
  // The next better choice: the least good video first.
  std::optional<std::array<std::size_t, 3>> better() const {
    auto next = chosen_;
    const auto least = std::ranges::min_element(next);
    if (*least == layers.size()) return std::nullopt;
    ++*least;
    return next;
  }
  std::uint64_t next_need() const {
    const auto next = better();
    return static_cast<std::uint64_t>(need(next ? *next : chosen_));
  }
  void choose() {
    if (now < next_choice_) return;
    next_choice_ = now + milliseconds(50);
    const auto before = chosen_;
    while (need(chosen_) > static_cast<double>(estimator.estimate())) {
      const auto best = std::ranges::max_element(chosen_);
      if (*best == 0) break;
      --*best;
    }
    if (chosen_ == before) {
      const auto next = better();
      if (next && static_cast<double>(estimator.estimate()) >= 1.1 * need(*next)) chosen_ = *next;
    }
    estimator.set_demand(static_cast<std::uint64_t>(3 * layers[2] + audio), next_need(), now);
  }

  // Frames of 30 per second of each video, each ten milliseconds after that of the one before;
  // audio every 20 ms.
  void produce() {
    if (!ladder_) return;
    ++ms_;
    if (ms_ % 20 == 0) transmit(100, no_probe);
    for (std::size_t i = 0; i < 3; ++i) {
      if (chosen_[i] == 0 || (ms_ + i * 10) % 33 != 0) continue;
      std::size_t left = static_cast<std::size_t>(layers[chosen_[i] - 1] * 0.033 / 8);
      while (left > 0) {
        const std::size_t bytes = std::min<std::size_t>(left, 1200);
        paced_.push_back(bytes);
        left -= bytes;
      }
    }
    // A pacer drops what it cannot send in time.
    std::size_t waiting = 0;
    for (const std::size_t bytes : paced_) waiting += bytes;
    while (static_cast<double>(waiting) * 8 > 0.25 * static_cast<double>(estimator.estimate()) &&
           paced_.size() > 1) {
      waiting -= paced_.front();
      paced_.pop_front();
    }
  }

  void send() {
    const ProbeId probing = estimator.sending_probe();
    if (probing != no_probe) {
      probe_credit_ += static_cast<double>(probe_.rate) / 8000;
      while (probe_credit_ > 0 && estimator.sending_probe() == probing) {
        const std::size_t bytes = next_packet().value_or(probe_.packet_bytes);
        probe_credit_ -= static_cast<double>(bytes);
        transmit(bytes, probing);
      }
      credit_ = 0;
      return;
    }
    const double rate = static_cast<double>(estimator.target()) * (ladder_ ? 1.25 : 1);
    credit_ = std::min(credit_ + rate / 8000, rate / 8000 * 5);
    while (credit_ > 0) {
      const auto bytes = next_packet();
      if (!bytes) break;
      credit_ -= static_cast<double>(*bytes);
      transmit(*bytes, no_probe);
    }
  }
  std::optional<std::size_t> next_packet() {
    if (!ladder_) {
      // Large packets in a cluster would make it longer.
      if (estimator.sending_probe() != no_probe) return std::nullopt;
      return 1200;
    }
    if (paced_.empty()) return std::nullopt;
    const std::size_t bytes = paced_.front();
    paced_.pop_front();
    return bytes;
  }

  void transmit(std::size_t bytes, ProbeId probe) {
    Counts& counts = probe == no_probe ? media_counts : probe_counts;
    const Duration wait = path.wait();
    const bool kept = path.send(estimator.sent(bytes, now, probe), bytes, now);
    ++counts.sent;
    if (!kept) ++counts.dropped;
    if (probe != no_probe) {
      probe_counts.probe_bytes += bytes;
      probe_waits.push_back(wait - probe_base_);
    }
  }

  bool ladder_;
  std::array<std::size_t, 3> chosen_{};
  Instant next_choice_;
  std::size_t ms_ = 0;
  std::deque<std::size_t> paced_;
  double credit_ = 0;
  Probe probe_;
  double probe_credit_ = 0;
  Duration probe_base_{};
};

}  // namespace liaison::bwe
