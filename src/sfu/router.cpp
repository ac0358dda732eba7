#include "sfu/router.hpp"

#include <algorithm>

#include "sfu/endpoint.hpp"

namespace liaison::sfu {

template <typename Visit>
void Router::for_each_down_track(TrackId track, Endpoints& endpoints, Visit&& visit) {
  const auto found = subscribers_.find(track);
  if (found == subscribers_.end()) return;
  for (const Subscription& subscription : found->second) {
    Endpoint* subscriber = endpoints.get(subscription.endpoint);
    DownTrack* down = subscriber == nullptr ? nullptr : subscriber->down_track(subscription.slot);
    if (down != nullptr) visit(*subscriber, *down);
  }
}

void Router::assign(TrackId track, DownTrack& down, Endpoints& endpoints) const {
  const Endpoint* source = endpoints.get(publisher(track));
  down.assign(
      track, source == nullptr ? std::span<const rtp::Codec>{} : source->codecs(down.media().kind));
}

void Router::publish(TrackId track, Handle<Endpoint> publisher, Endpoints& endpoints) {
  if (this->publisher(track) == publisher) return;
  publishers_[track] = publisher;
  for_each_down_track(track, endpoints,
                      [&](Endpoint&, DownTrack& down) { assign(track, down, endpoints); });
}

void Router::unpublish(TrackId track, Handle<Endpoint> from, Endpoints& endpoints, Instant now) {
  if (publisher(track) != from) return;
  interrupt(track, endpoints);
  publishers_.erase(track);
  speakers_.remove(track, now);
}

Handle<Endpoint> Router::publisher(TrackId track) const {
  const auto found = publishers_.find(track);
  return found == publishers_.end() ? Handle<Endpoint>{} : found->second;
}

void Router::subscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot,
                       Endpoints& endpoints) {
  Endpoint* endpoint = endpoints.get(subscriber);
  DownTrack* down = endpoint == nullptr ? nullptr : endpoint->down_track(slot);
  if (down == nullptr) return;
  subscribers_[track].push_back({subscriber, slot});
  assign(track, *down, endpoints);
}

void Router::unsubscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot) {
  const auto found = subscribers_.find(track);
  if (found == subscribers_.end()) return;
  std::erase(found->second, Subscription{subscriber, slot});
  if (found->second.empty()) subscribers_.erase(found);
}

void Router::forward(TrackId track, const ReceivedPacket& packet, Endpoints& endpoints, Instant now,
                     Output& out, DropCounters& drops) {
  for_each_down_track(track, endpoints, [&](Endpoint& subscriber, DownTrack& down) {
    const bool starts = !down.started();
    if (const auto drop = subscriber.forward(down, packet, now, out)) {
      drops.add(*drop);
      return;
    }
    if (!starts) return;
    // The receiver can keep lips and voice together from the first picture on.
    Endpoint* source = endpoints.get(publisher(track));
    const UpTrack* up = source == nullptr ? nullptr : source->up_track(track);
    if (up != nullptr) subscriber.send_sender_report(down, *up, source->sender_clock(), now, out);
  });
}

void Router::interrupt(TrackId track, Endpoints& endpoints) {
  for_each_down_track(track, endpoints, [](Endpoint&, DownTrack& down) { down.interrupt(); });
}

bool Router::waits_for_key_frame(TrackId track, const Endpoints& endpoints) const {
  const auto found = subscribers_.find(track);
  if (found == subscribers_.end()) return false;
  return std::ranges::any_of(found->second, [&](const Subscription& subscription) {
    const Endpoint* subscriber = endpoints.get(subscription.endpoint);
    if (subscriber == nullptr || subscription.slot >= subscriber->down_tracks().size())
      return false;
    return subscriber->transport().state() == transport::TransportState::connected &&
           subscriber->down_tracks()[subscription.slot].waits_for_key_frame();
  });
}

void Router::tick(Instant now, const Endpoints& endpoints, Output& out) {
  if (speakers_.deadline() > now) return;
  const auto change = speakers_.tick(now);
  if (!change) return;
  const Endpoint* speaker = endpoints.get(publisher(*change));
  out.events.push_back(
      SpeakerChanged{call_, speaker == nullptr ? EndpointId{} : speaker->id(), *change});
}

}  // namespace liaison::sfu
