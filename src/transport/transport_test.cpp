#include "transport/transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <string>

#include "stun/message.hpp"
#include "transport/demux.hpp"
#include "transport/test_client.hpp"
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

  explicit Wire(TestClientOptions client_options = {}, std::optional<Fingerprint> expected = {})
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
    while (!done()) {
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
  TestClient client;
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
  static TestClientOptions complete(TestClientOptions options) {
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

}  // namespace
}  // namespace liaison::transport
