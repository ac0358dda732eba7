#include "sim/offer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace liaison::sim {
namespace {

using rtp::CodecName;
using rtp::Extension;

struct CodecLine {
  CodecName codec;
  std::string_view encoding;
  std::string_view parameters;
  std::uint8_t payload_type;
  std::uint8_t rtx_payload_type;
};

constexpr std::array<CodecLine, 4> chromium_video = {{
    {CodecName::vp8, "VP8/90000", "", 96, 97},
    {CodecName::vp9, "VP9/90000", "profile-id=0", 98, 99},
    {CodecName::h264, "H264/90000",
     "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 102, 103},
    {CodecName::av1, "AV1/90000", "level-idx=5;profile=0;tier=0", 45, 46},
}};
constexpr std::array<CodecLine, 4> firefox_video = {{
    {CodecName::vp8, "VP8/90000", "max-fs=12288;max-fr=60", 120, 124},
    {CodecName::vp9, "VP9/90000", "max-fs=12288;max-fr=60", 121, 125},
    {CodecName::h264, "H264/90000",
     "profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1", 126, 127},
    {CodecName::av1, "AV1/90000", "", 99, 100},
}};

struct ExtensionLine {
  Extension extension;
  std::uint8_t id;
};
constexpr std::array<ExtensionLine, 4> chromium_audio_extensions = {{{Extension::audio_level, 1},
                                                                     {Extension::abs_send_time, 2},
                                                                     {Extension::transport_cc, 3},
                                                                     {Extension::mid, 4}}};
constexpr std::array<ExtensionLine, 6> chromium_video_extensions = {
    {{Extension::abs_send_time, 2},
     {Extension::video_orientation, 13},
     {Extension::transport_cc, 3},
     {Extension::playout_delay, 5},
     {Extension::content_type, 6},
     {Extension::mid, 4}}};
constexpr std::uint8_t chromium_dependency_descriptor = 12;
constexpr std::array<ExtensionLine, 2> firefox_audio_extensions = {
    {{Extension::audio_level, 1}, {Extension::mid, 3}}};
constexpr std::array<ExtensionLine, 4> firefox_video_extensions = {{{Extension::mid, 3},
                                                                    {Extension::abs_send_time, 4},
                                                                    {Extension::playout_delay, 6},
                                                                    {Extension::transport_cc, 7}}};

bool is_video(std::size_t line, const PersonSlots& slots) {
  if (line < 4) return line == 1 || line == 2;
  return (line % 2 == 1) != slots.is_screen(line);
}

void write_line(std::string& text, const OfferOptions& options, std::size_t line) {
  const bool chromium = options.flavour == Flavour::chromium;
  const bool video = is_video(line, options.person_slots);
  std::string types;
  std::string attributes;
  const auto format = [&](std::uint8_t payload_type, std::string_view encoding,
                          std::string_view parameters, bool feedback) {
    types += fmt::format(" {}", payload_type);
    attributes += fmt::format("a=rtpmap:{} {}\r\n", payload_type, encoding);
    if (!parameters.empty())
      attributes += fmt::format("a=fmtp:{} {}\r\n", payload_type, parameters);
    if (!feedback) return;
    attributes += fmt::format("a=rtcp-fb:{} transport-cc\r\n", payload_type);
    if (video)
      attributes +=
          fmt::format("a=rtcp-fb:{0} ccm fir\r\na=rtcp-fb:{0} nack\r\na=rtcp-fb:{0} nack pli\r\n",
                      payload_type);
  };
  if (video) {
    for (const CodecName codec : options.video) {
      const auto& table = chromium ? chromium_video : firefox_video;
      const auto& entry = *std::ranges::find(table, codec, &CodecLine::codec);
      format(entry.payload_type, entry.encoding, entry.parameters, true);
      format(entry.rtx_payload_type, "rtx/90000", fmt::format("apt={}", entry.payload_type), false);
    }
  } else {
    const std::uint8_t opus = chromium ? 111 : 109;
    const bool first = line < 32 && (options.redundant >> line & 1) != 0;
    const auto red = [&] {
      if (options.red) format(63, "red/48000/2", fmt::format("{0}/{0}", opus), false);
    };
    if (first) red();
    format(opus, "opus/48000/2", "minptime=10;useinbandfec=1", true);
    if (!first) red();
    format(8, "PCMA/8000", "", false);
  }
  text +=
      fmt::format("m={} 9 UDP/TLS/RTP/SAVPF{}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n",
                  video ? "video" : "audio", types);
  text += fmt::format(
      "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\na=fingerprint:{}\r\n"
      "a=setup:actpass\r\na=mid:{}\r\n",
      options.local.ufrag, options.local.password, to_sdp(options.fingerprint), line);
  const auto extensions = [&](std::span<const ExtensionLine> list) {
    for (const ExtensionLine& one : list)
      text += fmt::format("a=extmap:{} {}\r\n", one.id, rtp::extension_uri(one.extension));
  };
  if (chromium) {
    video ? extensions(chromium_video_extensions) : extensions(chromium_audio_extensions);
  } else {
    video ? extensions(firefox_video_extensions) : extensions(firefox_audio_extensions);
  }
  if (chromium && video && line < 4)
    text += fmt::format("a=extmap:{} {}\r\n", chromium_dependency_descriptor,
                        rtp::extension_uri(Extension::dependency_descriptor));
  const bool simulcast = options.simulcast && line == 1;
  if (simulcast)
    text += fmt::format("a=extmap:10 {}\r\na=extmap:11 {}\r\n", rtp::extension_uri(Extension::rid),
                        rtp::extension_uri(Extension::repaired_rid));
  text += line < 4 ? "a=sendonly\r\n" : "a=recvonly\r\n";
  if (line < 4) text += fmt::format("a=msid:- track-{}\r\n", line);
  text += "a=rtcp-mux\r\na=rtcp-rsize\r\n" + attributes;
  if (simulcast)
    text += "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n";
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

std::string_view word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view first = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return first;
}

std::optional<CodecName> codec_named(std::string_view encoding) {
  const std::string_view name = encoding.substr(0, encoding.find('/'));
  if (name == "opus") return CodecName::opus;
  if (name == "red") return CodecName::red;
  if (name == "VP8") return CodecName::vp8;
  if (name == "VP9") return CodecName::vp9;
  if (name == "H264") return CodecName::h264;
  if (name == "AV1") return CodecName::av1;
  return std::nullopt;
}

// "foundation component protocol priority address port typ …"; of TCP only "tcptype passive" is of
// use, which waits for connections (RFC 6544 section 4.5).
void read_candidate(std::string_view text, Answer& answer) {
  word(text);
  word(text);
  const std::string_view protocol = word(text);
  word(text);
  const auto ip = IpAddress::parse(word(text));
  const auto port = number<std::uint16_t>(word(text));
  if (!ip || !port) return;
  if (protocol == "udp") answer.candidates.push_back({*ip, *port});
  if (protocol == "tcp" && text.ends_with(" tcptype passive"))
    answer.tcp_candidates.push_back({*ip, *port});
}

class AnswerReader {
 public:
  std::optional<Answer> read(std::string_view sdp) {
    while (!sdp.empty()) {
      const std::size_t end = sdp.find("\r\n");
      if (end == std::string_view::npos) return std::nullopt;
      if (!line(sdp.substr(0, end))) return std::nullopt;
      sdp.remove_prefix(end + 2);
    }
    if (answer_.lines.empty() || answer_.remote.ufrag.empty() || answer_.remote.password.empty() ||
        answer_.fingerprint.digest.empty() || !passive_)
      return std::nullopt;
    return std::move(answer_);
  }

 private:
  bool line(std::string_view text) {
    if (text.starts_with("m=")) {
      answer_.lines.emplace_back().mixed_extensions = mixed_;
      std::string_view rest = text;
      for (int i = 0; i < 3; ++i) word(rest);
      while (!rest.empty()) {
        const auto type = number<std::uint8_t>(word(rest));
        if (!type) return false;
        answer_.lines.back().formats.push_back({.payload_type = *type});
      }
      return true;
    }
    if (!text.starts_with("a=")) return true;
    text.remove_prefix(2);
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    const std::string_view value = text.substr(std::min(colon + 1, text.size()));
    return answer_.lines.empty() ? session(name, value) : media(name, value);
  }

  bool session(std::string_view name, std::string_view value) {
    if (name == "ice-ufrag") answer_.remote.ufrag = value;
    if (name == "ice-pwd") answer_.remote.password = value;
    if (name == "setup") passive_ = value == "passive";
    if (name == "extmap-allow-mixed") mixed_ = true;
    if (name == "fingerprint") {
      const auto fingerprint = transport::fingerprint_from_sdp(value);
      if (!fingerprint) return false;
      answer_.fingerprint = *fingerprint;
    }
    return true;
  }

  bool media(std::string_view name, std::string_view value) {
    AnsweredLine& line = answer_.lines.back();
    if (name == "mid") line.mid = value;
    if (name == "candidate") read_candidate(value, answer_);
    if (name == "simulcast") line.simulcast = true;
    if (name == "extmap-allow-mixed") line.mixed_extensions = true;
    if (name == "rtpmap") return rtpmap(line, value);
    if (name == "fmtp") return fmtp(line, value);
    if (name == "ssrc-group" && value.starts_with("FID ")) {
      value.remove_prefix(4);
      line.ssrc = number<std::uint32_t>(word(value)).value_or(0);
      line.rtx_ssrc = number<std::uint32_t>(word(value)).value_or(0);
    }
    if (name == "ssrc" && line.ssrc == 0)
      line.ssrc = number<std::uint32_t>(word(value)).value_or(0);
    if (name == "extmap") {
      const auto id = number<std::uint8_t>(word(value));
      const auto extension = rtp::extension_from_uri(word(value));
      if (!id) return false;
      if (extension) line.extensions[*extension] = *id;
    }
    return true;
  }

  static bool rtpmap(AnsweredLine& line, std::string_view value) {
    const auto type = number<std::uint8_t>(word(value));
    const auto at = std::ranges::find(line.formats, type, &AnsweredLine::Format::payload_type);
    if (!type || at == line.formats.end()) return false;
    // A repetition stands with what it repeats.
    if (const auto codec = codec_named(value)) {
      at->codec = *codec;
    } else {
      line.formats.erase(at);
    }
    return true;
  }
  static bool fmtp(AnsweredLine& line, std::string_view value) {
    const auto type = number<std::uint8_t>(word(value));
    if (!type || !value.starts_with("apt=")) return type.has_value();
    const auto repeated = number<std::uint8_t>(value.substr(4));
    const auto at = std::ranges::find(line.formats, repeated, &AnsweredLine::Format::payload_type);
    if (at == line.formats.end()) return false;
    at->rtx_payload_type = *type;
    return true;
  }

  Answer answer_;
  bool passive_ = false;
  bool mixed_ = false;
};

}  // namespace

const AnsweredLine::Format* AnsweredLine::find(std::uint8_t payload_type) const {
  const auto at = std::ranges::find(formats, payload_type, &Format::payload_type);
  return at == formats.end() ? nullptr : &*at;
}

std::string write_offer(const OfferOptions& options) {
  const std::size_t lines = 6 + 2 * options.person_slots.count();
  std::string text =
      fmt::format("v=0\r\no=- {} {} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE",
                  options.session, options.version);
  for (std::size_t line = 0; line < lines; ++line) text += fmt::format(" {}", line);
  text += "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n";
  for (std::size_t line = 0; line < lines; ++line) write_line(text, options, line);
  return text;
}

std::optional<Answer> read_answer(std::string_view sdp) { return AnswerReader().read(sdp); }

}  // namespace liaison::sim
