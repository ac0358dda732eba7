// The Sfu as its clients see it: whole conversations over real ICE, DTLS and SRTP, in virtual time.
#include "sfu/sfu.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/report.hpp"
#include "rtcp/transport_cc.hpp"
#include "rtp/extension.hpp"
#include "rtp/packet.hpp"
#include "rtp/red.hpp"
#include "rtp/rtx.hpp"
#include "rtp/vp8.hpp"
#include "sfu/layer_demand.hpp"
#include "sfu/link.hpp"
#include "sfu/sender_clock.hpp"
#include "sfu/start_rates.hpp"
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
using transport::Connector;
using transport::Path;

struct RtpPacket {
  std::vector<std::uint8_t> bytes;
  Instant at;
  rtp::PacketView view() const { return *rtp::PacketView::parse(bytes); }
};

// Payload types as Chromium's or Firefox's, so that they differ between the two.
MediaDescription description(bool firefox, std::uint64_t first_track, std::uint32_t first_ssrc,
                             std::size_t slots) {
  MediaDescription media;
  const auto codec = [](CodecName name, int payload_type, int rtx, std::uint32_t rate) {
    rtp::Codec result{{name, 0}, static_cast<std::uint8_t>(payload_type), std::nullopt, rate};
    if (rtx != 0) result.rtx_payload_type = static_cast<std::uint8_t>(rtx);
    return result;
  };
  if (firefox) {
    media.audio_codecs = {codec(CodecName::opus, 109, 0, 48'000)};
    media.video_codecs = {codec(CodecName::vp8, 120, 124, 90'000)};
  } else {
    media.audio_codecs = {codec(CodecName::red, 63, 0, 48'000),
                          codec(CodecName::opus, 111, 0, 48'000)};
    media.video_codecs = {codec(CodecName::vp8, 96, 97, 90'000),
                          codec(CodecName::h264, 102, 103, 90'000)};
  }
  media.audio_extensions[Extension::mid] = 4;
  media.audio_extensions[Extension::audio_level] = 1;
  media.audio_extensions[Extension::transport_cc] = 3;
  media.video_extensions[Extension::mid] = 4;
  media.video_extensions[Extension::transport_cc] = 3;
  media.video_extensions[Extension::rid] = 10;
  media.video_extensions[Extension::video_orientation] = 13;
  media.cname = "server";
  media.up = {{"0", {first_track}, MediaKind::audio, true},
              {"1", {first_track + 1}, MediaKind::video, false}};
  for (std::uint16_t i = 0; i < slots; ++i) {
    const auto slot = static_cast<std::uint16_t>(2 * i);
    media.down.push_back(
        {std::to_string(10 + slot), slot, MediaKind::audio, first_ssrc + 4U * i, 0});
    media.down.push_back({std::to_string(11 + slot), static_cast<std::uint16_t>(slot + 1),
                          MediaKind::video, first_ssrc + 4U * i + 1, first_ssrc + 4U * i + 2});
  }
  return media;
}

class World;

// A browser: what it sends, and what it got.
class Person {
 public:
  Person(World& world, int number, bool firefox);

  void send_audio(std::uint8_t level = 20, Bytes payload = {});
  // Within RED, behind the frames that were sent just before, oldest first.
  void send_red(std::span<const std::vector<std::uint8_t>> before, Bytes payload);
  // One VP8 frame of `packets` packets.
  void send_frame(bool key, std::size_t packets = 2);
  void send_rtcp(const std::function<void(Writer&)>& write);
  void send_raw(std::uint32_t ssrc, std::uint8_t payload_type, std::uint16_t seq, Bytes payload,
                std::string_view mid = "1", std::string_view rid = {});
  void nack(std::uint32_t ssrc, std::vector<std::uint16_t> seqs);
  void ask_for_key_frame(std::uint32_t ssrc);

  std::vector<RtpPacket> of(std::uint32_t ssrc) const {
    std::vector<RtpPacket> found;
    for (const RtpPacket& packet : received) {
      if (packet.view().ssrc() == ssrc) found.push_back(packet);
    }
    return found;
  }
  template <typename Visit>
  void each_rtcp(Visit&& visit) const {
    for (const auto& datagram : rtcp) {
      const auto compound = rtcp::Compound::parse(datagram);
      ASSERT_TRUE(compound) << "the Sfu's own RTCP must be well formed";
      for (const auto packet : *compound) visit(packet);
    }
  }
  std::size_t plis() const {
    std::size_t count = 0;
    each_rtcp(
        [&](const rtcp::PacketView& packet) { count += rtcp::parse_pli(packet).has_value(); });
    return count;
  }

  TrackId audio_track() const { return media.up[0].track; }
  TrackId video_track() const { return media.up[1].track; }
  std::uint32_t audio_ssrc() const { return 1000U + static_cast<std::uint32_t>(number) * 10; }
  std::uint32_t video_ssrc() const { return audio_ssrc() + 1; }
  std::uint32_t rtx_ssrc() const { return audio_ssrc() + 2; }
  std::uint32_t slot_ssrc(std::size_t slot) const { return media.down[slot].ssrc; }

  World& world;
  int number;
  EndpointId id;
  MediaDescription media;
  Path path;
  transport::IceCredentials local, remote;
  std::unique_ptr<Connector> client;
  std::vector<RtpPacket> received;
  std::vector<std::vector<std::uint8_t>> rtcp;
  std::function<bool(Bytes)> lose_up = [](Bytes) { return false; };
  std::function<bool()> lose_down = [] { return false; };

  std::uint16_t audio_seq, video_seq = 100, transport_seq = 0;
  std::uint32_t audio_timestamp = 5000, video_timestamp = 90'000;
  std::uint16_t picture_id = 300;
  std::map<std::uint16_t, std::vector<std::uint8_t>> sent_video;  // payload by sequence number
  FeedbackSender feedback{7};  // transport-wide, of all that it gets
  bool gives_feedback = true;

 private:
  void send_rtp(const rtp::HeaderFields& fields, std::string_view mid, Bytes payload,
                std::optional<std::uint8_t> level, std::string_view rid = {});
};

class World {
 public:
  explicit World(std::size_t routers)
      : certificate(
            transport::generate_certificate(UnixTime{} + std::chrono::hours(24 * 365 * 50))) {
    transport::set_test_clock(now);
    for (std::size_t i = 0; i < routers; ++i)
      sfus.push_back(std::make_unique<Sfu>(certificate, now));
  }

  Person& join(bool firefox = false, CallId call = {1}) {
    Person& person = prepare(firefox);
    enter(person, call);
    return person;
  }
  Person& prepare(bool firefox = false) {
    people.push_back(std::make_unique<Person>(*this, static_cast<int>(people.size()) + 1, firefox));
    return *people.back();
  }
  void enter(Person& person, CallId call = {1}) {
    const std::size_t here = router_of(person.id);
    if (++parts_[call][here] == 1) link<OpenLink>(call, here);
    calls_[person.id] = call;
    command(OpenEndpoint{person.id, call, person.remote, person.local.ufrag,
                         client_certificate.fingerprint, person.media});
    person.client->add_path(person.path, now);
  }
  // Of a router with all others that have part of the call.
  template <typename LinkCommand>
  void link(CallId call, std::size_t here) {
    for (const auto& [other, endpoints] : parts_[call]) {
      if (other == here || endpoints == 0) continue;
      command(here, LinkCommand{call, link_to(WorkerIndex{static_cast<std::uint8_t>(other)})});
      command(other, LinkCommand{call, link_to(WorkerIndex{static_cast<std::uint8_t>(here)})});
    }
  }
  void publish(const Person& person) {
    command(SetTrackActive{person.id, person.audio_track(), true});
    command(SetTrackActive{person.id, person.video_track(), true});
  }
  // What `publisher` sends goes to the pair of slots `pair` of `subscriber`.
  void subscribe(const Person& subscriber, const Person& publisher, std::uint16_t pair = 0) {
    command(
        AssignSlot{subscriber.id, static_cast<std::uint16_t>(2 * pair), publisher.audio_track()});
    command(AssignSlot{subscriber.id, static_cast<std::uint16_t>(2 * pair + 1),
                       publisher.video_track()});
  }
  // People live on one router after the other.
  std::size_t router_of(EndpointId id) const { return (id.value + 1) % sfus.size(); }
  Sfu& sfu_of(const Person& person) { return *sfus[router_of(person.id)]; }
  void command(Command what) {
    const std::size_t router = router_of(endpoint_of(what));
    command(router, std::move(what));
  }
  void command(std::size_t router, Command what) {
    sfus[router]->receive(std::move(what), now, out);
    flush(router);
  }
  void deliver(std::size_t router, const Path& from, Bytes datagram) {
    Packet packet = pool.take(datagram);
    ASSERT_TRUE(packet);
    if (gathers_) return gathered_[router].push_back({from, std::move(packet)});
    sfus[router]->receive({from, std::move(packet)}, now, out);
    flush(router);
  }
  // What is sent meanwhile arrives together. The paths of what each portion sends on, by router.
  std::map<std::size_t, std::vector<std::vector<Path>>> together(
      const std::function<void()>& send) {
    gathers_ = true;
    send();
    gathers_ = false;
    std::map<std::size_t, std::vector<std::vector<Path>>> portions;
    for (auto& [router, datagrams] : std::exchange(gathered_, {})) {
      std::span<transport::Datagram> rest = datagrams;
      for (bool more = true; more;) {
        more = sfus[router]->receive(rest, now, out);
        auto& portion = portions[router].emplace_back();
        for (const auto& transmit : out.transport.transmits) portion.push_back(transmit.path);
        flush(router);
      }
    }
    return portions;
  }
  void run(Duration duration) {
    const Instant end = now + duration;
    while (now < end) {
      now += milliseconds(1);
      transport::set_test_clock(now);
      for (std::size_t i = 0; i < sfus.size(); ++i) {
        if (sfus[i]->deadline() <= now) sfus[i]->tick(now, out);
        flush(i);
      }
      for (const auto& person : people) {
        if (person->client->deadline() <= now) {
          person->client->tick(now, person_out);
          drain(*person);
        }
        if (person->gives_feedback && person->client->connected() &&
            person->feedback.deadline() <= now)
          person->send_rtcp([&](Writer& writer) { person->feedback.write(writer, now); });
      }
    }
  }
  void connect_all() {
    for (int i = 0; i < 300; ++i) {
      run(milliseconds(10));
      bool all = true;
      for (const auto& person : people) {
        all = all && (person->client->connected() || person->client->closed_by_server());
      }
      if (all && connected_events() >= people.size()) return;
    }
    FAIL() << "not everybody connected";
  }
  void drain(Person& person) {
    // What a client sends, datagram by datagram: the server may answer each at once.
    std::vector<std::vector<std::uint8_t>> datagrams;
    for (const auto& transmit : person_out.transmits) {
      const Bytes bytes = person_out.bytes(transmit);
      datagrams.emplace_back(bytes.begin(), bytes.end());
    }
    person_out.clear();
    for (const auto& datagram : datagrams) {
      if (!person.lose_up(datagram)) deliver(router_of(person.id), person.path, datagram);
    }
  }
  std::size_t connected_events() const { return events_of<EndpointConnected>().size(); }
  template <typename Kind>
  std::vector<Kind> events_of() const {
    std::vector<Kind> found;
    for (const Event& event : events) {
      if (const auto* kind = std::get_if<Kind>(&event)) found.push_back(*kind);
    }
    return found;
  }

  // What routers said to others, by router; and what of it is to be lost.
  std::vector<std::pair<std::size_t, LinkMessage>> link_log;
  std::function<bool(const LinkMessage&)> lose_on_link = [](const LinkMessage&) { return false; };

  // By the last statistics of all routers.
  std::uint64_t total(std::uint64_t WorkerStats::* value) const {
    std::uint64_t sum = 0;
    for (const auto& [router, stats] : stats_) sum += stats.*value;
    return sum;
  }
  std::uint64_t drops(Drop reason) const {
    std::uint64_t sum = 0;
    for (const auto& [router, stats] : stats_) sum += stats.drops[reason];
    return sum;
  }
  std::uint32_t endpoints() const {
    std::uint32_t sum = 0;
    for (const auto& [router, stats] : stats_) sum += stats.endpoints;
    return sum;
  }
  std::uint32_t calls() const {
    std::uint32_t most = 0;
    for (const auto& [router, stats] : stats_) most = std::max(most, stats.calls);
    return most;
  }

  Instant now = Instant{} + seconds(1000);
  PacketPool pool{8192};
  transport::Certificate certificate;
  transport::Certificate client_certificate =
      transport::generate_certificate(UnixTime{} + std::chrono::hours(24 * 365 * 50));
  std::vector<std::unique_ptr<Sfu>> sfus;
  Output out;
  transport::Output person_out;
  std::vector<Event> events;
  std::vector<std::unique_ptr<Person>> people;

 protected:
  struct LinkMail {
    std::size_t to = 0;
    LinkId from;
    LinkMessage message;
    std::vector<std::uint8_t> packet;
  };

  // What the Sfu of this router has said goes where it is for.
  void flush(std::size_t router) {
    std::vector<EndpointId> closed;
    for (const Event& event : out.events) {
      if (const auto* stats = std::get_if<WorkerStats>(&event)) stats_[router] = *stats;
      if (const auto* end = std::get_if<EndpointClosed>(&event)) closed.push_back(end->endpoint);
      // Each router says it; one of them is listened to.
      if (!std::holds_alternative<SpeakerChanged>(event) || router == 0) events.push_back(event);
    }
    for (const LinkTransmit& transmit : out.link) {
      link_log.emplace_back(router, transmit.message);
      if (lose_on_link(transmit.message)) continue;
      const Bytes packet = out.transport.bytes(transmit.offset, transmit.size);
      mail_.push_back({std::to_underlying(worker_of(transmit.to)),
                       link_to(WorkerIndex{static_cast<std::uint8_t>(router)}),
                       transmit.message,
                       {packet.begin(), packet.end()}});
    }
    struct Datagram {
      Path path;
      std::vector<std::uint8_t> bytes;
    };
    std::vector<Datagram> datagrams;
    for (const auto& transmit : out.transport.transmits) {
      const Bytes bytes = out.transport.bytes(transmit);
      datagrams.push_back({transmit.path, {bytes.begin(), bytes.end()}});
    }
    out.clear();
    for (const Datagram& datagram : datagrams) {
      for (const auto& person : people) {
        if (person->path != datagram.path) continue;
        transport::Output answer;
        person->client->receive(datagram.path, datagram.bytes, now, answer);
        for (auto& packet : person->client->take_rtp()) {
          if (person->lose_down()) continue;
          person->received.push_back({std::move(packet), now});
          const auto view = person->received.back().view();
          const auto value = rtp::find_extension(view, 3);
          const auto number = value ? rtp::read_transport_sequence(*value) : std::nullopt;
          if (number) person->feedback.received(view.ssrc(), *number, view.bytes().size(), now);
        }
        for (auto& packet : person->client->take_rtcp()) person->rtcp.push_back(std::move(packet));
        std::swap(answer, person_out);
        drain(*person);
      }
    }
    carry();
    for (const EndpointId endpoint : closed) {
      const auto call = calls_.find(endpoint);
      if (call != calls_.end() && --parts_[call->second][router] == 0)
        link<CloseLink>(call->second, router);
    }
  }
  // In the order in which it was sent, whatever it leads to.
  void carry() {
    if (carrying_) return;
    carrying_ = true;
    for (; !mail_.empty(); mail_.pop_front()) {
      const LinkMail& mail = mail_.front();
      Packet packet;
      if (!mail.packet.empty()) packet = pool.take(mail.packet);
      sfus[mail.to]->receive({mail.from, mail.message, std::move(packet)}, now, out);
      flush(mail.to);
    }
    carrying_ = false;
  }

  std::map<CallId, std::map<std::size_t, std::size_t>> parts_;  // endpoints, by router
  std::map<EndpointId, CallId> calls_;
  std::map<std::size_t, WorkerStats> stats_;  // the last, by router
  std::deque<LinkMail> mail_;
  bool carrying_ = false;
  bool gathers_ = false;
  std::map<std::size_t, std::vector<transport::Datagram>> gathered_;
};

Person::Person(World& in, int with_number, bool firefox)
    : world(in),
      number(with_number),
      id{static_cast<std::uint64_t>(number)},
      media(description(firefox, static_cast<std::uint64_t>(number) * 100,
                        0x10000U * static_cast<std::uint32_t>(number), 3)),
      path{{IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(number)), 5000},
           IpAddress::v4(10, 0, 0, 200),
           0},
      local{"client" + std::to_string(number),
            "clientpasswordclientpassword" + std::to_string(number)},
      remote{"serverufrag0000" + std::to_string(number),
             "serverpasswordserverpassword000" + std::to_string(number)},
      audio_seq(static_cast<std::uint16_t>(65'500 + number)) {
  client = std::make_unique<Connector>(
      transport::ConnectorOptions{
          .local = local, .remote = remote, .remote_fingerprint = world.certificate.fingerprint},
      world.client_certificate);
}

void Person::send_rtp(const rtp::HeaderFields& fields, std::string_view mid, Bytes payload,
                      std::optional<std::uint8_t> level, std::string_view rid) {
  std::vector<rtp::ExtensionElement> elements;
  const auto seq = rtp::write_transport_sequence(transport_seq++);
  elements.push_back({3, seq});
  if (!mid.empty()) elements.push_back({4, as_bytes(mid)});
  if (!rid.empty()) elements.push_back({10, as_bytes(rid)});
  std::array<std::uint8_t, 1> level_value{};
  if (level) {
    level_value[0] = static_cast<std::uint8_t>(*level | 0x80);
    elements.push_back({1, level_value});
  }
  std::array<std::uint8_t, 128> header;
  const std::size_t size = rtp::write_header(header, fields, elements);
  ASSERT_NE(size, 0U);
  ASSERT_FALSE(client->seal_rtp(Bytes(header).first(size), payload, world.person_out));
  world.drain(*this);
}

void Person::send_audio(std::uint8_t level, Bytes payload) {
  static constexpr std::array<std::uint8_t, 5> silence = {0xf8, 1, 2, 3, 4};
  const std::uint8_t payload_type = media.audio_codecs.back().payload_type;
  audio_timestamp += 960;
  send_rtp({false, payload_type, audio_seq++, audio_timestamp, audio_ssrc()}, "0",
           payload.empty() ? Bytes(silence) : payload, level);
}

void Person::send_red(std::span<const std::vector<std::uint8_t>> before, Bytes payload) {
  std::vector<rtp::RedBlock> blocks;
  for (const auto& frame : before)
    blocks.push_back({111, 960 * static_cast<std::uint32_t>(before.size() - blocks.size()), frame});
  std::array<std::uint8_t, 400> room;
  Writer writer(room);
  rtp::write_red(writer, blocks, 111, payload);
  audio_timestamp += 960;
  send_rtp({false, 63, audio_seq++, audio_timestamp, audio_ssrc()}, "0", writer.written(), 20);
}

void Person::send_frame(bool key, std::size_t packets) {
  video_timestamp += 3000;
  ++picture_id;
  for (std::size_t i = 0; i < packets; ++i) {
    std::vector<std::uint8_t> payload(60);
    payload[0] = static_cast<std::uint8_t>(0x80 | (i == 0 ? 0x10 : 0));  // X, S
    payload[1] = 0xc0;                                                   // I, L
    payload[2] = static_cast<std::uint8_t>(0x80 | picture_id >> 8);
    payload[3] = static_cast<std::uint8_t>(picture_id);
    payload[4] = static_cast<std::uint8_t>(picture_id);  // TL0PICIDX
    payload[5] = key ? 0x00 : 0x01;                      // P
    payload[6] = static_cast<std::uint8_t>(number);
    store_u16(&payload[7], video_seq);
    sent_video[video_seq] = payload;
    send_rtp({i + 1 == packets, media.video_codecs[0].payload_type, video_seq++, video_timestamp,
              video_ssrc()},
             "1", payload, std::nullopt);
  }
}

void Person::send_raw(std::uint32_t ssrc, std::uint8_t payload_type, std::uint16_t seq,
                      Bytes payload, std::string_view mid, std::string_view rid) {
  send_rtp({false, payload_type, seq, video_timestamp, ssrc}, mid, payload, std::nullopt, rid);
}

void Person::send_rtcp(const std::function<void(Writer&)>& write) {
  std::array<std::uint8_t, 1200> room;
  Writer writer(room);
  write(writer);
  ASSERT_TRUE(writer.ok());
  ASSERT_FALSE(client->seal_rtcp(writer.written(), world.person_out));
  world.drain(*this);
}

void Person::nack(std::uint32_t ssrc, std::vector<std::uint16_t> seqs) {
  send_rtcp([&](Writer& writer) { rtcp::write_nack(writer, 1, ssrc, seqs); });
}

void Person::ask_for_key_frame(std::uint32_t ssrc) {
  send_rtcp([&](Writer& writer) { rtcp::write_pli(writer, 1, ssrc); });
}

// On one router, and on two with a link between them, on which nobody's neighbour lives: nobody can
// tell the difference.
class SfuTest : public testing::TestWithParam<std::size_t>, protected World {
 protected:
  SfuTest() : World(GetParam()) {}

  // Two people who see each other.
  void two_connected(bool second_is_firefox = false) {
    alice = &join();
    bob = &join(second_is_firefox);
    publish(*alice);
    publish(*bob);
    subscribe(*bob, *alice);
    subscribe(*alice, *bob);
    connect_all();
  }
  void expect_continuous(const std::vector<RtpPacket>& packets) {
    for (std::size_t i = 1; i < packets.size(); ++i) {
      EXPECT_EQ(packets[i].view().sequence(),
                static_cast<std::uint16_t>(packets[i - 1].view().sequence() + 1))
          << i;
      const std::uint32_t step = packets[i].view().timestamp() - packets[i - 1].view().timestamp();
      EXPECT_LT(step, 0x80000000U) << "timestamps never go back, at " << i;
    }
  }

  Person* alice = nullptr;
  Person* bob = nullptr;
};

TEST_P(SfuTest, ForwardsAudioUnderTheSlotsNumbers) {
  two_connected();
  for (int i = 0; i < 100; ++i) {
    alice->send_audio();
    run(milliseconds(20));
  }
  const auto packets = bob->of(bob->slot_ssrc(0));
  ASSERT_EQ(packets.size(), 100U) << "across the wrap of the publisher's sequence numbers too";
  expect_continuous(packets);
  EXPECT_EQ(packets[99].view().timestamp() - packets[0].view().timestamp(), 99U * 960);
  for (const RtpPacket& packet : packets) {
    EXPECT_EQ(packet.view().payload_type(), 111);
    EXPECT_EQ(packet.view().payload()[0], 0xf8);
    const auto level = rtp::find_extension(packet.view(), 1);
    ASSERT_TRUE(level);
    EXPECT_EQ(rtp::read_audio_level(*level)->level, 20);
  }
  for (const RtpPacket& packet : alice->received)
    EXPECT_TRUE(packet.view().payload().empty()) << "nobody hears himself; probes say nothing";
}

TEST_P(SfuTest, TranslatesPayloadTypesAndStripsRedForThoseWithoutIt) {
  two_connected(true);
  // One redundant block of 3 bytes, then the primary one (RFC 2198 section 3).
  const std::vector<std::uint8_t> red = {0x80 | 111, 0x0f, 0x00, 0x03, 111, 9, 9, 9, 0xf8, 7, 7};
  std::array<std::uint8_t, 128> header;
  const std::size_t size = rtp::write_header(header, {false, 63, 7, 960, alice->audio_ssrc()},
                                             std::array{rtp::ExtensionElement{4, as_bytes("0")}});
  ASSERT_FALSE(alice->client->seal_rtp(Bytes(header).first(size), red, person_out));
  drain(*alice);
  bob->send_frame(true);
  alice->send_frame(true);

  const auto audio = bob->of(bob->slot_ssrc(0));
  ASSERT_EQ(audio.size(), 1U);
  EXPECT_EQ(audio[0].view().payload_type(), 109);
  EXPECT_EQ(std::vector(audio[0].view().payload().begin(), audio[0].view().payload().end()),
            (std::vector<std::uint8_t>{0xf8, 7, 7}));
  ASSERT_FALSE(bob->of(bob->slot_ssrc(1)).empty());
  EXPECT_EQ(bob->of(bob->slot_ssrc(1))[0].view().payload_type(), 120);
  ASSERT_FALSE(alice->of(alice->slot_ssrc(1)).empty());
  EXPECT_EQ(alice->of(alice->slot_ssrc(1))[0].view().payload_type(), 96);
}

TEST_P(SfuTest, WhatRedBringsBackReachesEverybodyInItsPlace) {
  two_connected(true);
  const auto frame = [](std::uint8_t i) { return std::vector<std::uint8_t>{0xf8, i, i}; };
  alice->lose_up = [&, n = 0](Bytes datagram) mutable {
    if (transport::classify(datagram) != transport::DatagramKind::rtp) return false;
    return n++ % 3 != 0;  // of three in a row two
  };
  for (std::uint8_t i = 0; i < 61; ++i) {
    std::vector<std::vector<std::uint8_t>> before;
    for (std::uint8_t back = std::min<std::uint8_t>(2, i); back > 0; --back)
      before.push_back(frame(static_cast<std::uint8_t>(i - back)));
    alice->send_red(before, frame(i));
    run(milliseconds(20));
  }
  const auto packets = bob->of(bob->slot_ssrc(0));
  ASSERT_EQ(packets.size(), 61U);
  expect_continuous(packets);
  for (std::uint8_t i = 0; i < 61; ++i) {
    EXPECT_EQ(packets[i].view().payload_type(), 109) << "plain, as Firefox has it";
    EXPECT_EQ(packets[i].view().timestamp() - packets[0].view().timestamp(), 960U * i);
    const Bytes payload = packets[i].view().payload();
    EXPECT_EQ((std::vector<std::uint8_t>{payload.begin(), payload.end()}), frame(i));
  }
}

TEST_P(SfuTest, WhoLosesSoundGetsItAgainWithTheNext) {
  two_connected();
  Person& carol = join(true);  // without RED
  Person& dora = join();       // without losses
  for (Person* person : {&carol, &dora}) subscribe(*person, *alice);
  connect_all();
  int packet = 0;
  bool losing = true;
  bob->lose_down = [&] { return losing && ++packet % 8 == 0; };
  carol.lose_down = [&, n = 0]() mutable { return losing && ++n % 8 == 0; };
  std::uint8_t frame = 0;
  const auto speak = [&](Duration time) {
    for (const Instant end = now + time; now < end; run(milliseconds(20))) {
      alice->send_audio(20, std::array<std::uint8_t, 3>{0xf8, frame, 1});
      ++frame;
    }
  };
  speak(seconds(4));
  const std::size_t first = bob->of(bob->slot_ssrc(0)).size();
  speak(seconds(5));
  auto packets = bob->of(bob->slot_ssrc(0));
  std::set<std::uint8_t> heard;
  for (std::size_t i = first; i < packets.size(); ++i) {
    const auto view = packets[i].view();
    ASSERT_EQ(view.payload_type(), 63);
    const auto red = rtp::parse_red(view.payload());
    ASSERT_TRUE(red);
    ASSERT_EQ(red->count, 2U) << "an eighth is lost";
    for (std::size_t block = 0; block < 2; ++block) {
      const auto back = static_cast<std::uint32_t>(2 - block);
      EXPECT_EQ(red->blocks[block].payload_type, 111);
      EXPECT_EQ(red->blocks[block].age, 960 * back);
      EXPECT_EQ(red->blocks[block].payload[1],
                static_cast<std::uint8_t>(red->primary.payload[1] - back));
      heard.insert(red->blocks[block].payload[1]);
    }
    heard.insert(red->primary.payload[1]);
  }
  EXPECT_GE(heard.size(), 249U) << "of 250: nothing is missing in between";
  for (const RtpPacket& got : carol.of(carol.slot_ssrc(0)))
    EXPECT_EQ(got.view().payload_type(), 109);
  for (const RtpPacket& got : dora.of(dora.slot_ssrc(0))) EXPECT_EQ(got.view().payload_type(), 111);
  losing = false;
  speak(seconds(20));
  packets = bob->of(bob->slot_ssrc(0));
  EXPECT_EQ(packets.back().view().payload_type(), 111) << "no more than is needed";
}

TEST_P(SfuTest, WhoseSoundGetsLostIsAskedToSendItRedundantly) {
  two_connected();
  const auto asked = [&] {
    std::vector<bool> list;
    for (const auto& event : events_of<RedundancyWanted>()) {
      EXPECT_EQ(event.endpoint, alice->id);
      EXPECT_EQ(event.track, alice->audio_track());
      list.push_back(event.wanted);
    }
    return list;
  };
  const auto speak = [&](Duration time) {
    for (const Instant end = now + time; now < end; run(milliseconds(20))) {
      alice->send_audio();
      bob->send_audio();
    }
  };
  speak(seconds(6));
  EXPECT_TRUE(asked().empty());
  bool losing = true;
  alice->lose_up = [&, n = 0](Bytes datagram) mutable {
    if (transport::classify(datagram) != transport::DatagramKind::rtp) return false;
    return losing && ++n % 20 == 0;
  };
  speak(seconds(6));
  EXPECT_EQ(asked(), std::vector{true});
  losing = false;
  speak(seconds(20));
  EXPECT_EQ(asked(), (std::vector{true, false}));
}

TEST_P(SfuTest, InALargeGroupOnlyTheLoudestAreSent) {
  bob = &join();
  std::vector<Person*> others;
  for (int i = 0; i < 9; ++i) {
    others.push_back(&join());
    publish(*others.back());
  }
  for (std::uint16_t slot = 0; slot < 3; ++slot) subscribe(*bob, *others[slot], slot);
  connect_all();
  const auto speak = [&](std::uint8_t first, Duration time) {
    for (const Instant end = now + time; now < end; run(milliseconds(20))) {
      for (std::size_t i = 0; i < others.size(); ++i) {
        const std::uint8_t voice = i == 0 ? first : i < 3 ? 90 : 30;
        others[i]->send_audio(voice);
      }
    }
  };
  speak(30, seconds(5));
  const auto heard = [&](std::size_t slot) { return bob->of(bob->slot_ssrc(2 * slot)).size(); };
  EXPECT_EQ(heard(0), 250U);
  const std::size_t second = heard(1);
  EXPECT_LT(second, 250U) << "two seconds after the others began";
  speak(90, seconds(3));
  const std::size_t first = heard(0);
  EXPECT_EQ(first, 350U) << "it keeps its place for two seconds";
  EXPECT_EQ(heard(1), second);
  others[1]->send_audio(20);
  EXPECT_EQ(heard(1), second + 1) << "from the first packet on";
  speak(30, seconds(1));
  expect_continuous(bob->of(bob->slot_ssrc(0)));
  expect_continuous(bob->of(bob->slot_ssrc(2)));
}

TEST_P(SfuTest, VideoBeginsWithAKeyFrameWhichItAsksFor) {
  two_connected();
  alice->send_frame(false);
  run(milliseconds(50));
  EXPECT_TRUE(bob->of(bob->slot_ssrc(1)).empty());
  bob->ask_for_key_frame(bob->slot_ssrc(1));
  run(milliseconds(5));
  EXPECT_EQ(alice->plis(), 1U);
  bob->ask_for_key_frame(bob->slot_ssrc(1));
  run(milliseconds(5));
  EXPECT_EQ(alice->plis(), 1U) << "a second wish does not make a second request";
  alice->send_frame(true);
  alice->send_frame(false);
  const auto packets = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_TRUE(rtp::parse_vp8(packets[0].view().payload())->key_frame);
  expect_continuous(packets);
  bob->ask_for_key_frame(bob->slot_ssrc(1));
  run(seconds(1));
  EXPECT_EQ(alice->plis(), 1U) << "it is on its way to him";
  EXPECT_EQ(total(&WorkerStats::plis_in), 3U);
  EXPECT_EQ(total(&WorkerStats::plis_passed_over), 1U);
}

TEST_P(SfuTest, AKeyFrameIsRequestedForWhoeverConnectsLater) {
  alice = &join();
  publish(*alice);
  connect_all();
  alice->send_frame(true);
  run(seconds(3));
  bob = &join();
  subscribe(*bob, *alice);
  EXPECT_EQ(alice->plis(), 0U) << "not before he can see it";
  connect_all();
  run(milliseconds(5));
  EXPECT_EQ(alice->plis(), 1U);
}

TEST_P(SfuTest, ACrowdThatJoinsCausesAHandfulOfKeyFrames) {
  alice = &join();
  publish(*alice);
  connect_all();
  alice->send_frame(true, 1);
  std::size_t answered = 0;
  const auto a_picture = [&] {
    const std::size_t asked = alice->plis();
    alice->send_frame(asked != answered, 1);
    answered = asked;
    run(milliseconds(20));
  };
  constexpr int joins = 200;  // in four seconds; a thousand in two cause none
  for (int i = 0; i < joins; ++i) {
    Person& person = prepare();
    person.path.remote.ip =
        IpAddress::v4(10, 1, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i));
    enter(person);
    subscribe(person, *alice);
    a_picture();
  }
  connect_all();
  for (int i = 0; i < 50; ++i) a_picture();
  EXPECT_GE(alice->plis(), 1U);
  EXPECT_LE(alice->plis(), 3U);
  for (std::size_t i = 1; i < people.size(); ++i)
    ASSERT_FALSE(people[i]->of(people[i]->slot_ssrc(1)).empty()) << i;
}

TEST_P(SfuTest, WhatComesTogetherGoesToOneAfterTheOther) {
  alice = &join();
  for (int i = 0; i < 40; ++i) {
    Person& viewer = prepare();
    // Whose packets are not paced.
    viewer.media.video_extensions[rtp::Extension::transport_cc] = 0;
    enter(viewer);
    subscribe(viewer, *alice);
  }
  publish(*alice);
  connect_all();
  alice->send_frame(true);
  const auto portions = together([&] {
    for (int i = 0; i < 4; ++i) alice->send_frame(false, 5);
  });
  // Each has all its packets before the next has any, and some are sent before all are there.
  ASSERT_FALSE(portions.empty());
  for (const auto& [router, several] : portions) {
    EXPECT_GE(several.size(), 40 / sfus.size() * 20 / 256);
    for (const auto& portion : several) {
      EXPECT_LE(portion.size(), 256 + 20);
      std::set<std::uint16_t> done;
      for (std::size_t i = 1; i < portion.size(); ++i) {
        if (portion[i] == portion[i - 1]) continue;
        const bool fresh = done.insert(portion[i - 1].remote.ip.bytes[15]).second;
        EXPECT_TRUE(fresh && !done.contains(portion[i].remote.ip.bytes[15])) << i;
      }
    }
  }
  for (std::size_t i = 1; i < people.size(); ++i) {
    const auto packets = people[i]->of(people[i]->slot_ssrc(1));
    ASSERT_EQ(packets.size(), 22U) << i;
    expect_continuous(packets);
  }
}

TEST_P(SfuTest, SoundAndPicturesThatComeTogetherKeepTheirOrder) {
  two_connected();
  alice->send_frame(true);
  together([&] {
    for (int i = 0; i < 40; ++i) {
      alice->send_audio();
      alice->send_frame(false, 1);
    }
  });
  run(milliseconds(200));
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 40U);
  const auto pictures = bob->of(bob->slot_ssrc(1));
  EXPECT_EQ(pictures.size(), 42U);
  expect_continuous(pictures);
}

TEST_P(SfuTest, WhoeverConnectsSoonAfterAKeyFrameSeesItWithoutAskingForAnother) {
  alice = &join();
  publish(*alice);
  connect_all();
  alice->send_frame(true);
  for (int i = 0; i < 10; ++i) {
    run(milliseconds(33));
    alice->send_frame(false);
  }
  bob = &join();
  subscribe(*bob, *alice);
  connect_all();
  run(milliseconds(50));
  EXPECT_EQ(alice->plis(), 0U);
  const auto past = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(past.size(), 22U);
  EXPECT_TRUE(rtp::parse_vp8(past[0].view().payload())->key_frame);
  EXPECT_LT(past.back().view().timestamp() - past.front().view().timestamp(), 10U * 3000 / 30)
      << "the past is shown as fast as it comes";
  run(milliseconds(33));
  alice->send_frame(false);
  alice->send_frame(false);
  const auto all = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(all.size(), 26U);
  expect_continuous(all);
  EXPECT_EQ(all[25].view().timestamp() - all[23].view().timestamp(), 3000U)
      << "what follows keeps its distance";
}

TEST_P(SfuTest, AKeyFrameThatCouldNotBeSentIsNotTakenForABeginning) {
  alice = &join();
  publish(*alice);
  connect_all();
  bob = &join();
  subscribe(*bob, *alice);
  // It comes while his handshake is still under way.
  alice->send_frame(true);
  connect_all();
  alice->send_frame(false);
  // It is sent once more, out of the past.
  const auto packets = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_TRUE(rtp::parse_vp8(packets[0].view().payload())->key_frame);
  expect_continuous(packets);
}

TEST_P(SfuTest, WhoeverIsFoundAgainBeginsWithAKeyFrame) {
  two_connected();
  alice->send_frame(true);
  ASSERT_EQ(bob->of(bob->slot_ssrc(1)).size(), 2U);
  bob->client->set_silent(true, now);
  run(seconds(11));
  alice->send_frame(false);
  bob->client->set_silent(false, now);
  run(seconds(3));
  EXPECT_GE(alice->plis(), 1U);
  alice->send_frame(false);
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 2U) << "what he missed makes it useless";
  alice->send_frame(true);
  const auto packets = bob->of(bob->slot_ssrc(1));
  EXPECT_EQ(packets.size(), 4U);
  expect_continuous(packets);
}

TEST_P(SfuTest, AnotherTrackInASlotContinuesItsNumbers) {
  two_connected();
  Person& carol = join();
  publish(carol);
  connect_all();
  alice->picture_id = 0x7ffe;
  alice->send_frame(true, 3);
  alice->send_frame(false, 1);
  alice->send_frame(false, 1);
  for (int i = 0; i < 5; ++i) alice->send_audio();
  run(milliseconds(100));
  subscribe(*bob, carol);
  run(milliseconds(20));
  EXPECT_EQ(carol.plis(), 0U) << "what has not begun yet begins with a key frame";
  alice->send_frame(false, 1);
  carol.send_frame(true, 2);
  for (int i = 0; i < 5; ++i) carol.send_audio();
  const auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 7U);
  expect_continuous(video);
  std::vector<std::uint16_t> pictures;
  for (const RtpPacket& packet : video)
    pictures.push_back(rtp::parse_vp8(packet.view().payload())->picture_id);
  for (std::size_t i = 1; i < pictures.size(); ++i) {
    const auto step = static_cast<std::uint16_t>((pictures[i] - pictures[i - 1]) & 0x7fff);
    EXPECT_EQ(step, video[i].view().timestamp() == video[i - 1].view().timestamp() ? 0 : 1) << i;
  }
  EXPECT_EQ(video[4].view().payload()[6], alice->number);
  EXPECT_EQ(video[5].view().payload()[6], carol.number);
  const std::uint32_t step = video[5].view().timestamp() - video[4].view().timestamp();
  EXPECT_NEAR(step, 120 * 90, 90) << "by the arrival clock";
  expect_continuous(bob->of(bob->slot_ssrc(0)));
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 10U);
}

TEST_P(SfuTest, ACutFrameLeavesANumberFree) {
  two_connected();
  Person& carol = join();
  publish(carol);
  connect_all();
  alice->send_frame(true, 2);
  // Of the next frame only the first packet arrives.
  int packets = 0;
  alice->lose_up = [&](Bytes datagram) {
    return transport::classify(datagram) == transport::DatagramKind::rtp && ++packets > 1;
  };
  alice->send_frame(false, 2);
  alice->lose_up = [](Bytes) { return false; };
  subscribe(*bob, carol);
  run(milliseconds(1));
  carol.send_frame(true, 1);
  const auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 4U);
  EXPECT_EQ(static_cast<std::uint16_t>(video[3].view().sequence() - video[2].view().sequence()), 2);
}

TEST_P(SfuTest, MutedTracksAreNotForwardedAndComeBackWithoutAGap) {
  two_connected();
  alice->send_frame(true);
  alice->send_audio();
  command(SetTrackActive{alice->id, alice->audio_track(), false});
  command(SetTrackActive{alice->id, alice->video_track(), false});
  for (int i = 0; i < 5; ++i) {
    alice->send_frame(i == 2);
    alice->send_audio();
    run(milliseconds(20));
  }
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 1U);
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 2U);
  run(seconds(1));
  command(SetTrackActive{alice->id, alice->audio_track(), true});
  command(SetTrackActive{alice->id, alice->video_track(), true});
  run(milliseconds(5));
  EXPECT_EQ(alice->plis(), 1U);
  alice->send_audio();
  alice->send_frame(false);
  alice->send_frame(true);
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 2U);
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 4U);
  expect_continuous(bob->of(bob->slot_ssrc(0)));
  expect_continuous(bob->of(bob->slot_ssrc(1)));
}

