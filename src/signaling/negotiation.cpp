#include "signaling/negotiation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "base/ensure.hpp"
#include "base/random.hpp"

namespace liaison::signaling {
namespace {

using rtp::CodecName;
using rtp::MediaKind;
using sdp::Direction;

// Which m-line an offer must have at a place.
struct Place {
  std::string_view kind;
  std::optional<Source> source;  // what the client sends; nothing: it receives
  std::string name;
  Direction direction() const { return source ? Direction::sendonly : Direction::recvonly; }
};

// The person slot that an m-line belongs to; nothing for the screen slot.
std::optional<std::size_t> person_slot(std::size_t line, std::size_t screen_line) {
  if (line == screen_line || line == screen_line + 1) return std::nullopt;
  return (line - source_count - (line < screen_line ? 0 : 2)) / 2;
}

Place place_of_participant(std::size_t line, std::size_t screen_line) {
  switch (line) {
    case 0:
      return {"audio", Source::microphone, "the microphone"};
    case 1:
      return {"video", Source::camera, "the camera"};
    case 2:
      return {"video", Source::screen, "the screen"};
    case 3:
      return {"audio", Source::screen_audio, "the screen's sound"};
    default:
      break;
  }
  const bool first = line % 2 == 0;
  if (const auto slot = person_slot(line, screen_line))
    return {first ? "audio" : "video", std::nullopt, fmt::format("person slot {}", *slot)};
  return {first ? "video" : "audio", std::nullopt, "the screen slot"};
}

Place place(const Offer& offer, std::size_t line) {
  if (offer.role == Role::participant) return place_of_participant(line, offer.screen_line);
  const bool audio = offer.session.media[line].kind == "audio";
  Place place{audio ? "audio" : "video", std::nullopt, audio ? "the sound" : "the picture"};
  if (offer.role == Role::publisher) place.source = audio ? Source::microphone : Source::camera;
  return place;
}

// The screen slot begins with its video, a person slot with its audio. An offer without one lacks
// it at its end.
std::size_t find_screen_line(const std::vector<sdp::Media>& media) {
  for (std::size_t line = source_count; line + 2 < media.size(); line += 2) {
    if (media[line].kind == "video") return line;
  }
  return media.size() - 2;
}

std::string_view name(Direction direction) {
  switch (direction) {
    case Direction::sendrecv:
      return "sendrecv";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
    case Direction::inactive:
      return "inactive";
  }
  return {};
}

std::string_view name(CodecName codec) {
  switch (codec) {
    case CodecName::opus:
      return "opus";
    case CodecName::red:
      return "red";
    case CodecName::vp8:
      return "VP8";
    case CodecName::vp9:
      return "VP9";
    case CodecName::av1:
      return "AV1";
    case CodecName::h264:
      return "H264";
  }
  return {};
}

std::unexpected<Error> bad(std::string message) { return fail("bad_offer", std::move(message)); }

MediaKind kind_of(const sdp::Media& media) {
  return media.kind == "audio" ? MediaKind::audio : MediaKind::video;
}

// RFC 6184 section 8.1: profile-level-id is profile_idc, profile_iop and level_idc. Only
// Constrained Baseline (42, constraint set 1) is taken: every browser with H.264 has it, so that
// whatever one sends the other can decode. Of an encoder or a player any is: encoders name a
// profile that they do not keep to (OBS Studio says 42e01f whatever it sends), and what decodes
// H.264 in a browser decodes all of these.
std::optional<rtp::CodecKey> h264_key(const sdp::Format& format, Role role) {
  const std::string_view id = format.parameter("profile-level-id").value_or("42000a");
  const std::string_view mode = format.parameter("packetization-mode").value_or("0");
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value, 16);
  if (error != std::errc{} || end != id.data() + id.size() || id.size() != 6) return std::nullopt;
  if (mode != "0" && mode != "1") return std::nullopt;
  if (role == Role::participant && (value >> 16 != 0x42 || (value & 0x4000) == 0))
    return std::nullopt;
  return rtp::CodecKey{CodecName::h264, 0x42e000 | (mode == "1" ? 1U : 0U)};
}

// The codec of a format of `media`, if it is one that passes through us.
std::optional<rtp::CodecKey> key_of(const sdp::Format& format, const sdp::Media& media, Role role) {
  const auto is = [&](CodecName codec) { return sdp::same_name(format.encoding, name(codec)); };
  if (kind_of(media) == MediaKind::audio) {
    if (format.clock_rate != 48'000 || format.channels != 2) return std::nullopt;
    if (is(CodecName::opus)) return rtp::CodecKey{CodecName::opus};
    // RFC 2198; its blocks must be Opus.
    if (is(CodecName::red)) {
      const std::string_view types = format.parameters;
      for (const sdp::Format& other : media.formats) {
        const std::string primary = fmt::format("{}/", other.payload_type);
        if (sdp::same_name(other.encoding, "opus") && types.starts_with(primary))
          return rtp::CodecKey{CodecName::red};
      }
    }
    return std::nullopt;
  }
  if (format.clock_rate != 90'000) return std::nullopt;
  if (is(CodecName::vp8)) return rtp::CodecKey{CodecName::vp8};
  // Profile 0 of both (8 bits, 4:2:0) is what all decoders have.
  if (is(CodecName::vp9) && format.parameter("profile-id").value_or("0") == "0")
    return rtp::CodecKey{CodecName::vp9};
  if (is(CodecName::av1) && format.parameter("profile").value_or("0") == "0")
    return rtp::CodecKey{CodecName::av1};
  if (is(CodecName::h264)) return h264_key(format, role);
  return std::nullopt;
}

// Place in the order of preference, the least first; nothing if the policy does not want it.
std::optional<std::size_t> rank(const rtp::CodecKey& key, const CodecPolicy& policy) {
  // Of the two the client says which it wants to send now.
  if (key.name == CodecName::red) return policy.audio_red ? std::optional(0) : std::nullopt;
  if (key.name == CodecName::opus) return 0;
  const auto at = std::ranges::find(policy.video, key.name);
  if (at == policy.video.end()) return std::nullopt;
  // H.264 in packetization mode 1 before mode 0.
  return 2 * static_cast<std::size_t>(at - policy.video.begin()) + ((key.profile & 1) ^ 1);
}

// RFC 5761 section 4: with rtcp-mux these would look like RTCP.
bool usable(std::uint8_t payload_type) { return payload_type < 64 || payload_type > 95; }

std::optional<std::uint8_t> rtx_of(const sdp::Media& media, std::uint8_t payload_type) {
  for (const sdp::Format& format : media.formats) {
    if (sdp::same_name(format.encoding, "rtx") && usable(format.payload_type) &&
        format.parameter("apt") == std::to_string(payload_type))
      return format.payload_type;
  }
  return std::nullopt;
}

std::vector<rtp::Codec> accept_codecs(const sdp::Media& media, const CodecPolicy& policy,
                                      Role role) {
  std::vector<std::pair<std::size_t, rtp::Codec>> ranked;
  for (const sdp::Format& format : media.formats) {
    const auto key = key_of(format, media, role);
    const auto at = key ? rank(*key, policy) : std::nullopt;
    if (!at || !usable(format.payload_type)) continue;
    // The first of several payload types for one codec is enough.
    const auto same = [&](const auto& other) { return other.second.key == *key; };
    if (std::ranges::any_of(ranked, same)) continue;
    ranked.emplace_back(
        *at, rtp::Codec{*key, format.payload_type,
                        kind_of(media) == MediaKind::video ? rtx_of(media, format.payload_type)
                                                           : std::nullopt,
                        format.clock_rate});
  }
  std::ranges::stable_sort(ranked, {}, &std::pair<std::size_t, rtp::Codec>::first);
  std::vector<rtp::Codec> codecs;
  codecs.reserve(ranked.size());
  for (const auto& [at, codec] : ranked) codecs.push_back(codec);
  return codecs;
}

// `sent`: of an m-line on which the client sends.
bool wanted(rtp::Extension extension, MediaKind kind, bool sent) {
  switch (extension) {
    case rtp::Extension::mid:
    case rtp::Extension::transport_cc:
    case rtp::Extension::abs_capture_time:
      return true;
    case rtp::Extension::audio_level:
      return kind == MediaKind::audio;
    case rtp::Extension::abs_send_time:
    case rtp::Extension::video_orientation:
    case rtp::Extension::playout_delay:
    case rtp::Extension::content_type:
      return kind == MediaKind::video;
    // What we send has one encoding, and receivers find its references by themselves: given the
    // descriptor, Chromium freezes more often under loss (mediasoup issue 1536).
    case rtp::Extension::rid:
    case rtp::Extension::repaired_rid:
    case rtp::Extension::dependency_descriptor:
      return kind == MediaKind::video && sent;
    case rtp::Extension::count_:
      return false;
  }
  return false;
}

// With the direction turned round (RFC 8285 section 6). `sent`: as above.
std::vector<sdp::ExtensionMap> accept_extensions(const sdp::Media& media, bool sent) {
  std::vector<sdp::ExtensionMap> accepted;
  const Direction direction = sent ? Direction::sendonly : Direction::recvonly;
  for (const sdp::ExtensionMap& offered : media.extensions) {
    const auto extension = rtp::extension_from_uri(offered.uri);
    // Ids up to 14 fit the one-byte header, which everybody reads.
    if (!extension || !wanted(*extension, kind_of(media), sent) || offered.id > 14) continue;
    sdp::ExtensionMap answer = offered;
    if (offered.direction == Direction::inactive) continue;
    if (offered.direction && *offered.direction != Direction::sendrecv) {
      // Of use only where media goes the same way.
      if (*offered.direction != direction) continue;
      answer.direction = sent ? Direction::recvonly : Direction::sendonly;
    }
    accepted.push_back(std::move(answer));
  }
  return accepted;
}

// Gathers what the m-lines of a BUNDLE group must agree on (RFC 9143 section 9.1: one payload type
// has one meaning, one extension one id).
class Gatherer {
 public:
  explicit Gatherer(Offer& offer) : offer_(offer) {}

  std::optional<std::string> add(const Offer::Line& line, MediaKind kind) {
    auto& codecs = kind == MediaKind::audio ? offer_.audio_codecs : offer_.video_codecs;
    for (const rtp::Codec& codec : line.codecs) {
      const auto same = std::ranges::find(codecs, codec.key, &rtp::Codec::key);
      if (same == codecs.end()) {
        codecs.push_back(codec);
      } else if (same->payload_type != codec.payload_type) {
        return fmt::format("{} has payload type {} here and {} before", name(codec.key.name),
                           codec.payload_type, same->payload_type);
      } else if (!same->rtx_payload_type) {
        same->rtx_payload_type = codec.rtx_payload_type;
      } else if (codec.rtx_payload_type && *codec.rtx_payload_type != *same->rtx_payload_type) {
        return fmt::format("rtx for {} has two payload types", name(codec.key.name));
      }
      const std::uint32_t meaning =
          static_cast<std::uint32_t>(codec.key.name) << 24 | codec.key.profile;
      if (!claim(types_, codec.payload_type, 2ULL * meaning) ||
          (codec.rtx_payload_type && !claim(types_, *codec.rtx_payload_type, 2ULL * meaning + 1)))
        return fmt::format("a payload type of {} has another meaning before", name(codec.key.name));
    }
    auto& ids = kind == MediaKind::audio ? offer_.audio_extensions : offer_.video_extensions;
    for (const sdp::ExtensionMap& map : line.extensions) {
      const auto extension = rtp::extension_from_uri(map.uri);
      ENSURE(extension);
      if (!claim(extensions_, map.id, static_cast<std::uint64_t>(*extension)) ||
          (ids[*extension] != 0 && ids[*extension] != map.id))
        return fmt::format("extension {} has another id before", map.id);
      ids[*extension] = map.id;
    }
    return std::nullopt;
  }

 private:
  // False if `number` means something else already.
  static bool claim(std::map<std::uint8_t, std::uint64_t>& taken, std::uint8_t number,
                    std::uint64_t meaning) {
    return taken.try_emplace(number, meaning).first->second == meaning;
  }

  Offer& offer_;
  std::map<std::uint8_t, std::uint64_t> types_;
  std::map<std::uint8_t, std::uint64_t> extensions_;
};

// Token characters (RFC 9143 section 15.1), short enough for a one-byte header extension.
bool is_mid(std::string_view mid) {
  const auto good = [](char c) {
    return c > ' ' && c <= '~' &&
           std::string_view("\"(),/:;<=>?@[\\]").find(c) == std::string_view::npos;
  };
  return !mid.empty() && mid.size() <= 16 && std::ranges::all_of(mid, good);
}

std::optional<std::string> check_line(const sdp::Media& media, const Place& expected, Role role) {
  // RFC 9725 section 4.2, and the same of WHEP: the other direction may be offered, and is refused.
  const bool both = role != Role::participant && media.direction == Direction::sendrecv;
  if (media.kind != expected.kind || (media.direction != expected.direction() && !both))
    return fmt::format("is {} {}, expected {} {} ({})", media.kind.substr(0, 16),
                       name(media.direction), expected.kind, name(expected.direction()),
                       expected.name);
  // RFC 8829 section 5.1.2: the names are history, both mean DTLS-SRTP with feedback.
  if (media.protocol != "UDP/TLS/RTP/SAVPF" && media.protocol != "TCP/TLS/RTP/SAVPF")
    return fmt::format("({}) must have protocol UDP/TLS/RTP/SAVPF", expected.name);
  if (media.port == 0 && !media.bundle_only)
    return fmt::format("({}) is stopped: make a new RTCPeerConnection instead", expected.name);
  if (!is_mid(media.mid))
    return fmt::format("({}) needs a mid of 1 to 16 characters", expected.name);
  if (!media.rtcp_mux) return fmt::format("({}) needs rtcp-mux", expected.name);
  return std::nullopt;
}

// One group with every m-line; its first names the transport.
std::optional<std::string> check_bundle(Offer& offer) {
  const auto& media = offer.session.media;
  // One m-line is a bundle of its own.
  if (offer.role != Role::participant && media.size() == 1 && offer.session.bundles.empty())
    return std::nullopt;
  if (offer.session.bundles.size() != 1) return "The offer needs one BUNDLE group";
  const auto& bundle = offer.session.bundles.front();
  std::map<std::string_view, std::size_t> lines;
  for (std::size_t i = 0; i < media.size(); ++i) {
    if (!lines.emplace(media[i].mid, i).second)
      return fmt::format("m-line {}: mid {} is there twice", i, media[i].mid);
  }
  if (bundle.size() != media.size()) return "The BUNDLE group must hold every m-line once";
  std::map<std::string_view, std::size_t> missing = lines;
  for (const std::string& mid : bundle) missing.erase(mid);
  if (!missing.empty()) return "The BUNDLE group must hold every m-line once";
  offer.bundle_line = lines.at(bundle.front());
  return std::nullopt;
}

std::optional<std::string> take_transport(Offer& offer) {
  const sdp::Transport& transport = offer.session.media[offer.bundle_line].transport;
  // RFC 8839 section 5.4.
  if (transport.ufrag.size() < 4 || transport.password.size() < 22)
    return "The offer needs ice-ufrag (4 characters or more) and ice-pwd (22 or more)";
  offer.remote = {transport.ufrag, transport.password};
  if (transport.setup != sdp::Setup::actpass && transport.setup != sdp::Setup::active)
    return "The offer needs setup:actpass, since this server is passive";
  for (const std::string& text : transport.fingerprints) {
    if (auto fingerprint = transport::fingerprint_from_sdp(text)) {
      offer.fingerprint = std::move(*fingerprint);
      return std::nullopt;
    }
  }
  return "The offer needs a fingerprint by sha-256, sha-384 or sha-512";
}

// What we say to what the offer may send, or of what we may send. For the microphone: silence costs
// nothing, and a lost packet can be mended. For the screen's sound: music.
// An encoder's may be either, and is not held back.
std::string opus_parameters(const Offer& offer, std::size_t line) {
  if (offer.role != Role::participant) return "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1";
  const bool screen =
      line == std::to_underlying(Source::screen_audio) || line == offer.session.media.size() - 1;
  if (screen) return "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000";
  return "minptime=10;useinbandfec=1;usedtx=1";
}

std::vector<std::string> accept_feedback(const sdp::Format& offered, MediaKind kind) {
  std::vector<std::string> accepted;
  for (const std::string_view ours : {"transport-cc", "nack", "nack pli", "ccm fir"}) {
    // Sound has no RTX: to send a packet again would use its SRTP index twice (decision 15).
    if (kind == MediaKind::audio && ours != "transport-cc") continue;
    if (std::ranges::find(offered.feedback, ours) != offered.feedback.end())
      accepted.emplace_back(ours);
  }
  return accepted;
}

std::vector<sdp::Format> answer_formats(const Offer& offer, std::size_t line) {
  const sdp::Media& offered = offer.session.media[line];
  std::vector<sdp::Format> formats;
  for (const rtp::Codec& codec : offer.lines[line].codecs) {
    const auto at =
        std::ranges::find(offered.formats, codec.payload_type, &sdp::Format::payload_type);
    ENSURE(at != offered.formats.end());
    sdp::Format format = *at;
    format.feedback = accept_feedback(*at, kind_of(offered));
    if (codec.key.name == CodecName::opus) format.parameters = opus_parameters(offer, line);
    // What Firefox says of VP8 and VP9 (max-fs, max-fr) is its own limit, not ours.
    if (codec.key.name == CodecName::vp8) format.parameters.clear();
    if (codec.key.name == CodecName::vp9) format.parameters = "profile-id=0";
    formats.push_back(std::move(format));
    if (codec.rtx_payload_type)
      formats.push_back({.payload_type = *codec.rtx_payload_type,
                         .encoding = "rtx",
                         .clock_rate = codec.clock_rate,
                         .parameters = fmt::format("apt={}", codec.payload_type)});
  }
  return formats;
}

// RFC 8445 section 5.1.2.1 for UDP hosts; RFC 6544 section 4.2 for TCP, where local preference is
// 2^13 times the direction (passive: 4) and something of ours. Component 1.
std::vector<std::string> candidates(const MediaAddress& address) {
  constexpr std::uint32_t host = 126;
  constexpr std::uint32_t host_tcp = 90;
  const auto priority = [](std::uint32_t type, std::uint32_t local) {
    return type << 24 | local << 8 | 255;
  };
  std::vector<std::string> list;
  list.reserve(address.udp.size() + address.tcp.size());
  std::uint32_t local = 65'535;
  for (const SocketAddress& udp : address.udp)
    list.push_back(fmt::format("{} 1 udp {} {} {} typ host", list.size() + 1,
                               priority(host, local--), udp.ip.to_string(), udp.port));
  local = (4U << 13) + 8'191;
  for (const SocketAddress& tcp : address.tcp)
    list.push_back(fmt::format("{} 1 tcp {} {} {} typ host tcptype passive", list.size() + 1,
                               priority(host_tcp, local--), tcp.ip.to_string(), tcp.port));
  return list;
}

// RFC 8830: the m-lines of one slot share a stream, so that they are played in step.
std::string msid(const Offer& offer, std::size_t line) {
  std::string stream = "watched";
  if (offer.role == Role::participant) {
    const auto slot = person_slot(line, offer.screen_line);
    stream = slot ? fmt::format("person-{}", *slot) : "screen";
  }
  return fmt::format("{0} {0}-{1}", stream, offer.session.media[line].kind);
}

// Up to three sizes of one picture, the smallest first.
std::vector<std::string> accept_rids(const sdp::Media& offered) {
  std::vector<std::string> rids = offered.send_rids;
  if (kind_of(offered) != MediaKind::video) return {};
  if (rids.size() > sfu::encoding_limit) rids.resize(sfu::encoding_limit);
  return rids;
}

// `ours`: of what we send on it; null if we do not.
sdp::Media answer_line(const Offer& offer, const LocalMedia& local, std::size_t line,
                       const LocalMedia::Ssrcs* ours) {
  const sdp::Media& offered = offer.session.media[line];
  sdp::Media media;
  media.kind = offered.kind;
  media.protocol = offered.protocol;
  media.mid = offered.mid;
  media.formats = answer_formats(offer, line);
  media.extensions = offer.lines[line].extensions;
  media.rtcp_mux = true;
  media.rtcp_rsize = offered.rtcp_rsize;
  media.extmap_allow_mixed = offered.extmap_allow_mixed;
  if (ours == nullptr) {
    media.direction = Direction::recvonly;
    media.recv_rids = accept_rids(offered);
    return media;
  }
  media.direction = Direction::sendonly;
  media.msid = msid(offer, line);
  if (ours->rtx != 0) media.source_groups = {{"FID", {ours->media, ours->rtx}}};
  media.sources = {{ours->media, local.cname}};
  if (ours->rtx != 0) media.sources.push_back({ours->rtx, local.cname});
  return media;
}

// What all m-lines of an offer have to keep to, one after the other, and what is accepted of them.
Result<void> take_lines(Offer& offer, const CodecPolicy& policy) {
  const auto& media = offer.session.media;
  Gatherer gatherer(offer);
  for (std::size_t i = 0; i < media.size(); ++i) {
    const Place expected = place(offer, i);
    if (const auto wrong = check_line(media[i], expected, offer.role))
      return bad(fmt::format("m-line {} {}.", i, *wrong));
    offer.lines.push_back({expected.source, accept_codecs(media[i], policy, offer.role),
                           accept_extensions(media[i], expected.source.has_value())});
    const auto& codecs = offer.lines.back().codecs;
    const auto carries = [](const rtp::Codec& codec) { return codec.key.name != CodecName::red; };
    if (std::ranges::none_of(codecs, carries)) {
      std::string allowed = "opus";
      if (expected.kind == "video") {
        allowed.clear();
        for (const CodecName codec : policy.video)
          allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", name(codec));
      }
      return fail(offer.role == Role::participant ? "bad_offer" : "not_acceptable",
                  fmt::format("m-line {} ({}) has no codec that this server accepts ({}).", i,
                              expected.name, allowed));
    }
    if (const auto wrong = gatherer.add(offer.lines.back(), kind_of(media[i])))
      return bad(fmt::format("m-line {} ({}): {}.", i, expected.name, *wrong));
  }
  // Whatever each m-line wants first.
  std::ranges::sort(offer.audio_codecs, {}, [](const rtp::Codec& codec) { return codec.key.name; });
  if (const auto wrong = check_bundle(offer)) return bad(*wrong + ".");
  if (const auto wrong = take_transport(offer)) return bad(*wrong + ".");
  return {};
}

}  // namespace

Result<Offer> read_offer(std::string_view text, const CodecPolicy& policy,
                         std::uint16_t max_person_slots) {
  auto session = sdp::parse(text);
  if (!session) return bad(fmt::format("The SDP is malformed: {}.", session.error().message));
  Offer offer;
  offer.session = std::move(*session);
  const auto& media = offer.session.media;
  constexpr std::size_t least = source_count + 2;
  if (media.size() < least || media.size() % 2 != 0 ||
      media.size() > least + 2 * std::size_t{max_person_slots})
    return bad(fmt::format("The offer has {} m-lines, expected 6 + 2P with P from 0 to {}.",
                           media.size(), max_person_slots));
  offer.person_slots = static_cast<std::uint16_t>((media.size() - least) / 2);
  offer.screen_line = find_screen_line(media);

  if (auto taken = take_lines(offer, policy); !taken) return std::unexpected(taken.error());
  return offer;
}

Result<Offer> read_offer(std::string_view text, const CodecPolicy& policy, Role role) {
  ENSURE(role != Role::participant);
  auto session = sdp::parse(text);
  if (!session)
    return fail("bad_sdp", fmt::format("The SDP is malformed: {}.", session.error().message));
  Offer offer;
  offer.role = role;
  offer.session = std::move(*session);
  const auto count = [&](std::string_view kind) {
    return std::ranges::count(offer.session.media, kind, &sdp::Media::kind);
  };
  // RFC 9725 section 4.4.2: one MediaStream, of each kind at most one track.
  const auto audio = count("audio");
  const auto video = count("video");
  const std::size_t known = static_cast<std::size_t>(audio + video);
  if (audio > 1 || video > 1 || known == 0 || known != offer.session.media.size())
    return fail("not_acceptable",
                fmt::format("The offer has {} m-lines, {} audio and {} video; expected one of "
                            "audio, one of video, or both, and nothing else.",
                            offer.session.media.size(), audio, video));
  if (auto taken = take_lines(offer, policy); !taken) return std::unexpected(taken.error());
  return offer;
}

LocalMedia draw_local_media(const Offer& offer, const transport::IceCredentials& credentials,
                            const std::array<TrackId, source_count>& tracks) {
  LocalMedia local;
  local.credentials = credentials;
  // RFC 8829 section 5.2.1: 63 bits.
  local.session_id = random_u64() >> 1;
  local.cname = random_ice_chars(16);
  local.transport_mid = offer.session.media[offer.bundle_line].mid;
  local.transport_kind = offer.session.media[offer.bundle_line].kind;
  local.tracks = tracks;
  extend_local_media(offer, local);
  return local;
}

void extend_local_media(const Offer& offer, LocalMedia& local) {
  std::vector<std::uint32_t> taken = {0};
  for (const LocalMedia::Ssrcs& ours : local.ssrcs) {
    taken.push_back(ours.media);
    taken.push_back(ours.rtx);
  }
  for (const sdp::Media& media : offer.session.media) {
    for (const sdp::Source& source : media.sources) taken.push_back(source.ssrc);
  }
  const auto draw = [&] {
    std::uint32_t ssrc = 0;
    while (std::ranges::find(taken, ssrc) != taken.end()) ssrc = random_u32();
    taken.push_back(ssrc);
    return ssrc;
  };
  std::size_t slot = 0;
  for (const Offer::Line& line : offer.lines) {
    if (line.source || slot++ < local.ssrcs.size()) continue;
    const bool has_rtx = std::ranges::any_of(
        line.codecs, [](const rtp::Codec& codec) { return codec.rtx_payload_type.has_value(); });
    local.ssrcs.push_back({draw(), has_rtx ? draw() : 0});
  }
}

sfu::MediaDescription describe_media(const Offer& offer, const LocalMedia& local) {
  sfu::MediaDescription description;
  for (std::size_t line = 0; line < offer.session.media.size(); ++line) {
    const sdp::Media& media = offer.session.media[line];
    if (const auto source = offer.lines[line].source) {
      // What a shared screen plays says nothing of who speaks.
      description.up.push_back({media.mid, local.tracks[std::to_underlying(*source)],
                                kind_of(media), *source == Source::microphone,
                                *source == Source::screen, accept_rids(media)});
    } else {
      const std::size_t slot = description.down.size();
      description.down.push_back({media.mid, static_cast<std::uint16_t>(slot), kind_of(media),
                                  local.ssrcs[slot].media, local.ssrcs[slot].rtx});
    }
  }
  description.audio_codecs = offer.audio_codecs;
  description.video_codecs = offer.video_codecs;
  description.audio_extensions = offer.audio_extensions;
  description.video_extensions = offer.video_extensions;
  description.cname = local.cname;
  return description;
}

bool repeats(const sfu::MediaDescription& first, sfu::MediaDescription later) {
  later.down.resize(std::min(later.down.size(), first.down.size()));
  for (const auto extension :
       {rtp::Extension::rid, rtp::Extension::repaired_rid, rtp::Extension::dependency_descriptor}) {
    std::uint8_t& id = later.video_extensions[extension];
    if (id == 0) id = first.video_extensions[extension];
  }
  return later == first;
}

std::string write_answer(const Offer& offer, const LocalMedia& local, const MediaAddress& address) {
  sdp::Session answer;
  answer.id = local.session_id;
  answer.version = local.version;
  answer.ice_lite = true;
  answer.bundles = offer.session.bundles;
  answer.transport = {.ufrag = local.credentials.ufrag,
                      .password = local.credentials.password,
                      .ice_options = {"ice2"},
                      .fingerprints = {transport::to_sdp(address.fingerprint)},
                      // The browser is then the DTLS client, and we choose the SRTP profile.
                      .setup = sdp::Setup::passive};
  answer.extmap_allow_mixed = std::ranges::all_of(
      offer.session.media, [](const sdp::Media& media) { return media.extmap_allow_mixed; });
  std::size_t slot = 0;
  for (std::size_t line = 0; line < offer.session.media.size(); ++line) {
    const bool received = offer.lines[line].source.has_value();
    answer.media.push_back(
        answer_line(offer, local, line, received ? nullptr : &local.ssrcs[slot++]));
  }
  // GStreamer looks for these in each m-line alone. A participant has a hundred.
  if (offer.role != Role::participant) {
    for (sdp::Media& media : answer.media) media.transport = answer.transport;
    answer.transport = {};
  }
  sdp::Media& bundled = answer.media[offer.bundle_line];
  bundled.candidates = candidates(address);
  bundled.end_of_candidates = true;
  return sdp::write(answer);
}

std::string write_restart(const LocalMedia& local, const MediaAddress& address) {
  sdp::Session fragment;
  fragment.ice_lite = true;
  fragment.transport.ufrag = local.credentials.ufrag;
  fragment.transport.password = local.credentials.password;
  sdp::Media& media = fragment.media.emplace_back();
  media.mid = local.transport_mid;
  media.kind = local.transport_kind;
  media.candidates = candidates(address);
  media.end_of_candidates = true;
  return sdp::write_fragment(fragment);
}

}  // namespace liaison::signaling
