#include "bench/network_recorder.hpp"

#include <algorithm>

#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/report.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace liaison::bench {
namespace {

// A tile that shows nothing new for so long shows nothing of a layer.
constexpr Duration current = milliseconds(500);
constexpr Duration just_now = milliseconds(150);  // repeated
constexpr Duration ordinary = milliseconds(34);   // between two frames
constexpr Duration past = milliseconds(200);      // has its picture, when it leaves the server

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double as_ms(Duration duration) { return as_seconds(duration) * 1000; }

}  // namespace

// ── At the server ──

void Recorder::commanded(sim::World& world, const sim::Server& server, std::size_t,
                         const sfu::Command& command) {
  const auto* assign = std::get_if<sfu::AssignSlot>(&command);
  const sim::Peer* peer = viewer_.peer();
  if (assign == nullptr || peer == nullptr) return;
  for (std::size_t line = 4; line < peer->line_count(); ++line) {
    const sim::DownStream* stream = peer->down(line);
    if (stream == nullptr || !stream->video()) continue;
    const sim::Ledger::Down* down = server.ledger().down(stream->ssrc());
    if (down == nullptr || down->endpoint != assign->endpoint || down->slot != assign->slot)
      continue;
    waits_.erase(line);
    const sim::Ledger::Up* up = server.ledger().up(*down);
    const auto* of = up == nullptr ? nullptr : server.ledger().endpoint(up->endpoint);
    const sim::Peer* publisher = of == nullptr ? nullptr : world.peer_of(of->remote_ufrag);
    if (publisher != nullptr && up->active)
      waits_[line] = {publisher->browser().id().value, world.now()};
  }
}

