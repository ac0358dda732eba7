#include "transport/transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <string>

#include "stun/message.hpp"
#include "transport/connector.hpp"
#include "transport/demux.hpp"
#include "transport/test_clock.hpp"

namespace liaison::transport {
namespace {

using Buffer = std::vector<std::uint8_t>;

Path udp(const char* remote, const char* local = "198.51.100.1") {
  return {*SocketAddress::parse(remote), *IpAddress::parse(local), 0};
}
const Path home = udp("192.0.2.10:5000");
const Path mobile = udp("203.0.113.20:6000");
const Path stranger = udp("192.0.2.66:7000");

const Certificate& server_certificate() {
  static const Certificate made = generate_certificate(UnixTime(seconds(1'767'225'600)));
  return made;
}
const Certificate& client_certificate() {
  static const Certificate made = generate_certificate(UnixTime(seconds(1'767'225'600)));
  return made;
}

const IceCredentials server_credentials = {"serverufrag00001", "serverpassword0000000000000001"};
const IceCredentials client_credentials = {"cufr", "clientpassword0000000001"};

Buffer rtp_header(std::uint32_t ssrc, std::uint16_t sequence) {
  Buffer header(12);
  header[0] = 0x80;
  header[1] = 96;
  store_u16(&header[2], sequence);
  store_u32(&header[8], ssrc);
  return header;
}
Buffer rtcp_packet(std::uint32_t ssrc, std::uint8_t fill) {
  Buffer packet(32, fill);
  packet[0] = 0x81;
  packet[1] = 201;
  store_u16(&packet[2], 7);
  store_u32(&packet[4], ssrc);
  return packet;
}
Buffer joined(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A client and a server and 10 ms of wire between them, in virtual time.
class Wire {
 public:
  struct Datagram {
    Instant arrives;
    bool to_server = false;
    Path path;
    Buffer bytes;
    DatagramKind kind() const { return classify(bytes); }
  };

  explicit Wire(ConnectorOptions client_options = {}, std::optional<Fingerprint> expected = {})
      : server_(server_certificate()),
        transport(server_,
                  {server_credentials, client_credentials.ufrag,
                   expected.value_or(client_certificate().fingerprint)},
                  now),
        client(complete(std::move(client_options)), client_certificate()) {
    set_test_clock(now);
  }

  // Runs until nothing more happens before `end`, or `done` says so. True if it did.
  bool run(Duration duration, const std::function<bool()>& done = [] { return false; }) {
    const Instant end = now + duration;
    for (int steps = 0; !done(); ++steps) {
      if (steps == 100'000) {
        ADD_FAILURE() << "time stands still";
        return false;
      }
      Instant next = std::min(transport.deadline(), client.deadline());
      for (const Datagram& datagram : flying_) next = std::min(next, datagram.arrives);
      if (next > end) {
        now = end;
        set_test_clock(now);
        return done();
      }
      now = std::max(now, next);
      set_test_clock(now);
      step();
    }
    return true;
  }
  bool connect(const Path& path = home) {
    client.add_path(path, now);
    return run(seconds(20), [&] {
      return client.connected() && transport.state() == TransportState::connected;
    });
  }

  // Something comes to the server that this client did not send.
  std::optional<Drop> inject(const Path& from, Buffer bytes) {
    const auto drop = deliver(from, bytes);
    collect(false);
    return drop;
  }

  bool client_sends(std::uint16_t sequence, const Buffer& payload, std::uint32_t ssrc = 1) {
    const auto drop = client.seal_rtp(rtp_header(ssrc, sequence), payload, out_);
    collect(true);
    return !drop;
  }
  std::optional<Drop> server_sends(std::uint16_t sequence, const Buffer& payload,
                                   std::uint32_t ssrc = 1) {
    const auto drop = transport.seal_rtp(rtp_header(ssrc, sequence), payload, now, out_);
    collect(false);
    return drop;
  }
  void both_send() {
    client_sends(++client_sequence_, {1, 2, 3});
    server_sends(++server_sequence_, {4, 5, 6});
  }

  Output& out() { return out_; }
  void collect(bool to_server) {
    for (const Transmit& transmit : out_.transmits) {
      const Bytes bytes = out_.bytes(transmit);
      Datagram datagram{now + delay, to_server, transmit.path, Buffer(bytes.begin(), bytes.end())};
      if (datagram.kind() == DatagramKind::dtls) ++dtls_datagrams;
      longest = std::max(longest, datagram.bytes.size());
      log.push_back(datagram);
      if (passes(datagram)) flying_.push_back(std::move(datagram));
    }
    out_.clear();
  }

  Instant now = Instant(seconds(1000));

 private:
  DtlsServer server_;

 public:
  Transport transport;
  Connector client;
  Duration delay = milliseconds(10);
  std::function<bool(const Datagram&)> passes = [](const Datagram&) { return true; };
  std::vector<Datagram> log;  // all that was sent, also what got lost
  int dtls_datagrams = 0;
  std::size_t longest = 0;
  std::vector<PathChange> changes;
  std::vector<Buffer> server_rtp, server_rtcp;
  DropCounters drops;
  std::vector<Datagram>& flying() { return flying_; }
  DtlsServer& server() { return server_; }

 private:
  static ConnectorOptions complete(ConnectorOptions options) {
    options.local = client_credentials;
    options.remote = server_credentials;
    options.remote_fingerprint = server_certificate().fingerprint;
    return options;
  }

  void step() {
    std::vector<Datagram> arrived;
    for (auto it = flying_.begin(); it != flying_.end();) {
      if (it->arrives <= now) {
        arrived.push_back(std::move(*it));
        it = flying_.erase(it);
      } else {
        ++it;
      }
    }
    for (Datagram& datagram : arrived) {
      if (datagram.to_server) {
        deliver(datagram.path, datagram.bytes);
      } else {
        client.receive(datagram.path, datagram.bytes, now, out_);
      }
      collect(!datagram.to_server);
    }
    if (transport.deadline() <= now) transport.tick(now, out_);
    collect(false);
    if (client.deadline() <= now) client.tick(now, out_);
    collect(true);
  }

  std::optional<Drop> deliver(const Path& from, Buffer& bytes) {
    std::optional<Drop> drop;
    switch (classify(bytes)) {
      case DatagramKind::stun: {
        const auto change = transport.receive_stun(from, bytes, now, out_);
        if (change) {
          if (change->added || change->removed) changes.push_back(*change);
        } else {
          drop = change.error();
        }
        break;
      }
      case DatagramKind::dtls:
        drop = transport.receive_dtls(from, bytes, now, out_);
        break;
      case DatagramKind::rtp:
      case DatagramKind::rtcp: {
        const bool rtcp = classify(bytes) == DatagramKind::rtcp;
        const auto opened =
            rtcp ? transport.open_rtcp(from, bytes, now) : transport.open_rtp(from, bytes, now);
        if (opened) {
          (rtcp ? server_rtcp : server_rtp).emplace_back(opened->begin(), opened->end());
        } else {
          drop = opened.error();
        }
        break;
      }
      case DatagramKind::unknown:
        drop = Drop::malformed;
    }
    if (drop) drops.add(*drop);
    return drop;
  }

  std::vector<Datagram> flying_;
  Output out_;
  std::uint16_t client_sequence_ = 100, server_sequence_ = 100;
};

bool is_client_hello(const Wire::Datagram& datagram) {
  return datagram.to_server && datagram.kind() == DatagramKind::dtls &&
         datagram.bytes.size() > 13 && datagram.bytes[0] == 22 && datagram.bytes[13] == 1;
}

TEST(Transport, ConnectsAndCarriesMediaBothWays) {
  Wire wire;
  EXPECT_EQ(wire.transport.state(), TransportState::connecting);
  EXPECT_EQ(wire.transport.selected(), nullptr);
  ASSERT_TRUE(wire.connect());
  ASSERT_NE(wire.transport.selected(), nullptr);
  EXPECT_EQ(*wire.transport.selected(), home);
  EXPECT_EQ(wire.client.profile(), SrtpProfile::aead_aes_128_gcm) << "the server's order";
  EXPECT_EQ(wire.client.mapped_address(), home.remote);
  EXPECT_EQ(wire.server().half_open(), 0U);
  EXPECT_EQ(wire.server().handshakes_completed(), 1U);
  ASSERT_EQ(wire.changes.size(), 1U);
  EXPECT_EQ(wire.changes[0].added, home);
  EXPECT_LE(wire.longest, dtls_mtu);
  EXPECT_EQ(std::ranges::count_if(wire.log, is_client_hello), 2) << "fragments";

  const Buffer payload(1100, 7);
  ASSERT_TRUE(wire.client_sends(500, payload, 11));
  ASSERT_FALSE(wire.server_sends(600, payload, 22));
  ASSERT_FALSE(wire.client.seal_rtcp(rtcp_packet(11, 5), wire.out()));
  wire.collect(true);
  ASSERT_FALSE(wire.transport.seal_rtcp(rtcp_packet(22, 6), wire.now, wire.out()));
  wire.collect(false);
  wire.run(milliseconds(100));
  ASSERT_EQ(wire.server_rtp.size(), 1U);
  EXPECT_EQ(wire.server_rtp[0], joined(rtp_header(11, 500), payload));
  ASSERT_EQ(wire.server_rtcp.size(), 1U);
  EXPECT_EQ(wire.server_rtcp[0], rtcp_packet(11, 5));
  const auto rtp = wire.client.take_rtp();
  ASSERT_EQ(rtp.size(), 1U);
  EXPECT_EQ(rtp[0], joined(rtp_header(22, 600), payload));
  const auto rtcp = wire.client.take_rtcp();
  ASSERT_EQ(rtcp.size(), 1U);
  EXPECT_EQ(rtcp[0], rtcp_packet(22, 6));
}

TEST(Transport, ConnectsWithEachProfileOverEachKindOfPath) {
  Path tcp = home;
  tcp.tcp_connection = 3;
  const Path v6 = udp("[2001:db8::10]:5000", "2001:db8::1");
  for (const Path& path : {home, tcp, v6}) {
    for (const char* profile :
         {"SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM"}) {
      Wire wire({.local = {}, .remote = {}, .remote_fingerprint = {}, .srtp_profiles = profile});
      ASSERT_TRUE(wire.connect(path)) << profile;
      wire.both_send();
      wire.run(milliseconds(100));
      EXPECT_EQ(wire.server_rtp.size(), 1U) << profile;
      EXPECT_EQ(wire.client.take_rtp().size(), 1U) << profile;
      for (const auto& datagram : wire.log) EXPECT_EQ(datagram.path, path);
    }
  }
}

TEST(Transport, SendsNothingBeforeItIsSecure) {
  Wire wire;
  EXPECT_EQ(wire.server_sends(1, {1}), Drop::not_secure);
  EXPECT_EQ(wire.transport.seal_rtcp(rtcp_packet(1, 1), wire.now, wire.out()), Drop::not_secure);
  wire.client.add_path(home, wire.now);
  ASSERT_TRUE(wire.run(seconds(1), [&] { return wire.transport.selected() != nullptr; }));
  EXPECT_EQ(wire.server_sends(1, {1}), Drop::not_secure);
  EXPECT_EQ(wire.inject(home, Buffer(100, 0x80)), Drop::not_secure);
  Buffer rtcp(100, 0x80);
  rtcp[1] = 200;
  EXPECT_EQ(wire.inject(home, rtcp), Drop::not_secure);
  EXPECT_EQ(wire.transport.state(), TransportState::connecting);
}

TEST(Transport, RefusesAnotherCertificate) {
  Wire wire({}, Fingerprint{.hash = Fingerprint::Hash::sha256, .digest = Buffer(32, 1)});
  EXPECT_FALSE(wire.connect());
  EXPECT_EQ(wire.transport.state(), TransportState::closed);
  EXPECT_EQ(wire.transport.close_reason(), CloseReason::handshake_failed);
  EXPECT_EQ(wire.transport.deadline(), never);
  EXPECT_TRUE(wire.client.failed());
  EXPECT_FALSE(wire.client.connected());
  EXPECT_EQ(wire.server_sends(1, {1}), Drop::not_secure);
  EXPECT_EQ(wire.server().half_open(), 0U);
}

TEST(Transport, ConnectsThroughLoss) {
  // Each of the first datagrams lost, in both directions.
  for (int lost = 0; lost < 16; ++lost) {
    Wire wire;
    int number = 0;
    wire.passes = [&](const Wire::Datagram&) { return number++ != lost; };
    EXPECT_TRUE(wire.connect()) << lost;
  }
  std::mt19937 random(6347);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same losses each time
  for (int round = 0; round < 60; ++round) {
    Wire wire;
    wire.passes = [&](const Wire::Datagram&) { return random() % 100 >= 25; };
    EXPECT_TRUE(wire.connect()) << round;
  }
}

TEST(Transport, ConnectsThroughReorderingAndRepetition) {
  std::mt19937 random(4);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same order each time
  for (int round = 0; round < 40; ++round) {
    Wire wire;
    wire.passes = [&](const Wire::Datagram& datagram) {
      for (std::size_t copies = random() % 3; copies > 0; --copies) {
        wire.flying().push_back(datagram);
        wire.flying().back().arrives += milliseconds(random() % 30);
      }
      return random() % 2 == 0;
    };
    EXPECT_TRUE(wire.connect()) << round;
  }
}

// The ClientHello race: whoever comes first from anywhere else changes nothing.
TEST(Transport, DtlsFromAnUnvalidatedPathIsRefused) {
  Wire other;
  other.passes = [](const Wire::Datagram& d) { return d.kind() == DatagramKind::stun; };
  other.client.add_path(home, other.now);
  other.run(seconds(1));
  std::vector<Buffer> attack;
  for (const auto& datagram : other.log) {
    if (is_client_hello(datagram)) attack.push_back(datagram.bytes);
  }
  ASSERT_GE(attack.size(), 2U);

  Wire wire;
  const auto race = [&] {
    const int before = wire.dtls_datagrams;
    for (const Buffer& datagram : attack) {
      EXPECT_EQ(wire.inject(stranger, datagram), Drop::unvalidated_dtls);
    }
    EXPECT_EQ(wire.dtls_datagrams, before) << "no answer";
    EXPECT_EQ(wire.transport.state() == TransportState::connected, wire.client.connected());
  };
  race();
  EXPECT_EQ(wire.server().half_open(), 0U);
  wire.client.add_path(home, wire.now);
  wire.run(seconds(1), [&] { return wire.transport.selected() != nullptr; });
  race();
  wire.run(seconds(1), [&] { return wire.server().half_open() == 1; });
  race();
  ASSERT_TRUE(wire.connect());
  race();
  wire.both_send();
  wire.run(milliseconds(100));
  EXPECT_EQ(wire.server_rtp.size(), 1U);
  EXPECT_EQ(wire.client.take_rtp().size(), 1U);
}

TEST(Transport, MediaFromAnUnvalidatedPathIsRefused) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.passes = [](const Wire::Datagram&) { return false; };
  wire.client_sends(1, {1});
  wire.client.seal_rtcp(rtcp_packet(1, 1), wire.out());
  wire.collect(true);
  const Buffer rtp = wire.log[wire.log.size() - 2].bytes, rtcp = wire.log.back().bytes;
  EXPECT_EQ(wire.inject(stranger, rtp), Drop::unknown_source);
  EXPECT_EQ(wire.inject(stranger, rtcp), Drop::unknown_source);
  EXPECT_EQ(wire.inject(home, rtp), std::nullopt) << "and it did not count as received";
  EXPECT_EQ(wire.inject(home, rtcp), std::nullopt);
  EXPECT_EQ(wire.inject(home, rtp), Drop::srtp_replay);
  EXPECT_EQ(wire.inject(home, rtcp), Drop::srtp_replay);
}

TEST(Transport, ForgeriesChangeNothing) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  for (int i = 0; i < 1000; ++i) {
    Buffer forged = rtp_header(static_cast<std::uint32_t>(i), 1);
    forged.resize(100, static_cast<std::uint8_t>(i));
    EXPECT_EQ(wire.inject(home, forged), Drop::srtp_auth);
    Buffer record(100, static_cast<std::uint8_t>(i));
    record[0] = static_cast<std::uint8_t>(20 + i % 44);
    wire.inject(home, record);
  }
  EXPECT_EQ(wire.transport.state(), TransportState::connected);
  wire.both_send();
  wire.run(milliseconds(100));
  EXPECT_EQ(wire.server_rtp.size(), 1U);
  EXPECT_EQ(wire.client.take_rtp().size(), 1U);
}

TEST(Transport, FollowsANominationAndKeepsItsKeys) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  const int handshake = wire.dtls_datagrams;
  wire.client.select(mobile, wire.now);
  ASSERT_TRUE(wire.run(seconds(1), [&] { return wire.client.nominated(); }));
  EXPECT_EQ(*wire.transport.selected(), mobile);
  EXPECT_EQ(wire.changes.back().added, mobile);
  wire.both_send();
  wire.run(milliseconds(100));
  EXPECT_EQ(wire.server_rtp.size(), 1U);
  EXPECT_EQ(wire.client.take_rtp().size(), 1U);
  EXPECT_EQ(wire.log.back().path, mobile);
  EXPECT_EQ(wire.dtls_datagrams, handshake) << "no new handshake";
  wire.run(seconds(20));
  EXPECT_EQ(*wire.transport.selected(), mobile) << "it was confirmed";
}

TEST(Transport, IceRestartKeepsMediaGoing) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  const int handshake = wire.dtls_datagrams;
  const IceCredentials renewed = {"serverufrag00002", "serverpassword0000000000000002"};
  wire.transport.restart_ice(renewed, "cuf2", wire.now);
  EXPECT_EQ(wire.transport.local_ufrags()[0], renewed.ufrag);
  EXPECT_EQ(wire.transport.local_ufrags()[1], server_credentials.ufrag);
  wire.both_send();
  wire.run(seconds(3));  // the client has not heard of it yet: its old checks are answered
  EXPECT_EQ(wire.server_rtp.size(), 1U);
  EXPECT_EQ(wire.client.take_rtp().size(), 1U);
  EXPECT_EQ(wire.transport.state(), TransportState::connected);

  wire.client.restart_ice({"cuf2", "clientpassword0000000002"}, renewed, wire.now);
  wire.client.add_path(mobile, wire.now);
  ASSERT_TRUE(wire.run(seconds(2), [&] { return wire.client.nominated(); }));
  wire.both_send();
  wire.run(seconds(6));
  EXPECT_EQ(wire.server_rtp.size(), 2U);
  EXPECT_EQ(wire.client.take_rtp().size(), 1U);
  EXPECT_EQ(wire.transport.state(), TransportState::connected);
  EXPECT_EQ(wire.transport.local_ufrags()[1], "");
  EXPECT_EQ(wire.dtls_datagrams, handshake) << "no new handshake";
}

TEST(Transport, LosesConsentAndGetsItBack) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.set_silent(true, wire.now);
  wire.run(Transport::disconnect_after - seconds(3));
  EXPECT_EQ(wire.transport.state(), TransportState::connected);
  EXPECT_FALSE(wire.server_sends(1, {1}));
  wire.run(seconds(3));
  EXPECT_EQ(wire.transport.state(), TransportState::disconnected);
  EXPECT_EQ(wire.server_sends(2, {1}), Drop::no_path);
  EXPECT_EQ(wire.transport.seal_rtcp(rtcp_packet(1, 1), wire.now, wire.out()), Drop::no_path);
  wire.run(seconds(5));
  wire.client.set_silent(false, wire.now);
  ASSERT_TRUE(
      wire.run(seconds(1), [&] { return wire.transport.state() == TransportState::connected; }));
  EXPECT_FALSE(wire.server_sends(2, {1}));

  wire.client.set_silent(true, wire.now);
  wire.run(Transport::close_after + seconds(1));
  EXPECT_EQ(wire.transport.state(), TransportState::closed);
  EXPECT_EQ(wire.transport.close_reason(), CloseReason::consent_expired);
  EXPECT_EQ(wire.transport.deadline(), never);
  wire.client.set_silent(false, wire.now);
  const std::size_t before = wire.log.size();
  wire.run(milliseconds(200));
  EXPECT_GT(wire.drops[Drop::stun_unknown_user], 0U);
  EXPECT_TRUE(std::all_of(wire.log.begin() + before, wire.log.end(), [](const auto& datagram) {
    return datagram.to_server;
  })) << "a closed transport says nothing";
}

TEST(Transport, MediaAloneKeepsConsent) {
  for (const bool rtcp : {false, true}) {
    Wire wire;
    ASSERT_TRUE(wire.connect());
    wire.client.set_silent(true, wire.now);
    for (std::uint16_t i = 0; i < 10; ++i) {
      if (rtcp) {
        wire.client.seal_rtcp(rtcp_packet(1, 1), wire.out());
        wire.collect(true);
      } else {
        wire.client_sends(i, {1});
      }
      wire.run(seconds(9));
      EXPECT_EQ(wire.transport.state(), TransportState::connected) << i;
    }
    const Buffer last = wire.log.back().bytes;
    wire.run(seconds(2));
    EXPECT_EQ(wire.transport.state(), TransportState::disconnected);
    EXPECT_EQ(wire.inject(home, last), Drop::srtp_replay);
    EXPECT_EQ(wire.transport.state(), TransportState::disconnected) << "a replay is no consent";
  }
}

TEST(Transport, ARestartGivesTimeToComeBack) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.set_silent(true, wire.now);
  wire.run(Transport::close_after - seconds(4));
  ASSERT_EQ(wire.transport.state(), TransportState::disconnected);
  const IceCredentials renewed = {"serverufrag00002", "serverpassword0000000000000002"};
  wire.transport.restart_ice(renewed, "cuf2", wire.now);
  wire.run(Transport::close_after - seconds(4));
  ASSERT_EQ(wire.transport.state(), TransportState::disconnected);
  wire.client.restart_ice({"cuf2", "clientpassword0000000002"}, renewed, wire.now);
  wire.client.set_silent(false, wire.now);
  EXPECT_TRUE(
      wire.run(seconds(1), [&] { return wire.transport.state() == TransportState::connected; }));
}

TEST(Transport, ClosesWhatNeverConnects) {
  Wire silent;
  silent.run(Transport::close_after - milliseconds(1));
  EXPECT_EQ(silent.transport.state(), TransportState::connecting);
  silent.run(milliseconds(1));
  EXPECT_EQ(silent.transport.state(), TransportState::closed);
  EXPECT_EQ(silent.transport.close_reason(), CloseReason::consent_expired);

  Wire no_dtls;  // checks go on for ever, and nothing else
  no_dtls.passes = [](const Wire::Datagram& d) { return d.kind() == DatagramKind::stun; };
  no_dtls.client.add_path(home, no_dtls.now);
  no_dtls.run(Transport::close_after);
  EXPECT_EQ(no_dtls.transport.state(), TransportState::closed);
  EXPECT_EQ(no_dtls.transport.close_reason(), CloseReason::handshake_failed);

  Wire half;  // a handshake that never ends
  half.passes = [](const Wire::Datagram& d) {
    return d.kind() == DatagramKind::stun || d.to_server;
  };
  half.client.add_path(home, half.now);
  half.run(seconds(17));
  EXPECT_EQ(half.transport.state(), TransportState::closed);
  EXPECT_EQ(half.transport.close_reason(), CloseReason::handshake_failed);
  EXPECT_EQ(half.server().half_open(), 0U);
}

TEST(Transport, ClosesInBothDirections) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.transport.close(wire.now, wire.out());
  wire.collect(false);
  EXPECT_EQ(wire.transport.state(), TransportState::closed);
  EXPECT_EQ(wire.transport.close_reason(), CloseReason::commanded);
  EXPECT_EQ(wire.server_sends(1, {1}), Drop::no_path);
  wire.run(milliseconds(100));
  EXPECT_TRUE(wire.client.closed_by_server());

  Wire left;
  ASSERT_TRUE(left.connect());
  left.client.close(left.out());
  left.collect(true);
  left.run(milliseconds(100));
  EXPECT_EQ(left.transport.state(), TransportState::closed);
  EXPECT_EQ(left.transport.close_reason(), CloseReason::closed_by_peer);
  left.transport.close(left.now, left.out());
  EXPECT_EQ(left.transport.close_reason(), CloseReason::closed_by_peer) << "the first reason stays";
}

TEST(Transport, SaysGoodbyeWhereTheFarEndIsNow) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  wire.client.select(mobile, wire.now);
  ASSERT_TRUE(wire.run(seconds(1), [&] { return wire.client.nominated(); }));
  wire.transport.close(wire.now, wire.out());
  wire.collect(false);
  EXPECT_EQ(wire.log.back().kind(), DatagramKind::dtls);
  EXPECT_EQ(wire.log.back().path, mobile);
}

TEST(Transport, AReplayedCheckDoesNotMoveMedia) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  Buffer recorded;
  for (const auto& datagram : wire.log) {
    if (!datagram.to_server || datagram.kind() != DatagramKind::stun) continue;
    recorded = datagram.bytes;
    EXPECT_EQ(wire.inject(stranger, recorded), Drop::stun_replay);
  }
  EXPECT_FALSE(wire.transport.validated(stranger));
  EXPECT_EQ(*wire.transport.selected(), home);
}

