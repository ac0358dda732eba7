#include "sfu/router.hpp"

#include <algorithm>

#include "sfu/endpoint.hpp"

namespace liaison::sfu {

void Router::assign(TrackId track, DownTrack& down) const {
  const Uplink* source = publisher(track);
  down.assign(
      track, source == nullptr ? std::span<const rtp::Codec>{} : source->codecs(down.media().kind));
}

void Router::publish(TrackId track, Uplink& publisher, Endpoints& endpoints) {
  if (this->publisher(track) == &publisher) return;
  publishers_[track] = &publisher;
  for_each_down_track(track, endpoints, [&](Endpoint&, DownTrack& down) { assign(track, down); });
}

void Router::unpublish(TrackId track, const Uplink& from, Endpoints& endpoints, Instant now) {
  if (publisher(track) != &from) return;
  interrupt(track, endpoints);
  publishers_.erase(track);
  stop_speaking(track, now);
}

Uplink* Router::publisher(TrackId track) const {
  const auto found = publishers_.find(track);
  return found == publishers_.end() ? nullptr : found->second;
}

void Router::subscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot,
                       Endpoints& endpoints) {
  Endpoint* endpoint = endpoints.get(subscriber);
  DownTrack* down = endpoint == nullptr ? nullptr : endpoint->down().track(slot);
  if (down == nullptr) return;
  subscribers_[track].push_back({subscriber, slot});
  assign(track, *down);
}

void Router::unsubscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot) {
  const auto found = subscribers_.find(track);
  if (found == subscribers_.end()) return;
  std::erase(found->second, Subscription{subscriber, slot});
  if (found->second.empty()) subscribers_.erase(found);
}

bool Router::forward(Batch& batch, std::size_t enough, Endpoints& endpoints, Instant now,
                     Output& out, DropCounters& drops, std::vector<Handle<Endpoint>>& reached) {
  const auto all = subscriptions(batch.track);
  while (batch.served < all.size() && out.transport.transmits.size() < enough) {
    const Subscription& next = all[batch.served++];
    visit_one(next, endpoints, [&](Endpoint& subscriber, DownTrack& down) {
      forward(batch, next.endpoint, subscriber, down, now, out, drops, reached);
    });
  }
  return batch.served >= all.size();
}

void Router::forward(Batch& batch, Handle<Endpoint> handle, Endpoint& subscriber, DownTrack& down,
                     Instant now, Output& out, DropCounters& drops,
                     std::vector<Handle<Endpoint>>& reached) const {
  bool reachable = true;
  bool got = false;
  for (const ReceivedPacket* packet : batch.packets) {
    const auto before = down.current();
    const bool started = down.started();
    const auto drop = subscriber.down().forward(down, *packet, now, out);
    if (drop) {
      drops.add(*drop);
      reachable &= *drop != Drop::no_path && *drop != Drop::not_secure;
      continue;
    }
    got = true;
    if (started && before == down.current()) continue;
    // The receiver can keep lips and voice together from the first picture on.
    Uplink* source = publisher(batch.track);
    const UpTrack* up = source == nullptr ? nullptr : source->track(batch.track);
    if (up != nullptr) subscriber.send_sender_report(down, *up, source->sender_clock(), now, out);
  }
  if (got) reached.push_back(handle);
  const auto waits_for = reachable ? down.waits_for_key_frame() : std::nullopt;
  const bool came = waits_for && std::ranges::any_of(batch.packets, [&](const auto* packet) {
                      return packet->encoding == *waits_for;
                    });
  if (came) batch.waited_for[*waits_for] = true;
}

bool Router::speaks(TrackId track, std::uint8_t level, Instant now, Endpoints& endpoints) {
  speakers_.level(track, level, now);
  const Loudest::Verdict verdict = loudest_.level(track, level, now);
  if (verdict == Loudest::Verdict::ends) interrupt(track, endpoints);
  return verdict == Loudest::Verdict::heard;
}

void Router::interrupt(TrackId track, Endpoints& endpoints) {
  for_each_down_track(track, endpoints, [](Endpoint& subscriber, DownTrack& down) {
    subscriber.down().interrupt(down);
  });
}

void Router::restart(TrackId track, Endpoints& endpoints) {
  for_each_down_track(track, endpoints, [&](Endpoint& subscriber, DownTrack& down) {
    subscriber.down().interrupt(down);
    assign(track, down);
    down.set_granted(std::nullopt);
    down.set_target(std::nullopt);
  });
}

void Router::tick(Instant now, Output& out) {
  if (speakers_.deadline() > now) return;
  const auto change = speakers_.tick(now);
  if (!change) return;
  const Uplink* speaker = publisher(*change);
  out.events.push_back(
      SpeakerChanged{call_, speaker == nullptr ? EndpointId{} : speaker->publisher(), *change});
}

}  // namespace liaison::sfu