TEST_P(SfuTest, AsksThePublisherForLostPacketsAndTakesThemAsRtx) {
  two_connected();
  alice->send_frame(true, 1);
  const std::uint16_t missing = alice->video_seq;
  alice->lose_up = [](Bytes datagram) {
    return transport::classify(datagram) == transport::DatagramKind::rtp;
  };
  alice->send_frame(false, 1);
  alice->lose_up = [](Bytes) { return false; };
  alice->send_frame(false, 1);
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 2U);
  run(milliseconds(15));
  std::vector<std::uint16_t> asked;
  alice->each_rtcp([&](const rtcp::PacketView& packet) {
    if (const auto nack = rtcp::Nack::parse(packet)) {
      EXPECT_EQ(nack->media_ssrc(), alice->video_ssrc());
      nack->for_each([&](std::uint16_t seq) { asked.push_back(seq); });
    }
  });
  ASSERT_EQ(asked, std::vector<std::uint16_t>{missing});
  std::vector<std::uint8_t> payload(2);
  store_u16(payload.data(), missing);
  payload.insert(payload.end(), alice->sent_video[missing].begin(),
                 alice->sent_video[missing].end());
  alice->send_raw(alice->rtx_ssrc(), 97, 5000, payload);
  const auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 3U);
  EXPECT_EQ(static_cast<std::uint16_t>(video[2].view().sequence() + 1), video[1].view().sequence())
      << "it takes the place that was kept for it";
  EXPECT_EQ(load_u16(&video[2].view().payload()[7]), missing);
}