void Recorder::forwarded(sim::World&, const sim::Forwarded& sent) {
  if (!is_of_viewer(sent.peer)) return;
  const sim::DownStream* stream = sent.peer->down(sent.line);
  if (stream == nullptr) return;
  Left& left = left_[sent.line];
  if (sent.rtx) {
    ++repairs_;
    left.repeated[sent.sequence] = sent.at;
    const auto asked = left.asked.find(sent.sequence);
    if (asked == left.asked.end()) return;
    answers_.push_back(sent.at - asked->second);
    left.asked.erase(asked);
    return;
  }
  left.sent.insert(sent.sequence);
  // Numbers come again after a circle.
  left.sent.erase(static_cast<std::uint16_t>(sent.sequence + 0x8000));

  Times& times = times_[sent.line];
  const sim::Stamp& stamp = sent.reading.stamp;
  if (times.person != stamp.person) times.error.reset();
  times.person = stamp.person;
  if (!times.report) return;
  const std::int64_t rate = stream->video() ? 90'000 : 48'000;
  const std::int64_t since =
      static_cast<std::int32_t>(sent.packet.timestamp() - times.report->second);
  const std::uint64_t ntp = times.report->first;
  const Duration by_report =
      seconds(static_cast<std::int64_t>(ntp >> 32)) +
      Duration(static_cast<std::int64_t>((ntp & 0xffffffff) * 1'000'000'000 >> 32)) +
      Duration(since * 1'000'000'000 / rate);
  times.error = by_report - stamp.captured.time_since_epoch();
  if (!stream->video() || stamp.packet != 0) return;
  // A past that is shown as fast as it comes has no voice.
  if (sent.at - stamp.captured > past) return;
  // The sound of a person is in the m-line before their picture.
  const Times& sound = times_[sent.line - 1];
  if (sound.error && sound.person == stamp.person) lip_sync_.push_back(*times.error - *sound.error);
}

void Recorder::reported(sim::World&, sim::Peer& peer, Bytes rtcp) {
  if (!is_of_viewer(&peer)) return;
  const auto compound = rtcp::Compound::parse(rtcp);
  if (!compound) return;
  for (const rtcp::PacketView packet : *compound) {
    const auto report = rtcp::parse_sender_report(packet);
    if (!report) continue;
    if (const auto line = peer.line_of(report->ssrc))
      times_[line->line].report = {report->info.ntp, report->info.rtp_timestamp};
  }
}

void Recorder::reached(sim::World& world, sim::Peer& peer, const sim::Server&, Bytes rtcp) {
  if (!is_of_viewer(&peer)) return;
  const auto compound = rtcp::Compound::parse(rtcp);
  if (!compound) return;
  for (const rtcp::PacketView packet : *compound) {
    const auto nack = rtcp::Nack::parse(packet);
    if (!nack) continue;
    const auto line = peer.line_of(nack->media_ssrc());
    if (!line) continue;
    Left& left = left_[line->line];
    nack->for_each([&](std::uint16_t sequence) {
      // What the server has never had it cannot repeat. This is after its answer, if it came at
      // once, and who asks twice within a round trip gets no second one.
      if (!left.sent.contains(sequence)) return;
      const auto repeated = left.repeated.find(sequence);
      if (repeated == left.repeated.end() || repeated->second + just_now < world.now()) {
        left.asked.try_emplace(sequence, world.now());
      } else if (repeated->second == world.now()) {
        answers_.push_back({});
      }
    });
  }
}

// ── At the viewer ──

void Recorder::received(sim::World&, const sim::Forwarded& taken) {
  if (!is_of_viewer(taken.peer)) return;
  const sim::DownStream* stream = taken.peer->down(taken.line);
  if (stream == nullptr) return;
  bytes_ += taken.packet.bytes().size();
  if (stream->video()) {
    take_video(taken, *stream);
  } else {
    take_sound(taken);
  }
}

void Recorder::take_video(const sim::Forwarded& taken, const sim::DownStream& stream) {
  Down& down = down_[taken.line];
  if (!taken.rtx) {
    const std::uint64_t number = down.sequence.unwrap(taken.sequence);
    if (down.highest && number > *down.highest + 1) {
      for (std::uint64_t gap = *down.highest + 1; gap < number; ++gap) {
        down.open[gap] = holes_.size();
        const bool sent = left_[taken.line].sent.contains(static_cast<std::uint16_t>(gap));
        holes_.push_back({.seen = taken.at, .upstream = !sent});
      }
    }
    if (!down.highest || number > *down.highest) down.highest = number;
  }
  const std::uint64_t number = down.sequence.peek(taken.sequence);
  if (const auto hole = down.open.find(number); hole != down.open.end()) {
    holes_[hole->second].filled = taken.at;
    down.open.erase(hole);
  }
  if (taken.reading.key) {
    while (!down.open.empty() && down.open.begin()->first < number) {
      holes_[down.open.begin()->second].needless = true;
      down.open.erase(down.open.begin());
    }
  }
  if (stream.frames_shown() == down.frames || !stream.shown()) return;
  down.frames = stream.frames_shown();
  const sim::Stamp& stamp = stream.shown()->stamp;
  shown_[taken.line].push_back({taken.at, stamp.person, stamp.encoding, stamp.temporal});
  const auto wait = waits_.find(taken.line);
  if (wait != waits_.end() && wait->second.person == stamp.person) {
    switches_.push_back(taken.at - wait->second.since);
    waits_.erase(wait);
  }
}

void Recorder::take_sound(const sim::Forwarded& taken) {
  const sim::PayloadReading& reading = taken.reading;
  hear(reading.stamp, taken.at);
  for (std::size_t i = 0; i < reading.redundant_count; ++i) hear(reading.redundant[i], taken.at);
}

void Recorder::hear(const sim::Stamp& stamp, Instant now) {
  sound_.try_emplace({stamp.person, stamp.frame}, Sound{stamp.captured, now});
}

double Recorder::concealed(Duration delay) const {
  std::map<std::uint32_t, Duration> soonest;  // by person
  for (const auto& [key, sound] : sound_) {
    const auto [at, fresh] = soonest.try_emplace(key.first, sound.arrived - sound.captured);
    if (!fresh) at->second = std::min(at->second, sound.arrived - sound.captured);
  }
  std::uint64_t all = 0;
  std::uint64_t in_time = 0;
  for (const auto& [person, least] : soonest) {
    const auto first = sound_.lower_bound({person, 0});
    const auto end = sound_.lower_bound({person + 1, 0});
    all += std::prev(end)->first.second - first->first.second + 1;
    for (auto at = first; at != end; ++at) {
      if (at->second.arrived - at->second.captured <= least + delay) ++in_time;
    }
  }
  return all == 0 ? 1 : static_cast<double>(all - in_time) / static_cast<double>(all);
}

// ── Pictures ──

void Recorder::pause(std::size_t line, bool paused, Instant now) {
  auto& pauses = pauses_[line];
  const bool before = !pauses.empty() && pauses.back().second == never;
  if (paused == before) return;
  if (paused) {
    pauses.emplace_back(now, never);
  } else {
    pauses.back().second = now;
  }
}

Duration Recorder::pause_from(std::size_t line, Instant from, Instant to) const {
  Duration sum{};
  const auto pauses = pauses_.find(line);
  if (pauses == pauses_.end()) return sum;
  for (const auto& [begin, end] : pauses->second)
    sum += std::max(Duration{}, std::min(end, to) - std::max(begin, from));
  return sum;
}

template <typename Visit>
void Recorder::each_gap(Instant from, Instant to, Visit&& visit) const {
  for (const auto& [line, shown] : shown_) {
    std::optional<Instant> before;
    for (const Shown& one : shown) {
      if (before && one.at > from && *before < to)
        visit(one.at - *before - pause_from(line, *before, one.at));
      before = one.at;
    }
    if (before && *before < to) visit(to - *before - pause_from(line, *before, to));
  }
}

Duration Recorder::longest_gap(Instant from, Instant to) const {
  Duration longest{};
  each_gap(from, to, [&](Duration gap) { longest = std::max(longest, gap); });
  return longest;
}

double Recorder::frozen(Duration limit, Instant from, Instant to) const {
  Duration sum{};
  each_gap(from, to, [&](Duration gap) {
    if (gap > limit) sum += gap - ordinary;
  });
  const auto tiles = std::max<std::size_t>(shown_.size(), 1);
  return as_seconds(sum) / (as_seconds(to - from) * static_cast<double>(tiles));
}

double Recorder::paused(Instant from, Instant to) const {
  Duration sum{};
  for (const auto& [line, shown] : shown_) sum += pause_from(line, from, to);
  const auto tiles = std::max<std::size_t>(shown_.size(), 1);
  return as_seconds(sum) / (as_seconds(to - from) * static_cast<double>(tiles));
}

int Recorder::layers(std::size_t line, Instant at) const {
  const auto found = shown_.find(line);
  if (found == shown_.end()) return 0;
  const auto& shown = found->second;
  auto last = std::ranges::upper_bound(shown, at, {}, &Shown::at);
  int encoding = -1;
  bool all = false;
  while (last != shown.begin()) {
    --last;
    if (last->at + current < at) break;
    if (encoding < 0) encoding = last->encoding;
    all |= last->encoding == encoding && last->temporal > 0;
  }
  return encoding < 0 ? 0 : 2 * encoding + (all ? 2 : 1);
}

// ── The observation ──

Observation::Observation(sim::World& world, sim::Browser& viewer)
    : world_(world), viewer_(viewer), begun_(world.now()) {
  auto recorder = std::make_unique<Recorder>(viewer);
  recorder_ = recorder.get();
  world.watch(std::move(recorder));
}

double Observation::time() const { return as_seconds(world_.now() - begun_); }
Instant Observation::now() const { return world_.now(); }

double Observation::capacity() const {
  const std::uint64_t rate = bottleneck_ != nullptr ? bottleneck_->bits_per_second()
                                                    : viewer_.down().options().bits_per_second;
  return static_cast<double>(rate) / 1000;
}

void Observation::run(Duration how_long) {
  const Instant end = world_.now() + how_long;
  while (world_.now() < end) {
    if (flow_ == nullptr) {
      world_.run(step);
    } else {
      // It is not an actor of the world; what it puts into the queue must come in order.
      const Instant until = world_.now() + step;
      while (flow_->deadline() <= until) {
        world_.run(std::max(flow_->deadline() - world_.now(), Duration{}));
        flow_->tick(world_.now());
      }
      world_.run(until - world_.now());
    }
    const Duration waiting = viewer_.down().waiting(world_.now());
    least_ = std::min(least_, waiting);
    most_ = std::max(most_, waiting);
    look_for_pauses();
    if ((world_.now() - begun_) % interval == Duration{}) sample();
  }
}

void Observation::look_for_pauses() {
  const sim::Peer* peer = viewer_.peer();
  if (peer == nullptr) return;
  const sim::Ledger& ledger = world_.server().ledger();
  for (std::size_t line = 4; line < peer->line_count(); ++line) {
    const sim::DownStream* stream = peer->down(line);
    if (stream == nullptr || !stream->video()) continue;
    const sim::Ledger::Down* down = ledger.down(stream->ssrc());
    const auto* endpoint = down == nullptr ? nullptr : ledger.endpoint(down->endpoint);
    if (endpoint == nullptr) continue;
    recorder_->pause(line,
                     std::ranges::find(endpoint->paused, down->slot) != endpoint->paused.end(),
                     world_.now());
  }
}

std::vector<std::size_t> Observation::tiles() const {
  std::vector<std::size_t> lines;
  for (const auto& [line, shown] : recorder_->shown()) lines.push_back(line);
  return lines;
}

int Observation::layers(Instant at) const {
  int sum = 0;
  for (const std::size_t line : tiles()) sum += recorder_->layers(line, at);
  return sum;
}

void Observation::sample() {
  const auto rate = [](std::uint64_t now, std::uint64_t& before) {
    const std::uint64_t more = now - std::exchange(before, now);
    return static_cast<double>(more) * 8 / 1000 / as_seconds(interval);
  };
  Sample& sample = samples_.emplace_back();
  sample.time = time();
  sample.capacity = capacity();
  if (const sim::Peer* peer = viewer_.peer(); peer != nullptr && peer->line_count() > 4) {
    const sim::Ledger::Down* down = world_.server().ledger().down(peer->answered(4).ssrc);
    if (down != nullptr) {
      const auto estimate = world_.server().estimate(down->endpoint);
      sample.estimate = static_cast<double>(estimate.value_or(0)) / 1000;
    }
  }
  sample.delivered = rate(recorder_->bytes(), bytes_);
  sample.queue = as_ms(std::exchange(least_, Duration::max()));
  sample.queue_peak = as_ms(std::exchange(most_, Duration{}));
  for (const std::size_t line : tiles()) {
    sample.layers.push_back(recorder_->layers(line, world_.now()));
    const auto& shown = recorder_->shown().at(line);
    sample.frozen = std::max(sample.frozen, as_ms(world_.now() - shown.back().at));
  }
  const auto& counts = viewer_.down().counts();
  const std::uint64_t lost = counts.lost + counts.overflowed;
  sample.lost = lost - std::exchange(lost_, lost);
  sample.repaired = recorder_->repairs() - std::exchange(repairs_, recorder_->repairs());
  if (flow_ != nullptr) sample.other = rate(flow_->bytes(), other_);
}

std::vector<Sample> Observation::between(double from, double to) const {
  std::vector<Sample> found;
  for (const Sample& sample : samples_) {
    if (sample.time > from + 1e-6 && sample.time < to + 1e-6) found.push_back(sample);
  }
  return found;
}

}  // namespace liaison::bench
