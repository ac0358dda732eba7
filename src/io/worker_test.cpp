#include "io/worker.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "io/clock.hpp"
#include "io/socket_address.hpp"
#include "signaling/credentials.hpp"
#include "stun/message.hpp"
#include "transport/certificate.hpp"

namespace liaison::io {
namespace {

const IpAddress loopback = IpAddress::v4(127, 0, 0, 1);

// A worker on its thread, and what a client needs to reach it.
class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    auto socket = UdpSocket::open({loopback, 0});
    ENSURE(socket);
    port_ = socket->port();
    worker_ =
        std::make_unique<Worker>(WorkerIndex{5}, std::move(*socket), certificate_, std::nullopt);
  }

  void order(WorkerOrder order) {
    worker_->orders().post(std::move(order));
    while (!worker_->orders().flush()) std::this_thread::yield();
  }
  // The next piece of news of type T, within 10 s; others are skipped.
  template <typename T>
  std::optional<T> next() {
    const Instant deadline = monotonic_now() + seconds(10);
    while (monotonic_now() < deadline) {
      while (auto news = worker_->news().take()) {
        if constexpr (std::is_constructible_v<sfu::Event, T>) {
          const auto* event = std::get_if<sfu::Event>(&*news);
          if (event != nullptr && std::holds_alternative<T>(*event)) return std::get<T>(*event);
        } else if (std::holds_alternative<T>(*news)) {
          return std::get<T>(*news);
        }
      }
      pollfd entry{worker_->news().fd(), POLLIN, 0};
      poll(&entry, 1, 100);
      worker_->news().acknowledge();
    }
    return std::nullopt;
  }

  sfu::OpenEndpoint endpoint() const {
    sfu::OpenEndpoint open;
    open.endpoint = EndpointId{7};
    open.call = CallId{1};
    open.local = credentials_;
    open.remote_ufrag = "peer";
    open.remote_fingerprint = certificate_.fingerprint;
    return open;
  }
  std::vector<std::uint8_t> check() const { return check_for(credentials_.ufrag); }
  std::vector<std::uint8_t> check_for(const std::string& ufrag) const {
    stun::BindingRequest request;
    const std::string username = ufrag + ":peer";
    request.username = username;
    request.use_candidate = true;
    request.priority = 1;
    request.tie_breaker = 1;
    std::array<std::uint8_t, 256> room;
    const auto datagram = stun::write_request(room, request, credentials_.password);
    return {datagram.begin(), datagram.end()};
  }
  static bool is_success(Bytes datagram) {
    const auto message = stun::parse(datagram);
    return message && message->kind == stun::Class::success;
  }

  transport::Certificate certificate_ = transport::generate_certificate(unix_now());
  transport::IceCredentials credentials_ = signaling::draw_credentials(WorkerIndex{5});
  std::uint16_t port_ = 0;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerTest, AnswersChecksOverUdpAndCountsTheRest) {
  PacketPool pool(64);
  auto client = UdpSocket::open({loopback, 0});
  ASSERT_TRUE(client);
  const transport::Path path{{loopback, port_}, {}, 0};
  transport::Output out;
  out.send(path, check_for("Anobodyhasthis00"));
  out.send(path, std::vector<std::uint8_t>(3'000, 1));
  out.send(path, as_bytes("nonsense"));
  client->send_batch(out);
  order(sfu::Command(endpoint()));

  std::vector<transport::Datagram> answers;
  for (int tries = 0; tries < 100 && answers.empty(); ++tries) {
    out.clear();
    out.send(path, check());
    client->send_batch(out);
    pollfd entry{client->fd(), POLLIN, 0};
    if (poll(&entry, 1, 100) == 1) client->receive_batch(pool, answers);
  }
  ASSERT_FALSE(answers.empty());
  EXPECT_TRUE(is_success(answers[0].packet.bytes()));

  const auto stats = next<sfu::WorkerStats>();
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->endpoints, 1U);
  EXPECT_GE(stats->packets_in, 3U);
  EXPECT_GE(stats->packets_out, 1U);
  EXPECT_GE(stats->drops[Drop::stun_unknown_user], 1U);
  EXPECT_EQ(stats->drops[Drop::oversize], 1U);
  EXPECT_EQ(stats->drops[Drop::malformed], 1U);
}

TEST_F(WorkerTest, AnswersChecksOverTcp) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Descriptor far(ends[0]);
  order(sfu::Command(endpoint()));
  const auto datagram = check();
  std::vector<std::uint8_t> framed(2);
  store_u16(framed.data(), static_cast<std::uint16_t>(datagram.size()));
  framed.insert(framed.end(), datagram.begin(), datagram.end());
  order(TcpHandover{Descriptor(ends[1]), {{loopback, 1}, loopback, 9}, framed});

  std::array<std::uint8_t, 300> answer;
  const ssize_t got = recv(far.get(), answer.data(), answer.size(), 0);
  ASSERT_GT(got, 2);
  ASSERT_EQ(load_u16(answer.data()), got - 2);
  EXPECT_TRUE(is_success(Bytes(answer).subspan(2, static_cast<std::size_t>(got - 2))));
  shutdown(far.get(), SHUT_RDWR);
  const auto closed = next<TcpClosed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->connection, 9U);
}