TEST_P(SfuTest, AnswersTheSubscribersNacksFromThePublishersHistory) {
  two_connected(true);
  alice->send_frame(true, 4);
  auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 4U);
  const std::uint16_t seq = video[2].view().sequence();
  bob->nack(bob->slot_ssrc(1), {seq});
  bob->nack(bob->slot_ssrc(1), {seq});  // within one round trip: not again
  const auto repeated = bob->of(bob->slot_ssrc(1) + 1);
  ASSERT_EQ(repeated.size(), 1U);
  EXPECT_EQ(repeated[0].view().payload_type(), 124);
  std::vector<std::uint8_t> unwrapped = repeated[0].bytes;
  const auto view = *rtp::PacketView::parse(unwrapped);
  const auto size = rtp::unwrap_rtx(unwrapped, view, 120, bob->slot_ssrc(1));
  ASSERT_TRUE(size);
  unwrapped.resize(*size);
  // The number of the transport is its own.
  for (const std::size_t at : {17U, 18U}) unwrapped[at] = video[2].bytes[at];
  EXPECT_EQ(unwrapped, video[2].bytes) << "to the byte what was lost";
  for (int i = 0; i < 20; ++i) {
    run(milliseconds(200));
    bob->nack(bob->slot_ssrc(1), {seq});
  }
  const auto again = bob->of(bob->slot_ssrc(1) + 1);
  EXPECT_LE(std::ranges::count_if(
                again, [](const RtpPacket& packet) { return !packet.view().payload().empty(); }),
            6);
  bob->nack(bob->slot_ssrc(1), {static_cast<std::uint16_t>(seq + 1000)});
  bob->nack(0x12345678, {1, 2, 3});
}

