#include "sfu/downlink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "rtcp/compound.hpp"
#include "rtp/extension.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtx.hpp"
#include "sfu/twcc_feedback.hpp"
#include "transport/certificate.hpp"
#include "transport/connector.hpp"
#include "transport/demux.hpp"
#include "transport/test_clock.hpp"

namespace liaison::sfu {
namespace {

using rtp::CodecName;
using rtp::Extension;
using rtp::MediaKind;
using transport::DatagramKind;

constexpr std::uint8_t transport_cc_id = 3;
const std::vector<rtp::Codec> audio_codecs = {{{CodecName::opus, 0}, 111, std::nullopt, 48'000}};
const std::vector<rtp::Codec> video_codecs = {{{CodecName::vp8, 0}, 96, 97, 90'000}};

const transport::Certificate& certificate() {
  static const transport::Certificate made =
      transport::generate_certificate(UnixTime(seconds(1'767'225'600)));
  return made;
}

constexpr std::uint32_t audio_ssrc(std::uint16_t pair) { return 1000U + 10U * pair; }
constexpr std::uint32_t video_ssrc(std::uint16_t pair) { return 1001U + 10U * pair; }
constexpr std::uint32_t rtx_ssrc(std::uint16_t pair) { return 1002U + 10U * pair; }

// Pairs of slots: audio in 2 n, video in 2 n + 1.
MediaDescription pairs_of_slots(std::uint16_t pairs, bool feedback = true, bool rtx = true) {
  MediaDescription media{.up = {},
                         .down = {},
                         .audio_codecs = audio_codecs,
                         .video_codecs = video_codecs,
                         .audio_extensions = {},
                         .video_extensions = {},
                         .cname = "server"};
  // As Firefox: its sound has no numbers.
  if (feedback) media.video_extensions[Extension::transport_cc] = transport_cc_id;
  for (std::uint16_t n = 0; n < pairs; ++n) {
    const auto slot = static_cast<std::uint16_t>(2 * n);
    media.down.push_back({std::to_string(slot), slot, MediaKind::audio, audio_ssrc(n), 0});
    media.down.push_back({std::to_string(slot + 1), static_cast<std::uint16_t>(slot + 1),
                          MediaKind::video, video_ssrc(n), rtx ? rtx_ssrc(n) : 0});
  }
  return media;
}

// What somebody publishes on one m-line.
class Publisher {
 public:
  Publisher(PacketPool& pool, MediaKind kind, std::uint64_t id, std::vector<std::string> rids = {})
      : pool_(pool),
        track(UpMedia{.mid = "1",
                      .track = {id},
                      .kind = kind,
                      .speech = kind == MediaKind::audio,
                      .screen = false,
                      .rids = std::move(rids)}) {
    std::uint32_t ssrc = 1;
    for (UpEncoding& encoding : track.encodings()) encoding.learn_ssrc(ssrc++);
    track.set_active(true);
  }

  // One packet, which is a whole frame of VP8.
  const ReceivedPacket& video(bool key, Instant now, std::size_t size = 1000,
                              std::uint8_t temporal = 0, std::uint8_t encoding = 0) {
    ++picture_id_;
    std::vector<std::uint8_t> payload(size, 7);
    payload[0] = 0x90;  // X, S
    payload[1] = 0xe0;  // I, L, T
    payload[2] = static_cast<std::uint8_t>(0x80 | (picture_id_ >> 8 & 0x7f));
    payload[3] = static_cast<std::uint8_t>(picture_id_);
    payload[4] = static_cast<std::uint8_t>(picture_id_);  // TL0PICIDX
    payload[5] = static_cast<std::uint8_t>(temporal << 6 | 0x20);
    payload[6] = key ? 0x00 : 0x01;  // P
    timestamp_ += 3000;
    return take_in(payload, video_codecs[0], encoding, now);
  }
  const ReceivedPacket& audio(Instant now, std::size_t size = 100) {
    timestamp_ += 960;
    return take_in(std::vector<std::uint8_t>(size, 7), audio_codecs[0], 0, now);
  }
  void lose() { ++seq_[0]; }

 private:
  const ReceivedPacket& take_in(const std::vector<std::uint8_t>& payload, const rtp::Codec& codec,
                                std::uint8_t encoding, Instant now) {
    Packet packet = pool_.take();
    EXPECT_TRUE(packet);
    packet.resize(12 + payload.size());
    rtp::write_header(packet.bytes(), {.marker = marker,
                                       .payload_type = codec.payload_type,
                                       .sequence = seq_[encoding]++,
                                       .timestamp = timestamp_,
                                       .ssrc = encoding + 1U});
    std::ranges::copy(payload, packet.bytes().subspan(12).begin());
    const auto view = rtp::PacketView::parse(std::as_const(packet).bytes());
    const auto accepted =
        track.encodings()[encoding].accept(*view, std::move(packet), false, codec, {}, now);
    EXPECT_TRUE(accepted);
    return **accepted;
  }

  PacketPool& pool_;
  std::array<std::uint16_t, 3> seq_ = {100, 100, 100};
  std::uint32_t timestamp_ = 90'000;
  std::uint16_t picture_id_ = 300;

 public:
  UpTrack track;
  bool marker = true;  // of what comes: it ends a frame
};

struct Got {
  Instant at;
  std::vector<std::uint8_t> bytes;
  rtp::PacketView view() const { return *rtp::PacketView::parse(bytes); }
  std::optional<std::uint16_t> number() const {
    const auto value = rtp::find_extension(view(), transport_cc_id);
    return value ? rtp::read_transport_sequence(*value) : std::nullopt;
  }
};

// A subscriber at the end of a wire that delays nothing, and two people who publish.
class DownlinkTest : public testing::Test {
 protected:
  DownlinkTest()
      : server_(certificate()),
        transport(server_,
                  {.local = server_credentials,
                   .remote_ufrag = client_credentials.ufrag,
                   .remote_fingerprint = certificate().fingerprint},
                  now),
        client({.local = client_credentials,
                .remote = server_credentials,
                .remote_fingerprint = certificate().fingerprint},
               certificate()),
        link(transport, now) {
    transport::set_test_clock(now);
  }

  // With `pairs` of slots; the first two carry the two publishers, whose video may pass.
  void open(const MediaDescription& media = pairs_of_slots(2)) {
    link.update(media, now);
    for (const auto& [slot, publisher] :
         {std::pair{0, &voice}, {1, &camera}, {2, &other_voice}, {3, &other_camera}}) {
      if (static_cast<std::size_t>(slot) >= link.tracks().size()) continue;
      DownTrack& track = link.tracks()[static_cast<std::size_t>(slot)];
      track.assign(publisher->track.media().track, track.video() ? video_codecs : audio_codecs);
      if (track.video()) track.set_target(Layer{0, 0, 3});
    }
  }
  void connect() {
    client.add_path(path, now);
    for (int i = 0; i < 500 && !(client.connected() && !transport.obstacle(now)); ++i)
      step(milliseconds(10));
    ASSERT_FALSE(transport.obstacle(now));
  }
  void open_and_connect(const MediaDescription& media = pairs_of_slots(2)) {
    open(media);
    connect();
    // The probes of the start and what they leave behind.
    run(seconds(1));
    got.clear();
  }

  DownTrack& video(std::uint16_t pair = 0) {
    return *link.track(static_cast<std::uint16_t>(2 * pair + 1));
  }
  DownTrack& audio(std::uint16_t pair = 0) {
    return *link.track(static_cast<std::uint16_t>(2 * pair));
  }
  std::optional<Drop> forward(DownTrack& track, const ReceivedPacket& packet) {
    const auto drop = link.forward(track, packet, now, out);
    flush();
    return drop;
  }
  std::optional<Drop> frame(bool key = false, std::size_t size = 1000, std::uint8_t temporal = 0) {
    return forward(video(), camera.video(key, now, size, temporal));
  }
  // Frames of as much as makes others wait, the first of which is a key frame.
  void fill(std::size_t frames = 30) {
    for (std::size_t i = 0; i < frames; ++i) ASSERT_FALSE(frame(i == 0));
    ASSERT_LT(of(video_ssrc(0)).size(), frames);
  }

  // As many as take so long to leave at the estimate, and those that leave at once.
  std::size_t frames_of(Duration time) {
    const double bits =
        static_cast<double>(*link.estimate()) * std::chrono::duration<double>(time).count();
    return static_cast<std::size_t>(bits / 8 / 1000) + 1;
  }

  void run(Duration duration) {
    for (const Instant end = now + duration; now < end;)
      step(std::min<Duration>(milliseconds(1), end - now));
  }
  // To when the downlink is next to do something, but not further than this.
  void step(Duration most) {
    const Instant due = link.deadline();
    now = due > now ? std::min(due, now + most) : now + most;
    transport::set_test_clock(now);
    if (transport.deadline() <= now) transport.tick(now, out.transport);
    if (client.deadline() <= now && !gone) {
      client.tick(now, client_out_);
      to_server();
    }
    if (shares && link.allocation_due() <= now) link.allocated({}, now);
    if (link.deadline() <= now) tick();
    if (!answers || feedback_.deadline() > now) return;
    std::array<std::uint8_t, 1200> room;
    Writer writer(room);
    feedback_.write(writer, now);
    const auto compound = rtcp::Compound::parse(writer.written());
    ASSERT_TRUE(compound);
    for (const rtcp::PacketView packet : *compound)
      link.feedback(*rtcp::TransportFeedback::parse(packet), now);
  }
  void tick() {
    link.tick(now);
    link.send_waiting([&](const DownTrack& down) { return source_of(down); }, now, out);
    flush();
  }
  Downlink::Source source_of(const DownTrack& down) const {
    for (const Publisher* publisher : {&voice, &camera, &other_voice, &other_camera}) {
      if (publisher->track.media().track == down.track() && present) return &publisher->track;
    }
    return nullptr;
  }

  std::vector<Got> of(std::uint32_t ssrc) const {
    std::vector<Got> found;
    std::ranges::copy_if(got, std::back_inserter(found),
                         [&](const Got& packet) { return packet.view().ssrc() == ssrc; });
    return found;
  }
  void expect_continuous(const std::vector<Got>& packets) {
    for (std::size_t i = 1; i < packets.size(); ++i) {
      const auto next = static_cast<std::uint16_t>(packets[i - 1].view().sequence() + 1);
      EXPECT_EQ(packets[i].view().sequence(), next) << i;
      EXPECT_LT(packets[i].view().timestamp() - packets[i - 1].view().timestamp(), 1U << 31) << i;
    }
  }
  // Of the publisher, by what is written in it.
  static std::uint16_t sent_last(const std::vector<Got>& packets) {
    return packets.back().view().sequence();
  }

  Instant now = Instant{} + seconds(1000);
  PacketPool pool{8192};
  Publisher voice{pool, MediaKind::audio, 1};
  Publisher camera{pool, MediaKind::video, 2};
  Publisher other_voice{pool, MediaKind::audio, 3};
  Publisher other_camera{pool, MediaKind::video, 4};
  bool present = true;   // the publishers
  bool answers = true;   // with transport-wide feedback
  bool shares = false;   // the estimate is shared among nobody when that is due
  bool gone = false;     // the client says nothing at all
  int loses_one_in = 0;  // of the packets to it; 0 = none
  std::vector<Got> got;  // by the client, padding too

 private:
  void flush() {
    struct Datagram {
      transport::Path path;
      std::vector<std::uint8_t> bytes;
    };
    std::vector<Datagram> datagrams;
    for (const transport::Transmit& transmit : out.transport.transmits) {
      const Bytes bytes = out.transport.bytes(transmit);
      datagrams.push_back({transmit.path, {bytes.begin(), bytes.end()}});
    }
    out.clear();
    for (const Datagram& datagram : datagrams) {
      client.receive(datagram.path, datagram.bytes, now, client_out_);
      for (auto& packet : client.take_rtp()) {
        if (loses_one_in != 0 && ++arrived_ % loses_one_in == 0) continue;
        got.push_back({now, std::move(packet)});
        if (const auto number = got.back().number())
          feedback_.received(got.back().view().ssrc(), *number, got.back().bytes.size(), now);
      }
    }
    to_server();
  }
  void to_server() {
    std::vector<std::vector<std::uint8_t>> datagrams;
    for (const transport::Transmit& transmit : client_out_.transmits) {
      const Bytes bytes = client_out_.bytes(transmit);
      datagrams.emplace_back(bytes.begin(), bytes.end());
    }
    client_out_.clear();
    for (const auto& datagram : datagrams) {
      if (transport::classify(datagram) == DatagramKind::stun)
        (void)transport.receive_stun(path, datagram, now, out.transport);
      else if (transport::classify(datagram) == DatagramKind::dtls)
        transport.receive_dtls(path, datagram, now, out.transport);
    }
    if (!out.transport.transmits.empty()) flush();
  }

  const transport::IceCredentials server_credentials = {"serverufrag00001",
                                                        "serverpassword0000000000000001"};
  const transport::IceCredentials client_credentials = {"cufr", "clientpassword0000000001"};
  const transport::Path path = {{IpAddress::v4(10, 0, 0, 1), 5000}, IpAddress::v4(10, 0, 0, 2), 0};
  transport::DtlsServer server_;
  FeedbackSender feedback_{7};
  transport::Output client_out_;
  int arrived_ = 0;

 protected:
  transport::Transport transport;
  transport::Connector client;
  Downlink link;
  Output out;
};

// ── M-lines ──

TEST_F(DownlinkTest, TakesOverMediaLinesThatWereAdded) {
  EXPECT_EQ(link.track(0), nullptr);
  link.update(pairs_of_slots(1), now);
  ASSERT_EQ(link.tracks().size(), 2U);
  link.track(1)->assign({2}, video_codecs);
  link.update(pairs_of_slots(3), now);
  ASSERT_EQ(link.tracks().size(), 6U);
  EXPECT_EQ(link.track(1)->track(), TrackId{2}) << "those that are there stay as they are";
  EXPECT_TRUE(link.track(5)->video());
  EXPECT_FALSE(link.track(4)->video());
  EXPECT_EQ(link.track(6), nullptr);
  link.update(pairs_of_slots(1), now);
  EXPECT_EQ(link.tracks().size(), 6U) << "none is taken away";
}

TEST_F(DownlinkTest, FindsATrackByItsSsrc) {
  link.update(pairs_of_slots(2), now);
  EXPECT_EQ(link.track_of_ssrc(video_ssrc(1)), link.track(3));
  EXPECT_EQ(link.track_of_ssrc(audio_ssrc(0)), link.track(0));
  EXPECT_EQ(link.track_of_ssrc(rtx_ssrc(1)), nullptr) << "nobody speaks of a stream of repetitions";
  EXPECT_EQ(link.track_of_ssrc(0), nullptr);
}

// ── Packets ──

TEST_F(DownlinkTest, SaysWhyNothingCanBeSent) {
  open();
  EXPECT_EQ(frame(true), Drop::not_secure);
  EXPECT_EQ(forward(audio(), voice.audio(now)), Drop::not_secure);
  connect();
  got.clear();
  EXPECT_EQ(frame(), Drop::waiting_key_frame);
  EXPECT_FALSE(frame(true));
  run(milliseconds(100));
  EXPECT_EQ(of(video_ssrc(0)).size(), 1U);
}

TEST_F(DownlinkTest, BeginsAnewWhereAPartCouldNotBeSent) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  ASSERT_FALSE(frame());
  gone = true;
  now += seconds(11);
  EXPECT_EQ(frame(), Drop::no_path);
  EXPECT_FALSE(video().started());
  gone = false;
  run(seconds(3));
  EXPECT_EQ(frame(), Drop::waiting_key_frame);
  EXPECT_FALSE(frame(true));
  run(milliseconds(500));
  const auto packets = of(video_ssrc(0));
  EXPECT_EQ(packets.size(), 3U);
  expect_continuous(packets);
}

TEST_F(DownlinkTest, SendsAtOnceWhereTheClientDoesNotTellWhatArrives) {
  open_and_connect(pairs_of_slots(2, false));
  EXPECT_FALSE(link.estimate());
  EXPECT_EQ(link.video_budget(now), UINT64_MAX);
  for (int i = 0; i < 500; ++i) ASSERT_FALSE(frame(i == 0));
  EXPECT_EQ(of(video_ssrc(0)).size(), 500U);
  EXPECT_TRUE(of(rtx_ssrc(0)).empty()) << "and nothing is probed";
  for (const Got& packet : got) EXPECT_FALSE(packet.number());
}

TEST_F(DownlinkTest, LetsVideoWaitInOrder) {
  open_and_connect();
  fill(60);
  const std::size_t at_once = of(video_ssrc(0)).size();
  EXPECT_GE(at_once, Pacer::least_burst / 1000);
  EXPECT_LE(link.deadline(), now + milliseconds(20));
  run(milliseconds(100));
  EXPECT_GT(of(video_ssrc(0)).size(), at_once);
  run(seconds(1));
  const auto packets = of(video_ssrc(0));
  ASSERT_EQ(packets.size(), 60U);
  expect_continuous(packets);
  // No faster than a quarter above what the path is thought to carry, but for what is due at once.
  const auto rate = static_cast<double>(link.estimate().value_or(0)) * 1.25;
  const std::chrono::duration<double> took = packets.back().at - packets.front().at;
  EXPECT_LE(60'000 * 8, rate * took.count() + 8.0 * (Pacer::least_burst + 1200 + rate / 8 * 0.005));
}

TEST_F(DownlinkTest, NeverLetsSoundWait) {
  open_and_connect();
  fill();
  ASSERT_FALSE(forward(audio(), voice.audio(now)));
  ASSERT_FALSE(forward(audio(1), other_voice.audio(now)));
  EXPECT_EQ(of(audio_ssrc(0)).size(), 1U);
  EXPECT_EQ(of(audio_ssrc(1)).size(), 1U);
}

TEST_F(DownlinkTest, CountsSoundAgainstVideo) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  ASSERT_FALSE(frame());
  ASSERT_EQ(of(video_ssrc(0)).size(), 2U);
  // As much as may leave at once, of what does not wait.
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(forward(audio(), voice.audio(now, 1000)));
  EXPECT_EQ(of(audio_ssrc(0)).size(), 60U);
  ASSERT_FALSE(frame());
  EXPECT_EQ(of(video_ssrc(0)).size(), 2U);
  run(milliseconds(600));
  EXPECT_EQ(of(video_ssrc(0)).size(), 3U);
}

TEST_F(DownlinkTest, CountsAllThatLeaves) {
  open_and_connect();
  const auto before = link.totals();
  ASSERT_FALSE(frame(true));
  ASSERT_FALSE(forward(audio(), voice.audio(now)));
  EXPECT_EQ(link.totals().packets, before.packets + 2);
  EXPECT_GT(link.totals().bytes, before.bytes + 1100);
  EXPECT_LT(link.totals().bytes, before.bytes + 1200);
  EXPECT_EQ(frame(false, 1000, 0), std::nullopt);
  // What is left out, or has no codec, is not sent.
  video().set_target(std::nullopt);
  EXPECT_EQ(frame(true), Drop::layer);
  EXPECT_EQ(link.totals().packets, before.packets + 3);

  std::array<std::uint8_t, 8> report = {0x80, 201, 0, 1, 0, 0, 0, 1};
  ASSERT_FALSE(transport.seal_rtcp(report, now, out.transport));
  link.count_sent(out, now);
  EXPECT_EQ(link.totals().packets, before.packets + 4);
}

TEST_F(DownlinkTest, LeavesOutTheUpperTemporalLayersWhereTooMuchWaits) {
  open_and_connect();
  fill(frames_of(milliseconds(140)));
  EXPECT_FALSE(frame(false, 1000, 1));
  EXPECT_EQ(video().target()->temporal, 3);
  for (int i = 0; i < 10 && video().target()->temporal != 0; ++i) frame();
  EXPECT_EQ(frame(false, 1000, 1), Drop::layer);
  EXPECT_EQ(video().target()->temporal, 0);
  EXPECT_FALSE(frame(false, 1000, 0));
  EXPECT_TRUE(video().started()) << "the lowest goes on";
}

TEST_F(DownlinkTest, GivesUpAllVideoThatTakesTooLong) {
  open_and_connect();
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  ASSERT_FALSE(forward(audio(1), other_voice.audio(now)));
  fill(frames_of(milliseconds(390)));
  ASSERT_FALSE(forward(video(1), other_camera.video(false, now)));
  const std::size_t before = of(video_ssrc(0)).size();
  link.allocated({}, now);
  ASSERT_EQ(link.allocation_due(), never);
  for (int i = 0; i < 100 && video().started(); ++i) frame();
  now += milliseconds(51);
  EXPECT_EQ(frame(), Drop::waiting_key_frame);
  EXPECT_FALSE(video(1).started()) << "of whomever it is";
  EXPECT_TRUE(audio(1).started()) << "but sound";
  EXPECT_LE(link.allocation_due(), now) << "and it is to be shared anew";
  run(seconds(1));
  EXPECT_EQ(of(video_ssrc(0)).size(), before) << "nothing of it is sent any more";

  ASSERT_FALSE(frame(true));
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  run(milliseconds(100));
  EXPECT_EQ(of(video_ssrc(0)).size(), before + 1);
  expect_continuous(of(video_ssrc(0)));
  expect_continuous(of(video_ssrc(1)));
}

TEST_F(DownlinkTest, RefusesWhatThePacerHasNoPlaceFor) {
  open_and_connect();
  fill();
  std::optional<Drop> drop;
  std::size_t more = 0;
  for (; !drop && more < Pacer::entry_limit + 10; ++more) drop = frame(false, 20);
  EXPECT_EQ(drop, Drop::pacer_full);
  EXPECT_GE(more, Pacer::entry_limit - 30);
  EXPECT_EQ(link.take_unsent().given_up, Pacer::entry_limit) << "all that waited";
  EXPECT_FALSE(video().started());
  EXPECT_EQ(frame(), Drop::waiting_key_frame);
  run(seconds(1));
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  expect_continuous(of(video_ssrc(0)));
}

TEST_F(DownlinkTest, GivesBackTheNumbersOfWhatTheHistoryNoLongerHas) {
  open_and_connect();
  // More than a publisher's history holds waits, so that the first of it is gone.
  fill();
  for (int i = 0; i < 1100; ++i) ASSERT_FALSE(frame(false, 20));
  run(seconds(1));
  EXPECT_FALSE(video().started());
  ASSERT_FALSE(frame(true));
  run(milliseconds(500));
  expect_continuous(of(video_ssrc(0)));
}

TEST_F(DownlinkTest, SendsNothingOfASourceThatIsGone) {
  open_and_connect();
  fill();
  const std::size_t before = of(video_ssrc(0)).size();
  present = false;
  run(seconds(1));
  EXPECT_EQ(link.take_unsent().given_up, 30 - before);
  EXPECT_EQ(of(video_ssrc(0)).size(), before);
  EXPECT_FALSE(video().started());
  present = true;
  ASSERT_FALSE(frame(true));
  run(milliseconds(500));
  expect_continuous(of(video_ssrc(0)));
}

TEST_F(DownlinkTest, GivesBackTheNumbersOfWhatWaitedWhenThePathWasLost) {
  open_and_connect();
  fill();
  gone = true;
  now += seconds(11);
  transport::set_test_clock(now);
  const std::size_t before = of(video_ssrc(0)).size();
  tick();
  EXPECT_EQ(of(video_ssrc(0)).size(), before);
  EXPECT_FALSE(video().started());
  gone = false;
  run(seconds(3));
  ASSERT_FALSE(transport.obstacle(now));
  ASSERT_FALSE(frame(true));
  run(milliseconds(500));
  const auto packets = of(video_ssrc(0));
  EXPECT_EQ(packets.size(), before + 1);
  expect_continuous(packets);
}

TEST_F(DownlinkTest, LeavesANumberFreeWhereTheLastFrameWasCutOff) {
  open_and_connect();
  camera.marker = false;
  fill();
  const auto before = of(video_ssrc(0));
  link.interrupt(video());
  camera.marker = true;
  ASSERT_FALSE(frame(true));
  run(milliseconds(500));
  const auto packets = of(video_ssrc(0));
  ASSERT_EQ(packets.size(), before.size() + 1);
  EXPECT_EQ(packets.back().view().sequence(),
            static_cast<std::uint16_t>(before.back().view().sequence() + 2));
}

TEST_F(DownlinkTest, SendsNothingOfWhatWaitedWhenItIsInterrupted) {
  open_and_connect();
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  fill();
  ASSERT_FALSE(forward(video(1), other_camera.video(false, now)));
  const std::size_t before = of(video_ssrc(0)).size();
  link.interrupt(video());
  EXPECT_EQ(link.take_unsent().given_up, 30 - before);
  EXPECT_EQ(link.take_unsent().given_up, 0U) << "since last asked";
  EXPECT_FALSE(video().started());
  EXPECT_TRUE(video(1).started());
  run(seconds(1));
  EXPECT_EQ(of(video_ssrc(0)).size(), before);
  EXPECT_EQ(of(video_ssrc(1)).size(), 2U) << "others go on";
  EXPECT_EQ(frame(), Drop::waiting_key_frame);
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  expect_continuous(of(video_ssrc(0)));
}

// ── Out of the past ──

class Replay : public DownlinkTest {
 protected:
  bool replay(Duration since = seconds(2)) {
    const bool can = link.replay(video(), camera.track.encodings()[0], now - since, now, out);
    run(milliseconds(1));
    return can;
  }
  void at_once(std::size_t frames, std::size_t size) {
    for (std::size_t i = 0; i < frames; ++i) camera.video(i == 0, now, size);
  }
  // What nobody saw.
  void past(std::size_t frames, std::size_t size = 500) {
    for (std::size_t i = 0; i < frames; ++i) {
      camera.video(i == 0, now, size);
      run(milliseconds(33));
    }
  }
};

TEST_F(Replay, BeginsWithTheNewestPicture) {
  open_and_connect();
  camera.video(true, now);
  past(20);
  EXPECT_TRUE(replay());
  EXPECT_TRUE(video().started());
  ASSERT_FALSE(frame());
  run(milliseconds(500));
  const auto packets = of(video_ssrc(0));
  ASSERT_EQ(packets.size(), 21U) << "and what came since, but nothing before it";
  expect_continuous(packets);
  // The past is shown as fast as it arrives, the present at its own pace.
  EXPECT_LT(packets[19].view().timestamp() - packets[0].view().timestamp(), 19U * 3000 / 16);
  EXPECT_EQ(packets[20].view().timestamp() - packets[19].view().timestamp(), 3000U);
}

TEST_F(Replay, IsNotOfWhatIsTooOldOrNotWhole) {
  open_and_connect();
  EXPECT_FALSE(replay()) << "there is nothing yet";
  past(20);
  EXPECT_FALSE(replay(milliseconds(600)));
  EXPECT_TRUE(replay(milliseconds(700)));

  past(1);
  camera.lose();
  camera.video(false, now);
  link.interrupt(video());
  EXPECT_FALSE(replay());
  EXPECT_FALSE(video().started());
  past(2);
  EXPECT_TRUE(replay()) << "of the picture after it";
}

TEST_F(Replay, IsNotOfWhatWasMuted) {
  open_and_connect();
  past(3);
  camera.track.set_active(false);
  camera.track.set_active(true);
  EXPECT_FALSE(replay());
  camera.video(false, now);
  EXPECT_FALSE(replay());
}

TEST_F(Replay, TakesNoMoreThanAQuarterOfASecond) {
  open_and_connect();
  link.route_changed(now);
  // At the rate at which video leaves now.
  const double room = static_cast<double>(*link.estimate()) * 1.1 / 8 / 4;
  ASSERT_GT(room, 20'000);
  ASSERT_LT(room, 380'000);
  const auto frames = static_cast<std::size_t>(room / 1012);
  at_once(frames + 1, 1000);
  EXPECT_FALSE(replay());
  EXPECT_FALSE(video().started());
  at_once(frames, 1000);
  EXPECT_TRUE(replay());
}

TEST_F(Replay, HasALimitWhereNothingIsKnownOfThePath) {
  open_and_connect(pairs_of_slots(2, false));
  at_once(400 * 1024 / 1012 + 1, 1000);
  EXPECT_FALSE(replay());
  at_once(400 * 1024 / 1012, 1000);
  EXPECT_TRUE(replay());
}

TEST_F(Replay, IsNotWhereTooMuchWaits) {
  open_and_connect();
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(forward(video(1), other_camera.video(false, now)));
  camera.video(true, now);
  now += milliseconds(151);
  EXPECT_FALSE(link.replay(video(), camera.track.encodings()[0], now - seconds(2), now, out));
}

TEST_F(Replay, IsNotWithoutAPath) {
  open();
  camera.video(true, now);
  EXPECT_FALSE(replay());
  EXPECT_FALSE(video().started());
}

// ── Repetitions ──

class Repeat : public DownlinkTest {
 protected:
  bool repeat(std::uint16_t seq, Duration rtt = milliseconds(20)) {
    const bool will = link.repeat(video(), seq, source_of(video()), rtt, now, out);
    const std::size_t before = got.size();
    tick();
    sent_ = got.size() - before;
    return will;
  }
  std::vector<std::uint16_t> repeated() const {
    std::vector<std::uint16_t> seqs;
    for (const Got& packet : of(rtx_ssrc(0))) {
      // Padding is no repetition.
      if (packet.view().payload().size() > 2)
        seqs.push_back(load_u16(packet.view().payload().data()));
    }
    return seqs;
  }
  std::size_t sent_ = 0;
};

TEST_F(Repeat, AnswersAtOnceWhereThereIsRoom) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  ASSERT_FALSE(frame());
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  EXPECT_TRUE(repeat(seq));
  EXPECT_EQ(repeated(), (std::vector{seq}));
  EXPECT_FALSE(repeat(seq)) << "it is on its way";
  run(milliseconds(30));
  EXPECT_TRUE(repeat(seq));
  EXPECT_EQ(repeated(), (std::vector{seq, seq}));
}

TEST_F(Repeat, AnswersTwiceWherePacketsGetLostAtAnyRate) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  loses_one_in = 10;
  for (int i = 0; i < 400; ++i) {
    ASSERT_FALSE(frame());
    run(milliseconds(20));
  }
  loses_one_in = 0;
  ASSERT_FALSE(frame());
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  EXPECT_TRUE(repeat(seq));
  EXPECT_EQ(repeated(), (std::vector{seq, seq}));
}

TEST_F(Repeat, DoesNotAnswerWhatItCannot) {
  open_and_connect();
  EXPECT_FALSE(repeat(1)) << "nothing was sent";
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  EXPECT_FALSE(repeat(static_cast<std::uint16_t>(seq + 1)));
  EXPECT_FALSE(repeat(static_cast<std::uint16_t>(seq - 1000)));
  present = false;
  EXPECT_FALSE(repeat(seq)) << "its publisher is gone";
  present = true;
  // Long ago, and no longer there.
  for (int i = 0; i < 1100; ++i) camera.video(false, now, 20);
  EXPECT_FALSE(repeat(seq));
  EXPECT_TRUE(repeated().empty());
}

TEST_F(Repeat, DoesNotAnswerWithoutAStreamForIt) {
  open_and_connect(pairs_of_slots(2, true, false));
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  EXPECT_FALSE(repeat(sent_last(of(video_ssrc(0)))));
}

TEST_F(Repeat, WaitsForRoomButNotForVideo) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(frame());
  const std::size_t before = got.size();
  EXPECT_TRUE(link.repeat(video(), seq, source_of(video()), milliseconds(20), now, out));
  EXPECT_TRUE(repeated().empty());
  run(milliseconds(50));
  ASSERT_EQ(repeated(), (std::vector{seq}));
  EXPECT_EQ(got[before].view().ssrc(), rtx_ssrc(0)) << "it goes first";
  run(seconds(1));
  EXPECT_EQ(of(video_ssrc(0)).size(), 61U);
  expect_continuous(of(video_ssrc(0)));
}

TEST_F(Repeat, IsNoFlood) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(frame());
    run(milliseconds(20));
  }
  EXPECT_EQ(link.take_unsent().repetitions, 0U);
  const std::uint16_t last = sent_last(of(video_ssrc(0)));
  for (int i = 0; i < 100; ++i) {
    repeat(static_cast<std::uint16_t>(last - i));
    run(milliseconds(20));
  }
  EXPECT_EQ(repeated().size(), 65U) << "64 KiB of them";
  EXPECT_EQ(link.take_unsent().repetitions, 35U);
}

TEST_F(Repeat, OvertakesVideoWhereThereIsRoom) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(frame());
  now += milliseconds(20);
  ASSERT_TRUE(repeated().empty());
  EXPECT_TRUE(link.repeat(video(), seq, source_of(video()), milliseconds(20), now, out));
  EXPECT_EQ(out.transport.transmits.size(), 1U);
}

TEST_F(Repeat, IsNotOfWhatCameBeforeANewBeginning) {
  open_and_connect();
  ASSERT_FALSE(frame(true));
  run(milliseconds(100));
  const std::uint16_t seq = sent_last(of(video_ssrc(0)));
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  for (int i = 0; i < 40; ++i) ASSERT_FALSE(forward(video(1), other_camera.video(false, now)));
  ASSERT_FALSE(frame(true));
  EXPECT_TRUE(link.repeat(video(), seq, source_of(video()), milliseconds(20), now, out))
      << "the key frame that waits may yet need it";
  link.interrupt(video());
  ASSERT_FALSE(frame(true));
  EXPECT_FALSE(link.repeat(video(), seq, source_of(video()), milliseconds(20), now, out));
}

TEST_F(DownlinkTest, KnowsThatAKeyFrameIsUnderWay) {
  constexpr Duration rtt = milliseconds(50);
  open_and_connect();
  EXPECT_FALSE(video().key_frame_under_way(rtt, now));
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  for (int i = 0; i < 40; ++i) ASSERT_FALSE(forward(video(1), other_camera.video(false, now)));
  ASSERT_FALSE(frame(true));
  EXPECT_TRUE(video().key_frame_under_way(rtt, now)) << "it waits";
  link.interrupt(video());
  EXPECT_FALSE(video().key_frame_under_way(rtt, now)) << "no more";
  ASSERT_FALSE(frame(true));
  for (int ms = 0; ms < 1000 && of(video_ssrc(0)).empty(); ++ms) run(milliseconds(1));
  ASSERT_EQ(of(video_ssrc(0)).size(), 1U);
  EXPECT_TRUE(video().key_frame_under_way(rtt, now)) << "it has not come yet";
  run(milliseconds(299));
  EXPECT_TRUE(video().key_frame_under_way(rtt, now));
  run(milliseconds(10));
  EXPECT_FALSE(video().key_frame_under_way(rtt, now));
}

TEST_F(Repeat, IsForgottenWhereItsPacketIsGoneWhenItsTimeHasCome) {
  open_and_connect();
  constexpr std::uint16_t count = 8;
  for (int i = 0; i < count; ++i) ASSERT_FALSE(frame(i == 0));
  run(milliseconds(100));
  const auto last = static_cast<std::uint16_t>(sent_last(of(video_ssrc(0))));
  for (int i = 0; i < 40; ++i) ASSERT_FALSE(frame());
  for (std::uint16_t back = 0; back < count; ++back) {
    const auto seq = static_cast<std::uint16_t>(last - back);
    ASSERT_TRUE(link.repeat(video(), seq, source_of(video()), milliseconds(20), now, out)) << back;
  }
  run(milliseconds(1));
  const std::size_t before = repeated().size();
  ASSERT_LT(before, count) << "some wait";
  link.interrupt(video());
  ASSERT_FALSE(frame(true));
  run(seconds(1));
  EXPECT_EQ(repeated().size(), before);
  expect_continuous(of(video_ssrc(0)));
}

// ── The path ──

class Path : public DownlinkTest {
 protected:
  std::vector<Got> padding() const {
    std::vector<Got> found;
    std::ranges::copy_if(got, std::back_inserter(found),
                         [](const Got& packet) { return packet.view().payload().empty(); });
    return found;
  }
};

TEST_F(Path, IsProbedWithPaddingAsSoonAsItIsThere) {
  open();
  run(milliseconds(100));
  EXPECT_TRUE(got.empty());
  connect();
  run(seconds(1));
  const auto probes = padding();
  ASSERT_FALSE(probes.empty());
  for (const Got& probe : probes) {
    EXPECT_EQ(probe.view().ssrc(), rtx_ssrc(0)) << "nothing is shown yet, so that any will do";
    EXPECT_TRUE(probe.number());
    EXPECT_GE(probe.view().padding_size(), 1U);
  }
  EXPECT_GT(*link.estimate(), 2'000'000U) << "the wire carries all of it";
}

// Where everything that is wanted goes through, a frame need not be held back in pieces.
TEST_F(Path, TakesAFrameInOnePieceWhereThereIsRoom) {
  open_and_connect();
  const auto sent_at_once = [&] {
    got.clear();
    fill(60);
    return of(video_ssrc(0)).size();
  };
  const std::size_t roomy = sent_at_once();
  EXPECT_GE(static_cast<double>(roomy * 1000), static_cast<double>(*link.estimate()) / 8 * 0.018);
  run(seconds(2));
  Allocation scarce;
  scarce.wanted = 5'000'000;
  scarce.granted = 1'000'000;
  link.allocated(scarce, now);
  run(seconds(1));
  EXPECT_LT(sent_at_once() * 2, roomy);
}

TEST_F(Path, IsProbedWhereSomethingIsShown) {
  open_and_connect();
  other_camera.video(true, now);
  ASSERT_FALSE(forward(video(1), other_camera.video(true, now)));
  link.allocated(
      {.grants = {{}}, .granted = 0, .wanted = 90'000'000, .next_step = 0, .paused = true}, now);
  run(seconds(3));
  ASSERT_FALSE(padding().empty());
  for (const Got& probe : padding()) EXPECT_EQ(probe.view().ssrc(), rtx_ssrc(1));
}

TEST_F(Path, IsNotProbedWithoutAStreamForIt) {
  open_and_connect(pairs_of_slots(2, true, false));
  run(seconds(1));
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(*link.estimate(), 1'000'000U);
}

TEST_F(Path, IsAskedTwiceASecondWhereNothingIsAnswered) {
  open_and_connect();
  shares = true;
  ASSERT_FALSE(frame(true));
  run(milliseconds(300));
  EXPECT_GT(link.video_budget(now), 0U);
  answers = false;
  for (int i = 0; i < 20; ++i) {
    ASSERT_FALSE(frame());
    run(milliseconds(33));
  }
  EXPECT_EQ(link.video_budget(now), 0U) << "sound alone may be tried";
  run(seconds(1));
  got.clear();
  run(seconds(10));
  EXPECT_GE(padding().size(), 19U);
  EXPECT_LE(padding().size(), 21U);

  answers = true;
  run(seconds(1));
  EXPECT_GT(link.video_budget(now), 0U);
  run(seconds(1));
  got.clear();
  run(seconds(5));
  EXPECT_TRUE(padding().empty()) << "nothing more is asked";
}

TEST_F(Path, StartsAnewWhereItIsAnother) {
  open_and_connect();
  const std::uint64_t before = *link.estimate();
  got.clear();
  link.route_changed(now);
  run(seconds(1));
  EXPECT_FALSE(padding().empty());
  EXPECT_GE(*link.estimate(), before / 2);
}

TEST_F(Path, KeepsSomethingForSound) {
  open_and_connect(pairs_of_slots(6));
  const std::uint64_t usable = *link.estimate() * 95 / 100;
  EXPECT_EQ(link.video_budget(now), usable);
  ASSERT_FALSE(forward(audio(0), voice.audio(now)));
  EXPECT_EQ(link.video_budget(now), usable - 40'000);
  for (std::uint16_t pair = 1; pair < 6; ++pair) {
    audio(pair).assign(voice.track.media().track, audio_codecs);
    ASSERT_FALSE(forward(audio(pair), voice.audio(now)));
  }
  EXPECT_EQ(link.video_budget(now), usable - 160'000) << "nobody hears more than four at a time";
  link.interrupt(audio(0));
  link.interrupt(audio(1));
  link.interrupt(audio(2));
  EXPECT_EQ(link.video_budget(now), usable - 120'000);
}

// ── What is shown ──

TEST_F(DownlinkTest, ShowsEverythingUntilItIsTold) {
  link.update(pairs_of_slots(2), now);
  EXPECT_EQ(link.shown(video()), (SetView::Shown{1, 0, 0}));
  EXPECT_EQ(link.shown(video(1)), (SetView::Shown{3, 0, 0}));
  link.set_view({.endpoint = {}, .shown = {{3, 640, 360}}});
  EXPECT_FALSE(link.shown(video()));
  EXPECT_EQ(link.shown(video(1)), (SetView::Shown{3, 640, 360}));
  link.set_view({});
  EXPECT_FALSE(link.shown(video(1))) << "whole each time";
}

TEST_F(DownlinkTest, SaysOnceThatOthersArePaused) {
  EXPECT_FALSE(link.take_paused({}));
  EXPECT_TRUE(link.take_paused({1, 3}));
  EXPECT_FALSE(link.take_paused({1, 3}));
  EXPECT_TRUE(link.take_paused({1}));
  EXPECT_TRUE(link.take_paused({}));
}

TEST_F(DownlinkTest, IsSharedAnewTwiceASecondWhileSomethingIsShown) {
  open_and_connect();
  link.allocated({.grants = {{}}, .granted = 0, .wanted = 0, .next_step = 0, .paused = false}, now);
  EXPECT_EQ(link.allocation_due(), on_beat(now + milliseconds(500)));
  EXPECT_LE(link.deadline(), link.allocation_due());
  link.allocated({}, now);
  EXPECT_EQ(link.allocation_due(), never);
}

TEST_F(DownlinkTest, IsSharedAnewWhereTheEstimateChanges) {
  open_and_connect();
  Instant shared;
  std::uint64_t before = 0;
  const auto share = [&] {
    link.allocated(
        {.grants = {{}}, .granted = 0, .wanted = 90'000'000, .next_step = 0, .paused = true}, now);
    shared = now;
    before = *link.estimate();
  };
  share();
  // More is wanted, and a probe will find it.
  for (int i = 0; i < 10'000 && *link.estimate() <= before * 108 / 100; ++i) {
    ASSERT_EQ(link.allocation_due(), on_beat(shared + milliseconds(500)));
    if (link.allocation_due() <= now) share();
    step(milliseconds(1));
  }
  ASSERT_GT(*link.estimate(), before * 108 / 100);
  EXPECT_EQ(link.allocation_due(), std::max(now, shared + milliseconds(50)));
  EXPECT_LE(link.deadline(), link.allocation_due());

  // And not too often.
  share();
  link.route_changed(now);
  EXPECT_EQ(link.allocation_due(), shared + milliseconds(50));
}

TEST_F(DownlinkTest, SaysWhetherThePathLimitsIt) {
  open();
  EXPECT_FALSE(link.limited());
  link.allocated({.grants = {{}}, .granted = 1, .wanted = 2, .next_step = 2, .paused = false}, now);
  EXPECT_TRUE(link.limited());
  EXPECT_EQ(link.wanted(), 2U);
  link.allocated({.grants = {{}}, .granted = 2, .wanted = 2, .next_step = 0, .paused = false}, now);
  EXPECT_FALSE(link.limited());

  // Where nothing is known of the path it cannot be the reason.
  Downlink blind(transport, now);
  blind.update(pairs_of_slots(1, false), now);
  blind.allocated({.grants = {{}}, .granted = 1, .wanted = 2, .next_step = 2, .paused = false},
                  now);
  EXPECT_FALSE(blind.limited());
}

TEST_F(DownlinkTest, ForgetsOnAWiderPathWhatWasTooMuchForANarrowOne) {
  open_and_connect();
  const auto share = [&](bool rises, bool falls) {
    link.allocated({.grants = {{}},
                    .granted = 0,
                    .wanted = 90'000'000,
                    .next_step = 90'000'000,
                    .paused = true,
                    .rises = rises,
                    .falls = falls},
                   now);
  };
  for (int i = 0; i < 6; ++i) {
    share(true, false);
    share(false, true);
  }
  const std::uint64_t then = *link.estimate();
  EXPECT_FALSE(link.may_rise(now + seconds(10)));
  for (int i = 0; i < 8'000 && *link.estimate() < 2 * then; ++i) step(milliseconds(1));
  ASSERT_GE(*link.estimate(), 2 * then);
  EXPECT_FALSE(link.may_rise(now)) << "not at once";
  EXPECT_TRUE(link.may_rise(now + milliseconds(500)));
}

TEST_F(DownlinkTest, NeedsNothingWhileNothingIsToBeDone) {
  EXPECT_EQ(link.deadline(), never);
  link.update(pairs_of_slots(1, false), now);
  EXPECT_EQ(link.deadline(), never);
  link.tick(now + hours(1));
  EXPECT_EQ(link.deadline(), never);
}

}  // namespace
}  // namespace liaison::sfu
