#include "sfu/downlink.hpp"

#include <algorithm>
#include <cmath>

namespace liaison::sfu {
namespace {

// Of the estimate: a frame may be larger than the mean, and must not wait for the next …
constexpr double pacing_factor = 1.1;
// … but where a queue stands, whoever goes beyond that while key frames wait keeps it.
constexpr double queued_pacing_factor = 1.0;

// Video that takes so long to leave takes the upper temporal layers with it …
constexpr Duration crowded = milliseconds(150);
// … and so long, all that is there up to the next key frame.
constexpr Duration jammed = milliseconds(400);
// The share that a path may lose at any rate before repetitions are sent twice.
constexpr double lossy_path = 0.02;
// How long a replayed picture may take to leave.
constexpr Duration replay_length = milliseconds(250);
constexpr std::size_t replay_least = 16 * 1024;  // always allowed, bytes
constexpr std::size_t replay_most = 400 * 1024;

// Per track of sound that is there: Opus with all headers, at the least.
constexpr std::uint64_t audio_reserve = 40'000;
constexpr std::size_t audio_reserves = 4;  // nobody hears more at a time
constexpr Duration audio_interval = seconds(1);
constexpr std::size_t ip_udp = 20 + 8;
// The rest is for what is not foreseen: key frames, repetitions.
constexpr std::uint64_t usable_percent = 95;
constexpr Duration allocation_interval_least = milliseconds(50);
constexpr Duration allocation_interval = milliseconds(500);
// A change of the estimate by so much is a reason to share it anew.
constexpr double noticeable = 0.08;

}  // namespace

Downlink::Downlink(transport::Transport& transport, Instant now)
    : transport_(transport), allocated_at_(now) {}

void Downlink::update(const MediaDescription& media, Instant now) {
  for (std::size_t i = tracks_.size(); i < media.down.size(); ++i) {
    const DownMedia& down = media.down[i];
    const bool audio = down.kind == rtp::MediaKind::audio;
    tracks_.emplace_back(down, audio ? media.audio_codecs : media.video_codecs,
                         audio ? media.audio_extensions : media.video_extensions);
  }
  if (!estimator_ && media.video_extensions[rtp::Extension::transport_cc] != 0) {
    estimator_.emplace(bwe::EstimatorOptions{}, now);
    set_pacing(now);
  }
}

DownTrack* Downlink::track_of_ssrc(std::uint32_t ssrc) {
  const auto found =
      std::ranges::find(tracks_, ssrc, [](const DownTrack& down) { return down.media().ssrc; });
  return found == tracks_.end() ? nullptr : &*found;
}

// ── Packets ──

DownTrack::Outlet Downlink::outlet(Output& out) {
  return {.transport = transport_,
          .out = out.transport,
          .estimator = estimator_ ? &*estimator_ : nullptr,
          .probe = probing_ ? probing_->probe.id : bwe::no_probe};
}

void Downlink::after_send(const DownTrack& track, Instant now, const Output& out) {
  count_sent(out, now);
  if (!track.video()) measure_audio(out.transport.transmits.back().size + ip_udp, now);
  // Of what has no number, as sound from some browsers, no probe can be made.
  if (!probing_ || !track.numbered()) return;
  Probing& running = *probing_;
  running.next =
      std::max(running.next, now) + duration_cast<Duration>(std::chrono::duration<double>(
                                        static_cast<double>(out.transport.transmits.back().size) *
                                        8 / static_cast<double>(running.probe.rate)));
  if (estimator_->sending_probe() != running.probe.id) probing_.reset();
}

void Downlink::count_sent(const Output& out, Instant now) {
  const std::size_t size = out.transport.transmits.back().size;
  ++totals_.packets;
  totals_.bytes += size;
  pacer_.sent(size, now);
}

std::optional<Drop> Downlink::send(DownTrack& track, const ReceivedPacket& packet,
                                   const SeqMap::Number& number, Instant now, Output& out) {
  const auto drop = track.send(packet, number, now, outlet(out));
  if (!drop) after_send(track, now, out);
  return drop;
}

std::optional<Drop> Downlink::forward(DownTrack& track, const ReceivedPacket& packet, Instant now,
                                      Output& out) {
  if (const auto drop = transport_.obstacle(now)) {
    // Whoever could not be sent a part of it begins anew, with a key frame.
    interrupt(track);
    return drop;
  }
  if (track.video()) {
    const Duration waiting = backlog();
    if (waiting > jammed) {
      for (DownTrack& other : tracks_) {
        if (other.video()) interrupt(other);
      }
      allocate_soon(now);
    } else if (waiting > crowded && track.target() && track.target()->temporal > 0) {
      Layer less = *track.target();
      less.temporal = 0;
      track.set_target(less);
    }
  }
  const auto number = track.accept(packet);
  if (!number) return number.error();
  if (!track.video() || pacer_.open(now)) return send(track, packet, *number, now, out);
  const Pacer::Entry entry{.slot = track.media().slot,
                           .encoding = packet.encoding,
                           .repetition = false,
                           .in_seq = packet.seq,
                           .out_seq = number->seq,
                           .bytes = packet.payload_size};
  if (pacer_.push(entry)) return std::nullopt;
  give_up(track);
  return Drop::pacer_full;
}

bool Downlink::replay(DownTrack& track, const UpEncoding& encoding, Instant oldest, Instant now,
                      Output& out) {
  if (transport_.obstacle(now) || backlog() > crowded) return false;
  const auto picture = encoding.picture_since(oldest);
  if (!picture) return false;
  const auto room = static_cast<std::size_t>(static_cast<double>(pacer_.rate()) / 8 *
                                             std::chrono::duration<double>(replay_length).count());
  const std::size_t most =
      pacer_.rate() == 0 ? replay_most : std::clamp(room, replay_least, replay_most);
  if (picture->bytes > most) return false;
  const PacketHistory& history = encoding.history();
  if (!track.replay(*history.find(picture->first), *history.find(picture->last), now)) return false;
  for (std::uint64_t seq = picture->first; seq <= picture->last; ++seq)
    forward(track, *history.find(seq), now, out);
  return true;
}

bool Downlink::repeat(DownTrack& track, std::uint16_t seq, Source source, Duration rtt, Instant now,
                      Output& out) {
  const auto number = track.to_repeat(seq, rtt, now);
  if (!number || source == nullptr) return false;
  const Pacer::Entry entry{.slot = track.media().slot,
                           .encoding = number->offsets.encoding,
                           .repetition = true,
                           .in_seq = number->seq,
                           .out_seq = seq,
                           .bytes = 0};
  if (!pacer_.may_repeat(now)) return pacer_.push(entry);
  const std::uint64_t before = totals_.packets;
  send_entry(track, entry, source, now, out);
  return totals_.packets != before;
}

void Downlink::send_entry(DownTrack& track, const Pacer::Entry& entry, Source source, Instant now,
                          Output& out) {
  const bool there = source != nullptr && entry.encoding < source->encodings().size();
  const ReceivedPacket* packet =
      there ? source->encodings()[entry.encoding].history().find(entry.in_seq) : nullptr;
  const auto number = track.find(static_cast<std::uint16_t>(entry.out_seq));
  if (packet == nullptr || !number || number->seq != entry.in_seq ||
      number->offsets.encoding != entry.encoding) {
    // Its stream has begun anew meanwhile, and so must this one.
    if (!entry.repetition) {
      ++unsent_.given_up;
      give_up(track);
    }
    return;
  }
  if (!entry.repetition) {
    // Where the path was lost meanwhile, so is all that waits; else it is this packet alone.
    const auto drop = send(track, *packet, {entry.out_seq, number->offsets}, now, out);
    if (drop) ++unsent_.given_up;
    if (drop && transport_.obstacle(now)) give_up(track);
  } else {
    // On a path that loses at any rate a repetition gets lost as easily as the packet did, and the
    // next question comes a round trip later.
    const int copies = estimator_ && estimator_->inherent_loss() > lossy_path ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto drop = track.repeat(*packet, *number, static_cast<std::uint16_t>(entry.out_seq),
                                     now, outlet(out));
      if (drop == Drop::repeat_limit) ++unsent_.repetitions;
      if (drop) return;
      after_send(track, now, out);
    }
  }
}