TEST_P(SfuTest, AsksWhoeverHasNeverAnsweredWhetherThePathIsThere) {
  alice = &join();
  bob = &prepare();
  // As with Chromium: sound has no numbers, so that while video rests nothing could be answered.
  bob->media.audio_extensions[Extension::transport_cc] = 0;
  bob->gives_feedback = false;
  enter(*bob);
  publish(*alice);
  subscribe(*bob, *alice);
  connect_all();
  const auto pictures_in = [&](Duration time) {
    const std::size_t before = bob->of(bob->slot_ssrc(1)).size();
    for (const Instant end = now + time; now < end; run(milliseconds(30))) {
      alice->send_audio();
      alice->send_frame(true, 20);  // 300 kbit/s
    }
    return bob->of(bob->slot_ssrc(1)).size() - before;
  };
  EXPECT_GT(pictures_in(seconds(2)), 100U);
  pictures_in(seconds(10));
  EXPECT_EQ(pictures_in(seconds(5)), 0U) << "nobody has said that anything arrives";
  bob->feedback = FeedbackSender(7);  // of what comes from now on
  bob->gives_feedback = true;
  pictures_in(seconds(8));
  EXPECT_GT(pictures_in(seconds(1)), 100U);
}

TEST_P(SfuTest, WhoeverComesBackBeginsWithWhatTheirPathCarried) {
  if (sfus.size() > 1) GTEST_SKIP() << "each router remembers for itself";
  two_connected();
  for (const Instant end = now + seconds(5); now < end; run(milliseconds(30))) {
    alice->send_audio();
    alice->send_frame(true, 20);
  }
  const std::uint64_t before = *sfu_of(*bob).estimate(bob->id);
  command(CloseEndpoint{bob->id});
  const auto begins_with = [&](const IpAddress& address) {
    Person& person = prepare();
    person.path.remote.ip = address;
    enter(person);
    connect_all();
    return *sfu_of(person).estimate(person.id);
  };
  const std::uint64_t known = std::min<std::uint64_t>(before * 7 / 10, StartRates::most);
  ASSERT_GT(std::max(known, std::uint64_t{1'000'000}) - std::min(known, std::uint64_t{1'000'000}),
            50'000U);
  EXPECT_NEAR(static_cast<double>(begins_with(bob->path.remote.ip)), static_cast<double>(known), 2);
  EXPECT_EQ(begins_with(IpAddress::v4(198, 51, 100, 77)), 1'000'000U);
}

TEST_P(SfuTest, LeavesOutPaddingWithoutAGap) {
  two_connected();
  alice->send_frame(true, 1);
  alice->send_raw(alice->video_ssrc(), 96, alice->video_seq++, {});
  alice->send_frame(false, 1);
  const auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 2U);
  expect_continuous(video);
}

