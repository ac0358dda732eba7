// What the control plane can ask of one worker's Sfu. With event.hpp this is the whole vocabulary
// between them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "rtp/codec.hpp"
#include "transport/credentials.hpp"

namespace liaison::sfu {

using transport::Fingerprint;
using transport::IceCredentials;

// Of one video track (simulcast).
inline constexpr std::size_t encoding_limit = 3;

// An m-line on which the client sends: one published track.
struct UpMedia {
  std::string mid;
  TrackId track;
  rtp::MediaKind kind = rtp::MediaKind::audio;
  bool speech = false;  // audio that counts for who speaks; false for the sound of a screen
  bool screen = false;  // video with text that must stay readable
  // Of its encodings (RFC 8852), the smallest picture first, as far as the client keeps to that;
  // empty for one encoding without a rid.
  std::vector<std::string> rids = {};
  bool operator==(const UpMedia&) const = default;
};

// An m-line on which the client receives: a place for whichever track is assigned to it. Its SSRCs
// never change.
struct DownMedia {
  std::string mid;
  std::uint16_t slot = 0;  // number of the down-track within the endpoint, from 0
  rtp::MediaKind kind = rtp::MediaKind::audio;
  std::uint32_t ssrc = 0;
  std::uint32_t rtx_ssrc = 0;  // 0 = no RTX
  bool operator==(const DownMedia&) const = default;
};

// What offer and answer agreed for one BUNDLE group: payload types and extension ids hold for all
// m-lines of a kind.
struct MediaDescription {
  std::vector<UpMedia> up;
  std::vector<DownMedia> down;
  std::vector<rtp::Codec> audio_codecs;
  std::vector<rtp::Codec> video_codecs;
  rtp::ExtensionIds audio_extensions;
  rtp::ExtensionIds video_extensions;
  std::string cname;  // of all we send (RFC 7022)
  bool operator==(const MediaDescription&) const = default;
};

struct OpenEndpoint {
  EndpointId endpoint;
  CallId call;
  IceCredentials local;
  std::string remote_ufrag;
  Fingerprint remote_fingerprint;
  MediaDescription media;
};
// ICE restart (RFC 8445 section 9): the credentials before stay valid until the new ones are in
// use.
struct RestartIce {
  EndpointId endpoint;
  IceCredentials local;
  std::string remote_ufrag;
};
// A renegotiation that only adds m-lines.
struct UpdateMedia {
  EndpointId endpoint;
  MediaDescription media;
};
struct CloseEndpoint {
  EndpointId endpoint;
};
// A track that is not active is not forwarded, whatever its publisher sends: a mute is enforced
// here too.
struct SetTrackActive {
  EndpointId endpoint;  // the publisher
  TrackId track;
  bool active = false;
};
// Which track the down-track `slot` of an endpoint carries from now on; an empty id for none.
struct AssignSlot {
  EndpointId endpoint;  // the subscriber
  std::uint16_t slot = 0;
  TrackId track;
};

// What an endpoint shows of the video in each slot, and how large, in device pixels; 0 by 0 is as
// large as there is. A slot that is not listed is not shown; without a SetView everything is, as
// large as there is. Whole each time.
struct SetView {
  struct Shown {
    std::uint16_t slot = 0;
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    bool operator==(const Shown&) const = default;
  };
  EndpointId endpoint;
  std::vector<Shown> shown;
};

// Part of this call is at another router, to which `link` leads, or is no longer.
struct OpenLink {
  CallId call;
  LinkId link;
};
struct CloseLink {
  CallId call;
  LinkId link;
};

using Command = std::variant<std::monostate, OpenEndpoint, RestartIce, UpdateMedia, CloseEndpoint,
                             SetTrackActive, AssignSlot, SetView, OpenLink, CloseLink>;

}  // namespace liaison::sfu
