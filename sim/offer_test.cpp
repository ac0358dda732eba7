#include "sim/offer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "signaling/negotiation.hpp"

namespace liaison::sim {
namespace {

using rtp::CodecName;

signaling::CodecPolicy everything() {
  return {{CodecName::vp8, CodecName::vp9, CodecName::av1, CodecName::h264}, true};
}

OfferOptions offer(Flavour flavour) {
  OfferOptions options;
  options.flavour = flavour;
  options.person_slots = {2, 1};
  options.local = {"ufrag123", "password-of-24-characters"};
  options.fingerprint.digest.assign(32, 0xab);
  return options;
}

// The server understands the offer, and the browser what the server makes of it.
TEST(Offer, IsAnswered) {
  for (const Flavour flavour : {Flavour::chromium, Flavour::firefox}) {
    const auto read = signaling::read_offer(write_offer(offer(flavour)), everything(), 24);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->person_slots, 3);
    const auto local = signaling::draw_local_media(
        *read, {"server-ufrag", "server-password-of-32-characters"}, {});
    signaling::MediaAddress address;
    address.udp = {{IpAddress::v4(198, 51, 100, 1), 40'001}};
    address.tcp = {{IpAddress::v4(198, 51, 100, 1), 443}};
    address.fingerprint.digest.assign(32, 0xcd);
    const auto answer = read_answer(signaling::write_answer(*read, local, address));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->remote.ufrag, "server-ufrag");
    EXPECT_EQ(answer->fingerprint, address.fingerprint);
    EXPECT_EQ(answer->candidates, address.udp);
    EXPECT_EQ(answer->tcp_candidates, address.tcp);
    ASSERT_EQ(answer->lines.size(), 12U);
    EXPECT_EQ(answer->lines[0].formats.front().codec, CodecName::opus);
    EXPECT_EQ(answer->lines[1].formats.front().codec, CodecName::vp8);
    EXPECT_NE(answer->lines[1].formats.front().rtx_payload_type, 0);
    EXPECT_EQ(answer->lines[5].ssrc, local.ssrcs[1].media);
    EXPECT_EQ(answer->lines[5].rtx_ssrc, local.ssrcs[1].rtx);
    EXPECT_NE(answer->lines[5].extensions[rtp::Extension::mid], 0);
  }
}

TEST(Offer, PutsRedundantSoundFirstWhereItIsPreferred) {
  OfferOptions options = offer(Flavour::chromium);
  options.redundant = 0b1000;
  const auto read = signaling::read_offer(write_offer(options), everything(), 24);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->lines[0].codecs.front().key.name, CodecName::opus);
  EXPECT_EQ(read->lines[3].codecs.front().key.name, CodecName::red);
}

TEST(Offer, SaysSimulcastWhereItIsWanted) {
  OfferOptions options = offer(Flavour::chromium);
  EXPECT_EQ(write_offer(options).find("simulcast"), std::string::npos);
  options.simulcast = true;
  const std::string sdp = write_offer(options);
  EXPECT_NE(sdp.find("a=simulcast:send q;h;f"), std::string::npos);
  EXPECT_TRUE(signaling::read_offer(sdp, everything(), 24));
}

TEST(Offer, HasTheDependencyDescriptorWhereChromiumSendsVideo) {
  const auto lines_with_it = [](Flavour flavour) {
    const auto read = signaling::read_offer(write_offer(offer(flavour)), everything(), 24);
    EXPECT_TRUE(read);
    const std::string sdp = write_offer(offer(flavour));
    std::vector<std::size_t> lines;
    std::size_t line = 0;
    const std::string_view uri = rtp::extension_uri(rtp::Extension::dependency_descriptor);
    for (std::size_t at = sdp.find("m="); at != std::string::npos; ++line) {
      const std::size_t next = sdp.find("\nm=", at);
      const std::size_t end = std::min(next, sdp.size());
      if (sdp.substr(at, end - at).find(uri) != std::string::npos) lines.push_back(line);
      at = next == std::string::npos ? next : next + 1;
    }
    return lines;
  };
  EXPECT_EQ(lines_with_it(Flavour::chromium), (std::vector<std::size_t>{1, 2}));
  EXPECT_TRUE(lines_with_it(Flavour::firefox).empty());
}

TEST(Answer, SaysWhereValuesMayBeLong) {
  const std::string head =
      "v=0\r\na=setup:passive\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
      "a=fingerprint:sha-256 " +
      to_sdp(offer(Flavour::chromium).fingerprint).substr(8) + "\r\n";
  const std::string line = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
  const std::string allowed = "a=extmap-allow-mixed\r\n";
  EXPECT_FALSE(read_answer(head + line)->lines[0].mixed_extensions);
  EXPECT_TRUE(read_answer(head + allowed + line)->lines[0].mixed_extensions);
  const auto second = read_answer(head + line + line + allowed);
  EXPECT_FALSE(second->lines[0].mixed_extensions);
  EXPECT_TRUE(second->lines[1].mixed_extensions);
}

TEST(Answer, IsRefusedIfItIsOfNoUse) {
  EXPECT_FALSE(read_answer(""));
  EXPECT_FALSE(read_answer("v=0\r\n"));
  EXPECT_FALSE(read_answer("no line end"));
  // Neither credentials nor a fingerprint.
  EXPECT_FALSE(read_answer("v=0\r\na=setup:passive\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
}

}  // namespace
}  // namespace liaison::sim