TEST_P(SfuTest, NothingCrossesCallsNorReturnsToItsSender) {
  two_connected();
  Person& stranger = join(false, {2});
  publish(stranger);
  connect_all();
  // A slot of another call may name any track: it gets nothing.
  subscribe(stranger, *alice);
  for (int i = 0; i < 10; ++i) {
    alice->send_frame(true);
    alice->send_audio();
    stranger.send_audio();
    stranger.send_frame(true);
  }
  EXPECT_TRUE(stranger.received.empty());
  EXPECT_TRUE(alice->received.empty());
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 10U);
}

TEST_P(SfuTest, SenderReportsKeepLipsAndVoiceTogether) {
  two_connected();
  // Sender's NTP time and both RTP clocks at one moment.
  const std::uint64_t ntp = to_ntp(seconds(3'900'000'000));
  alice->send_frame(true);
  alice->send_audio();
  alice->send_rtcp([&](Writer& writer) {
    rtcp::write_sender_report(writer, alice->audio_ssrc(), {ntp, alice->audio_timestamp, 1, 5});
    rtcp::write_sender_report(writer, alice->video_ssrc(), {ntp, alice->video_timestamp, 1, 5});
  });
  run(seconds(2));
  const std::uint32_t audio_out = bob->of(bob->slot_ssrc(0))[0].view().timestamp();
  const std::uint32_t video_out = bob->of(bob->slot_ssrc(1))[0].view().timestamp();
  std::map<std::uint32_t, rtcp::SenderInfo> reports;
  bob->each_rtcp([&](const rtcp::PacketView& packet) {
    if (const auto report = rtcp::parse_sender_report(packet)) reports[report->ssrc] = report->info;
  });
  ASSERT_TRUE(reports.contains(bob->slot_ssrc(0)));
  ASSERT_TRUE(reports.contains(bob->slot_ssrc(1)));
  // Seconds at which what was captured at `ntp` is, by each report.
  const auto captured = [](const rtcp::SenderInfo& info, std::uint32_t timestamp, double rate) {
    return static_cast<double>(from_ntp(info.ntp).count()) * 1e-9 -
           static_cast<std::int32_t>(info.rtp_timestamp - timestamp) / rate;
  };
  EXPECT_NEAR(captured(reports[bob->slot_ssrc(0)], audio_out, 48'000),
              captured(reports[bob->slot_ssrc(1)], video_out, 90'000), 0.0005);
  EXPECT_EQ(reports[bob->slot_ssrc(0)].packets, 1U);
}

TEST_P(SfuTest, ReportsReceptionAndTransportFeedbackToThePublisher) {
  two_connected();
  int count = 0;
  alice->lose_up = [&](Bytes datagram) {
    return transport::classify(datagram) == transport::DatagramKind::rtp && ++count % 10 == 0;
  };
  for (int i = 0; i < 100; ++i) {
    alice->send_audio();
    run(milliseconds(20));
  }
  std::set<std::uint16_t> seen;
  std::set<std::uint16_t> missing;
  std::optional<rtcp::ReportBlock> block;
  alice->each_rtcp([&](const rtcp::PacketView& packet) {
    if (const auto feedback = rtcp::TransportFeedback::parse(packet)) {
      EXPECT_EQ(feedback->media_ssrc(), alice->audio_ssrc());
      feedback->for_each([&](std::uint16_t seq, const std::optional<Duration>& at) {
        (at ? seen : missing).insert(seq);
      });
    }
    if (const auto report = rtcp::parse_receiver_report(packet);
        report && report->blocks.size() == 1)
      block = report->blocks[0];
  });
  EXPECT_GT(seen.size(), 80U);
  EXPECT_GT(missing.size(), 7U);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->ssrc, alice->audio_ssrc());
  EXPECT_NEAR(block->cumulative_lost, 10, 2);
}

TEST_P(SfuTest, TellsWhoSpeaks) {
  two_connected();
  for (int i = 0; i < 150; ++i) {
    alice->send_audio(127);
    bob->send_audio(i % 10 < 7 ? 30 : 90);  // syllables: a steady sound is noise
    run(milliseconds(20));
  }
  const auto changes = events_of<SpeakerChanged>();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].endpoint, bob->id);
  EXPECT_EQ(changes[0].track, bob->audio_track());
  EXPECT_EQ(changes[0].call, CallId{1});
}

TEST_P(SfuTest, MeasuresLossBothWaysAndTheRoundTrip) {
  two_connected();
  int count = 0;
  alice->lose_up = [&](Bytes datagram) {
    return transport::classify(datagram) == transport::DatagramKind::rtp && ++count % 5 == 0;
  };
  const std::uint64_t ntp = to_ntp(seconds(3'900'000'000));
  alice->send_audio();
  alice->send_rtcp([&](Writer& writer) {
    rtcp::write_sender_report(writer, alice->audio_ssrc(), {ntp, alice->audio_timestamp, 1, 5});
  });
  for (int i = 0; i < 150; ++i) {
    alice->send_audio();
    run(milliseconds(20));
  }
  std::optional<rtcp::SenderInfo> last;
  bob->each_rtcp([&](const rtcp::PacketView& packet) {
    if (const auto report = rtcp::parse_sender_report(packet)) last = report->info;
  });
  ASSERT_TRUE(last);
  const auto middle = static_cast<std::uint32_t>(last->ntp >> 16);
  const auto report = [&](std::uint32_t highest, std::uint8_t fraction) {
    const auto since = static_cast<std::uint32_t>((ntp_of(now) >> 16) - middle);
    bob->send_rtcp([&](Writer& writer) {
      // The answer was held for all but 100 ms of the time since.
      rtcp::write_receiver_report(writer, 1,
                                  std::array{rtcp::ReportBlock{bob->slot_ssrc(0), fraction, 0,
                                                               highest, 0, middle, since - 6554}});
    });
  };
  report(1000, 0);
  run(seconds(1));
  report(1100, 64);
  run(seconds(1));
  float loss_up = 0;
  float loss_down = 0;
  std::uint32_t rtt_us = 0;
  for (const auto& quality : events_of<EndpointQuality>()) {
    if (quality.endpoint == alice->id) loss_up = std::max(loss_up, quality.loss_up);
    if (quality.endpoint != bob->id) continue;
    loss_down = std::max(loss_down, quality.loss_down);
    rtt_us = quality.rtt_us;
  }
  EXPECT_NEAR(loss_up, 0.2, 0.03);
  EXPECT_NEAR(loss_down, 0.25, 0.01);
  EXPECT_NEAR(rtt_us, 100'000, 1'000);
}

TEST_P(SfuTest, AnswersAnyGarbageWithACountedDrop) {
  two_connected();
  const auto drops = [&](Drop drop) {
    run(milliseconds(1001));
    return World::drops(drop);
  };
  const Path elsewhere{{IpAddress::v4(10, 9, 9, 9), 1}, {}, 0};
  deliver(0, elsewhere, std::vector<std::uint8_t>{0x80, 0x60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5});
  EXPECT_EQ(drops(Drop::unknown_source), 1U);
  deliver(0, alice->path, std::vector<std::uint8_t>{0x80, 0x60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5});
  EXPECT_GE(drops(Drop::srtp_auth) + drops(Drop::rtp_malformed), 1U);
  deliver(0, alice->path, std::vector<std::uint8_t>{0xff});
  EXPECT_EQ(drops(Drop::malformed), 1U);
  alice->send_raw(424242, 96, 1, std::vector<std::uint8_t>{1}, "nobody");
  EXPECT_EQ(drops(Drop::unknown_ssrc), 1U);
  alice->send_raw(424242, 50, 2, std::vector<std::uint8_t>{1});
  EXPECT_EQ(drops(Drop::unknown_payload_type), 1U);
  alice->send_raw(alice->rtx_ssrc(), 97, 1, std::vector<std::uint8_t>{1});
  EXPECT_EQ(drops(Drop::unknown_ssrc), 2U) << "RTX before its stream";
  alice->send_audio();
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 1U) << "and the call goes on";
}

// RFC 9143 section 9.2, the last of its ways: OBS Studio and FFmpeg send no mid with audio.
TEST_P(SfuTest, WithoutAMidThePayloadTypeTellsTheTrack) {
  two_connected();
  const std::vector<std::uint8_t> key = {0x90, 0xc0, 0x80, 1, 1, 0x00, 1, 2, 3};
  alice->send_raw(50'000, 96, 9, key, "");
  alice->send_raw(50'001, 111, 9, std::vector<std::uint8_t>{0xf8, 1}, "");
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 1U);
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 1U);
}

TEST_P(SfuTest, WhereSeveralTracksHaveThePayloadTypeTheMidIsNeeded) {
  alice = &prepare();
  alice->media.up.push_back({"2", {999}, MediaKind::audio, false});
  enter(*alice);
  bob = &join();
  publish(*alice);
  subscribe(*bob, *alice);
  connect_all();
  alice->send_raw(50'001, 111, 9, std::vector<std::uint8_t>{0xf8, 1}, "");
  EXPECT_TRUE(bob->of(bob->slot_ssrc(0)).empty());
  run(milliseconds(1100));
  EXPECT_EQ(drops(Drop::unknown_ssrc), 1U);
}

// A key frame of VP8 whose pictures are `width` times `height` (RFC 6386 section 9.1), told by its
// last byte.
std::vector<std::uint8_t> vp8_key_frame(std::uint16_t width, std::uint16_t height,
                                        std::uint8_t told) {
  return {0x10,
          0x00,
          0x00,
          0x00,
          0x9d,
          0x01,
          0x2a,
          static_cast<std::uint8_t>(width),
          static_cast<std::uint8_t>(width >> 8),
          static_cast<std::uint8_t>(height),
          static_cast<std::uint8_t>(height >> 8),
          told};
}

class SimulcastTest : public SfuTest {
 protected:
  // Alice sends encodings "a" and "b", one of which is small, and Bob shows her small.
  void expect_small_one(const std::string& small) {
    alice = &prepare();
    alice->media.up[1].rids = {"a", "b"};
    enter(*alice);
    bob = &join();
    publish(*alice);
    subscribe(*bob, *alice);
    connect_all();
    command(SetView{bob->id, {{1, 160, 90}}});
    for (std::uint16_t i = 0; i < 10; ++i) {
      alice->video_timestamp += 3000;
      alice->send_raw(50'000, 96, i, vp8_key_frame(1280, 720, 1), "1", small == "a" ? "b" : "a");
      alice->send_raw(50'001, 96, i, vp8_key_frame(320, 180, 2), "1", small);
      run(milliseconds(33));
    }
    const auto packets = bob->of(bob->slot_ssrc(1));
    ASSERT_GE(packets.size(), 8U);
    for (std::size_t i = 1; i < packets.size(); ++i) {
      EXPECT_TRUE(newer(packets[i].view().sequence(), packets[i - 1].view().sequence()));
      const std::uint8_t told = packets[i].view().payload().back();
      EXPECT_TRUE(i == 1 || told == 2) << "the small one, " << i;
    }
    run(seconds(6));
    const auto wanted = events_of<LayersWanted>();
    ASSERT_FALSE(wanted.empty());
    EXPECT_EQ(wanted.back().encodings, (std::vector<bool>{small == "a", small == "b"}))
        << "in the order of the rids";
  }
};

TEST_P(SimulcastTest, TheSmallestEncodingMayHaveTheFirstName) { expect_small_one("a"); }
TEST_P(SimulcastTest, EncodingsAreOrderedByTheirPicturesNotByTheirNames) { expect_small_one("b"); }

TEST_P(SfuTest, AViewerWithoutAnythingToWatchOutlivesThePublishers) {
  alice = &join();
  bob = &prepare();
  bob->media.up.clear();
  enter(*bob);
  connect_all();
  command(CloseEndpoint{alice->id});
  run(milliseconds(100));
  Person& carl = join();
  publish(carl);
  subscribe(*bob, carl);
  run(seconds(2));
  carl.send_audio();
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 1U);
  command(CloseEndpoint{bob->id});
  command(CloseEndpoint{carl.id});
  run(milliseconds(1100));
  EXPECT_EQ(calls(), 0U);
}

TEST_P(SfuTest, AStreamThatBeginsAnewTakesThePlaceOfTheOld) {
  two_connected();
  alice->send_frame(true);
  const std::vector<std::uint8_t> key = {0x90, 0xc0, 0x80, 1, 1, 0x00, 1, 2, 3};
  for (std::uint32_t ssrc = 50'000; ssrc < 50'100; ++ssrc) alice->send_raw(ssrc, 96, 9, key);
  run(milliseconds(1100));
  EXPECT_EQ(drops(Drop::ssrc_limit), 0U);
}

TEST_P(SfuTest, ClosesAndForgets) {
  two_connected();
  alice->send_frame(true);
  bob->send_audio();
  command(CloseEndpoint{alice->id});
  EXPECT_TRUE(alice->client->closed_by_server());
  const auto closed = events_of<EndpointClosed>();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].endpoint, alice->id);
  EXPECT_EQ(closed[0].reason, CloseReason::commanded);
  EXPECT_GE(closed[0].packets_in, 2U);
  EXPECT_GT(closed[0].packets_out, 0U);
  // Whatever still names it is harmless.
  command(CloseEndpoint{alice->id});
  command(SetTrackActive{alice->id, alice->audio_track(), true});
  command(AssignSlot{alice->id, 0, bob->audio_track()});
  command(AssignSlot{bob->id, 999, bob->audio_track()});
  bob->ask_for_key_frame(bob->slot_ssrc(1));
  bob->nack(bob->slot_ssrc(1), {1});
  bob->send_audio();
  command(CloseEndpoint{bob->id});
  run(milliseconds(1100));
  EXPECT_EQ(endpoints(), 0U);
  EXPECT_EQ(calls(), 0U);
  EXPECT_EQ(pool.free_count(), pool.size()) << "all packets are given back";
}

TEST_P(SfuTest, ARepublishedTrackGoesOnWhateverTheOrderOfOpeningAndClosing) {
  two_connected();
  alice->send_frame(true, 1);
  // A reload: the same track comes from a new endpoint before the old one is closed.
  Person& again = join();
  command(CloseEndpoint{again.id});
  again.id = {77};
  again.media.up = alice->media.up;
  again.remote = {"serverufragagain", "serverpasswordserverpasswordagain"};
  again.client = std::make_unique<Connector>(
      transport::ConnectorOptions{.local = again.local,
                                  .remote = again.remote,
                                  .remote_fingerprint = certificate.fingerprint},
      client_certificate);
  enter(again);
  publish(again);
  command(CloseEndpoint{alice->id});
  connect_all();
  again.send_frame(true, 1);
  const auto video = bob->of(bob->slot_ssrc(1));
  ASSERT_EQ(video.size(), 2U);
  expect_continuous(video);
}

TEST_P(SfuTest, APathBelongsToWhomIsHeardOnIt) {
  two_connected();
  // A third, admitted client says its checks came from Alice's address.
  Person& mallory = join();
  run(seconds(1));
  for (int i = 0; i < 10; ++i) {
    deliver(router_of(mallory.id), alice->path, mallory.client->make_check(true));
    alice->send_audio();
    run(milliseconds(20));
  }
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 10U);
  EXPECT_TRUE(events_of<EndpointDisconnected>().empty());

  // When nobody is heard there any more, an address is anybody's: networks give it out again.
  alice->client->set_silent(true, now);
  mallory.client->set_silent(true, now);
  run(seconds(6));
  mallory.path = alice->path;
  alice->path.remote.port = 1;
  mallory.client->set_silent(false, now);
  mallory.client->select(mallory.path, now);
  run(seconds(1));
  publish(mallory);
  subscribe(*bob, mallory);
  mallory.send_audio();
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 11U);
}

TEST_P(SfuTest, LosesAndFindsAgainASilentClient) {
  two_connected();
  alice->client->set_silent(true, now);
  run(seconds(11));
  ASSERT_EQ(events_of<EndpointDisconnected>().size(), 1U);
  const std::size_t all_before = alice->received.size();
  const std::size_t before = alice->of(alice->slot_ssrc(0)).size();
  bob->send_audio();
  EXPECT_EQ(alice->received.size(), all_before) << "nothing is sent to whom we do not hear";
  alice->client->set_silent(false, now);
  run(seconds(3));
  EXPECT_EQ(connected_events(), 3U);
  bob->send_audio();
  EXPECT_EQ(alice->of(alice->slot_ssrc(0)).size(), before + 1);
  alice->client->set_silent(true, now);
  run(seconds(31));
  const auto closed = events_of<EndpointClosed>();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].reason, CloseReason::consent_expired);
}

