#include "sfu/link.hpp"

#include <algorithm>
#include <utility>

#include "sfu/state.hpp"

namespace liaison::sfu {
namespace {

// Of what a router that comes late is given.
constexpr Duration oldest_past = seconds(2);

template <typename T>
bool has(const std::vector<T>& all, const T& one) {
  return std::ranges::find(all, one) != all.end();
}

// Whether `next` is more of the same publisher's media.
bool continues(const LinkReceived& before, const LinkReceived& next) {
  const auto* media = std::get_if<LinkPacket>(&before.message);
  const auto* more = std::get_if<LinkPacket>(&next.message);
  return media != nullptr && more != nullptr && next.from == before.from &&
         more->publisher == media->publisher && media->time == LinkPacket::Time::live &&
         more->time == LinkPacket::Time::live;
}

}  // namespace

// ── Commands ──

void Sfu::State::open_link(const OpenLink& command, Output& out) {
  if (!routers_.contains(command.call) && routers_.size() >= call_limit) return;
  Router& router = routers_.try_emplace(command.call, command.call).first->second;
  if (has(router.links(), command.link)) return;
  router.enter();
  router.links().push_back(command.link);
  say(command.link, LinkHello{.call = command.call}, out);
}

void Sfu::State::close_link(const CloseLink& command, Instant now) {
  Router* router = linked(command.call, command.link);
  if (router == nullptr) return;
  drop_mirrors(command.call, command.link, now);
  stop_relaying(command.call, command.link);
  std::erase(router->links(), command.link);
  router->leave();
  if (router->empty()) routers_.erase(command.call);
}

Router* Sfu::State::linked(CallId call, LinkId link) {
  const auto found = routers_.find(call);
  const bool known = found != routers_.end() && has(found->second.links(), link);
  return known ? &found->second : nullptr;
}

// ── Saying ──

void Sfu::State::say(LinkId to, LinkMessage message, Output& out) {
  out.link.push_back({.to = to, .message = std::move(message)});
}

void Sfu::State::announce(const Endpoint& endpoint, LinkId to, Output& out) {
  LinkAnnounce announced{
      .call = endpoint.call(), .publisher = endpoint.id(), .media = endpoint.up().media()};
  announced.media.down.clear();
  for (const UpTrack& track : endpoint.up().tracks()) {
    const TrackId id = track.media().track;
    if (track.active()) announced.active.push_back(id);
    for (std::uint8_t rid = 0; rid < track.rid_count(); ++rid) {
      if (const auto& size = track.encodings()[track.place(rid)].picture_size())
        announced.sizes.push_back({id, rid, *size});
    }
  }
  say(to, std::move(announced), out);
}

void Sfu::State::announce(const Endpoint& endpoint, Output& out) {
  if (endpoint.up().tracks().empty()) return;
  for (const LinkId link : router_of(endpoint).links()) announce(endpoint, link, out);
}

void Sfu::State::withdraw(const Endpoint& endpoint, Output& out) {
  if (endpoint.up().tracks().empty()) return;
  for (const LinkId link : router_of(endpoint).links()) say(link, LinkWithdraw{endpoint.id()}, out);
}

void Sfu::State::relay(const Uplink& publisher, const Uplink::Accepted& accepted, Instant now,
                       Output& out) {
  UpTrack& track = *accepted.track;
  for (UpTrack::Relay& to : track.relays()) {
    if (!to.wanted.encodings[accepted.rid]) continue;
    for (std::size_t i = 0; i < accepted.count; ++i)
      relay(publisher.publisher(), to, track, accepted.rid, *accepted.packets[i],
            LinkPacket::Time::live, now, out);
  }
}

void Sfu::State::relay(EndpointId publisher, UpTrack::Relay& to, const UpTrack& track,
                       std::uint8_t rid, const ReceivedPacket& packet, LinkPacket::Time time,
                       Instant now, Output& out) {
  const Bytes bytes = packet.block.bytes();
  out.link.push_back({.to = to.to,
                      .message = LinkPacket{.publisher = publisher,
                                            .track = track.media().track,
                                            .rid = rid,
                                            .begins = !std::exchange(to.begun[rid], true),
                                            .time = time,
                                            .age = now - packet.arrival},
                      .offset = out.transport.keep(bytes),
                      .size = static_cast<std::uint32_t>(bytes.size())});
}

// Whoever comes late on the other side gets a picture out of what is here, without a new key frame.
// False if there is none.
bool Sfu::State::relay_past(EndpointId publisher, UpTrack::Relay& to, const UpTrack& track,
                            std::uint8_t rid, Instant now, Output& out) {
  const UpEncoding& encoding = track.encodings()[track.place(rid)];
  const auto picture = encoding.picture_since(now - oldest_past);
  if (!picture) return false;
  for (std::uint64_t seq = picture->first; seq <= picture->last; ++seq)
    relay(publisher, to, track, rid, *encoding.history().find(seq),
          seq == picture->last ? LinkPacket::Time::end_of_past : LinkPacket::Time::past, now, out);
  return true;
}

void Sfu::State::relay_reports(const Uplink& publisher, const UpTrack& track, std::uint32_t ssrc,
                               const rtcp::SenderInfo& info, Output& out) {
  for (const UpTrack::Relay& to : track.relays())
    say(to.to, LinkReport{.publisher = publisher.publisher(), .ssrc = ssrc, .info = info}, out);
}

void Sfu::State::stop_relaying(CallId call, LinkId link) {
  endpoints_.for_each([&](EndpointHandle, Endpoint& endpoint) {
    if (endpoint.call() != call) return;
    for (UpTrack& track : endpoint.up().tracks()) {
      if (std::erase_if(track.relays(), [&](const auto& relay) { return relay.to == link; }) != 0)
        update_demand(router_of(endpoint), track.media().track);
    }
  });
}

// ── Hearing ──

// One message, or all packets of one publisher that follow one another.
void Sfu::State::receive_some(std::span<LinkReceived>& messages, Instant now, Output& out) {
  bool more = true;
  while (more) {
    LinkReceived& received = messages.front();
    messages = messages.subspan(1);
    more = !messages.empty() && continues(received, messages.front()) &&
           taken_.packets.size() + 1 < together;
    std::visit(Overloaded{
                   [](std::monostate) {},
                   [&](const LinkPacket& header) {
                     hear(received.from, header, std::move(received.packet), now, out);
                   },
                   [&](const auto& other) { hear(received.from, other, now, out); },
               },
               received.message);
  }
}

void Sfu::State::hear(LinkId from, const LinkHello& hello, Instant now, Output& out) {
  if (linked(hello.call, from) == nullptr) return;
  drop_mirrors(hello.call, from, now);
  stop_relaying(hello.call, from);
  if (!hello.answer) say(from, LinkHello{.call = hello.call, .answer = true}, out);
  endpoints_.for_each([&](EndpointHandle, Endpoint& endpoint) {
    if (endpoint.call() == hello.call && !endpoint.up().tracks().empty())
      announce(endpoint, from, out);
  });
}

void Sfu::State::hear(LinkId from, const LinkAnnounce& announced, Instant now, Output& out) {
  Router* router = linked(announced.call, from);
  // One that is here is nobody's to announce.
  if (router == nullptr || entries_.contains(announced.publisher)) return;
  auto known = mirror_ids_.find(announced.publisher);
  if (known == mirror_ids_.end()) {
    if (mirrors_.size() >= endpoint_limit) return;
    const MirrorHandle handle = mirrors_.emplace(
        Mirror{announced.call, from, Uplink(announced.publisher, LayerDemand::nothing)});
    known = mirror_ids_.emplace(announced.publisher, handle).first;
    mirror_deadlines_.set(handle, never);
  }
  Mirror& mirror = *mirrors_.get(known->second);
  if (mirror.from != from) return;
  mirror.up.update(announced.media);
  for (UpTrack& track : mirror.up.tracks()) {
    const TrackId id = track.media().track;
    const bool active = has(announced.active, id);
    if (active != track.active()) set_active(*router, track, active, now, out);
    if (router->publisher(id) == &mirror.up) continue;
    router->publish(id, mirror.up, endpoints_);
    update_demand(*router, id);
    if (track.media().kind == rtp::MediaKind::video) allocate_all(*router, id, now, out);
  }
  for (const LinkAnnounce::Size& size : announced.sizes) {
    UpTrack* track = mirror.up.track(size.track);
    if (track == nullptr || size.rid >= track->encodings().size()) continue;
    if (track->resized(track->place(size.rid), size.picture))
      reorder(*router, size.track, now, out);
  }
}

void Sfu::State::hear(LinkId from, const LinkWithdraw& withdrawn, Instant now, Output&) {
  if (mirror(withdrawn.publisher, from) != nullptr) drop_mirror(withdrawn.publisher, now);
}

void Sfu::State::hear(LinkId from, const LinkDemand& demand, Instant now, Output& out) {
  Endpoint* endpoint = find(demand.publisher);
  UpTrack* track = endpoint == nullptr ? nullptr : endpoint->up().track(demand.track);
  if (track == nullptr || linked(endpoint->call(), from) == nullptr) return;
  auto relay = std::ranges::find(track->relays(), from, &UpTrack::Relay::to);
  if (relay == track->relays().end())
    relay = track->relays().insert(relay, UpTrack::Relay{.to = from});
  const auto before = std::exchange(
      relay->wanted, {.encodings = demand.rids, .spatial_layers = demand.spatial_layers});
  const bool shown = track->media().kind == rtp::MediaKind::video && track->active();
  for (std::uint8_t rid = 0; rid < track->rid_count(); ++rid) {
    if (!demand.rids[rid] || before.encodings[rid]) continue;
    relay->begun[rid] = false;
    if (shown && !relay_past(demand.publisher, *relay, *track, rid, now, out))
      request_key_frame(endpoint->up(), track->encodings()[track->place(rid)], now);
  }
  update_demand(router_of(*endpoint), demand.track);
}

void Sfu::State::hear(LinkId from, const LinkKeyFrame& wish, Instant now, Output&) {
  Endpoint* endpoint = find(wish.publisher);
  UpTrack* track = endpoint == nullptr ? nullptr : endpoint->up().track(wish.track);
  if (track == nullptr || wish.rid >= track->encodings().size() ||
      linked(endpoint->call(), from) == nullptr)
    return;
  request_key_frame(endpoint->up(), track->encodings()[track->place(wish.rid)], now);
}

void Sfu::State::hear(LinkId from, const LinkNack& nack, Instant now, Output& out) {
  Endpoint* endpoint = find(nack.publisher);
  UpTrack* track = endpoint == nullptr ? nullptr : endpoint->up().track(nack.track);
  if (track == nullptr || !track->active() || nack.rid >= track->encodings().size()) return;
  const auto relay = std::ranges::find(track->relays(), from, &UpTrack::Relay::to);
  if (relay == track->relays().end()) return;
  const UpEncoding& encoding = track->encodings()[track->place(nack.rid)];
  for (const std::uint16_t seq : nack.missing) {
    if (const ReceivedPacket* packet = encoding.find(seq))
      this->relay(nack.publisher, *relay, *track, nack.rid, *packet, LinkPacket::Time::live, now,
                  out);
  }
}

void Sfu::State::hear(LinkId from, const LinkReport& report, Instant now, Output&) {
  if (Mirror* known = mirror(report.publisher, from))
    known->up.sender_report(report.ssrc, report.info, now);
}

void Sfu::State::hear(LinkId from, const LinkPacket& header, Packet packet, Instant now,
                      Output& out) {
  Mirror* known = mirror(header.publisher, from);
  UpTrack* track = known == nullptr ? nullptr : known->up.track(header.track);
  if (track == nullptr) return count(Drop::unknown_source);
  Router& router = routers_.at(known->call);
  const bool past = header.time != LinkPacket::Time::live;
  const auto accepted = known->up.accept(*track, header.rid, std::move(packet), now - header.age);
  if (!accepted) {
    count(accepted.error());
  } else {
    if (header.begins) accepted->encoding->nack().begin_with(accepted->packets[0]->seq);
    if (!past) take(known->up, router, *accepted, now, out);
    if (past && accepted->reordered) reorder(router, header.track, now, out);
    reschedule(known->up);
  }
  if (header.time == LinkPacket::Time::end_of_past) allocate_all(router, header.track, now, out);
}

// ── Mirrors ──

Sfu::State::Mirror* Sfu::State::mirror(EndpointId publisher, LinkId from) {
  const auto found = mirror_ids_.find(publisher);
  Mirror* known = found == mirror_ids_.end() ? nullptr : mirrors_.get(found->second);
  return known != nullptr && known->from == from ? known : nullptr;
}

void Sfu::State::drop_mirrors(CallId call, LinkId from, Instant now) {
  mirrors_.for_each([&](MirrorHandle, Mirror& mirror) {
    if (mirror.call == call && mirror.from == from) drop_mirror(mirror.up.publisher(), now);
  });
}

void Sfu::State::drop_mirror(EndpointId publisher, Instant now) {
  const auto found = mirror_ids_.find(publisher);
  const Mirror& mirror = *mirrors_.get(found->second);
  Router& router = routers_.at(mirror.call);
  for (const UpTrack& track : mirror.up.tracks())
    router.unpublish(track.media().track, mirror.up, endpoints_, now);
  mirrors_.erase(found->second);
  mirror_ids_.erase(found);
}

void Sfu::State::tick_mirror(Mirror& mirror, Instant now, Output& out) {
  const EndpointId publisher = mirror.up.publisher();
  for (UpTrack& track : mirror.up.tracks()) {
    for (std::uint8_t rid = 0; rid < track.rid_count(); ++rid) {
      UpEncoding& encoding = track.encodings()[track.place(rid)];
      if (!encoding.ssrc()) continue;
      if (encoding.nack().deadline() <= now) {
        const auto missing = mirror.up.missing(encoding, now);
        if (!missing.empty())
          say(mirror.from,
              LinkNack{publisher, track.media().track, rid, {missing.begin(), missing.end()}}, out);
      }
      if (encoding.key_frames().deadline() <= now &&
          encoding.key_frames().tick(now, mirror.up.rtt()))
        say(mirror.from, LinkKeyFrame{publisher, track.media().track, rid}, out);
    }
    if (track.demand().deadline() <= now)
      tell_demand(mirror.up, track, track.demand().tick(now), out);
  }
  reschedule(mirror.up);
}

}  // namespace liaison::sfu
