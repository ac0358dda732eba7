#include "io/tcp_acceptor.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "io/socket_address.hpp"
#include "signaling/credentials.hpp"
#include "stun/message.hpp"

namespace liaison::io {
namespace {

const IpAddress loopback = IpAddress::v4(127, 0, 0, 1);

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = to_sockaddr({loopback, port}, AF_INET);
    ENSURE(connect(socket_.get(), address.get(), address.size) == 0);
  }
  void send(Bytes bytes) const {
    ENSURE(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size()));
  }
  // The far end has closed, within 10 s.
  bool closed() const {
    pollfd entry{socket_.get(), POLLIN, 0};
    char byte = 0;
    return poll(&entry, 1, 10'000) == 1 && recv(socket_.get(), &byte, 1, 0) <= 0;
  }

 private:
  Descriptor socket_;
};

// 30 bytes that worker_of places by the first of them.
std::vector<std::uint8_t> frame(std::uint8_t worker) {
  std::vector<std::uint8_t> bytes(32, worker);
  store_u16(bytes.data(), 30);
  return bytes;
}

class TcpAcceptorTest : public testing::Test {
 protected:
  void start(TcpAcceptorOptions options = {}) {
    options.listen = {loopback, 0};
    TcpAcceptorHooks hooks;
    hooks.worker_of = [](Bytes datagram) -> std::optional<WorkerIndex> {
      if (datagram[0] > 9) return std::nullopt;
      return static_cast<WorkerIndex>(datagram[0]);
    };
    hooks.hand_over = [this](WorkerIndex worker, TcpHandover handover) {
      handed_.emplace_back(worker, std::move(handover));
    };
    auto acceptor = TcpAcceptor::open(context_, options, std::move(hooks));
    ASSERT_TRUE(acceptor) << acceptor.error().message;
    acceptor_ = std::move(*acceptor);
  }
  // Runs the acceptor until `condition` holds, within 10 s.
  template <typename Condition>
  bool run_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context_.run_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  const TcpAcceptorStats& stats() const { return acceptor_->stats(); }

  boost::asio::io_context context_;
  std::vector<std::pair<WorkerIndex, TcpHandover>> handed_;
  std::unique_ptr<TcpAcceptor> acceptor_;
};

