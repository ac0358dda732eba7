// A session description (RFC 8866) as WebRTC uses it (RFC 8829): what browsers, WHIP and WHEP
// clients offer and what we answer, no more. Bytes <-> structs; what the fields mean for a call is
// decided elsewhere.
//
// What is not named here is ignored when parsed, the far end's candidates among it: it finds us,
// and where it sends from is learnt from its checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace liaison::sdp {

inline constexpr std::size_t max_bytes = 512 * 1024;
inline constexpr std::size_t max_media = 128;
// Of the session, and of each m-line. Chromium needs about 240 for a video m-line.
inline constexpr std::size_t max_attributes = 1024;

enum class Direction : std::uint8_t { sendrecv, sendonly, recvonly, inactive };
enum class Setup : std::uint8_t { actpass, active, passive, holdconn };  // RFC 8842

// What may stand in the session for all m-lines, or in one of them.
struct Transport {
  std::string ufrag;  // RFC 8839
  std::string password;
  std::vector<std::string> ice_options;
  std::vector<std::string> fingerprints;  // RFC 8122, as written: "sha-256 AB:CD:…"
  std::optional<Setup> setup;
  bool operator==(const Transport&) const = default;
};

// A payload type with what rtpmap, fmtp and rtcp-fb say of it.
struct Format {
  std::uint8_t payload_type = 0;
  std::string encoding = {};  // as written; compare without case. Empty without an rtpmap
  std::uint32_t clock_rate = 0;
  std::uint8_t channels = 1;
  std::string parameters = {};             // of a=fmtp
  std::vector<std::string> feedback = {};  // "nack", "nack pli", "ccm fir", "transport-cc"
  bool operator==(const Format&) const = default;

  // The value of `name` in semicolon-separated parameters ("name=value"), if it is there.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct ExtensionMap {  // RFC 8285 section 8
  std::uint8_t id = 0;
  std::optional<Direction> direction;
  std::string uri;
  bool operator==(const ExtensionMap&) const = default;
};

struct Source {  // RFC 5576
  std::uint32_t ssrc = 0;
  std::string cname = {};
  bool operator==(const Source&) const = default;
};
struct SourceGroup {
  std::string semantics;  // "FID"
  std::vector<std::uint32_t> ssrcs = {};
  bool operator==(const SourceGroup&) const = default;
};

struct Media {
  std::string kind;  // "audio", "video", "application"
  std::uint16_t port = 9;
  std::string protocol;
  std::vector<Format> formats;  // of an RTP protocol, in the order of the m-line
  std::string mid;
  Direction direction = Direction::sendrecv;
  Transport transport;
  bool bundle_only = false;
  bool rtcp_mux = false;
  bool rtcp_rsize = false;
  bool extmap_allow_mixed = false;
  std::vector<ExtensionMap> extensions;
  std::string msid;  // RFC 8830: stream and track
  // The encodings of a=simulcast in their order (RFC 8853), each with its a=rid (RFC 8851); of
  // alternatives the first. What is named by one of the two alone is left out.
  std::vector<std::string> send_rids;
  std::vector<std::string> recv_rids;
  std::vector<Source> sources;
  std::vector<SourceGroup> source_groups;
  // Only written: "1 1 udp 2130706431 192.0.2.1 3478 typ host".
  std::vector<std::string> candidates;
  bool end_of_candidates = false;
  bool operator==(const Media&) const = default;
};

struct Session {
  std::uint64_t id = 0;
  std::uint64_t version = 0;
  bool ice_lite = false;
  bool extmap_allow_mixed = false;
  Transport transport;
  std::vector<std::vector<std::string>> bundles;  // a=group:BUNDLE, mids
  std::vector<Media> media;
  bool operator==(const Session&) const = default;
};

// What the session says for all m-lines is copied into those that do not say it themselves.
// Error: "bad_sdp", with the number of the line.
Result<Session> parse(std::string_view text);

// The inverse; what the session says is not repeated by its m-lines.
std::string write(const Session& session);

// What ICE says on its own, after an offer and its answer (RFC 8840 section 9): attributes of the
// session, then perhaps m-lines. Error: "bad_sdp".
Result<Session> parse_fragment(std::string_view text);
// ICE credentials of the session, and the candidates of its first m-line.
std::string write_fragment(const Session& session);

// Names of encodings and hashes: equal without regard to ASCII case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace liaison::sdp
