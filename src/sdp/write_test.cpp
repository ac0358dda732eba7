#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "sdp/session.hpp"

namespace liaison::sdp {
namespace {

std::string file(std::string_view name) {
  std::ifstream stream(fmt::format("{}/src/sdp/testdata/{}", LIAISON_SOURCE_DIR, name),
                       std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Session good(std::string_view text) {
  auto session = parse(text);
  EXPECT_TRUE(session) << session.error().message;
  return session ? *session : Session{};
}

TEST(SdpWrite, WhatIsWrittenReadsTheSame) {
  for (const std::string_view name : {"chromium.sdp", "firefox.sdp"}) {
    const Session session = good(file(name));
    EXPECT_EQ(good(write(session)), session) << name;
  }
}

TEST(SdpWrite, TheSessionIsNotRepeatedByItsMediaLines) {
  Session session;
  session.id = 7;
  session.version = 3;
  session.ice_lite = true;
  session.transport = {.ufrag = "user",
                       .password = "password",
                       .ice_options = {"ice2"},
                       .fingerprints = {"sha-256 AB:01"},
                       .setup = Setup::passive};
  session.bundles = {{"0"}};
  Media media;
  media.kind = "audio";
  media.protocol = "UDP/TLS/RTP/SAVPF";
  media.formats = {{.payload_type = 111, .encoding = "opus", .clock_rate = 48'000, .channels = 2}};
  media.mid = "0";
  media.direction = Direction::recvonly;
  media.transport = session.transport;
  media.candidates = {"1 1 udp 2130706431 192.0.2.1 3478 typ host"};
  media.end_of_candidates = true;
  media.rtcp_mux = true;
  session.media = {media};
  EXPECT_EQ(write(session),
            "v=0\r\n"
            "o=- 7 3 IN IP4 0.0.0.0\r\n"
            "s=-\r\n"
            "t=0 0\r\n"
            "a=group:BUNDLE 0\r\n"
            "a=ice-lite\r\n"
            "a=ice-ufrag:user\r\n"
            "a=ice-pwd:password\r\n"
            "a=ice-options:ice2\r\n"
            "a=fingerprint:sha-256 AB:01\r\n"
            "a=setup:passive\r\n"
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
            "c=IN IP4 0.0.0.0\r\n"
            "a=mid:0\r\n"
            "a=recvonly\r\n"
            "a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host\r\n"
            "a=end-of-candidates\r\n"
            "a=rtcp-mux\r\n"
            "a=rtpmap:111 opus/48000/2\r\n");
}

}  // namespace
}  // namespace liaison::sdp