TEST(Transport, AStolenCheckMovesMediaForTwoSecondsAtMost) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  // Held back on the way, so that its transaction is new when it comes from elsewhere.
  EXPECT_EQ(wire.inject(stranger, wire.client.make_check(true)), std::nullopt);
  EXPECT_EQ(*wire.transport.selected(), stranger);
  for (int i = 0; i < 21 && *wire.transport.selected() == stranger; ++i) {
    wire.both_send();
    wire.run(milliseconds(100));
  }
  EXPECT_EQ(*wire.transport.selected(), home);
  EXPECT_EQ(wire.transport.state(), TransportState::connected);
}

TEST(Transport, ForgottenPathsAreNotValidAnyMore) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  std::vector<Path> added;
  for (std::uint16_t port = 1; port <= 12; ++port) {
    Path path = mobile;
    path.remote.port = port;
    EXPECT_EQ(wire.inject(path, wire.client.make_check(false)), std::nullopt);
    added.push_back(path);
  }
  EXPECT_EQ(wire.transport.paths().size(), Transport::max_paths);
  EXPECT_FALSE(wire.transport.validated(added.front()));
  EXPECT_TRUE(wire.transport.validated(added.back()));
  EXPECT_TRUE(wire.transport.validated(home));
  std::size_t balance = 0;
  for (const PathChange& change : wire.changes) {
    balance += change.added ? 1 : 0;
    balance -= change.removed ? 1 : 0;
  }
  EXPECT_EQ(balance, Transport::max_paths) << "the owner's index stays as small";
}

TEST(Transport, OversizePacketsAreRefused) {
  Wire wire;
  ASSERT_TRUE(wire.connect());
  EXPECT_EQ(wire.server_sends(1, Buffer(3000)), Drop::oversize);
  EXPECT_FALSE(wire.server_sends(1, Buffer(1400)));
  Buffer rtcp(3000);
  EXPECT_EQ(wire.transport.seal_rtcp(rtcp, wire.now, wire.out()), Drop::oversize);
  EXPECT_EQ(wire.server_sends(1, {1}), Drop::srtp_index_used);
}

}  // namespace
}  // namespace liaison::transport