TEST_F(TcpAcceptorTest, HandsOverWhatItReadHoweverItArrives) {
  start();
  Client client(acceptor_->port());
  const auto bytes = frame(3);
  client.send(Bytes(bytes).first(1));
  ASSERT_TRUE(run_until([&] { return stats().pending == 1; }));
  client.send(Bytes(bytes).subspan(1, 20));
  for (int i = 0; i < 5; ++i) context_.run_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(handed_.empty());
  std::vector<std::uint8_t> rest(bytes.begin() + 21, bytes.end());
  rest.insert(rest.end(), {0, 1, 99});  // and the next frame
  client.send(rest);
  ASSERT_TRUE(run_until([&] { return stats().connections == 1; }));
  ASSERT_EQ(handed_.size(), 1U);
  EXPECT_EQ(handed_[0].first, WorkerIndex{3});
  const TcpHandover& handover = handed_[0].second;
  auto expected = bytes;
  expected.insert(expected.end(), {0, 1, 99});
  EXPECT_EQ(handover.received, expected);
  EXPECT_EQ(handover.path.remote.ip, loopback);
  EXPECT_EQ(handover.path.local, loopback);
  EXPECT_NE(handover.path.tcp_connection, 0U);
  EXPECT_EQ(stats().pending, 0U);
  // It is the worker's now.
  char byte = 0;
  EXPECT_EQ(recv(handover.socket.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(TcpAcceptorTest, ClosesWhatDoesNotBeginAsMediaDoes) {
  start();
  const std::vector<std::vector<std::uint8_t>> wrong = {
      frame(10),                                  // for no worker
      {0, 19},                                    // too short for STUN
      {'G', 'E', 'T', ' ', '/', '\r', '\n'},      // a frame of 18 kB
      {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0}  // TLS
  };
  for (const auto& bytes : wrong) {
    const Client client(acceptor_->port());
    client.send(bytes);
    const std::uint64_t before = stats().rejected;
    EXPECT_TRUE(run_until([&] { return stats().rejected == before + 1; }));
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(stats().pending, 0U);
  EXPECT_TRUE(handed_.empty());
}

TEST_F(TcpAcceptorTest, ClosesTheSilent) {
  TcpAcceptorOptions options;
  options.first_frame_timeout = milliseconds(20);
  start(options);
  const Client silent(acceptor_->port());
  const Client slow(acceptor_->port());
  slow.send(Bytes(frame(1)).first(25));
  EXPECT_TRUE(run_until([&] { return stats().rejected == 2; }));
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(slow.closed());
}

TEST_F(TcpAcceptorTest, LimitsThoseThatHaveNotSaidWhomTheyAreFor) {
  TcpAcceptorOptions options;
  options.pending = 2;
  start(options);
  const Client first(acceptor_->port());
  const Client second(acceptor_->port());
  const Client third(acceptor_->port());
  EXPECT_TRUE(run_until([&] { return stats().refused == 1; }));
  EXPECT_TRUE(third.closed());
  first.send(frame(1));
  EXPECT_TRUE(run_until([&] { return stats().connections == 1; }));
  const Client fourth(acceptor_->port());
  EXPECT_TRUE(run_until([&] { return stats().pending == 2; }));
}

TEST_F(TcpAcceptorTest, LimitsThoseOfOneAddressUntilTheyAreGone) {
  TcpAcceptorOptions options;
  options.connections_per_address = 1;
  start(options);
  const Client first(acceptor_->port());
  first.send(frame(1));
  ASSERT_TRUE(run_until([&] { return stats().connections == 1; }));
  const Client second(acceptor_->port());
  EXPECT_TRUE(run_until([&] { return stats().refused == 1; }));

  acceptor_->closed(handed_[0].second.path.tcp_connection);
  acceptor_->closed(handed_[0].second.path.tcp_connection);  // once is enough
  acceptor_->closed(12'345);
  EXPECT_EQ(stats().connections, 0U);
  const Client third(acceptor_->port());
  third.send(frame(2));
  EXPECT_TRUE(run_until([&] { return stats().connections == 1; }));
  EXPECT_NE(handed_[0].second.path.tcp_connection, handed_[1].second.path.tcp_connection);
}

TEST_F(TcpAcceptorTest, APortInUseIsNamed) {
  start();
  TcpAcceptorOptions same;
  same.listen = {loopback, acceptor_->port()};
  const auto taken = TcpAcceptor::open(context_, same, {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(
      taken.error().message,
      fmt::format("media-tcp-port: TCP 127.0.0.1:{}: Address already in use; stop the program that "
                  "has it, or choose another with --media-tcp-port",
                  acceptor_->port()));
}

TEST(TcpAcceptor, FindsTheWorkerInTheNameOfAStunRequest) {
  for (const int worker : {0, 1, 63, 255}) {
    const auto credentials = signaling::draw_credentials(static_cast<WorkerIndex>(worker));
    stun::BindingRequest request;
    const std::string username = credentials.ufrag + ":peer";
    request.username = username;
    std::array<std::uint8_t, 256> room;
    const auto datagram = stun::write_request(room, request, credentials.password);
    ASSERT_FALSE(datagram.empty());
    EXPECT_EQ(worker_of_stun(datagram), static_cast<WorkerIndex>(worker));
    EXPECT_EQ(worker_of_stun(datagram.first(20)), std::nullopt);
  }
  EXPECT_EQ(worker_of_stun(std::vector<std::uint8_t>(100)), std::nullopt);
}

}  // namespace
}  // namespace liaison::io
