#include "bwe/estimator.hpp"

#include <algorithm>
#include <cmath>

#include "base/ensure.hpp"

namespace liaison::bwe {

Estimator::Estimator(const EstimatorOptions& options, Instant now)
    : limits_{static_cast<double>(options.least), static_cast<double>(options.most)},
      aimd_(static_cast<double>(options.start), limits_),
      loss_(limits_),
      schedule_(limits_) {
  ENSURE(options.least > 0 && options.least <= options.most);
  schedule_.start(aimd_.rate(), now);
}

double Estimator::rate() const {
  return limits_.clamp(std::min(aimd_.rate(), loss_.limit().value_or(limits_.most)));
}

std::uint64_t Estimator::target() const {
  // As good as nothing but audio is added to a queue.
  constexpr double share = 0.1;
  return static_cast<std::uint64_t>(limits_.clamp(drain_end_ ? share * rate() : rate()));
}

std::optional<std::uint64_t> Estimator::acknowledged() const {
  const auto acked = acked_.rate();
  if (!acked) return std::nullopt;
  return static_cast<std::uint64_t>(*acked);
}

std::uint16_t Estimator::sent(std::size_t bytes, Instant now, ProbeId probe) {
  const std::uint16_t number = sent_.add(bytes, probe, now);
  if (probe != no_probe) {
    clusters_.sent(probe, bytes, now);
    probe_shadow_ = now + patience();
  }
  app_limited_.sent(bytes, rate(), now);
  last_sent_ = now;
  // Nothing else is waited for any more: whatever was before, silence begins now.
  if (sent_.unanswered() == 1) {
    silent_since_ = now;
    silence_told_ = false;
    halve_at_ = never;
  }
  if (halve_at_ == never) halve_at_ = silent_since_ + long_silence;
  return number;
}

void Estimator::feedback(const rtcp::TransportFeedback& feedback, Instant now) {
  results_.clear();
  if (sent_.match(feedback, now, results_)) reset_delay();
  if (results_.empty()) return;
  if (heard_ && now - last_feedback_ > long_silence) {
    // Nor do the losses of then say anything: where little but probes is sent they would count for
    // as long as it takes to have as many new ones.
    const double before = rate();
    reset_delay();
    loss_.reset();
    aimd_.set(before, now);
  }
  heard_ = true;
  last_feedback_ = now;
  silent_since_ = sent_.unanswered() == 0 ? never : now;
  halve_at_ = silent_since_ == never ? never : now + long_silence;
  silence_told_ = false;

  std::ranges::sort(results_, {}, &PacketResult::arrived);
  measure_times(now);
  take_in(now);
  judge_delay(now);
  const auto acked = acked_.rate();
  loss_.update(aimd_.rate(), acked, app_limited_.limited(), now);
  finish_probes(now);
  if (schedule_.waits_for_drain() && trend_.calm() && queue_.floor() < probe_queue) {
    schedule_.drained(now);
  }
}

// The round trip and the least one-way delay.
void Estimator::measure_times(Instant now) {
  Duration one_way = Duration::max();
  Duration round_trip = Duration::max();
  const Instant last_arrived = results_.back().arrived;
  std::size_t packets = 0;
  for (const PacketResult& result : results_) {
    if (!result.received) continue;
    ++packets;
    one_way = std::min(one_way, result.arrived - result.sent);
    // Without the time that it waited at the far end for the feedback.
    round_trip = std::min(round_trip, now - result.sent - (last_arrived - result.arrived));
  }
  if (one_way == Duration::max()) return;
  round_trip = std::clamp<Duration>(round_trip, milliseconds(1), SentPackets::max_age);
  rtt_ = rtt_ == Aimd::default_rtt ? round_trip : (7 * rtt_ + round_trip) / 8;
  queue_.update(one_way, packets, now);
  base_rtt_ = std::max(round_trip - queue_.delay(), Duration{});
}

void Estimator::take_in(Instant now) {
  std::size_t arrived = 0;
  Instant newest_sent = Instant::min();
  const bool busy = queue_.busy(now);
  for (const PacketResult& result : results_) {
    loss_.packet(result);
    if (!busy) measure_usual_loss(result);
    if (result.probe != no_probe) clusters_.answered(result);
    if (!result.received) continue;
    arrived += result.bytes;
    newest_sent = std::max(newest_sent, result.sent);
    queue_.packet(result.arrived - result.sent, result.arrived, result.probe != no_probe);
    acked_.received(result.sent, result.arrived, result.bytes);
    const auto difference = groups_.received(result.sent, result.arrived, now);
    if (difference) trend_.update(difference->sent, difference->arrived, result.arrived);
  }
  if (arrived != 0) competition_.update(queue_.floor(), newest_sent, arrived, now);
}

void Estimator::measure_usual_loss(const PacketResult& result) {
  constexpr double weight = 1.0 / 256;
  if (result.was_lost) {
    usual_loss_ = std::max(0.0, usual_loss_ - weight);
  } else {
    usual_loss_ += weight * ((result.received ? 0 : 1) - usual_loss_);
  }
}

void Estimator::judge_delay(Instant now) {
  usage_ = trend_.usage();
  // A trend without a queue is jitter.
  if (usage_ == Trendline::Usage::over && queue_.floor() < jitter_queue) {
    usage_ = Trendline::Usage::normal;
  }
  const bool grows = queue_.growing();
  // A short buffer that is full has no trend, but a queue, and losses that an empty one has not:
  // where packets get lost at any rate, a little jitter is no full buffer.
  const bool full = queue_.busy(now) && loss_.loss() > full_loss + times_usual_loss * usual_loss_;
  if (grows || full || queue_.standing(now)) usage_ = Trendline::Usage::over;
  if (competition_.on(now)) return compete(now);
  std::optional<double> acked = acked_.rate();
  // Much less is sent than the path is believed to carry, and what waits is gone in a moment: that
  // was a burst, as a key frame is one, and what arrived of late is no measure of the path.
  if (usage_ == Trendline::Usage::over && !full && queue_.delay() < drain_queue && acked &&
      *acked < AppLimited::share * rate()) {
    usage_ = Trendline::Usage::normal;
  }
  if (usage_ == Trendline::Usage::over) {
    if (near_probe(now) && !grows) {
      // The probe made this queue, if it is short. It ends, and if the queue grows on without it,
      // that is overuse after all.
      clusters_.abort();
      probe_shadow_ = std::min(probe_shadow_, now + rtt_);
      usage_ = Trendline::Usage::under;
    } else {
      acked = carried();
    }
  }
  const double before = rate();
  const bool decreased = aimd_.update(usage_, acked, rtt_, now);
  if (decreased && before > rate()) schedule_.fell(now < probe_shadow_ + seconds(1), now);
  if (decreased && queue_.delay() > drain_queue && !drain_end_ && now >= next_drain_) {
    drain_end_ = give_up_ = now + 2 * drain_patience;
    drained_to_ = SentPackets::max_age;
    next_drain_ = now + drain_pause;
  }
  if (decreased) {
    drain_capacity_ = aimd_.rate() / Aimd::decrease;
    const auto average = acked_.rate();
    const auto newest = acked_.newest(milliseconds(150));
    if (average && newest) competition_.decreased(std::min(*average, *newest), queue_.floor(), now);
  }
  drain(now);

  constexpr Duration hopeless_rtt = seconds(3);
  if (rtt_ > hopeless_rtt && now >= next_backoff_) {
    next_backoff_ = now + seconds(1);
    aimd_.set(0.8 * aimd_.rate(), now);
  }
}

// As much as TCP would take, by what gets lost and how long the way is (RFC 5348 section 3.1, in
// its short form).
double Estimator::tcp_rate() const {
  constexpr double packet_bits = 1200 * 8;
  constexpr double least_loss = 1e-4;
  const std::chrono::duration<double> rtt = std::max<Duration>(rtt_, milliseconds(10));
  return 1.22 * packet_bits / (rtt.count() * std::sqrt(std::max(loss_.loss(), least_loss)));
}

// The queue is that of others: it tells nothing about our rate. Losses do.
void Estimator::compete(Instant now) {
  drain_end_.reset();
  aimd_.forget_capacity();
  const double fair = tcp_rate();
  usage_ = rate() < fair ? Trendline::Usage::normal : Trendline::Usage::under;
  aimd_.update(usage_, acked_.rate(), rtt_, now);
  if (rate() > 2 * fair && now >= next_yield_) {
    next_yield_ = now + seconds(1);
    aimd_.set(Aimd::decrease * rate(), now);
  }
}

// What the bottleneck let through when its queue grew, so that this is all it can.
std::optional<double> Estimator::carried() const {
  const auto average = acked_.rate();
  // While a queue grows fast, what came a moment ago may not have gone through it.
  const auto newest = acked_.newest(milliseconds(queue_.growing() ? 80 : 150));
  if (!average || !newest) return average;
  // The average over a second is still that of before the queue, in which less was sent or the path
  // was wider. But what came last is a measure only if the queue was never empty.
  const double carried = queue_.delay() > drain_queue ? *newest : std::max(*average, *newest);
  // Packets that get lost at whatever rate were carried too: they are lost behind the bottleneck.
  return carried / (1 - loss_.inherent());
}

// Less is sent as long as that helps. It does not where others fill the queue.
void Estimator::drain(Instant now) {
  if (!drain_end_) {
    // It has helped, whether the last one did so or others have stopped.
    if (queue_.delay() < probe_queue) next_drain_ = std::min(next_drain_, now);
    return;
  }
  constexpr Duration progress = milliseconds(5);
  // The delays that feedback tells are those of a while ago, the longer the queue the more. What is
  // on the way beyond what the path without a queue holds is the queue of now, and is out after as
  // long: feedback would tell that a round trip and an interval later, in which nothing is sent.
  const std::chrono::duration<double> to_drain(static_cast<double>(sent_.unanswered_bytes()) * 8 /
                                               drain_capacity_);
  const Duration backlog = duration_cast<Duration>(std::min<std::chrono::duration<double>>(
                               to_drain, SentPackets::max_age)) -
                           base_rtt_;
  if (backlog < probe_queue) {
    drain_end_.reset();
    next_drain_ = now;
    return;
  }
  if (backlog < drained_to_ - progress) {
    drained_to_ = backlog;
    give_up_ = std::max(give_up_, now + drain_patience);
  }
  drain_end_ = std::min(give_up_, now + backlog);
}

ProbeSchedule::Path Estimator::path(Instant now) const {
  const LossBased::State loss = loss_.state();
  ProbeSchedule::Path path;
  path.estimate = rate();
  // What is measured is of the past when nothing that counts has been sent for long.
  const bool answered = !heard_ || now - last_feedback_ < long_silence;
  const bool quiet = usage_ == Trendline::Usage::normal && queue_.floor() < probe_queue &&
                     rtt_ < seconds(3) && answered;
  path.clear = idle(now) || (quiet && loss != LossBased::State::decreasing);
  path.heard = heard_;
  path.most_factor = loss == LossBased::State::delay_based ? 2 : 1.5;
  return path;
}

// Nothing that could still be answered has been sent for long: whatever queue there was is out,
// what was not answered is lost, and only a probe can tell more.
bool Estimator::idle(Instant now) const {
  const bool answered = silent_since_ == never || now - last_sent_ >= long_silence + rtt_;
  return heard_ && answered && now - last_feedback_ >= long_silence;
}

std::optional<Probe> Estimator::take_probe(Instant now) {
  if (schedule_.waits_for_drain() && idle(now)) schedule_.drained(now);
  if (clusters_.sending() != no_probe) return std::nullopt;
  const auto free = std::ranges::find(plans_, no_probe, &OpenPlan::id);
  if (free == plans_.end()) return std::nullopt;
  const auto plan = schedule_.take(path(now), now);
  if (!plan) return std::nullopt;
  if (++last_probe_ == no_probe) ++last_probe_;
  *free = {last_probe_, *plan};

  constexpr std::size_t least_packet = 200;
  constexpr std::size_t most_packet = 1200;
  constexpr std::size_t packets = 8;
  const std::chrono::duration<double> length = plan->length;
  Probe probe{.id = last_probe_,
              .rate = static_cast<std::uint64_t>(plan->rate),
              .bytes = static_cast<std::size_t>(plan->rate * length.count() / 8),
              .least_packets = ProbeClusters::least_packets,
              .length = plan->length};
  probe.bytes = std::max(probe.bytes, ProbeClusters::least_packets * least_packet);
  probe.packet_bytes = std::clamp(probe.bytes / packets, least_packet, most_packet);
  clusters_.begin(probe, now);
  probe_shadow_ = now + patience();
  return probe;
}

void Estimator::finish_probes(Instant now) {
  while (const auto outcome = clusters_.finished(patience(), now)) {
    const auto open = std::ranges::find(plans_, outcome->id, &OpenPlan::id);
    ENSURE(open != plans_.end());
    open->id = no_probe;
    const bool carried = outcome->bunched && queue_.floor() < probe_queue;
    auto rate =
        schedule_.finished(open->plan, carried ? outcome->bunched : outcome->rate, path(now), now);
    if (!rate || usage_ == Trendline::Usage::over) continue;
    if (open->plan.stage == ProbeSchedule::Stage::initial) {
      // It may also say that the start was too high, but not below what arrives.
      if (const auto acked = acked_.rate())
        rate = std::max(*rate, std::min(aimd_.rate(), Aimd::decrease * *acked));
    } else {
      rate = std::max(*rate, aimd_.rate());
      loss_.probed(*rate);
    }
    aimd_.set(*rate, now);
  }
}

void Estimator::set_demand(std::uint64_t wanted, std::uint64_t next_step, Instant now) {
  schedule_.set_demand(static_cast<double>(wanted), static_cast<double>(next_step), now);
}

void Estimator::reset_delay() {
  groups_.reset();
  trend_.reset();
  queue_.reset();
  competition_.reset();
  acked_.reset();
  usage_ = Trendline::Usage::normal;
  drain_end_.reset();
}

void Estimator::route_changed(Instant now) {
  const double start = std::min(rate(), acked_.rate().value_or(limits_.most));
  reset_delay();
  clusters_.abort();
  finish_probes(now);
  loss_.reset();
  usual_loss_ = 0;
  aimd_.forget_capacity();
  aimd_.set(start, now);
  rtt_ = Aimd::default_rtt;
  schedule_.start(aimd_.rate(), now);
}

void Estimator::begin_with(std::uint64_t rate, Instant now) {
  if (heard_) return;
  aimd_.set(static_cast<double>(rate), now);
  schedule_.start(aimd_.rate(), now);
}

bool Estimator::feedback_lost(Instant now) const {
  return silent_since_ != never && sent_.unanswered() > silence_packets &&
         now - silent_since_ >= (heard_ ? silence : long_silence);
}

void Estimator::tick(Instant now) {
  if (silent_since_ != never && now - silent_since_ >= silence) silence_told_ = true;
  if (now >= halve_at_) {
    halve_at_ = now - last_sent_ > long_silence ? never : now + long_silence;
    if (sent_.unanswered() > silence_packets) {
      const double before = rate();
      reset_delay();
      aimd_.set(before / 2, now);
      schedule_.fell(false, now);
    }
  }
  finish_probes(now);
  if (drain_end_ && now >= *drain_end_) drain_end_.reset();
  const Instant probe = schedule_.due(rate());
  if (probe <= now) probe_told_ = probe;
}

Instant Estimator::deadline() const {
  Instant deadline = std::min(halve_at_, clusters_.deadline(patience()));
  if (silent_since_ != never && !silence_told_)
    deadline = std::min(deadline, silent_since_ + silence);
  if (drain_end_) deadline = std::min(deadline, *drain_end_);
  const Instant probe = schedule_.due(rate());
  if (heard_ && probe != probe_told_) deadline = std::min(deadline, probe);
  return deadline;
}

}  // namespace liaison::bwe
