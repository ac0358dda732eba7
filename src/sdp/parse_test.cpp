#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
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

std::string error_of(std::string_view text) {
  const auto session = parse(text);
  return session ? "" : session.error().message;
}

// A small description with `line` at the end of its only m-line.
std::string with(std::string_view line) {
  return fmt::format(
      "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"
      "{}\r\n",
      line);
}

const Format* find(const Media& media, std::uint8_t type) {
  const auto at = std::ranges::find(media.formats, type, &Format::payload_type);
  return at == media.formats.end() ? nullptr : &*at;
}

TEST(Sdp, OfferOfChromium) {
  const Session session = good(file("chromium.sdp"));
  ASSERT_EQ(session.media.size(), 12U);
  ASSERT_EQ(session.bundles.size(), 1U);
  EXPECT_EQ(session.bundles[0].size(), 12U);
  EXPECT_TRUE(session.extmap_allow_mixed);
  EXPECT_FALSE(session.ice_lite);

  const Media& microphone = session.media[0];
  EXPECT_EQ(microphone.kind, "audio");
  EXPECT_EQ(microphone.mid, "0");
  EXPECT_EQ(microphone.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_EQ(microphone.direction, Direction::sendonly);
  EXPECT_EQ(microphone.transport.ufrag.size(), 4U);
  EXPECT_EQ(microphone.transport.password.size(), 24U);
  EXPECT_EQ(microphone.transport.setup, Setup::actpass);
  ASSERT_EQ(microphone.transport.fingerprints.size(), 1U);
  EXPECT_TRUE(microphone.transport.fingerprints[0].starts_with("sha-256 "));
  EXPECT_TRUE(microphone.rtcp_mux);
  EXPECT_TRUE(microphone.rtcp_rsize);
  EXPECT_TRUE(microphone.extmap_allow_mixed);
  const Format* opus = find(microphone, 111);
  ASSERT_NE(opus, nullptr);
  EXPECT_EQ(opus->encoding, "opus");
  EXPECT_EQ(opus->clock_rate, 48'000U);
  EXPECT_EQ(opus->channels, 2);
  EXPECT_EQ(opus->parameter("useinbandfec"), "1");
  EXPECT_EQ(opus->feedback, std::vector<std::string>{"transport-cc"});
  ASSERT_EQ(microphone.sources.size(), 1U);
  EXPECT_EQ(microphone.sources[0].cname.size(), 16U);

  const Media& camera = session.media[1];
  const Format* h264 = find(camera, 102);
  ASSERT_NE(h264, nullptr);
  EXPECT_EQ(h264->parameter("profile-level-id"), "42001f");
  EXPECT_EQ(h264->parameter("packetization-mode"), "1");
  EXPECT_EQ(h264->parameter("absent"), std::nullopt);
  EXPECT_EQ(h264->feedback,
            (std::vector<std::string>{"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}));
  ASSERT_EQ(camera.source_groups.size(), 1U);
  EXPECT_EQ(camera.source_groups[0].semantics, "FID");
  EXPECT_EQ(camera.source_groups[0].ssrcs.size(), 2U);
  EXPECT_EQ(session.media[11].direction, Direction::recvonly);
}

TEST(Sdp, OfferOfFirefox) {
  const Session session = good(file("firefox.sdp"));
  ASSERT_EQ(session.media.size(), 12U);
  EXPECT_EQ(session.transport.fingerprints.size(), 1U);
  // What the session says holds for the m-lines.
  for (const Media& media : session.media) {
    EXPECT_EQ(media.transport.fingerprints, session.transport.fingerprints);
    EXPECT_EQ(media.transport.ice_options, std::vector<std::string>{"trickle"});
    EXPECT_EQ(media.transport.ufrag, session.media[0].transport.ufrag);
  }
  EXPECT_TRUE(session.media[1].bundle_only);
  EXPECT_EQ(session.media[1].port, 0);
  const auto& extensions = session.media[0].extensions;
  ASSERT_EQ(extensions.size(), 4U);
  EXPECT_EQ(extensions[1].id, 2);
  EXPECT_EQ(extensions[1].direction, Direction::recvonly);
  EXPECT_EQ(extensions[1].uri, "urn:ietf:params:rtp-hdrext:csrc-audio-level");
  EXPECT_EQ(extensions[0].direction, std::nullopt);
}

TEST(Sdp, LinesMayEndWithLineFeedAlone) {
  std::string text = with("a=mid:x");
  std::erase(text, '\r');
  EXPECT_EQ(good(text).media[0].mid, "x");
}

TEST(Sdp, FeedbackForAllFormats) {
  const Media media =
      good(with("a=rtcp-fb:* nack\r\na=rtcp-fb:63 nack\r\na=rtcp-fb:111 ccm fir")).media[0];
  EXPECT_EQ(media.formats[0].feedback, (std::vector<std::string>{"ccm fir", "nack"}));
  EXPECT_EQ(media.formats[1].feedback, std::vector<std::string>{"nack"});
}

TEST(Sdp, ADirectionOfTheSessionHoldsWhereTheMediaHasNone) {
  const Session session = good(
      "v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\nt=0 0\na=inactive\nm=audio 9 RTP/AVP 0\n"
      "m=audio 9 RTP/AVP 0\na=recvonly\n");
  EXPECT_EQ(session.media[0].direction, Direction::inactive);
  EXPECT_EQ(session.media[1].direction, Direction::recvonly);
  EXPECT_EQ(good(with("a=mid:0")).media[0].direction, Direction::sendrecv);
}

TEST(Sdp, ADataChannelHasNoPayloadTypes) {
  const Session session =
      good(with("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000"));
  EXPECT_EQ(session.media[1].kind, "application");
  EXPECT_TRUE(session.media[1].formats.empty());
}

TEST(Sdp, ParametersMayHaveSpacesAndNoValue) {
  const Format format{.parameters = "0-15;  Stereo=1;usedtx=;x"};
  EXPECT_EQ(format.parameter("stereo"), "1");
  EXPECT_EQ(format.parameter("usedtx"), "");
  EXPECT_EQ(format.parameter("x"), "");
  EXPECT_EQ(format.parameter("0-15"), "");
  EXPECT_EQ(format.parameter("15"), std::nullopt);
}

TEST(Sdp, AnErrorNamesTheLine) {
  EXPECT_EQ(error_of(with("a=rtpmap:111 opus")),
            "line 6: a=rtpmap: expected NAME/RATE or NAME/RATE/CHANNELS");
}

TEST(Sdp, MalformedLinesAreRefused) {
  for (const std::string_view line : {"",
                                      "a",
                                      "a:mid",
                                      "A=mid:0",
                                      " a=mid:0",
                                      "v=0",
                                      "o=- 1 2 IN IP4 0.0.0.0",
                                      "a=mid:0\r\na=mid:1",
                                      "a=mid:",
                                      "a=ice-ufrag:",
                                      "a=ice-ufrag:abcd\r\na=ice-ufrag:abcd",
                                      "a=setup:none",
                                      "a=setup:active\r\na=setup:active",
                                      "a=sendonly\r\na=recvonly",
                                      "a=fingerprint:sha-256",
                                      "a=rtpmap:128 opus/48000",
                                      "a=rtpmap: opus/48000",
                                      "a=rtpmap:111 opus/x",
                                      "a=rtpmap:111 opus/0",
                                      "a=rtpmap:111 /48000",
                                      "a=rtpmap:111 opus/48000/0",
                                      "a=rtpmap:111 opus/48000/2/2",
                                      "a=rtpmap:111 opus/99999999999",
                                      "a=rtpmap:111 opus/48000\r\na=rtpmap:111 opus/48000",
                                      "a=fmtp:x a=1",
                                      "a=fmtp:111 a=1\r\na=fmtp:111 b=1",
                                      "a=rtcp-fb:999 nack",
                                      "a=extmap:0 urn:x",
                                      "a=extmap:256 urn:x",
                                      "a=extmap:1",
                                      "a=extmap:1 ",
                                      "a=extmap:1/up urn:x",
                                      "a=extmap:x urn:x",
                                      "a=extmap:1 urn:x\r\na=extmap:1 urn:y",
                                      "a=extmap:1 urn:x\r\na=extmap:2 urn:x",
                                      "a=ssrc:x cname:y",
                                      "a=ssrc:4294967296 cname:y",
                                      "a=ssrc-group:FID x",
                                      "m=",
                                      "m=audio 9",
                                      "m=audio x RTP/AVP 0",
                                      "m=audio 65536 RTP/AVP 0",
                                      "m=audio 9 RTP/AVP 128",
                                      "m=audio 9 RTP/AVP 0 0",
                                      "m=audio 9 RTP/AVP -1",
                                      "a=mid:\x01"}) {
    EXPECT_NE(error_of(with(line)), "") << line;
  }
  for (const std::string_view text :
       {"", "v=1\n", "o=- 1 2 IN IP4 0.0.0.0\n", "v=0\n", "v=0\no=- 1 2 IN IP4\n",
        "v=0\no=- x 2 IN IP4 0.0.0.0\n", "v=0\no=- 1 18446744073709551616 IN IP4 0.0.0.0\n",
        "v=0\nm=audio 9 RTP/AVP 0\no=- 1 2 IN IP4 0.0.0.0\n", "v=0\nv=0\n"}) {
    EXPECT_NE(error_of(text), "") << text;
  }
}

TEST(Sdp, AttributesOfFormatsThatAreNotOfferedAreIgnored) {
  EXPECT_EQ(error_of(with("a=rtpmap:96 VP8/90000\r\na=fmtp:96 x=1\r\na=rtcp-fb:96 nack")), "");
}

TEST(Sdp, LimitsMediaLinesAndAttributesAndBytes) {
  const auto repeated = [](std::string_view line, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("{}\r\n", line);
    return with(text.substr(0, text.size() - 2));
  };
  EXPECT_EQ(error_of(repeated("m=audio 9 RTP/AVP 0", max_media - 1)), "");
  EXPECT_EQ(error_of(repeated("m=audio 9 RTP/AVP 0", max_media)),
            fmt::format("line {}: more than 128 m-lines", 5 + max_media));
  EXPECT_EQ(error_of(repeated("a=x", max_attributes)), "");
  EXPECT_NE(error_of(repeated("a=x", max_attributes + 1)), "");
  EXPECT_NE(error_of(with("a=x:" + std::string(max_bytes, 'x'))), "");
  std::string sources;
  for (int i = 0; i < 65; ++i) sources += fmt::format("a=ssrc:{} cname:x\r\n", i);
  EXPECT_NE(error_of(with(sources.substr(0, sources.size() - 2))), "");
}

TEST(Sdp, EveryPrefixOfAnOfferIsReadOrRefused) {
  const std::string text = file("firefox.sdp");
  for (std::size_t size = 0; size < text.size(); size += 61) (void)parse(text.substr(0, size));
  SUCCEED();
}

// RFC 9725 section 4.3.2 shows one like it.
TEST(SdpFragment, HasCredentialsAndMediaLines) {
  const auto fragment = parse_fragment(
      "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
      "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
      "a=end-of-candidates\r\n\r\n");
  ASSERT_TRUE(fragment) << fragment.error().message;
  EXPECT_EQ(fragment->transport.ufrag, "EsAw");
  ASSERT_EQ(fragment->media.size(), 1U);
  EXPECT_EQ(fragment->media[0].mid, "0");
  EXPECT_EQ(fragment->media[0].transport.password, "P2uYro0UCOQ4zxjKXaWCBui1");
}

TEST(SdpFragment, MayHaveThemInItsMediaLineOrBeWithout) {
  const auto own =
      parse_fragment("m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0\na=ice-ufrag:abcd\na=ice-pwd:x\n");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->media[0].transport.ufrag, "abcd");
  EXPECT_TRUE(parse_fragment("a=end-of-candidates"));
}

TEST(SdpFragment, IsNothingElse) {
  for (const std::string_view text :
       {"", "v=0\r\na=ice-ufrag:abcd", "o=- 1 1 IN IP4 0.0.0.0", "candidate:1",
        "a=ice-ufrag:", "a=ice-ufrag:a\r\na=ice-ufrag:b", "m=audio", "a"})
    EXPECT_FALSE(parse_fragment(text)) << text;
}

}  // namespace
}  // namespace liaison::sdp