TEST_P(SfuTest, RestartsIceWhileMediaFlows) {
  two_connected();
  alice->send_audio();
  const transport::IceCredentials local{"newclient", "newclientpasswordnewclientpass"};
  const transport::IceCredentials remote{"newserverufrag00", "newserverpasswordnewserverpassword"};
  command(RestartIce{alice->id, remote, local.ufrag});
  alice->client->restart_ice(local, remote, now);
  alice->path.remote.port = 6000;
  alice->client->select(alice->path, now);
  run(seconds(1));
  alice->send_audio();
  run(seconds(40));
  alice->send_audio();
  EXPECT_EQ(bob->of(bob->slot_ssrc(0)).size(), 3U);
  EXPECT_TRUE(events_of<EndpointDisconnected>().empty());
}

TEST_P(SfuTest, RefusesMoreEndpointsThanItsLimit) {
  const MediaDescription none;
  for (std::uint64_t i = 0; i < 4097; ++i) {
    const std::string ufrag = "ufrag" + std::to_string(i);
    sfus[0]->receive(
        OpenEndpoint{{1000 + i}, {1}, {ufrag, "passwordpasswordpasswordpassword"}, "x", {}, none},
        now, out);
  }
  ASSERT_EQ(out.events.size(), 1U);
  EXPECT_EQ(std::get<EndpointClosed>(out.events[0]).reason, CloseReason::refused);
}