TEST_F(WorkerTest, TellsWhatBecomesOfAnEndpoint) {
  order(sfu::Command(endpoint()));
  order(sfu::Command(sfu::CloseEndpoint{EndpointId{7}}));
  const auto closed = next<sfu::EndpointClosed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->endpoint, EndpointId{7});
  EXPECT_EQ(closed->reason, sfu::CloseReason::commanded);
}

TEST_F(WorkerTest, LosesNoOrderAndNoEventThoughNobodyReads) {
  // More than both mailboxes hold.
  constexpr std::uint64_t count = 20'000;
  for (std::uint64_t i = 1; i <= count; ++i) {
    auto open = endpoint();
    open.endpoint = EndpointId{i};
    open.local = signaling::draw_credentials(WorkerIndex{5});
    worker_->orders().post(sfu::Command(std::move(open)));
    worker_->orders().post(sfu::Command(sfu::CloseEndpoint{EndpointId{i}}));
    if (i % 1'000 == 0) {
      while (!worker_->orders().flush()) std::this_thread::yield();
    }
  }
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto closed = next<sfu::EndpointClosed>();
    ASSERT_TRUE(closed) << i;
    ASSERT_EQ(closed->endpoint, EndpointId{i});
  }
}

TEST_F(WorkerTest, ReportsHowItsLoopDoes) {
  const auto report = next<LoopReport>();
  ASSERT_TRUE(report);
  EXPECT_GE(report->worst_lag, Duration::zero());
  EXPECT_LE(report->pool_free, report->pool_size);
  EXPECT_GT(report->pool_free, report->pool_size / 2);
}

TEST_F(WorkerTest, StopsWhateverItIsDoing) {
  for (int i = 0; i < 100; ++i) order(sfu::Command(endpoint()));
  worker_.reset();
}

// This test is the other worker.
TEST_F(WorkerTest, HearsAndTellsOtherWorkersOfACall) {
  const LinkId other = sfu::link_to(WorkerIndex{6});
  const LinkMailboxes link{other, std::make_shared<Mailbox<LinkMail>>(Worker::link_room),
                           std::make_shared<Mailbox<LinkMail>>(Worker::link_room)};
  const auto say = [&](sfu::LinkMessage message, Bytes packet = {}) {
    link.in->post({std::move(message), packet});
    link.in->flush();
  };
  const auto heard = [&]() -> std::optional<sfu::LinkMessage> {
    for (int tries = 0; tries < 100; ++tries) {
      if (auto mail = link.out->take()) return std::move(mail->message);
      pollfd entry{link.out->fd(), POLLIN, 0};
      if (poll(&entry, 1, 100) == 1) link.out->acknowledge();
    }
    return std::nullopt;
  };
  const CallId call{3};
  order(link);
  order(sfu::Command(sfu::OpenLink{call, other}));
  auto message = heard();
  ASSERT_TRUE(message && std::holds_alternative<sfu::LinkHello>(*message));
  EXPECT_EQ(std::get<sfu::LinkHello>(*message).call, call);
  say(sfu::LinkHello{.call = call});
  message = heard();
  ASSERT_TRUE(message && std::holds_alternative<sfu::LinkHello>(*message));
  EXPECT_TRUE(std::get<sfu::LinkHello>(*message).answer);

  const EndpointId publisher{70};
  const TrackId track{700};
  sfu::LinkAnnounce announced{.call = call, .publisher = publisher};
  announced.media.up.push_back({"0", track, rtp::MediaKind::audio, true});
  say(announced);
  message = heard();
  ASSERT_TRUE(message && std::holds_alternative<sfu::LinkDemand>(*message));
  EXPECT_TRUE(std::get<sfu::LinkDemand>(*message).rids[0]);

  const std::vector<std::uint8_t> garbage(1'200, 0xff);
  for (int i = 0; i < 10; ++i)
    say(sfu::LinkPacket{.publisher = publisher, .track = track}, garbage);
  while (const auto stats = next<sfu::WorkerStats>()) {
    if (stats->drops[Drop::rtp_malformed] == 10) return;
  }
  FAIL() << "the packets have not come";
}

}  // namespace
}  // namespace liaison::io
