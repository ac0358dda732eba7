#include "load/description.hpp"

#include <gtest/gtest.h>

#include "signaling/negotiation.hpp"

namespace liaison::load {
namespace {

const transport::Fingerprint fingerprint{transport::Fingerprint::Hash::sha256,
                                         std::vector<std::uint8_t>(32, 7)};

OfferOptions options(bool sends) {
  return {.sends = sends,
          .local = {"ufrag", "passwordpasswordpassword"},
          .fingerprint = fingerprint,
          .candidate = SocketAddress::parse("192.0.2.9:9").value(),
          .ssrcs = {11, 12}};
}

const signaling::CodecPolicy policy{.video = {rtp::CodecName::vp8}};

std::string answer_to(const signaling::Offer& offer) {
  const auto local =
      signaling::draw_local_media(offer, {"theirs", "their-password-their-pass"}, {});
  return signaling::write_answer(
      offer, local,
      {.udp = {{IpAddress::v4(192, 0, 2, 1), 40'000}}, .tcp = {}, .fingerprint = fingerprint});
}

TEST(LoadDescription, AServerOfOursTakesTheOfferAndItsAnswerIsRead) {
  for (const bool sends : {true, false}) {
    const auto offer =
        signaling::read_offer(write_offer(options(sends)), policy,
                              sends ? signaling::Role::publisher : signaling::Role::viewer);
    ASSERT_TRUE(offer) << offer.error().message;
    EXPECT_EQ(offer->remote, options(sends).local);
    const auto answer = read_answer(answer_to(*offer));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->remote.ufrag, "theirs");
    EXPECT_EQ(answer->fingerprint, fingerprint);
    ASSERT_EQ(answer->candidates.size(), 1U);
    EXPECT_EQ(answer->candidates[0].to_string(), "192.0.2.1:40000");
    ASSERT_EQ(answer->lines.size(), 2U);
    const AnsweredLine& video = answer->lines[1];
    EXPECT_EQ(video.kind, rtp::MediaKind::video);
    EXPECT_EQ(video.mid, "1");
    EXPECT_EQ(video.payload_type, 96);
    EXPECT_EQ(video.rtx_payload_type, 97);
    EXPECT_EQ(video.ssrc != 0, !sends);
    EXPECT_EQ(video.rtx_ssrc != 0, !sends);
    EXPECT_NE(video.extensions[rtp::Extension::transport_cc], 0);
  }
}

TEST(LoadDescription, OffersOneKindAloneAndNoTransportCc) {
  OfferOptions only = options(false);
  only.audio = only.transport_cc = false;
  const std::string text = write_offer(only);
  EXPECT_FALSE(text.contains("m=audio"));
  EXPECT_FALSE(text.contains("transport-cc"));
  EXPECT_TRUE(text.contains("a=candidate:1 1 udp 2130706431 192.0.2.9 9 typ host\r\n")) << text;
  const auto offer = signaling::read_offer(text, policy, signaling::Role::viewer);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(read_answer(answer_to(*offer))->lines[0].extensions[rtp::Extension::transport_cc], 0);
}

TEST(LoadDescription, EveryUselessAnswerIsNamed) {
  const auto offer =
      signaling::read_offer(write_offer(options(false)), policy, signaling::Role::viewer);
  const std::string good = answer_to(*offer);
  const auto without = [&](std::string_view what, std::string_view instead = "a=x:") {
    std::string text = good;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      text.replace(at, what.size(), instead);
    const auto answer = read_answer(text);
    return answer ? "no error" : answer.error().message;
  };
  EXPECT_EQ(without("a=nothing:"), "no error");
  EXPECT_EQ(without("a=ice-pwd:"), "the answer has no ice-ufrag and ice-pwd");
  EXPECT_EQ(without("a=setup:passive", "a=setup:active"),
            "the answer is not setup:passive, and this load test is the DTLS client");
  EXPECT_EQ(without("a=fingerprint:"), "the answer has no fingerprint");
  EXPECT_EQ(without("a=candidate:"), "the answer has no UDP candidate");
  EXPECT_EQ(without("VP8/90000", "VP7/90000"),
            "the answer takes no VP8, and this load test sends nothing else");
  EXPECT_FALSE(read_answer(""));
}

}  // namespace
}  // namespace liaison::load
