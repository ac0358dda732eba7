// Who watches a room from outside (WHEP).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"
#include "signaling/negotiation.hpp"

namespace liaison::signaling {

// The viewers of one call: each receives the sound and the picture of one participant, or of
// whoever is on the program, under SSRCs that never change. Nobody is told of them, they are told
// nothing, and what happens to one of them costs nothing that grows with the others or with the
// people. It does not know who is in the call: the room says what to follow.
class Audience {
 public:
  struct Tracks {
    TrackId audio;
    TrackId video;
    bool operator==(const Tracks&) const = default;
  };
  using Commands = std::vector<sfu::Command>;

  explicit Audience(CallId call) : call_(call) {}

  // Somebody new, with the offer of a viewer. `watched` is a participant's public id, or empty for
  // the program; `tracks` what that is now; its media is at `place`, which outlives it. The answer.
  std::string open(ParticipantId viewer, std::string public_id, EndpointId endpoint,
                   const Offer& offer, const std::string& watched, const Tracks& tracks,
                   const MediaAddress& place, Commands& out);
  void close(ParticipantId viewer, Commands& out);
  // All of them, as `departed`.
  void close_all(std::vector<ParticipantId>& departed, Commands& out);
  // An ICE restart (RFC 8445 section 9). The fragment that answers it, or nothing if there is no
  // such viewer.
  std::optional<std::string> restart_ice(ParticipantId viewer, const std::string& remote_ufrag,
                                         Commands& out);

  // Whether the event is about one of them; if it is its end, it is added to `departed`.
  bool receive(const sfu::Event& event, std::vector<ParticipantId>& departed);
  // What each of `watched` is may have changed.
  void follow(const std::function<Tracks(const std::string& watched)>& tracks_of, Commands& out);

  std::size_t size() const { return viewers_.size(); }
  // Whose endpoint it is; empty if it is none of theirs.
  std::string owner(EndpointId endpoint) const;

 private:
  struct Viewer {
    std::string public_id;
    EndpointId endpoint;
    const MediaAddress* place = nullptr;
    LocalMedia local;
    std::string watched;
    std::optional<std::uint16_t> audio_slot;
    std::optional<std::uint16_t> video_slot;
  };
  // Those who watch the same.
  struct Group {
    Tracks tracks;
    std::set<ParticipantId> viewers;
  };

  static void assign(const Viewer& viewer, const Tracks& before, const Tracks& tracks,
                     Commands& out);
  void forget(ParticipantId viewer);

  CallId call_;
  std::unordered_map<ParticipantId, Viewer> viewers_;
  std::unordered_map<EndpointId, ParticipantId> endpoints_;
  std::map<std::string, Group> groups_;  // by `watched`
};

}  // namespace liaison::signaling
