#include "signaling/negotiation.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "signaling/credentials.hpp"
#include "signaling/limits.hpp"
#include "signaling/test_offer.hpp"

namespace liaison::signaling {
namespace {

using rtp::CodecName;
using rtp::Extension;

const CodecPolicy policy{{CodecName::vp8, CodecName::vp9, CodecName::av1, CodecName::h264}, true};
const std::array<TrackId, source_count> tracks = {TrackId{11}, TrackId{12}, TrackId{13},
                                                  TrackId{14}};

std::string file(std::string_view name) {
  std::ifstream stream(fmt::format("{}/src/sdp/testdata/{}.sdp", LIAISON_SOURCE_DIR, name),
                       std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string without_lines(std::string_view text, std::string_view start) {
  std::string kept;
  while (!text.empty()) {
    const std::size_t end = text.find('\n') + 1;
    if (!text.starts_with(start)) kept += text.substr(0, end);
    text.remove_prefix(end);
  }
  return kept;
}

Offer good(std::string_view sdp, const CodecPolicy& codecs = policy) {
  auto offer = read_offer(sdp, codecs, 24);
  EXPECT_TRUE(offer) << offer.error().message;
  return offer ? *offer : Offer{};
}

std::string error_of(std::string_view sdp, const CodecPolicy& codecs = policy) {
  const auto offer = read_offer(sdp, codecs, 24);
  if (offer) return "";
  EXPECT_EQ(offer.error().code, "bad_offer");
  return offer.error().message;
}

LocalMedia local_for(const Offer& offer) {
  return draw_local_media(offer, draw_credentials(WorkerIndex{3}), tracks);
}

MediaAddress address() {
  return {WorkerIndex{3},
          {*SocketAddress::parse("192.0.2.1:3478"), *SocketAddress::parse("[2001:db8::1]:3478")},
          {*SocketAddress::parse("192.0.2.1:443")},
          {transport::Fingerprint::Hash::sha256, std::vector<std::uint8_t>(32, 0xab)}};
}

sdp::Session answer_to(const Offer& offer, const LocalMedia& local) {
  auto answer = sdp::parse(write_answer(offer, local, address()));
  EXPECT_TRUE(answer) << answer.error().message;
  return *answer;
}

// "VP8 96 97" for each codec.
std::vector<std::string> list(const std::vector<rtp::Codec>& codecs) {
  constexpr std::array<std::string_view, 6> names = {"opus", "red", "VP8", "VP9", "AV1", "H264"};
  std::vector<std::string> texts;
  for (const rtp::Codec& codec : codecs)
    texts.push_back(
        fmt::format("{}{} {} {}", names[static_cast<std::size_t>(codec.key.name)],
                    codec.key.profile == 0 ? "" : fmt::format("/{:x}", codec.key.profile),
                    codec.payload_type, codec.rtx_payload_type.value_or(0)));
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Negotiation, OfferOfChromium) {
  const Offer offer = good(file("chromium"));
  EXPECT_EQ(offer.person_slots, 3);
  EXPECT_EQ(offer.remote.ufrag.size(), 4U);
  EXPECT_EQ(offer.remote.password.size(), 24U);
  EXPECT_EQ(offer.fingerprint.digest.size(), 32U);
  EXPECT_EQ(list(offer.audio_codecs), (Texts{"opus 111 0", "red 63 0"}));
  EXPECT_EQ(list(offer.video_codecs), (Texts{"VP8 96 97", "VP9 98 99", "AV1 45 46",
                                             "H264/42e001 108 109", "H264/42e000 114 115"}));
  EXPECT_EQ(offer.audio_extensions[Extension::audio_level], 1);
  EXPECT_EQ(offer.audio_extensions[Extension::transport_cc], 3);
  EXPECT_EQ(offer.audio_extensions[Extension::mid], 4);
  EXPECT_EQ(offer.audio_extensions[Extension::abs_send_time], 0);
  EXPECT_EQ(offer.video_extensions[Extension::abs_send_time], 2);
  EXPECT_EQ(offer.video_extensions[Extension::video_orientation], 13);
  EXPECT_EQ(offer.video_extensions[Extension::playout_delay], 5);
  EXPECT_EQ(offer.video_extensions[Extension::content_type], 6);
  EXPECT_EQ(offer.video_extensions[Extension::rid], 10);
  EXPECT_EQ(offer.audio_extensions[Extension::rid], 0);
  EXPECT_EQ(offer.video_extensions[Extension::audio_level], 0);
}

TEST(Negotiation, OfferOfFirefox) {
  const Offer offer = good(file("firefox"));
  EXPECT_EQ(offer.person_slots, 3);
  EXPECT_EQ(list(offer.audio_codecs), Texts{"opus 109 0"});
  EXPECT_EQ(list(offer.video_codecs), (Texts{"VP8 120 124", "VP9 121 125", "AV1 99 100"}));
  EXPECT_EQ(offer.audio_extensions[Extension::mid], 3);
  EXPECT_EQ(offer.video_extensions[Extension::mid], 3);
  EXPECT_EQ(offer.video_extensions[Extension::transport_cc], 7);
}

TEST(Negotiation, TheDescriptionNumbersTracksAndSlots) {
  for (const std::string_view name : {"chromium", "firefox"}) {
    const Offer offer = good(file(name));
    const LocalMedia local = local_for(offer);
    const sfu::MediaDescription media = describe_media(offer, local);
    ASSERT_EQ(media.up.size(), 4U);
    EXPECT_EQ(media.up[0], (sfu::UpMedia{"0", TrackId{11}, rtp::MediaKind::audio, true}));
    EXPECT_EQ(media.up[2], (sfu::UpMedia{"2", TrackId{13}, rtp::MediaKind::video, false, true}));
    EXPECT_EQ(media.up[3], (sfu::UpMedia{"3", TrackId{14}, rtp::MediaKind::audio, false}));
    ASSERT_EQ(media.down.size(), down_track_count(3));
    std::set<std::uint32_t> ssrcs;
    for (std::size_t slot = 0; slot < media.down.size(); ++slot) {
      const sfu::DownMedia& down = media.down[slot];
      const bool video = slot < 6 ? slot % 2 == 1 : slot == 6;
      EXPECT_EQ(down.slot, slot);
      EXPECT_EQ(down.mid, std::to_string(slot + 4));
      EXPECT_EQ(down.kind == rtp::MediaKind::video, video);
      EXPECT_EQ(down.rtx_ssrc != 0, video);
      EXPECT_TRUE(ssrcs.insert(down.ssrc).second);
      EXPECT_TRUE(!video || ssrcs.insert(down.rtx_ssrc).second);
    }
    EXPECT_EQ(ssrcs.count(0), 0U);
    EXPECT_EQ(media.cname.size(), 16U);
  }
}

TEST(Negotiation, TheAnswerMirrorsTheOffer) {
  for (const std::string_view name : {"chromium", "firefox"}) {
    const Offer offer = good(file(name));
    const LocalMedia local = local_for(offer);
    const sdp::Session answer = answer_to(offer, local);
    EXPECT_TRUE(answer.ice_lite);
    EXPECT_TRUE(answer.extmap_allow_mixed);
    EXPECT_EQ(answer.bundles, offer.session.bundles);
    EXPECT_EQ(answer.transport.ufrag, local.credentials.ufrag);
    EXPECT_EQ(answer.transport.password, local.credentials.password);
    EXPECT_EQ(answer.transport.setup, sdp::Setup::passive);
    EXPECT_EQ(answer.transport.ice_options, Texts{"ice2"});
    ASSERT_EQ(answer.media.size(), offer.session.media.size());
    for (std::size_t i = 0; i < answer.media.size(); ++i) {
      const sdp::Media& media = answer.media[i];
      EXPECT_EQ(media.mid, offer.session.media[i].mid);
      EXPECT_EQ(media.kind, offer.session.media[i].kind);
      EXPECT_EQ(media.port, 9);
      EXPECT_TRUE(media.rtcp_mux);
      EXPECT_EQ(media.direction, i < 4 ? sdp::Direction::recvonly : sdp::Direction::sendonly);
      EXPECT_EQ(media.sources.size(), i < 4 ? 0U : media.kind == "video" ? 2U : 1U);
      EXPECT_EQ(media.source_groups.size(), i >= 4 && media.kind == "video" ? 1U : 0U);
      // Neither browser may wrap its video in RED or spend bits on FEC.
      for (const sdp::Format& format : media.formats)
        EXPECT_TRUE(format.encoding != "ulpfec" && format.encoding != "flexfec-03" &&
                    (media.kind == "audio" || format.encoding != "red"));
    }
    EXPECT_EQ(answer.media[4].msid, "person-0 person-0-audio");
    EXPECT_EQ(answer.media[9].msid, "person-2 person-2-video");
    EXPECT_EQ(answer.media[10].msid, "screen screen-video");
    EXPECT_EQ(answer.media[11].msid, "screen screen-audio");
  }
}

TEST(Negotiation, TheAnswerHasTheCandidatesOnce) {
  const Offer offer = good(file("chromium"));
  const std::string text = write_answer(offer, local_for(offer), address());
  EXPECT_TRUE(
      text.contains("a=mid:0\r\na=recvonly\r\n"
                    "a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host\r\n"
                    "a=candidate:2 1 udp 2130706175 2001:db8::1 3478 typ host\r\n"
                    "a=candidate:3 1 tcp 1520435199 192.0.2.1 443 typ host tcptype passive\r\n"
                    "a=end-of-candidates\r\n"))
      << text;
  EXPECT_EQ(text.find("a=end-of-candidates"), text.rfind("a=end-of-candidates"));
  EXPECT_TRUE(text.contains("a=fingerprint:sha-256 AB:AB:"));
}

TEST(Negotiation, FormatsOfTheAnswer) {
  const Offer offer = good(file("chromium"));
  const std::string text = write_answer(offer, local_for(offer), address());
  EXPECT_TRUE(text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"));
  EXPECT_TRUE(
      text.contains("a=rtpmap:111 opus/48000/2\r\n"
                    "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n"
                    "a=rtcp-fb:111 transport-cc\r\n"
                    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"));
  EXPECT_TRUE(
      text.contains("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\n"
                    "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
                    "a=rtcp-fb:96 ccm fir\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"));
  EXPECT_FALSE(text.contains("goog-remb"));
  const sdp::Session answer = *sdp::parse(text);
  for (const std::size_t line : {3U, 11U})
    EXPECT_EQ(answer.media[line].formats[0].parameters,
              "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000");
  // Firefox's limits for what it receives are not limits for what it sends.
  EXPECT_FALSE(write_answer(good(file("firefox")), local_for(good(file("firefox"))), address())
                   .contains("max-fs"));
}

TEST(Negotiation, TheClientSaysWhetherItSendsSoundRedundantly) {
  const std::string plain = file("chromium");
  const Offer first = good(plain);
  LocalMedia local = local_for(first);
  // The first m-line is the microphone.
  std::string text = plain;
  const std::size_t at = text.find(" 111 63 ");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 8, " 63 111 ");
  const Offer second = good(text);
  EXPECT_TRUE(repeats(describe_media(first, local), describe_media(second, local)));
  const sdp::Session answer = answer_to(second, local);
  EXPECT_EQ(answer.media[0].formats[0].encoding, "red");
  EXPECT_EQ(answer.media[0].formats[1].encoding, "opus");
  EXPECT_EQ(answer.media[3].formats[0].encoding, "opus") << "each m-line for itself";
}

TEST(Negotiation, NoNackForSound) {
  const std::string offer = replaced(file("chromium"), "a=rtcp-fb:111 transport-cc\r\n",
                                     "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\n");
  const sdp::Session answer = answer_to(good(offer), local_for(good(offer)));
  EXPECT_EQ(answer.media[0].formats[0].feedback, (Texts{"transport-cc"})) << "sound has no RTX";
}

TEST(Negotiation, ExtensionsGoOneWayWhereTheOfferSaysSo) {
  const Offer offer = good(file("firefox"));
  const sdp::Session answer = answer_to(offer, local_for(offer));
  const auto playout_delay = [&](std::size_t line) {
    for (const sdp::ExtensionMap& map : answer.media[line].extensions) {
      if (map.uri.ends_with("/playout-delay")) return map.direction;
    }
    return std::optional(sdp::Direction::inactive);
  };
  // Firefox offers it recvonly.
  EXPECT_EQ(playout_delay(1), sdp::Direction::inactive);
  EXPECT_EQ(playout_delay(5), sdp::Direction::sendonly);
}

TEST(Negotiation, ExtensionIdsBeyondTheOneByteHeaderAreLeftOut) {
  std::string text = file("chromium");
  for (std::size_t at = 0; (at = text.find("a=extmap:13 ", at)) != std::string::npos;)
    text.replace(at, 12, "a=extmap:15 ");
  EXPECT_EQ(good(text).video_extensions[Extension::video_orientation], 0);
}

TEST(Negotiation, ThePolicyOrdersAndExcludesCodecs) {
  const std::string text = file("chromium");
  EXPECT_EQ(list(good(text, {{CodecName::h264, CodecName::av1}, false}).video_codecs),
            (Texts{"H264/42e001 108 109", "H264/42e000 114 115", "AV1 45 46"}));
  const Offer plain = good(text, {{CodecName::vp9}, false});
  EXPECT_EQ(list(plain.video_codecs), Texts{"VP9 98 99"});
  EXPECT_EQ(list(plain.audio_codecs), Texts{"opus 111 0"});
  EXPECT_EQ(answer_to(plain, local_for(plain)).media[1].formats.size(), 2U);
  EXPECT_EQ(error_of(file("firefox"), {{CodecName::h264}, true}),
            "m-line 1 (the camera) has no codec that this server accepts (H264).");
}

TEST(Negotiation, OfH264OnlyConstrainedBaseline) {
  const std::string_view from = "packetization-mode=1;profile-level-id=42e01f";
  const auto codecs = [&](std::string_view to) {
    std::string text = file("chromium");
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;)
      text.replace(at, from.size(), to);
    return list(good(text).video_codecs);
  };
  const auto has = [&](std::string_view to) {
    const Texts texts = codecs(to);
    return std::ranges::find(texts, "H264/42e001 108 109") != texts.end();
  };
  EXPECT_TRUE(has("packetization-mode=1;profile-level-id=42c00b"));
  EXPECT_FALSE(has("packetization-mode=1;profile-level-id=64001f"));
  EXPECT_FALSE(has("packetization-mode=2;profile-level-id=42e01f"));
  EXPECT_FALSE(has("packetization-mode=1;profile-level-id=42e0"));
  EXPECT_FALSE(has("packetization-mode=1;profile-level-id=x2e01f"));
}

TEST(Negotiation, AnIceRestartDescribesTheSameMedia) {
  for (const std::string_view name : {"chromium", "firefox"}) {
    const Offer first = good(file(name));
    const Offer second = good(file(fmt::format("{}.restart", name)));
    EXPECT_NE(first.remote, second.remote);
    EXPECT_EQ(first.fingerprint, second.fingerprint);
    const LocalMedia local = local_for(first);
    EXPECT_TRUE(repeats(describe_media(first, local), describe_media(second, local))) << name;
  }
}

TEST(Negotiation, SsrcsAreNotThoseOfTheOffer) {
  const Offer offer = good(file("chromium"));
  std::set<std::uint32_t> theirs;
  for (const sdp::Media& media : offer.session.media)
    for (const sdp::Source& source : media.sources) theirs.insert(source.ssrc);
  ASSERT_FALSE(theirs.empty());
  for (const LocalMedia::Ssrcs& ours : local_for(offer).ssrcs) {
    EXPECT_FALSE(theirs.contains(ours.media));
    EXPECT_FALSE(theirs.contains(ours.rtx));
  }
}

// Chromium's offer with its first person slot `count` times, and `further` times behind the screen.
std::string with_slots(std::size_t count, std::size_t further = 0) {
  const std::string text = file("chromium");
  std::vector<std::size_t> starts;
  for (std::size_t at = text.find("\nm="); at != std::string::npos; at = text.find("\nm=", at + 1))
    starts.push_back(at + 1);
  std::string out = text.substr(0, starts[0]);
  std::string group;
  std::size_t mid = 0;
  const auto add = [&](std::size_t line) {
    const std::size_t end = line + 1 < starts.size() ? starts[line + 1] : text.size();
    const std::string name = std::to_string(mid++);
    out += replaced(text.substr(starts[line], end - starts[line]), fmt::format("a=mid:{}\r", line),
                    fmt::format("a=mid:{}\r", name));
    group += " " + name;
  };
  for (std::size_t line = 0; line < 4; ++line) add(line);
  const auto people = [&](std::size_t slots) {
    for (std::size_t i = 0; i < slots; ++i) {
      add(4);
      add(5);
    }
  };
  people(count);
  add(starts.size() - 2);
  add(starts.size() - 1);
  people(further);
  const std::size_t at = out.find("a=group:BUNDLE");
  return out.replace(at, out.find('\r', at) - at, "a=group:BUNDLE" + group);
}

TEST(Negotiation, PersonSlotsHaveALimit) {
  EXPECT_EQ(good(with_slots(0)).person_slots, 0);
  EXPECT_EQ(good(with_slots(24)).person_slots, 24);
  EXPECT_EQ(error_of(with_slots(25)),
            "The offer has 56 m-lines, expected 6 + 2P with P from 0 to 24.");
  const Offer offer = good(with_slots(0));
  EXPECT_EQ(answer_to(offer, local_for(offer)).media[4].msid, "screen screen-video");
}

// What the server allows by default: of a page of 49 everybody sees all the others.
TEST(Negotiation, APageOfFortyNineIsWithinAllLimits) {
  const Limits limits;
  ASSERT_EQ(limits.person_slots, 48);
  // A phone begins with four, a desktop with eight, and whoever comes last with all.
  for (const std::size_t first : {4U, 8U, 48U}) {
    const std::string text = with_slots(first, limits.person_slots - first);
    const auto offer = read_offer(text, policy, limits.person_slots);
    ASSERT_TRUE(offer) << offer.error().message;
    EXPECT_EQ(offer->person_slots, 48);
    EXPECT_EQ(offer->screen_line, 4 + 2 * first);
    // As JSON they are a little longer: each line ends with two more characters.
    const auto fits = [&](const std::string& sdp) {
      const auto lines = static_cast<std::size_t>(std::ranges::count(sdp, '\n'));
      return sdp.size() + 2 * lines + 100 < limits.message_bytes;
    };
    EXPECT_TRUE(fits(text)) << text.size();
    const LocalMedia local = local_for(*offer);
    EXPECT_TRUE(fits(write_answer(*offer, local, address()))) << "the answer";
    ASSERT_EQ(local.ssrcs.size(), down_track_count(48));
    std::set<std::uint32_t> ssrcs;
    for (const LocalMedia::Ssrcs& ours : local.ssrcs) {
      ssrcs.insert(ours.media);
      if (ours.rtx != 0) ssrcs.insert(ours.rtx);
    }
    EXPECT_EQ(ssrcs.size(), 3U * 49) << "each once, video with one for repetitions";
  }
  EXPECT_FALSE(read_offer(with_slots(8, 41), policy, limits.person_slots));
}

TEST(Negotiation, FurtherPersonSlotsComeBehindTheScreen) {
  const Offer first = good(with_slots(2));
  const Offer offer = good(with_slots(2, 3));
  EXPECT_EQ(offer.person_slots, 5);
  EXPECT_EQ(offer.screen_line, 8U);
  EXPECT_EQ(offer.screen_line, first.screen_line);
  EXPECT_EQ(error_of(with_slots(20, 5)),
            "The offer has 56 m-lines, expected 6 + 2P with P from 0 to 24.");
  LocalMedia local = local_for(first);
  const sfu::MediaDescription before = describe_media(first, local);
  extend_local_media(offer, local);
  sfu::MediaDescription after = describe_media(offer, local);
  ASSERT_EQ(after.down.size(), down_track_count(5));
  const auto mid = [&](std::size_t down) { return after.down[down].mid; };
  EXPECT_EQ(mid(person_down_track(1, offer.screen_line)), "6");
  EXPECT_EQ(mid(screen_down_track(offer.screen_line)), "8");
  EXPECT_EQ(mid(person_down_track(2, offer.screen_line)), "10");
  EXPECT_EQ(mid(person_down_track(4, offer.screen_line)), "14");
  std::set<std::uint32_t> ssrcs;
  for (const sfu::DownMedia& down : after.down) ssrcs.insert(down.ssrc);
  EXPECT_EQ(ssrcs.size(), after.down.size());
  const sdp::Session answer = answer_to(offer, local);
  EXPECT_EQ(answer.media[7].msid, "person-1 person-1-video");
  EXPECT_EQ(answer.media[8].msid, "screen screen-video");
  EXPECT_EQ(answer.media[10].msid, "person-2 person-2-audio");
  EXPECT_EQ(answer.media[15].msid, "person-4 person-4-video");
  after.down.resize(before.down.size());
  EXPECT_EQ(after, before);
}

TEST(Negotiation, AWrongOfferSaysWhichLineAndWhatIsExpected) {
  const std::string text = file("chromium");
  EXPECT_TRUE(error_of("").starts_with("The SDP is malformed: "));
  EXPECT_TRUE(error_of(replaced(text, "o=-", "o=")).contains("line 2"));
  EXPECT_EQ(error_of(replaced(text, "a=sendonly", "a=sendrecv")),
            "m-line 0 is audio sendrecv, expected audio sendonly (the microphone).");
  EXPECT_EQ(error_of(replaced(text, "a=recvonly", "a=sendonly")),
            "m-line 4 is audio sendonly, expected audio recvonly (person slot 0).");
  EXPECT_EQ(error_of(replaced(text, "m=video", "m=audio")),
            "m-line 1 is audio sendonly, expected video sendonly (the camera).");
  EXPECT_EQ(error_of(replaced(text, "UDP/TLS/RTP/SAVPF", "RTP/AVP")),
            "m-line 0 (the microphone) must have protocol UDP/TLS/RTP/SAVPF.");
  EXPECT_EQ(error_of(replaced(text, "m=audio 9 ", "m=audio 0 ")),
            "m-line 0 (the microphone) is stopped: make a new RTCPeerConnection instead.");
  EXPECT_EQ(error_of(replaced(text, "a=rtcp-mux\r\n", "")),
            "m-line 0 (the microphone) needs rtcp-mux.");
  EXPECT_EQ(error_of(without_lines(text, "a=mid:0\r")),
            "m-line 0 (the microphone) needs a mid of 1 to 16 characters.");
  EXPECT_NE(error_of(replaced(text, "a=mid:0\r", "a=mid:12345678901234567\r")), "");
  EXPECT_NE(error_of(replaced(text, "a=mid:0\r", "a=mid:a b\r")), "");
  EXPECT_EQ(error_of(replaced(text, "a=mid:0\r", "a=mid:1\r")), "m-line 1: mid 1 is there twice.");
  EXPECT_EQ(error_of(without_lines(text, "a=group")), "The offer needs one BUNDLE group.");
  EXPECT_EQ(error_of(replaced(text, "BUNDLE 0 1", "BUNDLE 0")),
            "The BUNDLE group must hold every m-line once.");
  EXPECT_EQ(error_of(replaced(text, "BUNDLE 0 1", "BUNDLE 0 0")),
            "The BUNDLE group must hold every m-line once.");
  EXPECT_EQ(error_of(without_lines(text, "a=fingerprint")),
            "The offer needs a fingerprint by sha-256, sha-384 or sha-512.");
  EXPECT_NE(error_of(replaced(text, "sha-256", "md5")), "");
  EXPECT_TRUE(error_of(without_lines(text, "a=ice-ufrag")).contains("ice-ufrag"));
  EXPECT_TRUE(error_of(without_lines(text, "a=ice-pwd")).contains("ice-pwd"));
  EXPECT_TRUE(error_of(replaced(text, "setup:actpass", "setup:passive")).contains("setup"));
  EXPECT_EQ(error_of(without_lines(text, "a=rtpmap:111 ")),
            "m-line 0 (the microphone) has no codec that this server accepts (opus).");
}

TEST(Negotiation, PayloadTypesHaveOneMeaningInTheWholeBundle) {
  std::string text = file("chromium");
  // VP8 as 98 and VP9 as 96 in the second video m-line only.
  const std::size_t at = text.find("m=video", text.find("m=video") + 1);
  std::string second = text.substr(at);
  second = replaced(second, "a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000");
  second = replaced(second, "a=rtpmap:98 VP9/90000", "a=rtpmap:98 VP8/90000");
  EXPECT_EQ(error_of(text.substr(0, at) + second),
            "m-line 2 (the screen): VP8 has payload type 98 here and 96 before.");
}

TEST(Negotiation, PayloadTypesThatWouldLookLikeRtcpAreLeftOut) {
  std::string text = file("firefox");
  for (const auto& [from, to] : {std::pair("120 124 121", "66 124 121"), {":120 ", ":66 "}}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;)
      text.replace(at, std::string_view(from).size(), to);
  }
  EXPECT_EQ(list(good(text).video_codecs), (Texts{"VP9 121 125", "AV1 99 100"}));
}

// ── WHIP and WHEP ──

std::string whip_error(std::string_view sdp, Role role = Role::publisher) {
  const auto offer = read_offer(sdp, policy, role);
  return offer ? "" : fmt::format("{}: {}", offer.error().code, offer.error().message);
}

const std::string publishing = test_whip_offer(1, "sendonly");
const std::string watching = test_whip_offer(1, "recvonly");

TEST(Negotiation, APublisherSendsSoundAndPicture) {
  for (const std::string_view direction : {"sendonly", "sendrecv"}) {
    const auto offer = read_offer(test_whip_offer(1, direction), policy, Role::publisher);
    ASSERT_TRUE(offer) << offer.error().message;
    const LocalMedia local = local_for(*offer);
    const sfu::MediaDescription media = describe_media(*offer, local);
    ASSERT_EQ(media.up.size(), 2U);
    EXPECT_TRUE(media.down.empty());
    EXPECT_EQ(media.up[0], (sfu::UpMedia{"0", TrackId{11}, rtp::MediaKind::audio, true}));
    EXPECT_EQ(media.up[1], (sfu::UpMedia{"1", TrackId{12}, rtp::MediaKind::video}));
    const sdp::Session answer = answer_to(*offer, local);
    ASSERT_EQ(answer.media.size(), 2U);
    for (const sdp::Media& line : answer.media) {
      EXPECT_EQ(line.direction, sdp::Direction::recvonly);
      EXPECT_TRUE(line.sources.empty());
      EXPECT_EQ(line.transport.setup, sdp::Setup::passive);
      EXPECT_EQ(line.transport.ufrag, local.credentials.ufrag);
      EXPECT_EQ(line.transport.fingerprints.size(), 1U);
    }
    EXPECT_TRUE(answer.ice_lite);
    EXPECT_FALSE(answer.transport.setup) << "each m-line says it: GStreamer needs that";
    EXPECT_TRUE(write_answer(*offer, local, address()).contains("a=end-of-candidates"));
  }
}

TEST(Negotiation, AViewerReceivesThemInOneStream) {
  const auto offer = read_offer(watching, policy, Role::viewer);
  ASSERT_TRUE(offer) << offer.error().message;
  const LocalMedia local = local_for(*offer);
  const sfu::MediaDescription media = describe_media(*offer, local);
  EXPECT_TRUE(media.up.empty());
  ASSERT_EQ(media.down.size(), 2U);
  EXPECT_EQ(media.down[1].slot, 1);
  EXPECT_NE(media.down[1].rtx_ssrc, 0U);
  const sdp::Session answer = answer_to(*offer, local);
  ASSERT_EQ(answer.media.size(), 2U);
  EXPECT_EQ(answer.media[0].direction, sdp::Direction::sendonly);
  EXPECT_EQ(answer.media[0].msid, "watched watched-audio");
  EXPECT_EQ(answer.media[1].msid, "watched watched-video");
  EXPECT_EQ(answer.media[1].sources[0].ssrc, media.down[1].ssrc);
}

TEST(Negotiation, OneMediaLineNeedsNoGroup) {
  std::string sound = publishing.substr(0, publishing.find("m=video"));
  EXPECT_TRUE(whip_error(sound).contains("BUNDLE")) << "a group with what is not there";
  sound = replaced(sound, "a=group:BUNDLE 0 1\r\n", "");
  const auto offer = read_offer(sound, policy, Role::publisher);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(answer_to(*offer, local_for(*offer)).media.size(), 1U);
  EXPECT_TRUE(whip_error(replaced(publishing, "a=group:BUNDLE 0 1\r\n", "")).contains("BUNDLE"));
}

// RFC 9725 sections 4.2 and 4.4: 400, 406 and 422.
TEST(Negotiation, WhatAPublisherMayNotOffer) {
  const auto twice = [](std::string_view kind) {
    const std::size_t at = publishing.find(fmt::format("m={}", kind));
    return publishing + publishing.substr(at, publishing.find("m=", at + 1) - at);
  };
  EXPECT_TRUE(whip_error("").starts_with("bad_sdp"));
  EXPECT_TRUE(whip_error("v=0\r\nx").starts_with("bad_sdp"));
  EXPECT_TRUE(
      whip_error(publishing.substr(0, publishing.find("m="))).starts_with("not_acceptable"));
  EXPECT_TRUE(whip_error(twice("audio")).starts_with("not_acceptable"));
  EXPECT_TRUE(whip_error(twice("video")).starts_with("not_acceptable"));
  EXPECT_TRUE(
      whip_error(replaced(publishing, "m=video", "m=application")).starts_with("not_acceptable"));
  EXPECT_TRUE(whip_error(replaced(publishing, "VP8/90000", "H265/90000"))
                  .starts_with("not_acceptable: m-line 1 (the picture) has no codec"));
  EXPECT_TRUE(
      whip_error(watching).starts_with("bad_offer: m-line 0 is audio recvonly, expected "
                                       "audio sendonly"));
  EXPECT_TRUE(whip_error(publishing, Role::viewer).starts_with("bad_offer: m-line 0"));
  EXPECT_TRUE(whip_error(replaced(publishing, "actpass", "passive")).contains("setup:actpass"));
  EXPECT_TRUE(whip_error(replaced(publishing, "a=rtcp-mux\r\n", "")).contains("rtcp-mux"));
}

// OBS Studio names a profile that it may not keep to; what it names is what it is answered.
TEST(Negotiation, APublisherMaySendAnyProfileOfH264) {
  for (const std::string_view profile : {"42e01f", "42001f", "4d001f", "640c1f", "64001f"}) {
    const std::string sdp = replaced(
        replaced(publishing, "VP8/90000", "H264/90000"), "a=rtcp-fb:96 nack\r\n",
        fmt::format("a=fmtp:96 profile-level-id={};packetization-mode=1;level-asymmetry-allowed=1"
                    "\r\n",
                    profile));
    const auto offer = read_offer(sdp, policy, Role::publisher);
    ASSERT_TRUE(offer) << offer.error().message;
    EXPECT_EQ(list(offer->video_codecs), (Texts{"H264/42e001 96 97"}));
    const sdp::Session answer = answer_to(*offer, local_for(*offer));
    EXPECT_EQ(answer.media[1].formats[0].parameter("profile-level-id"), profile);
  }
}

TEST(Negotiation, ThePublishersRidsStayInItsOrder) {
  const auto offer = read_offer(
      publishing + "a=rid:0 send\r\na=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 0;1;2\r\n",
      policy, Role::publisher);
  ASSERT_TRUE(offer) << offer.error().message;
  const LocalMedia local = local_for(*offer);
  EXPECT_EQ(describe_media(*offer, local).up[1].rids, (Texts{"0", "1", "2"}));
  EXPECT_EQ(answer_to(*offer, local).media[1].recv_rids, (Texts{"0", "1", "2"}));
}

TEST(Negotiation, AnswersAnIceRestartWithAFragment) {
  const auto offer = read_offer(publishing, policy, Role::publisher);
  ASSERT_TRUE(offer);
  const LocalMedia local = local_for(*offer);
  const std::string text = write_restart(local, address());
  EXPECT_TRUE(text.contains("a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host\r\n")) << text;
  EXPECT_TRUE(text.ends_with("a=end-of-candidates\r\n"));
  const auto fragment = sdp::parse_fragment(text);
  ASSERT_TRUE(fragment) << fragment.error().message;
  EXPECT_TRUE(fragment->ice_lite);
  ASSERT_EQ(fragment->media.size(), 1U);
  EXPECT_EQ(fragment->media[0].mid, "0");
  EXPECT_EQ(fragment->media[0].transport.ufrag, local.credentials.ufrag);
  EXPECT_EQ(fragment->media[0].transport.password, local.credentials.password);
}

}  // namespace
}  // namespace liaison::signaling
