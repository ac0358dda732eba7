#include "sfu/sfu.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/report.hpp"
#include "sfu/layer_options.hpp"
#include "sfu/state.hpp"
#include "stun/message.hpp"
#include "transport/demux.hpp"

namespace liaison::sfu {
namespace {

constexpr Duration stats_interval = seconds(1);
// So many datagrams are sent at a time: they fit into a core's own cache, and make some thirty runs
// of a frame.
constexpr std::size_t portion = 256;
constexpr std::size_t no_limit = SIZE_MAX;

CloseReason to_event(transport::CloseReason reason) {
  switch (reason) {
    case transport::CloseReason::commanded:
      return CloseReason::commanded;
    case transport::CloseReason::handshake_failed:
      return CloseReason::handshake_failed;
    case transport::CloseReason::closed_by_peer:
      return CloseReason::closed_by_peer;
    case transport::CloseReason::consent_expired:
      return CloseReason::consent_expired;
  }
  return CloseReason::commanded;
}

}  // namespace

// ── Datagrams
// ───────────────────────────────────────────────────────────────────────────────────────────────

// Forwards what was taken in before, then takes in more, until nothing is left or `out` is full.
template <typename Arrived>
bool Sfu::State::receive(std::span<Arrived>& arrived, std::size_t enough, Instant now,
                         Output& out) {
  const std::size_t sent_before = out.transport.transmits.size();
  bool done = forward_taken(enough, now, out);
  while (done && !arrived.empty()) {
    receive_some(arrived, now, out);
    done = forward_taken(enough, now, out);
  }
  settle_demand(now, out);
  count_sent(sent_before, out);
  return !done;
}

// One datagram, or all of RTP that follow one another on the same path.
void Sfu::State::receive_some(std::span<transport::Datagram>& datagrams, Instant now, Output& out) {
  const auto kind_of_next = [&] {
    return transport::classify(std::as_const(datagrams.front().packet).bytes());
  };
  const auto next = [&]() -> Packet& {
    Packet& packet = datagrams.front().packet;
    datagrams = datagrams.subspan(1);
    ++stats_.packets_in;
    stats_.bytes_in += packet.size();
    return packet;
  };
  const transport::Path& from = datagrams.front().path;
  const auto kind = kind_of_next();
  Packet& datagram = next();
  if (kind == transport::DatagramKind::stun)
    return receive_stun(from, std::as_const(datagram).bytes(), now, out);
  if (kind == transport::DatagramKind::unknown) return count(Drop::malformed);
  const auto known = by_path_.find(from);
  Endpoint* endpoint = known == by_path_.end() ? nullptr : endpoints_.get(known->second);
  if (endpoint == nullptr || !endpoint->transport().validated(from))
    return count(Drop::unknown_source);
  endpoint->count_received(datagram.size());
  if (kind == transport::DatagramKind::rtp) {
    receive_rtp(*endpoint, from, std::move(datagram), now, out);
    while (!datagrams.empty() && datagrams.front().path == from && kind_of_next() == kind &&
           taken_.packets.size() < together) {
      Packet& more = next();
      endpoint->count_received(more.size());
      receive_rtp(*endpoint, from, std::move(more), now, out);
    }
  } else if (kind == transport::DatagramKind::rtcp) {
    receive_rtcp(*endpoint, from, datagram.bytes(), now, out);
  } else if (const auto drop =
                 endpoint->transport().receive_dtls(from, datagram.bytes(), now, out.transport)) {
    count(*drop);
  }
  touched(*endpoint, now, out);
}

void Sfu::State::count_sent(std::size_t before, const Output& out) {
  for (std::size_t i = before; i < out.transport.transmits.size(); ++i) {
    ++stats_.packets_out;
    stats_.bytes_out += out.transport.transmits[i].size;
  }
}

void Sfu::State::receive_stun(const transport::Path& from, Bytes datagram, Instant now,
                              Output& out) {
  const auto ufrag = stun::username_ufrag(datagram);
  if (!ufrag) return count(Drop::stun_malformed);
  const auto known = by_ufrag_.find(*ufrag);
  Endpoint* endpoint = known == by_ufrag_.end() ? nullptr : find(known->second);
  if (endpoint == nullptr) return count(Drop::stun_unknown_user);
  const auto change = endpoint->transport().receive_stun(from, datagram, now, out.transport);
  if (!change) return count(change.error());
  const EndpointHandle handle = entries_.at(endpoint->id()).handle;
  if (change->removed) {
    const auto old = by_path_.find(*change->removed);
    if (old != by_path_.end() && old->second == handle) by_path_.erase(old);
  }
  if (endpoint->transport().validated(from)) claim(from, handle, now);
  touched(*endpoint, now, out);
}

// A check does not prove that its sender is where the datagram says it came from. A path on which
// somebody else is heard therefore stays theirs: one client must not take another's packets.
void Sfu::State::claim(const transport::Path& path, EndpointHandle handle, Instant now) {
  const auto [at, fresh] = by_path_.try_emplace(path, handle);
  if (fresh || at->second == handle) return;
  const Endpoint* holder = endpoints_.get(at->second);
  if (holder == nullptr || !holder->transport().alive(path, now)) at->second = handle;
}

// The path of a packet: decrypt, find its track and remember it, forward it.
void Sfu::State::receive_rtp(Endpoint& endpoint, const transport::Path& from, Packet datagram,
                             Instant now, Output& out) {
  const auto opened = endpoint.transport().open_rtp(from, datagram.bytes(), now);
  if (!opened) return count(opened.error());
  datagram.resize(opened->size());
  const auto accepted = endpoint.accept(std::move(datagram), now);
  if (!accepted) return count(accepted.error());
  take(endpoint.up(), router_of(endpoint), *accepted, now, out);
}

// For whoever gets it, here and by the links.
void Sfu::State::take(Uplink& publisher, Router& router, const Uplink::Accepted& accepted,
                      Instant now, Output& out) {
  if (accepted.reordered) {
    // What came before it counts encodings as they were.
    forward_taken(no_limit, now, out);
    reorder(router, accepted.track->media().track, now, out);
    if (const Endpoint* here = find(publisher.publisher())) announce(*here, out);
  }
  if (!accepted.track->active()) return count(Drop::inactive);
  relay(publisher, accepted, now, out);
  taken_.publisher = &publisher;
  taken_.router = &router;
  taken_.packets.push_back(accepted);
}

// True if nothing is left to be forwarded.
bool Sfu::State::forward_taken(std::size_t enough, Instant now, Output& out) {
  for (;;) {
    if (taken_.in_batch.empty() && !prepare_batch(now)) return true;
    reached_.clear();
    const bool all =
        taken_.router->forward(taken_.batch, enough, endpoints_, now, out, stats_.drops, reached_);
    for (const EndpointHandle subscriber : reached_)
      deadlines_.no_later(subscriber, endpoints_.get(subscriber)->down().deadline());
    if (!all) return false;
    finish_batch(now, out);
  }
}

// False if there is nothing to be forwarded.
bool Sfu::State::prepare_batch(Instant now) {
  std::vector<Uplink::Accepted>& packets = taken_.packets;
  while (taken_.done < packets.size()) {
    const Uplink::Accepted& first = packets[taken_.done];
    const TrackId track = first.track->media().track;
    const bool video = first.track->media().kind == rtp::MediaKind::video;
    taken_.count = 1;
    if (!video && first.audio_level && first.track->media().speech &&
        !taken_.router->speaks(track, *first.audio_level, now, endpoints_)) {
      count(Drop::quiet);
      ++taken_.done;
      continue;
    }
    while (video && taken_.done + taken_.count < packets.size() &&
           packets[taken_.done + taken_.count].track == first.track)
      ++taken_.count;
    for (const Uplink::Accepted& accepted : std::span(packets).subspan(taken_.done, taken_.count))
      taken_.in_batch.insert(
          taken_.in_batch.end(), accepted.packets.begin(),
          accepted.packets.begin() + static_cast<std::ptrdiff_t>(accepted.count));
    taken_.batch = {.track = track, .packets = taken_.in_batch};
    return true;
  }
  packets.clear();
  taken_.done = 0;
  return false;
}

void Sfu::State::finish_batch(Instant now, Output& out) {
  const auto done = std::span(taken_.packets).subspan(taken_.done, taken_.count);
  UpTrack& track = *done.front().track;
  for (std::size_t i = 0; i < track.encodings().size(); ++i) {
    if (taken_.batch.waited_for[i]) request_key_frame(*taken_.publisher, track.encodings()[i], now);
  }
  const bool begins = std::ranges::any_of(done, &Uplink::Accepted::begins);
  taken_.done += taken_.count;
  taken_.in_batch.clear();
  // What some wait for may be there now, and what they have is perhaps gone.
  if (begins) allocate_all(*taken_.router, track.media().track, now, out);
}

void Sfu::State::allocate_all(const Router& router, TrackId track, Instant now, Output& out) {
  router.for_each_down_track(
      track, endpoints_, [&](Endpoint& subscriber, DownTrack&) { allocate(subscriber, now, out); });
}

// The encodings of a track are counted anew, and everybody who gets it begins anew.
void Sfu::State::reorder(Router& router, TrackId track, Instant now, Output& out) {
  router.restart(track, endpoints_);
  allocate_all(router, track, now, out);
  update_demand(router, track);
}

void Sfu::State::receive_rtcp(Endpoint& endpoint, const transport::Path& from,
                              MutableBytes datagram, Instant now, Output& out) {
  const auto opened = endpoint.transport().open_rtcp(from, datagram, now);
  if (!opened) return count(opened.error());
  const auto compound = rtcp::Compound::parse(*opened);
  if (!compound) return count(Drop::rtcp_malformed);
  const auto report_blocks = [&](const rtcp::ReportBlocks& blocks) {
    for (std::size_t i = 0; i < blocks.size(); ++i) endpoint.report_block(blocks[i], now);
  };
  const auto wants_key_frame = [&](std::uint32_t ssrc) {
    ++stats_.plis_in;
    const DownTrack* track = endpoint.down().track_of_ssrc(ssrc);
    if (track == nullptr || !track->track()) return;
    // While a queue is let out, begin() asks for it when there is room.
    const bool waits = track->waits_for_key_frame() && endpoint.down().draining();
    if (waits || track->key_frame_under_way(endpoint.rtt(), now)) {
      ++stats_.plis_passed_over;
      return;
    }
    const Source source = source_of(*track, endpoint);
    const auto layer = track->current() ? track->current() : track->target();
    if (source.up == nullptr || !layer || layer->encoding >= source.up->encodings().size()) return;
    request_key_frame(*source.publisher, source.up->encodings()[layer->encoding], now);
  };
  for (const rtcp::PacketView packet : *compound) {
    if (const auto sender = rtcp::parse_sender_report(packet)) {
      if (const UpTrack* track = endpoint.up().sender_report(sender->ssrc, sender->info, now))
        relay_reports(endpoint.up(), *track, sender->ssrc, sender->info, out);
      report_blocks(sender->blocks);
    } else if (const auto receiver = rtcp::parse_receiver_report(packet)) {
      report_blocks(receiver->blocks);
    } else if (const auto nack = rtcp::Nack::parse(packet)) {
      answer_nack(endpoint, *nack, now, out);
    } else if (const auto pli = rtcp::parse_pli(packet)) {
      wants_key_frame(pli->media_ssrc);
    } else if (const auto fir = rtcp::Fir::parse(packet)) {
      for (std::size_t i = 0; i < fir->size(); ++i) wants_key_frame((*fir)[i].ssrc);
    } else if (const auto feedback = rtcp::TransportFeedback::parse(packet)) {
      endpoint.down().feedback(*feedback, now);
    }
  }
}

void Sfu::State::answer_nack(Endpoint& subscriber, const rtcp::Nack& nack, Instant now,
                             Output& out) {
  ++stats_.nacks_in;
  DownTrack* down = subscriber.down().track_of_ssrc(nack.media_ssrc());
  if (down == nullptr || !down->track()) return;
  const UpTrack* up = source_of(*down, subscriber).up;
  nack.for_each([&](std::uint16_t seq) {
    if (subscriber.down().repeat(*down, seq, up, subscriber.rtt(), now, out))
      ++stats_.retransmitted;
  });
}

// ── Commands
// ────────────────────────────────────────────────────────────────────────────────────────────────

void Sfu::State::run(Command command, Instant now, Output& out) {
  std::visit(Overloaded{
                 [](std::monostate) {},
                 [&](OpenEndpoint& open_endpoint) { open(std::move(open_endpoint), now, out); },
                 [&](RestartIce& restart) { restart_ice(std::move(restart), now); },
                 [&](const UpdateMedia& update) {
                   Endpoint* endpoint = find(update.endpoint);
                   if (endpoint == nullptr) return;
                   endpoint->update(update.media, now);
                   publish(*endpoint, out);
                 },
                 [&](const CloseEndpoint& close_endpoint) {
                   if (Endpoint* endpoint = find(close_endpoint.endpoint))
                     close(*endpoint, now, out);
                 },
                 [&](const SetTrackActive& set_track) { set_active(set_track, now, out); },
                 [&](const AssignSlot& assign_slot) { assign(assign_slot, now, out); },
                 [&](const SetView& set_view) {
                   Endpoint* endpoint = find(set_view.endpoint);
                   if (endpoint == nullptr) return;
                   endpoint->down().set_view(set_view);
                   allocate(*endpoint, now, out);
                   touched(*endpoint, now, out);
                 },
                 [&](const OpenLink& opened) { open_link(opened, out); },
                 [&](const CloseLink& closed) { close_link(closed, now); },
             },
             command);
}

void Sfu::State::open(OpenEndpoint command, Instant now, Output& out) {
  const bool full = endpoints_.size() >= endpoint_limit ||
                    (!routers_.contains(command.call) && routers_.size() >= call_limit);
  if (full || entries_.contains(command.endpoint)) {
    out.events.push_back(
        EndpointClosed{.endpoint = command.endpoint, .reason = CloseReason::refused});
    return;
  }
  const EndpointHandle handle = endpoints_.emplace(command, server_, now);
  Endpoint& endpoint = *endpoints_.get(handle);
  Entry& entry = entries_[command.endpoint];
  entry.handle = handle;
  index_ufrags(command.endpoint, entry, endpoint);
  routers_.try_emplace(command.call, command.call).first->second.enter();
  publish(endpoint, out);
  touched(endpoint, now, out);
}

void Sfu::State::publish(Endpoint& endpoint, Output& out) {
  Router& router = router_of(endpoint);
  for (const UpTrack& up : endpoint.up().tracks())
    router.publish(up.media().track, endpoint.up(), endpoints_);
  announce(endpoint, out);
}

void Sfu::State::restart_ice(RestartIce command, Instant now) {
  Endpoint* endpoint = find(command.endpoint);
  if (endpoint == nullptr) return;
  endpoint->transport().restart_ice(std::move(command.local), std::move(command.remote_ufrag), now);
  index_ufrags(command.endpoint, entries_.at(command.endpoint), *endpoint);
}

void Sfu::State::index_ufrags(EndpointId id, Entry& entry, const Endpoint& endpoint) {
  const auto now_valid = endpoint.transport().local_ufrags();
  if (std::ranges::equal(now_valid, entry.ufrags)) return;
  for (const std::string& ufrag : entry.ufrags) by_ufrag_.erase(ufrag);
  entry.ufrags.assign(now_valid.begin(), now_valid.end());
  for (const std::string& ufrag : entry.ufrags) {
    if (!ufrag.empty()) by_ufrag_[ufrag] = id;
  }
}

void Sfu::State::close(Endpoint& endpoint, Instant now, Output& out) {
  endpoint.transport().close(now, out.transport);
  touched(endpoint, now, out);
}

void Sfu::State::forget(EndpointId id, transport::CloseReason reason, Instant now, Output& out) {
  const auto found = entries_.find(id);
  Endpoint& endpoint = *endpoints_.get(found->second.handle);
  const transport::Path* last_path = endpoint.transport().selected();
  if (const auto rate = endpoint.down().measured(now); last_path != nullptr && rate)
    start_rates_.remember(last_path->remote.ip, *rate, now);
  count_of(endpoint);
  EndpointClosed closed = endpoint.totals();
  closed.reason = to_event(reason);
  out.events.push_back(closed);

  for (const std::string& ufrag : found->second.ufrags) by_ufrag_.erase(ufrag);
  for (const transport::Path& path : endpoint.transport().paths()) {
    const auto at = by_path_.find(path);
    if (at != by_path_.end() && at->second == found->second.handle) by_path_.erase(at);
  }
  Router& router = router_of(endpoint);
  for (const UpTrack& track : endpoint.up().tracks())
    router.unpublish(track.media().track, endpoint.up(), endpoints_, now);
  withdraw(endpoint, out);
  for (const DownTrack& track : endpoint.down().tracks()) {
    if (!track.track()) continue;
    router.unsubscribe(track.track(), found->second.handle, track.media().slot);
    update_demand(router, track.track());
  }
  router.leave();
  if (router.empty()) routers_.erase(endpoint.call());
  endpoints_.erase(found->second.handle);
  entries_.erase(found);
}

void Sfu::State::set_active(const SetTrackActive& command, Instant now, Output& out) {
  Endpoint* endpoint = find(command.endpoint);
  UpTrack* track = endpoint == nullptr ? nullptr : endpoint->up().track(command.track);
  if (track == nullptr || track->active() == command.active) return;
  set_active(router_of(*endpoint), *track, command.active, now, out);
  announce(*endpoint, out);
}

void Sfu::State::set_active(Router& router, UpTrack& track, bool active, Instant now, Output& out) {
  const TrackId id = track.media().track;
  track.set_active(active);
  router.interrupt(id, endpoints_);
  if (!active) router.stop_speaking(id, now);
  if (track.media().kind == rtp::MediaKind::video) allocate_all(router, id, now, out);
}

void Sfu::State::assign(const AssignSlot& command, Instant now, Output& out) {
  Endpoint* endpoint = find(command.endpoint);
  DownTrack* down = endpoint == nullptr ? nullptr : endpoint->down().track(command.slot);
  if (down == nullptr || down->track() == command.track) return;
  const EndpointHandle handle = entries_.at(command.endpoint).handle;
  Router& router = router_of(*endpoint);
  const TrackId before = down->track();
  if (before) router.unsubscribe(before, handle, command.slot);
  endpoint->down().interrupt(*down);
  down->unassign();
  down->set_target(std::nullopt);
  if (command.track) router.subscribe(command.track, handle, command.slot, endpoints_);
  if (before) update_demand(router, before);
  if (!down->video()) return update_demand(router, command.track);
  allocate(*endpoint, now, out);
  touched(*endpoint, now, out);
}

// ── Layers ──

Sfu::State::Source Sfu::State::source_of(const DownTrack& down, const Endpoint& subscriber) {
  if (!down.track()) return {};
  Uplink* publisher = router_of(subscriber).publisher(down.track());
  UpTrack* up = publisher == nullptr ? nullptr : publisher->track(down.track());
  return up == nullptr ? Source{} : Source{publisher, up};
}

// Shares what a subscriber's path carries among what it shows, and lets everything follow from it.
void Sfu::State::allocate(Endpoint& subscriber, Instant now, Output& out) {
  Downlink& link = subscriber.down();
  const Router& router = router_of(subscriber);
  std::vector<Wish> wishes;
  for (const DownTrack& down : link.tracks()) {
    if (!down.video() || !down.track()) continue;
    const UpTrack* up = source_of(down, subscriber).up;
    const auto shown = link.shown(down);
    if (up == nullptr || !up->active() || !shown) continue;
    wishes.push_back({.slot = down.media().slot,
                      .screen = up->media().screen,
                      .width = shown->width,
                      .height = shown->height,
                      .options = layer_options(*up, now),
                      .granted = down.granted(),
                      .resized = link.resized(down),
                      .paused = link.paused(down)});
  }
  const Allocation allocation = sfu::allocate(wishes, link.video_budget(now), link.may_rise(now));
  link.allocated(allocation, now);
  std::vector<std::uint16_t> paused;
  for (DownTrack& down : link.tracks()) {
    if (!down.video() || !down.track()) continue;
    const auto grant = std::ranges::find(allocation.grants, down.media().slot, &Grant::slot);
    const bool shown = grant != allocation.grants.end();
    const Source source = source_of(down, subscriber);
    if (shown && grant->option) {
      down.set_granted(grant->option->layer);
      down.set_target(layer_to_begin_with(*source.up, down, link.draining(), now));
      if (!hold_back(link, down, *source.publisher, now)) begin(subscriber, down, source, now, out);
    } else {
      if (shown) paused.push_back(down.media().slot);
      down.set_granted(std::nullopt);
      link.interrupt(down);
      down.set_target(std::nullopt);
    }
    if (down.take_demand_changed()) update_demand(router, down.track());
  }
  if (link.take_paused(paused))
    out.events.push_back(SlotsPaused{subscriber.id(), std::move(paused)});
}

// While a queue is let out: what is sent of a larger encoding keeps it, and a key frame that comes
// before it is gone waits, with all that follows. True if that is still too far away.
bool Sfu::State::hold_back(Downlink& link, DownTrack& down, const Uplink& publisher, Instant now) {
  constexpr Duration encoding_time = milliseconds(50);
  if (!down.waits_for_key_frame() || !link.hold_back(publisher.rtt() + encoding_time, now))
    return false;
  link.interrupt(down);
  down.set_target(std::nullopt);
  return true;
}

// Gets a down-track to the layer that it is to have: out of the past if it can, else by asking for
// a key frame.
void Sfu::State::begin(Endpoint& subscriber, DownTrack& down, const Source& source, Instant now,
                       Output& out) {
  const auto encoding = down.waits_for_key_frame();
  if (!encoding || subscriber.transport().obstacle(now)) return;
  UpEncoding& wanted = source.up->encodings()[*encoding];
  constexpr Duration joining = seconds(2);    // somebody new may see the past …
  constexpr Duration switching = seconds(1);  // … whoever saw it already, less of it
  const bool lower = down.current() && down.current()->encoding > *encoding;
  if (!down.current() || lower) {
    const Instant oldest =
        std::max(now - (lower ? switching : joining), subscriber.down().drained_at());
    if (subscriber.down().replay(down, wanted, oldest, now, out)) {
      subscriber.send_sender_report(down, *source.up, source.publisher->sender_clock(), now, out);
      return;
    }
  }
  request_key_frame(*source.publisher, wanted, now);
}

// What a publisher is to send is what all its subscribers together get. Of many changes at once, as
// when thousands turn to another speaker, only the last matters.
void Sfu::State::update_demand(const Router& router, TrackId track) {
  stale_demand_.emplace(track, router.call());
}

void Sfu::State::settle_demand(Instant now, Output& out) {
  for (const auto& [track, call] : std::exchange(stale_demand_, {})) {
    const auto found = routers_.find(call);
    if (found == routers_.end()) continue;
    Uplink* publisher = found->second.publisher(track);
    UpTrack* up = publisher == nullptr ? nullptr : publisher->track(track);
    if (up == nullptr) continue;
    tell_demand(*publisher, *up, up->demand().set(wanted_of(found->second, *up), now), out);
    reschedule(*publisher);
  }
}

LayerDemand::Wanted Sfu::State::wanted_of(const Router& router, const UpTrack& up) {
  LayerDemand::Wanted wanted = LayerDemand::nothing;
  const TrackId track = up.media().track;
  if (up.media().kind == rtp::MediaKind::audio) {
    wanted.encodings[0] = up.media().speech || router.subscribed(track);
    return wanted;
  }
  router.for_each_down_track(track, endpoints_,
                             [&](Endpoint&, DownTrack& down) { wanted.add(down.demand()); });
  for (const UpTrack::Relay& relay : up.relays()) wanted.add(up.by_place(relay.wanted));
  return wanted;
}

// A client is told by the control plane, and only of its video.
void Sfu::State::tell_demand(const Uplink& publisher, const UpTrack& up,
                             const std::optional<LayerDemand::Wanted>& wanted, Output& out) {
  if (!wanted) return;
  const LayerDemand::Wanted by_rid = up.by_rid(*wanted);
  if (const auto mirrored = mirror_ids_.find(publisher.publisher());
      mirrored != mirror_ids_.end()) {
    return say(mirrors_.get(mirrored->second)->from,
               LinkDemand{.publisher = publisher.publisher(),
                          .track = up.media().track,
                          .rids = by_rid.encodings,
                          .spatial_layers = by_rid.spatial_layers},
               out);
  }
  if (up.media().kind != rtp::MediaKind::video) return;
  LayersWanted event{.endpoint = publisher.publisher(),
                     .track = up.media().track,
                     .encodings = {},
                     .spatial_layers = by_rid.spatial_layers};
  for (std::size_t rid = 0; rid < up.encodings().size(); ++rid)
    event.encodings.push_back(by_rid.encodings[rid]);
  out.events.push_back(std::move(event));
}

// ── Time and state
// ──────────────────────────────────────────────────────────────────────────────────────────

std::optional<std::uint64_t> Sfu::State::estimate(EndpointId id) {
  const Endpoint* endpoint = find(id);
  return endpoint == nullptr ? std::nullopt : endpoint->down().estimate();
}

Endpoint* Sfu::State::find(EndpointId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : endpoints_.get(found->second.handle);
}

void Sfu::State::request_key_frame(Uplink& publisher, UpEncoding& encoding, Instant now) {
  // What has not begun yet begins with a key frame.
  if (!encoding.ssrc()) return;
  encoding.key_frames().request(now);
  reschedule(publisher);
}

void Sfu::State::reschedule(const Uplink& publisher) {
  const EndpointId id = publisher.publisher();
  if (const auto here = entries_.find(id); here != entries_.end()) {
    deadlines_.set(here->second.handle, endpoints_.get(here->second.handle)->deadline());
  } else {
    mirror_deadlines_.set(mirror_ids_.at(id), publisher.deadline());
  }
}

void Sfu::State::touched(Endpoint& endpoint, Instant now, Output& out) {
  Entry& entry = entries_.at(endpoint.id());
  const auto state = endpoint.transport().state();
  if (state == transport::TransportState::closed) {
    forget(endpoint.id(), *endpoint.transport().close_reason(), now, out);
    return;
  }
  if (state != entry.state) {
    entry.state = state;
    if (state == transport::TransportState::connected) {
      out.events.push_back(EndpointConnected{endpoint.id()});
      connected(endpoint, now, out);
    } else if (state == transport::TransportState::disconnected) {
      out.events.push_back(EndpointDisconnected{endpoint.id()});
    }
  }
  deadlines_.set(entry.handle, endpoint.deadline());
}

void Sfu::State::connected(Endpoint& endpoint, Instant now, Output& out) {
  Downlink& link = endpoint.down();
  const transport::Path* path = endpoint.transport().selected();
  link.route_changed(now);
  if (path != nullptr) {
    if (const auto rate = start_rates_.start(path->remote.ip, now)) link.begin_with(*rate, now);
  }
  allocate(endpoint, now, out);
}

void Sfu::State::send_sender_reports(Endpoint& endpoint, Instant now, Output& out) {
  for (DownTrack& track : endpoint.down().tracks()) {
    if (!track.started()) continue;
    const Source source = source_of(track, endpoint);
    if (source.up != nullptr)
      endpoint.send_sender_report(track, *source.up, source.publisher->sender_clock(), now, out);
  }
}

void Sfu::State::count_of(Endpoint& endpoint) {
  const Endpoint::Counters counters = endpoint.take_counters();
  stats_.nacks_out += counters.nacks_out;
  stats_.plis_out += counters.plis_out;
  const Downlink::Unsent unsent = endpoint.down().take_unsent();
  stats_.drops.add(Drop::given_up, unsent.given_up);
  stats_.drops.add(Drop::repeat_limit, unsent.repetitions);
}

void Sfu::State::tick_endpoint(Endpoint& endpoint, Instant now, Output& out) {
  endpoint.tick(now, out);
  count_of(endpoint);
  if (endpoint.take_reports_due(now)) send_sender_reports(endpoint, now, out);
  if (endpoint.down().allocation_due() <= now) allocate(endpoint, now, out);
  endpoint.down().send_waiting(
      [&](const DownTrack& down) -> const UpTrack* { return source_of(down, endpoint).up; }, now,
      out);
  for (UpTrack& up : endpoint.up().tracks()) {
    if (up.demand().deadline() <= now) tell_demand(endpoint.up(), up, up.demand().tick(now), out);
  }
  index_ufrags(endpoint.id(), entries_.at(endpoint.id()), endpoint);
  touched(endpoint, now, out);
}

void Sfu::State::tick(Instant now, Output& out) {
  const std::size_t sent_before = out.transport.transmits.size();
  while (const auto handle = deadlines_.due(now)) {
    if (Endpoint* endpoint = endpoints_.get(*handle)) tick_endpoint(*endpoint, now, out);
  }
  while (const auto handle = mirror_deadlines_.due(now)) {
    if (Mirror* mirror = mirrors_.get(*handle)) tick_mirror(*mirror, now, out);
  }
  settle_demand(now, out);
  for (auto& [call, router] : routers_) router.tick(now, out);
  count_sent(sent_before, out);
  if (next_stats_ <= now) {
    next_stats_ = now + stats_interval;
    stats_.handshakes = server_.handshakes_completed();
    stats_.endpoints = static_cast<std::uint32_t>(endpoints_.size());
    stats_.calls = static_cast<std::uint32_t>(routers_.size());
    out.events.push_back(stats_);
  }
}

Instant Sfu::State::deadline() const {
  if (!stale_demand_.empty()) return Instant{};  // now
  Instant at = std::min({deadlines_.next(), mirror_deadlines_.next(), next_stats_});
  for (const auto& [call, router] : routers_) at = std::min(at, router.deadline());
  return at;
}

// ── The outside
// ─────────────────────────────────────────────────────────────────────────────────────────────

Sfu::Sfu(const transport::Certificate& certificate, Instant now)
    : state_(std::make_unique<State>(certificate, now)) {}
Sfu::~Sfu() = default;

bool Sfu::receive(std::span<transport::Datagram>& datagrams, Instant now, Output& out) {
  return state_->receive(datagrams, portion, now, out);
}
bool Sfu::receive(std::span<LinkReceived>& messages, Instant now, Output& out) {
  return state_->receive(messages, portion, now, out);
}
void Sfu::receive(transport::Datagram datagram, Instant now, Output& out) {
  std::span one(&datagram, 1);
  state_->receive(one, no_limit, now, out);
}
void Sfu::receive(LinkReceived message, Instant now, Output& out) {
  std::span one(&message, 1);
  state_->receive(one, no_limit, now, out);
}
void Sfu::receive(Command command, Instant now, Output& out) {
  state_->run(std::move(command), now, out);
}
void Sfu::count(Drop drop) { state_->count(drop); }
void Sfu::tick(Instant now, Output& out) { state_->tick(now, out); }
Instant Sfu::deadline() const { return state_->deadline(); }
std::optional<std::uint64_t> Sfu::estimate(EndpointId endpoint) const {
  return state_->estimate(endpoint);
}

}  // namespace liaison::sfu
