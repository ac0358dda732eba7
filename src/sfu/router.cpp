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

bool Router::forward(TrackId track, const ReceivedPacket& packet, Endpoints& endpoints, Instant now,
                     Output& out, DropCounters& drops, std::vector<Handle<Endpoint>>& reached) {
  bool waits = false;
  for_each_subscription(
      track, endpoints, [&](Handle<Endpoint> handle, Endpoint& subscriber, DownTrack& down) {
        const auto before = down.current();
        const bool started = down.started();
        const auto drop = subscriber.down().forward(down, packet, now, out);
        if (drop) drops.add(*drop);
        const bool reachable = !drop || (*drop != Drop::no_path && *drop != Drop::not_secure);
        waits |= reachable && down.waits_for_key_frame() == packet.encoding;
        if (drop) return;
        reached.push_back(handle);
        if (started && before == down.current()) return;
        // The receiver can keep lips and voice together from the first picture on.
        Uplink* source = publisher(track);
        const UpTrack* up = source == nullptr ? nullptr : source->track(track);
        if (up != nullptr)
          subscriber.send_sender_report(down, *up, source->sender_clock(), now, out);
      });
  return waits;
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
