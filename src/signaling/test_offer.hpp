// The smallest offer that keeps the rules of the protocol, for tests and fuzzing.
#pragma once

#include <fmt/format.h>

#include <string>

namespace liaison::signaling {

// As a peer connection with certificate `certificate` makes it after `restarts` ICE restarts, when
// it began with `person_slots` and has got `further_slots` since.
inline std::string test_offer(unsigned certificate, unsigned restarts, unsigned person_slots,
                              unsigned further_slots = 0) {
  std::string media;
  std::string group;
  unsigned mid = 0;
  const auto line = [&](std::string_view kind, std::string_view direction) {
    const bool audio = kind == "audio";
    media += fmt::format(
        "m={} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\na=mid:{}\r\na={}\r\na=rtcp-mux\r\n{}",
        kind, audio ? "111" : "96 97", mid, direction,
        audio ? "a=rtpmap:111 opus/48000/2\r\n"
              : "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n"
                "a=fmtp:97 apt=96\r\n");
    group += fmt::format(" {}", mid++);
  };
  line("audio", "sendonly");
  line("video", "sendonly");
  line("video", "sendonly");
  line("audio", "sendonly");
  const auto people = [&](unsigned slots) {
    for (unsigned slot = 0; slot < slots; ++slot) {
      line("audio", "recvonly");
      line("video", "recvonly");
    }
  };
  people(person_slots);
  line("video", "recvonly");
  line("audio", "recvonly");
  people(further_slots);
  std::string fingerprint;
  for (unsigned byte = 0; byte < 32; ++byte)
    fingerprint += fmt::format("{}{:02X}", byte == 0 ? "" : ":", certificate >> byte % 4 * 8 & 255);
  return fmt::format(
      "v=0\r\no=- 1 {1} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE{3}\r\n"
      "a=ice-ufrag:u{0:x}r{1:x}\r\na=ice-pwd:password-of-22-characters-{1:x}\r\n"
      "a=fingerprint:sha-256 {2}\r\na=setup:actpass\r\n{4}",
      certificate + 0x1000, restarts, fingerprint, group, media);
}

// As an encoder or a player makes it: one audio and one video m-line, in `direction`.
inline std::string test_whip_offer(unsigned certificate, std::string_view direction) {
  std::string fingerprint;
  for (unsigned byte = 0; byte < 32; ++byte)
    fingerprint += fmt::format("{}{:02X}", byte == 0 ? "" : ":", certificate >> byte % 4 * 8 & 255);
  return fmt::format(
      "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
      "a=ice-ufrag:u{0:x}\r\na=ice-pwd:password-of-22-characters-{0:x}\r\n"
      "a=fingerprint:sha-256 {1}\r\na=setup:actpass\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na={2}\r\na=rtcp-mux\r\n"
      "a=rtpmap:111 opus/48000/2\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na={2}\r\na=rtcp-mux\r\n"
      "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
      certificate + 0x1000, fingerprint, direction);
}

}  // namespace liaison::signaling