// At the estimate, whatever may leave at this moment: a queue that is let out makes no jam of what
// waits for that.
Duration Downlink::backlog() const {
  if (!estimator_) return {};
  return duration_cast<Duration>(
      std::chrono::duration<double>(static_cast<double>(pacer_.waiting_bytes()) * 8 /
                                    static_cast<double>(estimator_->estimate())));
}

void Downlink::give_up(DownTrack& track) {
  unsent_.given_up += pacer_.remove(track.media().slot);
  track.take_back();
}

void Downlink::interrupt(DownTrack& track) {
  const std::size_t waited = pacer_.remove(track.media().slot);
  unsent_.given_up += waited;
  if (waited != 0) track.take_back();
  track.interrupt();
}

// ── The path ──

void Downlink::feedback(const rtcp::TransportFeedback& feedback, Instant now) {
  if (!estimator_) return;
  heard_ = true;
  estimator_->feedback(feedback, now);
  set_pacing(now);
  set_redundancy(now);
}

void Downlink::route_changed(Instant now) {
  if (!estimator_) return;
  estimator_->route_changed(now);
  set_pacing(now);
}

void Downlink::begin_with(std::uint64_t rate, Instant now) {
  if (!estimator_) return;
  estimator_->begin_with(rate, now);
  set_pacing(now);
}