// ── What only two routers can show ──

class LinkTest : public SfuTest {
 protected:
  std::vector<LinkPacket> relayed(std::size_t from) const {
    std::vector<LinkPacket> packets;
    for (const auto& [router, message] : link_log) {
      const auto* packet = std::get_if<LinkPacket>(&message);
      if (packet != nullptr && router == from) packets.push_back(*packet);
    }
    return packets;
  }
  template <typename Message>
  std::size_t said(std::size_t from) const {
    return static_cast<std::size_t>(std::ranges::count_if(link_log, [&](const auto& entry) {
      return entry.first == from && std::holds_alternative<Message>(entry.second);
    }));
  }
};

TEST_P(LinkTest, WhatNobodyOnTheOtherSideWantsDoesNotCross) {
  two_connected();
  alice->send_frame(true);
  run(milliseconds(20));
  EXPECT_EQ(relayed(0).size(), 2U);
  command(AssignSlot{bob->id, 1, {}});
  // What was wanted a moment ago may be wanted again, without a key frame.
  run(LayerDemand::rest_after + milliseconds(50));
  link_log.clear();
  for (int i = 0; i < 5; ++i) alice->send_frame(true);
  EXPECT_TRUE(relayed(0).empty());
  alice->send_audio();
  EXPECT_EQ(relayed(0).size(), 1U) << "who speaks is for every router to know";
}

