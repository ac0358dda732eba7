// An offer in, an answer out (RFC 8829, RFC 9429), by the rules of docs/protocol.md, "The peer
// connection". Pure functions: what endpoint an offer belongs to is decided by the room.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "rtp/codec.hpp"
#include "sdp/session.hpp"
#include "sfu/command.hpp"
#include "transport/credentials.hpp"

namespace liaison::signaling {

struct CodecPolicy {
  // In order of preference; what is not named is not accepted.
  std::vector<rtp::CodecName> video;
  bool audio_red = true;
};

// Where a worker is reached, and what certificate it shows.
struct MediaAddress {
  WorkerIndex worker{};
  std::vector<SocketAddress> udp;
  std::vector<SocketAddress> tcp;
  transport::Fingerprint fingerprint;
};

// What a participant publishes: the m-lines 0 to 3, in this order.
enum class Source : std::uint8_t { microphone, camera, screen, screen_audio };
inline constexpr std::size_t source_count = 4;

// Who offers, and hence which m-lines there are.
enum class Role : std::uint8_t {
  participant,  // those of docs/protocol.md
  publisher,    // WHIP: audio, video or both, which the client sends
  viewer,       // WHEP: the same, which it receives
};

// An offer that keeps the rules.
struct Offer {
  // What we accept of one m-line, in the order of our preference.
  struct Line {
    std::optional<Source> source;  // what the client sends on it; nothing: it receives
    std::vector<rtp::Codec> codecs;
    std::vector<sdp::ExtensionMap> extensions;
  };
  Role role = Role::participant;
  sdp::Session session;
  std::vector<Line> lines;      // by m-line
  std::size_t bundle_line = 0;  // the m-line whose transport all use (RFC 9143 section 7.2)
  std::uint16_t person_slots = 0;
  std::size_t screen_line =
      0;  // the first of the screen slot; person slots are before and after it
  transport::IceCredentials remote;
  transport::Fingerprint fingerprint;
  // Of all m-lines of a kind together, under the offer's own numbers.
  std::vector<rtp::Codec> audio_codecs;
  std::vector<rtp::Codec> video_codecs;
  rtp::ExtensionIds audio_extensions;
  rtp::ExtensionIds video_extensions;
};

// Of a participant. Error: "bad_offer", naming the m-line and what is expected of it.
Result<Offer> read_offer(std::string_view sdp, const CodecPolicy& policy,
                         std::uint16_t max_person_slots);
// Of a publisher or a viewer. Errors as above; "bad_sdp" if it cannot be read, "not_acceptable" if
// it has m-lines, or only codecs, that are not for us (RFC 9725 section 4.4.2).
Result<Offer> read_offer(std::string_view sdp, const CodecPolicy& policy, Role role);

// What our side of an endpoint keeps for its life; drawn once.
struct LocalMedia {
  struct Ssrcs {
    std::uint32_t media = 0;
    std::uint32_t rtx = 0;
  };
  transport::IceCredentials credentials;  // new ones with an ICE restart
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;  // of the answer to come
  std::string cname;
  // Of the m-line whose transport all use.
  std::string transport_mid;
  std::string transport_kind;
  std::array<TrackId, source_count> tracks;
  std::vector<Ssrcs> ssrcs;  // by down-track
};

// Down-tracks are numbered in the order of their m-lines, so that those of slots that are added
// later leave the numbers of the others alone. A person slot has one for audio and the next for
// video, the screen slot has them the other way round.
inline std::uint16_t down_track_count(std::uint16_t person_slots) {
  return static_cast<std::uint16_t>(2 * person_slots + 2);
}
inline std::size_t screen_down_track(std::size_t screen_line) { return screen_line - source_count; }
inline std::size_t person_down_track(std::size_t slot, std::size_t screen_line) {
  return 2 * slot + (2 * slot < screen_down_track(screen_line) ? 0 : 2);
}

// SSRCs that no source of the offer has (RFC 3550 section 8).
LocalMedia draw_local_media(const Offer& offer, const transport::IceCredentials& credentials,
                            const std::array<TrackId, source_count>& tracks);

// For a later offer with further m-lines: what there is stays.
void extend_local_media(const Offer& offer, LocalMedia& local);

sfu::MediaDescription describe_media(const Offer& offer, const LocalMedia& local);
// Whether `later` is `first` with further m-lines, if any, and nothing else. Extensions that tell
// encodings apart may be missing: Chromium leaves them out where the answer had none.
bool repeats(const sfu::MediaDescription& first, sfu::MediaDescription later);
std::string write_answer(const Offer& offer, const LocalMedia& local, const MediaAddress& address);
// What answers an ICE restart that is no offer: a fragment (RFC 9725 section 4.3.3).
std::string write_restart(const LocalMedia& local, const MediaAddress& address);

}  // namespace liaison::signaling
