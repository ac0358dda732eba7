#include "transport/dtls.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "transport/connector.hpp"
#include "transport/demux.hpp"
#include "transport/test_clock.hpp"

namespace liaison::transport {
namespace {

using Buffer = std::vector<std::uint8_t>;

const Path path = {*SocketAddress::parse("192.0.2.10:5000"), {}, 0};
const IceCredentials server_credentials = {"serverufrag00001", "serverpassword0000000000000001"};
const IceCredentials client_credentials = {"cufr", "clientpassword0000000001"};
constexpr UnixTime today{seconds(1'767'225'600)};

Fingerprint digest_of(const Certificate& certificate, Fingerprint::Hash hash,
                      const EVP_MD* method) {
  Fingerprint fingerprint{.hash = hash, .digest = Buffer(EVP_MAX_MD_SIZE)};
  unsigned size = 0;
  EVP_Digest(certificate.certificate_der.data(), certificate.certificate_der.size(),
             fingerprint.digest.data(), &size, method, nullptr);
  fingerprint.digest.resize(size);
  return fingerprint;
}

// A client whose ICE is done, a connection without ICE, and datagrams between them by hand.
class Dtls : public testing::Test {
 protected:
  Dtls() { set_test_clock(now); }

  void start(ConnectorOptions options = {}, std::optional<Fingerprint> expected = {}) {
    connection =
        std::make_unique<DtlsConnection>(server, expected.value_or(client_certificate.fingerprint));
    options.local = client_credentials;
    options.remote = server_credentials;
    options.remote_fingerprint = certificate.fingerprint;
    client = std::make_unique<Connector>(std::move(options), client_certificate);
    client->add_path(path, now);
    client->tick(now, out);
    Buffer success(stun::max_response_size);
    for (int i = 0; i < 2; ++i) {  // the second with USE-CANDIDATE
      const auto request = stun::parse(out.bytes(out.transmits.at(0)));
      const Bytes response = stun::write_success(success, request->transaction, path.remote,
                                                 server_credentials.password);
      out.clear();
      client->receive(path, response, now, out);
      client->tick(now, out);
    }
    ASSERT_TRUE(client->nominated());
    flush(to_server);
  }
  // What was written into `out` is on its way.
  void flush(std::deque<Buffer>& to) {
    for (const Transmit& transmit : out.transmits) {
      const Bytes bytes = out.bytes(transmit);
      if (classify(bytes) == DatagramKind::dtls) to.emplace_back(bytes.begin(), bytes.end());
    }
    out.clear();
  }
  std::optional<Drop> give_server(const Buffer& datagram) {
    const auto drop = connection->receive(path, datagram, now, out);
    flush(to_client);
    return drop;
  }
  void give_client(const Buffer& datagram) {
    client->receive(path, datagram, now, out);
    flush(to_server);
  }
  // Delivers until nothing moves.
  void exchange() {
    while (!to_server.empty() || !to_client.empty()) {
      for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
      for (const Buffer& datagram : std::exchange(to_client, {})) give_client(datagram);
    }
  }
  void pass(Duration duration) {
    now += duration;
    set_test_clock(now);
    if (now >= connection->deadline()) connection->tick(now, out);
    flush(to_client);
    if (now >= client->deadline()) client->tick(now, out);
    flush(to_server);
  }
  bool connected() {
    return connection->state() == DtlsConnection::State::connected && client->connected();
  }

  Instant now = Instant(seconds(1000));
  Output out;
  Certificate certificate = generate_certificate(today);
  Certificate client_certificate = generate_certificate(today);
  DtlsServer server{certificate};
  std::unique_ptr<DtlsConnection> connection;
  std::unique_ptr<Connector> client;
  std::deque<Buffer> to_server, to_client;
};

TEST_F(Dtls, AgreesOnKeys) {
  start();
  EXPECT_EQ(connection->deadline(), never) << "nothing waits before the first ClientHello";
  EXPECT_EQ(to_server.size(), 2U) << "a ClientHello in two datagrams";
  exchange();
  ASSERT_TRUE(connected());
  const auto keys = connection->take_keys();
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->profile, SrtpProfile::aead_aes_128_gcm);
  EXPECT_EQ(client->profile(), keys->profile);
  EXPECT_NE(keys->client.key, keys->server.key);
  EXPECT_FALSE(connection->take_keys()) << "once";
}

TEST_F(Dtls, PrefersGcmAndTakesWhatThereIs) {
  struct {
    const char* offered;
    SrtpProfile expected;
  } const cases[] = {
      {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM",
       SrtpProfile::aead_aes_128_gcm},
      {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM",
       SrtpProfile::aead_aes_256_gcm},
      {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", SrtpProfile::aes128_cm_hmac_sha1_80},
  };
  for (const auto& c : cases) {
    start({.local = {}, .remote = {}, .remote_fingerprint = {}, .srtp_profiles = c.offered});
    exchange();
    ASSERT_TRUE(connected()) << c.offered;
    EXPECT_EQ(connection->take_keys()->profile, c.expected) << c.offered;
  }
}

TEST_F(Dtls, FailsWithoutACommonProfile) {
  start({.local = {},
         .remote = {},
         .remote_fingerprint = {},
         .srtp_profiles = "SRTP_AES128_CM_SHA1_32"});
  exchange();
  EXPECT_EQ(connection->state(), DtlsConnection::State::failed);
  EXPECT_FALSE(connection->take_keys());
  EXPECT_EQ(server.half_open(), 0U);
}

TEST_F(Dtls, WritesOneFlightInDatagramsOfLimitedSize) {
  start();
  std::size_t datagrams = 0;
  for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
  for (const Buffer& datagram : to_client) {
    ++datagrams;
    EXPECT_LE(datagram.size(), dtls_mtu);
    EXPECT_EQ(classify(datagram), DatagramKind::dtls);
  }
  EXPECT_EQ(datagrams, 1U) << "ServerHello to ServerHelloDone fit into one";
  exchange();
  EXPECT_TRUE(connected());
}

TEST_F(Dtls, TakesFragmentsInAnyOrderAndTwice) {
  start();
  ASSERT_EQ(to_server.size(), 2U);
  std::swap(to_server[0], to_server[1]);
  exchange();
  EXPECT_TRUE(connected()) << "reversed";

  start();
  to_server = {to_server[0], to_server[0], to_server[1], to_server[1], to_server[0]};
  exchange();
  EXPECT_TRUE(connected()) << "repeated";

  start({.local = {}, .remote = {}, .remote_fingerprint = {}, .long_client_hello = false});
  EXPECT_EQ(to_server.size(), 1U);
  exchange();
  EXPECT_TRUE(connected()) << "not fragmented";
}

TEST_F(Dtls, KnowsTheThreeHashFunctions) {
  struct {
    Fingerprint::Hash hash;
    const EVP_MD* method;
  } const cases[] = {{Fingerprint::Hash::sha256, EVP_sha256()},
                     {Fingerprint::Hash::sha384, EVP_sha384()},
                     {Fingerprint::Hash::sha512, EVP_sha512()}};
  for (const auto& c : cases) {
    Fingerprint fingerprint = digest_of(client_certificate, c.hash, c.method);
    start({}, fingerprint);
    exchange();
    EXPECT_TRUE(connected());

    fingerprint.digest.back() ^= 1;
    start({}, fingerprint);
    exchange();
    EXPECT_EQ(connection->state(), DtlsConnection::State::failed);
    EXPECT_FALSE(connection->take_keys());
    EXPECT_TRUE(client->failed()) << "by an alert";
    EXPECT_FALSE(client->connected());

    fingerprint.digest.clear();
    start({}, fingerprint);
    exchange();
    EXPECT_EQ(connection->state(), DtlsConnection::State::failed) << "no digest matches nothing";
  }
  EXPECT_EQ(server.half_open(), 0U);
}

TEST_F(Dtls, AfterAWrongCertificateNothingBegins) {
  start({}, Fingerprint{.hash = Fingerprint::Hash::sha256, .digest = Buffer(32, 1)});
  const std::deque<Buffer> hello = to_server;
  exchange();
  ASSERT_EQ(connection->state(), DtlsConnection::State::failed);
  for (const Buffer& datagram : hello) EXPECT_EQ(give_server(datagram), Drop::dtls_failed);
}

TEST_F(Dtls, RepeatsALostFlight) {
  start();
  for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
  ASSERT_FALSE(to_client.empty());
  const Instant sent = now;
  for (const int after : {150, 450, 1050, 2250, 4250, 6250}) {  // 150 ms, doubled up to 2 s
    to_client.clear();
    EXPECT_NEAR(
        static_cast<double>(duration_cast<milliseconds>(connection->deadline() - sent).count()),
        after, 1);
    now = connection->deadline();
    set_test_clock(now);
    connection->tick(now, out);
    flush(to_client);
    EXPECT_FALSE(to_client.empty()) << after;
    for (const Buffer& datagram : to_client) EXPECT_LE(datagram.size(), dtls_mtu);
  }
  exchange();
  EXPECT_TRUE(connected());
}

TEST_F(Dtls, AnswersARepeatedFinished) {
  start();
  for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
  for (const Buffer& datagram : std::exchange(to_client, {})) give_client(datagram);
  for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
  ASSERT_EQ(connection->state(), DtlsConnection::State::connected);
  for (int lost = 0; lost < 3; ++lost) {
    EXPECT_FALSE(to_client.empty()) << lost;
    to_client.clear();
    now = client->deadline();
    pass({});
    EXPECT_FALSE(to_server.empty());
    for (const Buffer& datagram : std::exchange(to_server, {})) give_server(datagram);
  }
  EXPECT_FALSE(client->connected());
  exchange();
  EXPECT_TRUE(connected());
}

TEST_F(Dtls, LosesEachDatagramOnceAndStillConnects) {
  for (int lost = 0; lost < 12; ++lost) {
    start();
    int number = 0;
    const Instant end = now + seconds(10);
    while (!connected() && now < end) {
      if (to_server.empty() && to_client.empty()) {
        now = std::min(connection->deadline(), client->deadline());
        pass({});
      }
      for (const Buffer& datagram : std::exchange(to_server, {})) {
        if (number++ != lost) give_server(datagram);
      }
      for (const Buffer& datagram : std::exchange(to_client, {})) {
        if (number++ != lost) give_client(datagram);
      }
    }
    EXPECT_TRUE(connected()) << lost;
    to_server.clear();
    to_client.clear();
  }
}

TEST_F(Dtls, HearsAndSaysCloseNotify) {
  start();
  exchange();
  ASSERT_TRUE(connected());
  client->close(out);
  flush(to_server);
  exchange();
  EXPECT_EQ(connection->state(), DtlsConnection::State::closed_by_peer);
  EXPECT_EQ(connection->deadline(), never);

  start();
  exchange();
  ASSERT_TRUE(connected());
  connection->close(path, out);
  flush(to_client);
  exchange();
  EXPECT_TRUE(client->closed_by_server());
}

TEST_F(Dtls, ForgetsTheHandshakeAfterAWhile) {
  start();
  exchange();
  ASSERT_TRUE(connected());
  EXPECT_EQ(connection->deadline(), now + DtlsConnection::patience);
  connection->confirm(now);
  EXPECT_EQ(connection->deadline(), now + DtlsConnection::linger);
  pass(DtlsConnection::linger);
  EXPECT_EQ(connection->deadline(), never);
  EXPECT_EQ(connection->state(), DtlsConnection::State::connected);
  client->close(out);
  flush(to_server);
  ASSERT_FALSE(to_server.empty());
  EXPECT_EQ(give_server(to_server.front()), Drop::dtls_failed);
  EXPECT_EQ(connection->state(), DtlsConnection::State::connected);
  connection->close(path, out);
  EXPECT_TRUE(out.transmits.empty());
}

TEST_F(Dtls, ASecondHandshakeDoesNotDisturbTheFirst) {
  start();
  const std::deque<Buffer> hello = to_server;
  exchange();
  ASSERT_TRUE(connected());
  for (const Buffer& datagram : hello) {
    give_server(datagram);
    EXPECT_TRUE(to_client.empty());
  }
  EXPECT_EQ(connection->state(), DtlsConnection::State::connected);
  pass(DtlsConnection::patience);
  for (const Buffer& datagram : hello) EXPECT_EQ(give_server(datagram), Drop::dtls_failed);
}

TEST_F(Dtls, GivesUp) {
  start();
  give_server(to_server[0]);
  EXPECT_EQ(server.half_open(), 1U);
  for (const Instant end = now + DtlsConnection::give_up; now < end;) {
    EXPECT_EQ(connection->state(), DtlsConnection::State::handshaking);
    now = std::min(connection->deadline(), end);
    set_test_clock(now);
    connection->tick(now, out);
  }
  EXPECT_EQ(connection->state(), DtlsConnection::State::failed);
  EXPECT_EQ(connection->deadline(), never);
  EXPECT_EQ(server.half_open(), 0U);
}

TEST_F(Dtls, BeginsWithNothingButAClientHello) {
  start();
  Buffer datagram = to_server[0];
  datagram[0] = 21;  // alert
  EXPECT_EQ(give_server(datagram), Drop::dtls_failed);
  datagram = to_server[0];
  datagram[4] = 1;  // epoch
  EXPECT_EQ(give_server(datagram), Drop::dtls_failed);
  datagram = to_server[0];
  datagram[13] = 11;  // Certificate
  EXPECT_EQ(give_server(datagram), Drop::dtls_failed);
  for (std::size_t size = 1; size <= 13; ++size) {
    EXPECT_EQ(give_server(Buffer(to_server[0].begin(), to_server[0].begin() + size)),
              Drop::dtls_failed);
  }
  EXPECT_EQ(server.half_open(), 0U);
}

TEST_F(Dtls, ABrokenHandshakeMayBeginAgainOnce) {
  start();
  Buffer broken = to_server[0];
  store_u24(&broken[14], 1);  // a ClientHello of one byte
  store_u24(&broken[22], 1);
  store_u16(&broken[11], 13);
  broken.resize(26);
  EXPECT_EQ(give_server(broken), std::nullopt);
  EXPECT_EQ(server.half_open(), 0U) << "failed";
  to_client.clear();
  exchange();
  EXPECT_TRUE(connected()) << "the real one comes through";

  start();
  for (int i = 0; i < DtlsConnection::max_attempts; ++i)
    EXPECT_EQ(give_server(broken), std::nullopt);
  EXPECT_EQ(give_server(broken), Drop::dtls_limit);
  EXPECT_EQ(give_server(to_server[0]), Drop::dtls_limit);
  now += DtlsConnection::attempts_period;
  set_test_clock(now);
  to_client.clear();
  exchange();
  EXPECT_TRUE(connected());
}

TEST_F(Dtls, HalfOpenHandshakesAreLimited) {
  start();
  std::vector<std::unique_ptr<DtlsConnection>> connections;
  for (std::size_t i = 0; i < DtlsServer::max_half_open; ++i) {
    connections.push_back(std::make_unique<DtlsConnection>(server, client_certificate.fingerprint));
    ASSERT_EQ(connections.back()->receive(path, to_server[0], now, out), std::nullopt);
  }
  out.clear();
  EXPECT_EQ(server.half_open(), DtlsServer::max_half_open);
  EXPECT_EQ(give_server(to_server[0]), Drop::dtls_limit);
  connections.pop_back();
  exchange();
  EXPECT_TRUE(connected());
  connections.clear();
  EXPECT_EQ(server.half_open(), 0U);
}

}  // namespace
}  // namespace liaison::transport
