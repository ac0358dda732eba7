#include "io/http_client.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

#include "base/ensure.hpp"
#include "io/socket_address.hpp"

namespace liaison::io {
namespace {

TEST(HttpUrl, IsReadAndResolved) {
  const auto url = HttpUrl::parse("https://call.example.org/whip/a?name=b#c");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->authority(), "call.example.org:443");
  EXPECT_EQ(url->target, "/whip/a?name=b");
  EXPECT_EQ(url->resolve("/whip/s/1")->target, "/whip/s/1");
  EXPECT_TRUE(url->resolve("/x")->same_server(*url));
  EXPECT_EQ(url->resolve("http://other:81/y")->authority(), "other:81");
  const auto v6 = HttpUrl::parse("http://[::1]:8000");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->authority(), "[::1]:8000");
  EXPECT_EQ(v6->target, "/");
  EXPECT_EQ(HttpUrl::parse("http://h?q")->target, "/?q");
  for (const auto* bad : {"", "h", "ftp://h/", "http://", "http:///x", "http://h:0/", "http://h:x/",
                          "http://h:99999/", "http://h/a b", "http://a@h/", "http://h/\r\nX: y"})
    EXPECT_FALSE(HttpUrl::parse(bad)) << bad;
  EXPECT_FALSE(url->resolve("relative"));
  EXPECT_FALSE(url->resolve("//other/y"));
}

// A connection to a socket of this test, which says what it is told to.
class HttpConnectionTest : public testing::Test {
 protected:
  HttpConnectionTest() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    KernelAddress name = to_sockaddr({IpAddress::v4(127, 0, 0, 1), 0}, AF_INET);
    ENSURE(bind(listener_.get(), name.get(), name.size) == 0 && listen(listener_.get(), 1) == 0);
    name.size = sizeof name.storage;
    getsockname(listener_.get(), name.get(), &name.size);
    address_ = from_sockaddr(*name.get());
    const auto url = HttpUrl::parse("http://" + address_.to_string());
    auto opened = HttpConnection::open(*url, address_, tls_);
    ENSURE(opened);
    connection_.emplace(std::move(*opened));
    peer_ = Descriptor(accept(listener_.get(), nullptr, nullptr));
  }
  void say(std::string_view text) {
    ENSURE(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size()));
  }
  std::string hear() {
    std::array<char, 4096> piece;
    const ssize_t got = recv(peer_.get(), piece.data(), piece.size(), 0);
    return {piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  std::optional<Result<HttpResponse>> turn() {
    pollfd ready{connection_->fd(), connection_->events(), 0};
    ENSURE(poll(&ready, 1, 10'000) == 1);
    return connection_->advance();
  }

  TlsClient tls_{true};
  Descriptor listener_, peer_;
  SocketAddress address_;
  std::optional<HttpConnection> connection_;
};

TEST_F(HttpConnectionTest, AsksAndHearsOneAfterTheOther) {
  for (const std::string_view target : {"/a", "/b"}) {
    connection_->send({.method = "POST",
                       .target = std::string(target),
                       .headers = {{"Content-Type", "text/plain"}},
                       .body = "hello"});
    EXPECT_FALSE(turn());
    EXPECT_EQ(hear(), "POST " + std::string(target) + " HTTP/1.1\r\nHost: " + address_.to_string() +
                          "\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
    say("HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Le");
    EXPECT_FALSE(turn());
    say("ngth: 3\r\n\r\nyes");
    const auto response = turn();
    ASSERT_TRUE(response && *response);
    EXPECT_EQ((*response)->status, 201U);
    EXPECT_EQ((*response)->header("location"), "/s/1");
    EXPECT_EQ((*response)->header("etag"), "");
    EXPECT_EQ((*response)->body, "yes");
    EXPECT_FALSE(connection_->ended());
  }
}

TEST_F(HttpConnectionTest, ReadsPiecesAndTheEnd) {
  connection_->send({.method = "GET", .target = "/", .headers = {}, .body = {}});
  EXPECT_FALSE(turn());
  hear();
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: "
      "close\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  const auto response = turn();
  ASSERT_TRUE(response && *response);
  EXPECT_EQ((*response)->body, "ab");
  EXPECT_TRUE(connection_->ended());
}

TEST_F(HttpConnectionTest, SaysWhatWentWrong) {
  connection_->send({.method = "GET", .target = "/", .headers = {}, .body = {}});
  EXPECT_FALSE(turn());
  hear();
  say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
  EXPECT_FALSE(turn());
  peer_.close();
  const auto response = turn();
  ASSERT_TRUE(response && !*response);
  EXPECT_TRUE(response->error().message.starts_with(address_.to_string() + ": "));
  EXPECT_TRUE(connection_->ended());
  EXPECT_FALSE(connection_->advance());
}

TEST_F(HttpConnectionTest, EndsWithTheServersWhileItWaitsForNothing) {
  peer_.close();
  for (int i = 0; i < 100 && !connection_->ended(); ++i) EXPECT_FALSE(turn());
  EXPECT_TRUE(connection_->ended());
}

TEST_F(HttpConnectionTest, TakesNoEndlessResponse) {
  connection_->send({.method = "GET", .target = "/", .headers = {}, .body = {}});
  EXPECT_FALSE(turn());
  hear();
  say("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n");
  const auto response = turn();
  ASSERT_TRUE(response);
  EXPECT_FALSE(*response);
}

}  // namespace
}  // namespace liaison::io