std::optional<std::uint64_t> Downlink::estimate() const {
  return estimator_ ? std::optional(estimator_->estimate()) : std::nullopt;
}

void Downlink::set_pacing(Instant now) {
  const bool queued =
      estimator_->queue_delay() > bwe::Estimator::probe_queue && !estimator_->competing(now);
  const double factor = queued ? queued_pacing_factor : pacing_factor;
  pacer_.set_rate(static_cast<std::uint64_t>(static_cast<double>(estimator_->target()) * factor),
                  now);
  const bool roomy = heard_ && !limited_ && !queued && !draining() && !silent(now);
  pacer_.set_burst(roomy ? Pacer::roomy_burst : Pacer::burst, now);
  const auto before = static_cast<double>(allocated_for_);
  const double change = static_cast<double>(estimator_->estimate()) - before;
  if (std::abs(change) > noticeable * before) allocate_soon(now);
  if (draining()) drained_at_ = now;
  // It becomes known only by and by when the queue will be gone.
  if (held_back_) {
    const Instant gone = draining() ? estimator_->drained_at() - *held_back_ : now;
    allocation_due_ = std::min(allocation_due_, gone);
  }
  rise_limit_.estimated(estimator_->estimate(), now);
}

bool Downlink::hold_back(Duration lead, Instant now) {
  if (!draining() || now >= estimator_->drained_at() - lead) return false;
  held_back_ = std::max(lead, held_back_.value_or(lead));
  allocation_due_ = std::min(allocation_due_, estimator_->drained_at() - lead);
  return true;
}

void Downlink::allocate_soon(Instant now) {
  allocation_due_ =
      std::min(allocation_due_, std::max(now, allocated_at_ + allocation_interval_least));
}

void Downlink::probe(Instant now, Output& out) {
  start_probe(now);
  // What nobody answers is not sent on, and what is not sent cannot be answered: a packet now and
  // then asks whether the path is back, or there at all.
  if (!estimator_ || (heard_ && !silent(now))) {
    next_question_ = never;
  } else if (next_question_ == never || next_question_ <= now) {
    next_question_ = now + question_interval;
    if (DownTrack* track = padded()) pad(*track, now, out);
  }
  while (probing_ && probing_->next <= now) {
    DownTrack* track = padded();
    if (track == nullptr || !pad(*track, now, out)) probing_.reset();
  }
}

void Downlink::start_probe(Instant now) {
  if (!estimator_ || probing_ || transport_.obstacle(now)) return;
  if (const auto probe = estimator_->take_probe(now)) probing_ = Probing{*probe, now};
}

DownTrack* Downlink::padded() {
  DownTrack* best = nullptr;
  for (DownTrack& track : tracks_) {
    if (!track.video() || !track.has_rtx()) continue;
    // One that shows something has packets worth repeating.
    if (best == nullptr || (track.started() && !best->started())) best = &track;
  }
  return best;
}

bool Downlink::pad(DownTrack& track, Instant now, Output& out) {
  constexpr std::size_t headers = 64;  // IP, UDP, RTP with an extension, and the tag
  constexpr std::size_t most = headers + 255;
  const std::size_t size = probing_ ? probing_->probe.packet_bytes : most;
  const auto padding = static_cast<std::uint8_t>(std::clamp(size, headers + 1, most) - headers);
  if (track.pad(padding, now, outlet(out))) return false;
  after_send(track, now, out);
  return true;
}

void Downlink::tick(Instant now) {
  if (!estimator_ || estimator_->deadline() > now) return;
  estimator_->tick(now);
  set_pacing(now);
}

Instant Downlink::deadline() const {
  Instant at = std::min({pacer_.deadline(), allocation_due_, next_question_});
  if (estimator_) at = std::min(at, estimator_->deadline());
  if (probing_) at = std::min(at, probing_->next);
  return at;
}

