// One call on this core: who gets which track.
#pragma once

#include <array>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/id.hpp"
#include "base/slot_map.hpp"
#include "sfu/command.hpp"
#include "sfu/endpoint.hpp"
#include "sfu/loudest.hpp"
#include "sfu/output.hpp"
#include "sfu/packet_history.hpp"
#include "sfu/speaker.hpp"

namespace liaison::sfu {

using Endpoints = SlotMap<Endpoint>;

// Forwards each packet of a track to the down-tracks that are assigned to it, and finds the
// dominant speaker. It owns neither publishers nor endpoints: a handle that has gone stale is a
// subscriber that has left.
class Router {
 public:
  explicit Router(CallId call) : call_(call) {}

  CallId call() const { return call_; }
  // An endpoint of this call is there, whether it publishes or not, or a link; or is gone.
  void enter() { ++present_; }
  void leave() { --present_; }
  bool empty() const { return present_ == 0; }

  // From now on `track` comes from this publisher, whoever published it before. It must be
  // unpublished before the publisher is gone.
  void publish(TrackId track, Uplink& publisher, Endpoints& endpoints);
  // Nothing if another publishes it by now.
  void unpublish(TrackId track, const Uplink& publisher, Endpoints& endpoints, Instant now);
  // Null if nobody does.
  Uplink* publisher(TrackId track) const;

  // The routers that have the rest of the call.
  std::vector<LinkId>& links() { return links_; }
  const std::vector<LinkId>& links() const { return links_; }

  // The track may be published later, or never.
  void subscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot,
                 Endpoints& endpoints);
  void unsubscribe(TrackId track, Handle<Endpoint> subscriber, std::uint16_t slot);

  // Packets of one track on their way to its subscribers.
  struct Batch {
    TrackId track;
    std::span<const ReceivedPacket* const> packets;
    std::size_t served = 0;  // subscribers
    // Encodings of which one of them could be sent to but waits for a key frame: whatever was asked
    // for before was not answered, or came too early for it.
    std::array<bool, encoding_limit> waited_for{};
  };
  // The one loop: to one subscriber after another, until `out` holds `enough` datagrams. True if
  // all were served. Drops are counted in `drops`, and whoever has got something, or has it
  // waiting, is added to `reached`.
  bool forward(Batch& batch, std::size_t enough, Endpoints& endpoints, Instant now, Output& out,
               DropCounters& drops, std::vector<Handle<Endpoint>>& reached);
  bool subscribed(TrackId track) const { return subscribers_.contains(track); }
  // visit(Endpoint& subscriber, DownTrack&) for each that carries it.
  template <typename Visit>
  void for_each_down_track(TrackId track, Endpoints& endpoints, Visit&& visit) const {
    for (const Subscription& subscription : subscriptions(track))
      visit_one(subscription, endpoints, visit);
  }
  // The source of `track` stops for now, or begins anew.
  void interrupt(TrackId track, Endpoints& endpoints);
  // The same, and nothing that was known of it holds any more.
  void restart(TrackId track, Endpoints& endpoints);

  // It is muted or gone.
  void stop_speaking(TrackId track, Instant now) {
    speakers_.remove(track, now);
    loudest_.remove(track);
  }
  // Whether a packet of speech with this level (RFC 6464; 0 = loudest, 127 = silence) is for
  // anybody.
  bool speaks(TrackId track, std::uint8_t level, Instant now, Endpoints& endpoints);
  void tick(Instant now, Output& out);
  Instant deadline() const { return speakers_.deadline(); }

 private:
  struct Subscription {
    Handle<Endpoint> endpoint;
    std::uint16_t slot = 0;
    bool operator==(const Subscription&) const = default;
  };

  // visit(Endpoint& subscriber, DownTrack&), unless the subscriber has left.
  template <typename Visit>
  static void visit_one(const Subscription& subscription, Endpoints& endpoints, Visit&& visit) {
    Endpoint* subscriber = endpoints.get(subscription.endpoint);
    DownTrack* down = subscriber == nullptr ? nullptr : subscriber->down().track(subscription.slot);
    if (down != nullptr) visit(*subscriber, *down);
  }
  // Sends all packets of a batch to one subscriber.
  void forward(Batch& batch, Handle<Endpoint> handle, Endpoint& subscriber, DownTrack& down,
               Instant now, Output& out, DropCounters& drops,
               std::vector<Handle<Endpoint>>& reached) const;
  std::span<const Subscription> subscriptions(TrackId track) const {
    const auto found = subscribers_.find(track);
    return found == subscribers_.end() ? std::span<const Subscription>{} : found->second;
  }
  void assign(TrackId track, DownTrack& down) const;

  CallId call_;
  std::size_t present_ = 0;  // endpoints and links
  std::vector<LinkId> links_;
  std::unordered_map<TrackId, Uplink*> publishers_;
  std::unordered_map<TrackId, std::vector<Subscription>> subscribers_;
  SpeakerDetector speakers_;
  Loudest loudest_;
};

}  // namespace liaison::sfu