TEST_P(LinkTest, EachPacketCrossesOnceHoweverManyWaitForIt) {
  two_connected();
  std::vector<Person*> crowd = {bob};
  for (int i = 0; i < 8; ++i) {
    Person& person = join();
    if (router_of(person.id) == 1) crowd.push_back(&person);
    subscribe(person, *alice);
  }
  connect_all();
  link_log.clear();
  alice->send_frame(true, 3);
  run(milliseconds(20));
  EXPECT_EQ(relayed(0).size(), 3U);
  EXPECT_EQ(crowd.size(), 5U);
  for (const Person* person : crowd) EXPECT_EQ(person->of(person->slot_ssrc(1)).size(), 3U);
}

TEST_P(LinkTest, WhoComesLateOnTheOtherSideSeesThePastWithoutANewKeyFrame) {
  alice = &join();
  bob = &join();
  publish(*alice);
  connect_all();
  alice->send_frame(true);
  for (int i = 0; i < 10; ++i) {
    run(milliseconds(33));
    alice->send_frame(false);
  }
  subscribe(*bob, *alice);
  run(milliseconds(300));
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 22U);
  EXPECT_EQ(alice->plis(), 0U);
}

TEST_P(LinkTest, WhatGetsLostBetweenRoutersIsAskedForAgain) {
  two_connected();
  alice->send_frame(true);
  run(milliseconds(30));
  int left = 2;
  lose_on_link = [&](const LinkMessage& message) {
    return std::holds_alternative<LinkPacket>(message) && left > 0 && left-- > 0;
  };
  for (int i = 0; i < 4; ++i) {
    alice->send_frame(false);
    run(milliseconds(33));
  }
  run(milliseconds(200));
  EXPECT_EQ(left, 0);
  EXPECT_GE(said<LinkNack>(1), 1U);
  const auto video = bob->of(bob->slot_ssrc(1));
  std::set<std::uint16_t> numbers;
  for (const RtpPacket& packet : video) numbers.insert(packet.view().sequence());
  EXPECT_EQ(numbers.size(), 10U) << "all of them have come";
  EXPECT_EQ(alice->plis(), 0U);
}

TEST_P(LinkTest, AMessageForACallThatIsNotHereChangesNothing) {
  two_connected();
  const auto hear = [&](LinkMessage message, LinkId from = {1}) {
    sfus[1]->receive({from, std::move(message)}, now, out);
    flush(1);
  };
  const EndpointId stranger{99};
  hear(LinkHello{.call = {5}});
  hear(LinkAnnounce{.call = {5}, .publisher = stranger, .media = alice->media});
  hear(LinkAnnounce{.call = {1}, .publisher = stranger, .media = alice->media}, {7});
  hear(LinkAnnounce{.call = {1}, .publisher = bob->id, .media = alice->media});
  hear(LinkWithdraw{stranger});
  hear(LinkWithdraw{alice->id}, {7});
  hear(LinkDemand{.publisher = stranger, .track = alice->video_track(), .rids = {true}});
  hear(LinkDemand{.publisher = bob->id, .track = {4711}, .rids = {true, true, true}});
  hear(LinkKeyFrame{.publisher = bob->id, .track = bob->video_track(), .rid = 2});
  hear(LinkNack{.publisher = bob->id, .track = bob->video_track(), .rid = 9, .missing = {1}});
  hear(LinkReport{.publisher = stranger});
  hear(LinkPacket{.publisher = stranger, .track = alice->video_track()});
  hear(LinkPacket{.publisher = alice->id, .track = alice->video_track(), .rid = 0});
  hear(LinkPacket{.publisher = alice->id, .track = alice->video_track(), .rid = 200});
  alice->send_frame(true);
  bob->send_frame(true);
  run(milliseconds(20));
  EXPECT_EQ(bob->of(bob->slot_ssrc(1)).size(), 2U);
  EXPECT_EQ(alice->of(alice->slot_ssrc(1)).size(), 2U);
}

TEST_P(LinkTest, ARouterThatHasHadNoPartForAWhileBeginsAnew) {
  two_connected();
  alice->send_frame(true);
  run(milliseconds(20));
  command(CloseEndpoint{bob->id});
  run(milliseconds(20));
  link_log.clear();
  alice->send_frame(true);
  alice->send_audio();
  EXPECT_TRUE(relayed(0).empty()) << "the link is closed";
  join();  // beside Alice
  Person& dora = join();
  ASSERT_EQ(router_of(dora.id), 1U);
  subscribe(dora, *alice);
  connect_all();
  alice->send_frame(true);
  run(milliseconds(20));
  EXPECT_GE(dora.of(dora.slot_ssrc(1)).size(), 2U);
}

INSTANTIATE_TEST_SUITE_P(TwoRouters, LinkTest, testing::Values(2));
INSTANTIATE_TEST_SUITE_P(Routers, SfuTest, testing::Values(1, 2));
INSTANTIATE_TEST_SUITE_P(Routers, SimulcastTest, testing::Values(1, 2));

}  // namespace
}  // namespace liaison::sfu