// ── What is shown ──

void Downlink::set_view(const SetView& view) {
  has_view_ = true;
  shown_ = view.shown;
}

std::optional<SetView::Shown> Downlink::shown(const DownTrack& track) const {
  const std::uint16_t slot = track.media().slot;
  if (!has_view_) return SetView::Shown{slot, 0, 0};
  const auto found = std::ranges::find(shown_, slot, &SetView::Shown::slot);
  return found == shown_.end() ? std::nullopt : std::optional(*found);
}

std::uint64_t Downlink::video_budget(Instant now) const {
  if (!estimator_) return UINT64_MAX;
  // Nothing has been heard of what was sent: sound alone may be tried.
  if (silent(now)) return 0;
  const std::uint64_t reserved = audio_reserved();
  return usable() > reserved ? usable() - reserved : 0;
}

std::uint64_t Downlink::usable() const { return estimator_->estimate() * usable_percent / 100; }

std::size_t Downlink::heard() const {
  const auto started = static_cast<std::size_t>(std::ranges::count_if(
      tracks_, [](const DownTrack& track) { return !track.video() && track.started(); }));
  return std::min(started, audio_reserves);
}

std::uint64_t Downlink::audio_reserved() const {
  return std::max(heard() * audio_reserve, audio_rate_);
}

void Downlink::measure_audio(std::size_t bytes, Instant now) {
  audio_bytes_ += bytes;
  const std::chrono::duration<double> elapsed = now - audio_since_;
  if (elapsed < audio_interval) return;
  const auto rate =
      static_cast<std::uint64_t>(static_cast<double>(audio_bytes_) * 8 / elapsed.count());
  // Whoever pauses is going to say more.
  audio_rate_ = std::max(rate, audio_rate_ * 9 / 10);
  audio_bytes_ = 0;
  audio_since_ = now;
}

// As much as losses ask for, and the path has room for: what it must carry besides is not worth
// the delay that it would make.
void Downlink::set_redundancy(Instant now) {
  redundancy_.update(estimator_->loss(), estimator_->queue_delay(), now);
  const std::uint64_t once = std::max<std::size_t>(1, heard()) * audio_reserve;
  const std::uint64_t room = usable() > once ? usable() / once - 1 : 0;
  const std::size_t frames = std::min<std::uint64_t>(redundancy_.frames(), room);
  for (DownTrack& track : tracks_) {
    if (!track.video()) track.set_redundancy(frames);
  }
}

bool Downlink::resized(const DownTrack& track) const {
  const auto now = shown(track);
  const auto before = std::ranges::find(served_, track.media().slot, &SetView::Shown::slot);
  if (!now || before == served_.end()) return false;
  // While a window is drawn larger nobody needs another picture at every step.
  const auto differs = [](std::uint32_t a, std::uint32_t b) {
    return (a == 0) != (b == 0) || std::max(a, b) * 4 > std::min(a, b) * 5;
  };
  return differs(now->height, before->height);
}

bool Downlink::may_rise(Instant now) const {
  const bool rising = std::ranges::any_of(tracks_, [](const DownTrack& track) {
    return track.video() && track.current() && track.waits_for_key_frame();
  });
  return rise_limit_.allows(rising, now);
}

void Downlink::allocated(const Allocation& allocation, Instant now) {
  served_.clear();
  for (const Grant& grant : allocation.grants) {
    if (const auto size = shown(tracks_[grant.slot])) served_.push_back(*size);
  }
  rise_limit_.shared(allocation.rises, allocation.falls, estimate().value_or(0), now);
  allocated_at_ = now;
  held_back_.reset();
  allocation_due_ = allocation.grants.empty() ? never : on_beat(now + allocation_interval);
  wanted_ = allocation.wanted;
  limited_ = estimator_ && allocation.granted < allocation.wanted;
  if (!estimator_) return;
  allocated_for_ = estimator_->estimate();
  // What the path must carry so that so much is left for video.
  const auto needed = [&](std::uint64_t video) {
    return video == 0 ? 0 : (video + audio_reserved()) * 100 / usable_percent;
  };
  // A step up wants more than it takes: whoever is near what is wanted must get there too.
  const std::uint64_t wanted = std::max(allocation.wanted, allocation.next_step);
  estimator_->set_demand(needed(wanted), needed(allocation.next_step), now);
}

}  // namespace liaison::sfu
