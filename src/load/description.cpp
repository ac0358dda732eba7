#include "load/description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/random.hpp"
#include "sdp/session.hpp"

namespace liaison::load {
namespace {

// Chromium's numbers.
constexpr std::uint8_t opus = 111;
constexpr std::uint8_t vp8 = 96;
constexpr std::uint8_t vp8_rtx = 97;
constexpr std::uint8_t audio_level_id = 1;
constexpr std::uint8_t transport_cc_id = 3;
constexpr std::uint8_t mid_id = 4;

sdp::Media offer_line(const OfferOptions& options, bool video) {
  sdp::Media media;
  media.kind = video ? "video" : "audio";
  media.protocol = "UDP/TLS/RTP/SAVPF";
  media.direction = options.sends ? sdp::Direction::sendonly : sdp::Direction::recvonly;
  media.rtcp_mux = media.rtcp_rsize = true;
  std::vector<std::string> feedback;
  if (options.transport_cc) feedback.emplace_back("transport-cc");
  if (video) {
    feedback.insert(feedback.end(), {"nack", "nack pli", "ccm fir"});
    media.formats = {{.payload_type = vp8,
                      .encoding = "VP8",
                      .clock_rate = 90'000,
                      .feedback = std::move(feedback)},
                     {.payload_type = vp8_rtx,
                      .encoding = "rtx",
                      .clock_rate = 90'000,
                      .parameters = fmt::format("apt={}", vp8)}};
  } else {
    media.formats = {{.payload_type = opus,
                      .encoding = "opus",
                      .clock_rate = 48'000,
                      .channels = 2,
                      .parameters = "minptime=10;useinbandfec=1",
                      .feedback = std::move(feedback)}};
    media.extensions.push_back(
        {audio_level_id, {}, std::string(rtp::extension_uri(rtp::Extension::audio_level))});
  }
  media.extensions.push_back({mid_id, {}, std::string(rtp::extension_uri(rtp::Extension::mid))});
  if (options.transport_cc)
    media.extensions.push_back(
        {transport_cc_id, {}, std::string(rtp::extension_uri(rtp::Extension::transport_cc))});
  if (options.sends) {
    media.msid = fmt::format("load load-{}", media.kind);
    media.sources = {{options.ssrcs[video ? 1 : 0], "load"}};
  }
  return media;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The address of "a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host" (RFC 8839 section 5.1).
std::optional<SocketAddress> candidate(std::string_view line) {
  std::array<std::string_view, 6> words;
  for (std::string_view& word : words) {
    const std::size_t end = std::min(line.find(' '), line.size());
    word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  const auto ip = IpAddress::parse(words[4]);
  const auto port = number<std::uint16_t>(words[5]);
  if (words[1] != "1" || !sdp::same_name(words[2], "udp") || !ip || !port) return std::nullopt;
  return SocketAddress{*ip, *port};
}

// sdp/ reads no candidates: a server finds its clients by their checks.
std::vector<SocketAddress> candidates(std::string_view text) {
  constexpr std::string_view begin = "a=candidate:";
  std::vector<SocketAddress> all;
  for (std::size_t at = text.find(begin); at != std::string_view::npos;
       at = text.find(begin, at + 1)) {
    std::string_view line = text.substr(at + begin.size());
    line = line.substr(0, line.find_first_of("\r\n"));
    const auto address = candidate(line);
    if (address && all.size() < Answer::max_candidates) all.push_back(*address);
  }
  return all;
}

std::unexpected<Error> bad(std::string message) { return fail("bad_answer", std::move(message)); }

Result<AnsweredLine> read_line(const sdp::Media& media) {
  AnsweredLine line;
  line.kind = media.kind == "audio" ? rtp::MediaKind::audio : rtp::MediaKind::video;
  line.mid = media.mid;
  const std::string_view codec = line.kind == rtp::MediaKind::audio ? "opus" : "VP8";
  for (const sdp::Format& format : media.formats) {
    if (sdp::same_name(format.encoding, codec)) line.payload_type = format.payload_type;
    if (sdp::same_name(format.encoding, "rtx")) line.rtx_payload_type = format.payload_type;
  }
  if (line.payload_type == 0)
    return bad(fmt::format("the answer takes no {}, and this load test sends nothing else", codec));
  if (!media.sources.empty()) line.ssrc = media.sources.front().ssrc;
  for (const sdp::SourceGroup& group : media.source_groups) {
    if (group.semantics != "FID" || group.ssrcs.size() != 2) continue;
    line.ssrc = group.ssrcs[0];
    line.rtx_ssrc = group.ssrcs[1];
  }
  for (const sdp::ExtensionMap& map : media.extensions) {
    if (const auto extension = rtp::extension_from_uri(map.uri))
      line.extensions[*extension] = map.id;
  }
  return line;
}

}  // namespace

std::string write_offer(const OfferOptions& options) {
  sdp::Session offer;
  offer.id = random_u64() >> 1;  // RFC 8829 section 5.2.1: 63 bits
  offer.version = 1;
  offer.transport = {.ufrag = options.local.ufrag,
                     .password = options.local.password,
                     .ice_options = {},
                     .fingerprints = {transport::to_sdp(options.fingerprint)},
                     .setup = sdp::Setup::actpass};
  auto& bundle = offer.bundles.emplace_back();
  for (const bool video : {false, true}) {
    if (video ? !options.video : !options.audio) continue;
    offer.media.push_back(offer_line(options, video));
    offer.media.back().mid = bundle.emplace_back(std::to_string(bundle.size()));
  }
  if (options.candidate && !offer.media.empty()) {
    sdp::Media& media = offer.media.front();
    // RFC 8445 section 5.1.2.1: a host's.
    media.candidates = {fmt::format("1 1 udp {} {} {} typ host", 126U << 24 | 65'535U << 8 | 255U,
                                    options.candidate->ip.to_string(), options.candidate->port)};
    media.end_of_candidates = true;
  }
  return sdp::write(offer);
}

Result<Answer> read_answer(std::string_view text) {
  const auto session = sdp::parse(text);
  if (!session) return bad(session.error().message);
  if (session->media.empty()) return bad("the answer has no m-line");
  const sdp::Transport& transport = session->media.front().transport;
  Answer answer;
  answer.remote = {transport.ufrag, transport.password};
  if (transport.ufrag.empty() || transport.password.empty())
    return bad("the answer has no ice-ufrag and ice-pwd");
  if (transport.setup != sdp::Setup::passive)
    return bad("the answer is not setup:passive, and this load test is the DTLS client");
  if (transport.fingerprints.empty()) return bad("the answer has no fingerprint");
  auto fingerprint = transport::fingerprint_from_sdp(transport.fingerprints.front());
  if (!fingerprint || fingerprint->hash != transport::Fingerprint::Hash::sha256)
    return bad("the answer has no fingerprint by sha-256");
  answer.fingerprint = std::move(*fingerprint);
  answer.candidates = candidates(text);
  if (answer.candidates.empty()) return bad("the answer has no UDP candidate");
  for (const sdp::Media& media : session->media) {
    auto line = read_line(media);
    if (!line) return std::unexpected(line.error());
    answer.lines.push_back(std::move(*line));
  }
  return answer;
}

}  // namespace liaison::load
