#include "io/http_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <future>
#include <thread>

#include "io/descriptor.hpp"
#include "io/keys.hpp"
#include "io/socket_address.hpp"
#include "io/test_folder.hpp"
#include "io/test_http_client.hpp"

namespace liaison::io {
namespace {

const std::array<Asset, 2> assets = {{
    {"/assets/a.js", "\"a\"", as_bytes("alert"), {}},
    {"/index.html", "\"i\"", as_bytes("<!doctype html>page"), {}},
}};

using Client = TestHttpClient;

// The server on a thread of its own. A WebSocket gets back what it sends; some texts are orders.
class HttpServerTest : public testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    options.listen = {IpAddress::v4(127, 0, 0, 1), 0};
    options.assets = assets;
    options.close_timeout = milliseconds(100);
    HttpHooks hooks;
    hooks.opened = [this](std::shared_ptr<SignalingConnection> connection, std::string remote) {
      const ConnectionId id{++last_id_};
      connection->send("hello " + remote);
      open_[id] = std::move(connection);
      return id;
    };
    hooks.received = [this](ConnectionId id, std::string text) {
      SignalingConnection& connection = *open_.at(id);
      if (text == "close") {
        connection.send("last");
        connection.close(1008, "as asked");
        connection.send("too late");
      } else if (text == "flood") {
        for (int i = 0; i < 3'000; ++i) connection.send(std::string(100'000, 'x'));
      } else {
        connection.send(text.size() > 100'000 ? std::to_string(text.size()) : text);
      }
    };
    hooks.closed = [this](ConnectionId id) { open_.erase(id); };
    hooks.request = [this](signaling::whip::Request request, std::string remote,
                           std::function<void(signaling::whip::Response)> answer) {
      signaling::whip::Response response = signaling::whip::response(200);
      response.headers.emplace_back("ETag", request.if_match);
      response.body = fmt::format(
          "{} {} {} {} {} {}", request.method, request.target, request.content_type,
          request.authorization, remote,
          request.body.size() > 100 ? std::to_string(request.body.size()) : request.body);
      if (request.body == "nothing") response.status = 204;
      if (request.body == "never") return;
      if (request.body != "later") return answer(std::move(response));
      boost::asio::post(context_, [answer, response] { answer(response); });
    };
    hooks.metrics = [] { return "liaison_up 1\n"; };
    hooks.health = [] { return "{\"status\":\"ok\"}\n"; };
    auto server = HttpServer::open(context_, std::move(options), std::move(hooks));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    port_ = server_->port();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~HttpServerTest() override {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    open_.clear();
    server_.reset();
  }
  // Runs on the server's thread.
  template <typename Function>
  auto ask(Function function) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto answer = task.get_future();
    boost::asio::post(context_, [&] { task(); });
    return answer.get();
  }
  // Until the server's statistics fulfil it, within a generous time.
  template <typename Condition>
  bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!ask([&] { return condition(server_->stats()); })) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  static bool has_status(const std::string& response, int status) {
    return response.starts_with(fmt::format("HTTP/1.1 {} ", status));
  }

  boost::asio::io_context context_;
  std::map<ConnectionId, std::shared_ptr<SignalingConnection>> open_;
  std::uint64_t last_id_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(HttpServerTest, ServesTheSiteOnOneConnection) {
  start();
  Client client(port_);
  const std::string page = client.get("/r/room");
  EXPECT_TRUE(has_status(page, 200)) << page;
  EXPECT_TRUE(page.ends_with("<!doctype html>page"));
  EXPECT_TRUE(page.contains("Content-Security-Policy: default-src 'none'"));
  EXPECT_TRUE(has_status(client.get("/", "If-None-Match: \"i\"\r\n"), 304));
  EXPECT_TRUE(client.get("/assets/a.js").ends_with("alert"));
  EXPECT_TRUE(has_status(client.get("/none"), 404));
  EXPECT_TRUE(has_status(client.get("/ws"), 426));
  const std::string metrics = client.get("/metrics");
  EXPECT_TRUE(metrics.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_TRUE(metrics.ends_with("liaison_up 1\n"));
  EXPECT_TRUE(client.get("/healthz").ends_with("{\"status\":\"ok\"}\n"));
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  client.expect_head();
  const std::string head = client.response();
  EXPECT_TRUE(head.contains("Content-Length: 19\r\n")) << head;
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(eventually([](const HttpStats& stats) { return stats.connections == 0; }));
  EXPECT_EQ(ask([&] { return server_->stats().responses[2]; }), 5U);
}

TEST_F(HttpServerTest, RefusesWhatItCannotRead) {
  start();
  struct Case {
    std::string request;
    int status;
  };
  const std::vector<Case> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/9.9\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 413},
      {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 405},
  };
  for (const Case& wrong : cases) {
    Client client(port_);
    client.send(wrong.request);
    const std::string response = client.response();
    EXPECT_TRUE(has_status(response, wrong.status)) << wrong.request.substr(0, 40) << response;
  }
  Client tls_on_plain(port_);
  tls_on_plain.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) +
                    std::string(50, '\0'));
  tls_on_plain.response();
  EXPECT_TRUE(tls_on_plain.ended());
}

// ── WHIP and WHEP ──

std::string request_of(std::string_view method, std::string_view target, std::string_view more,
                       std::string_view body) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n{}", method, target,
                     more, body.size(), body);
}

TEST_F(HttpServerTest, PassesRequestsOnAndWaitsForTheirAnswers) {
  start();
  Client client(port_);
  client.send(request_of("POST", "/whip/room?name=A",
                         "Content-Type: application/sdp\r\nAuthorization: Bearer t\r\n"
                         "If-Match: \"1\"\r\nX-Forwarded-For: 192.0.2.9\r\n",
                         "later"));
  const std::string first = client.response();
  EXPECT_TRUE(has_status(first, 200)) << first;
  EXPECT_TRUE(first.contains("ETag: \"1\"\r\n"));
  EXPECT_TRUE(first.ends_with("POST /whip/room?name=A application/sdp Bearer t 192.0.2.9 later"))
      << first;
  EXPECT_FALSE(first.contains("Content-Security-Policy")) << "it is no page";
  // The connection goes on, and other methods come through.
  client.send(request_of("DELETE", "/whep/s/1", "", ""));
  EXPECT_TRUE(client.response().ends_with("DELETE /whep/s/1   127.0.0.1 "));
  client.send(request_of("PATCH", "/whep/s/1", "", std::string(64 * 1024, 'x')));
  EXPECT_TRUE(client.response().ends_with(" 65536"));
  client.send(request_of("PATCH", "/whep/s/1", "", "nothing"));
  const std::string none = client.response();
  EXPECT_TRUE(has_status(none, 204)) << none;
  EXPECT_FALSE(none.contains("Content-Length")) << "RFC 9110 section 8.6";
  client.send(
      "POST /whip/room HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\n");
  EXPECT_TRUE(client.response().ends_with(" hello"));
  EXPECT_TRUE(has_status(client.get("/healthz"), 200));
}

TEST_F(HttpServerTest, GoesOnWithWhoWaitsToBeAskedForTheBody) {
  start();
  Client client(port_);
  client.send(
      "POST /whip/room HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 5\r\n\r\n");
  EXPECT_TRUE(has_status(client.response(), 100));
  client.send("hello");
  EXPECT_TRUE(client.response().ends_with(" hello"));
}

TEST_F(HttpServerTest, ABodyHasALimit) {
  start();
  Client said(port_);
  said.send("POST /whip/room HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n");
  EXPECT_TRUE(has_status(said.response(), 413));
  Client chunked(port_);
  chunked.send(
      "POST /whip/room HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" +
      std::string(0x10001, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(has_status(chunked.response(), 413));
  Client elsewhere(port_);
  elsewhere.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_TRUE(has_status(elsewhere.response(), 413)) << "only there may be one";
}

TEST_F(HttpServerTest, ARequestIsAnsweredEvenIfTheNodeSaysNothing) {
  HttpOptions options;
  options.answer_timeout = milliseconds(50);
  start(options);
  Client client(port_);
  client.send(request_of("POST", "/whip/room", "", "never"));
  const std::string response = client.response();
  EXPECT_TRUE(has_status(response, 503)) << response;
  EXPECT_TRUE(response.contains("Retry-After: 10\r\n"));
}

TEST_F(HttpServerTest, MetricsAreForThisMachineAlone) {
  start();
  Client client(port_);
  EXPECT_TRUE(has_status(client.get("/metrics", "X-Forwarded-For: 192.0.2.1\r\n"), 403));
  EXPECT_TRUE(has_status(client.get("/metrics", "Forwarded: for=192.0.2.1\r\n"), 403));
}

TEST_F(HttpServerTest, LetsNobodyTakeForEverOverARequest) {
  HttpOptions options;
  options.request_timeout = milliseconds(50);
  start(options);
  Client silent(port_);
  EXPECT_TRUE(silent.ended());
  Client slow(port_);
  slow.send("GET / HT");
  EXPECT_TRUE(slow.ended());
}

TEST_F(HttpServerTest, HasALimitOfConnections) {
  HttpOptions options;
  options.connections = 2;
  start(options);
  auto first = std::make_unique<Client>(port_);
  Client second(port_);
  EXPECT_TRUE(has_status(first->get("/"), 200));
  EXPECT_TRUE(has_status(second.get("/"), 200));
  {
    Client third(port_);
    EXPECT_TRUE(has_status(third.response(), 503));
    EXPECT_TRUE(third.ended());
  }
  EXPECT_EQ(ask([&] { return server_->stats().refused; }), 1U);
  first.reset();
  EXPECT_TRUE(eventually([](const HttpStats& stats) { return stats.connections == 1; }));
  Client fourth(port_);
  EXPECT_TRUE(has_status(fourth.get("/"), 200));
}

TEST_F(HttpServerTest, CarriesMessagesBothWays) {
  start();
  Client client(port_);
  const std::string response = client.upgrade("Origin: http://h\r\n");
  ASSERT_TRUE(has_status(response, 101)) << response;
  EXPECT_TRUE(response.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_FALSE(response.contains("Sec-WebSocket-Extensions"));
  EXPECT_EQ(client.frame().payload, "hello 127.0.0.1");
  client.send_frame(0x81, "one");
  client.send_frame(0x01, "tw");  // in two fragments, with a ping between
  client.send_frame(0x89, "p");
  client.send_frame(0x80, "ø");
  EXPECT_EQ(client.frame().payload, "one");
  const auto pong = client.frame();
  EXPECT_EQ(pong.opcode, 10);
  EXPECT_EQ(pong.payload, "p");
  EXPECT_EQ(client.frame().payload, "twø");
  EXPECT_EQ(ask([&] { return server_->stats().web_sockets; }), 1U);
  client.send_frame(0x88, std::string("\x03\xe8", 2));
  EXPECT_EQ(client.frame().close_code(), 1000);
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(eventually([this](const HttpStats& stats) {
    return stats.web_sockets == 0 && stats.connections == 0 && open_.empty();
  }));
}

TEST_F(HttpServerTest, TellsTheAddressThatAProxySpeaksFor) {
  start();
  Client client(port_);
  client.upgrade("X-Forwarded-For: 10.0.0.1, 192.0.2.9\r\nOrigin: https://h\r\n");
  EXPECT_EQ(client.frame().payload, "hello 192.0.2.9");
}

TEST_F(HttpServerTest, APageOfAnotherOriginGetsNoWebSocket) {
  start();
  for (const std::string_view origin : {"http://evil.example", "null", "http://h:8000", "h"}) {
    Client client(port_);
    EXPECT_TRUE(has_status(client.upgrade(fmt::format("Origin: {}\r\n", origin)), 403)) << origin;
  }
  EXPECT_EQ(ask([&] { return last_id_; }), 0U);
}

TEST_F(HttpServerTest, ClosesAfterWhatWasSentBefore) {
  start();
  Client client(port_);
  client.upgrade();
  client.frame();
  client.send_frame(0x81, "close");
  EXPECT_EQ(client.frame().payload, "last");
  const auto close = client.frame();
  EXPECT_EQ(close.close_code(), 1008);
  EXPECT_EQ(close.payload.substr(2), "as asked");
  client.send_frame(0x88, std::string("\x03\xf0", 2));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(eventually([](const HttpStats& stats) { return stats.connections == 0; }));
}

TEST_F(HttpServerTest, RefusesMessagesThatAreNotText) {
  start();
  struct Case {
    std::uint8_t first_byte;
    std::string payload;
    int code;
  };
  for (const Case& wrong : std::vector<Case>{{0x82, "binary", 1003},
                                             {0x81, "\xff\xfe", 1007},
                                             {0x83, "", 1002},
                                             {0xc1, "compressed", 1002},
                                             {0x80, "continues nothing", 1002}}) {
    Client client(port_);
    client.upgrade();
    client.frame();
    client.send_frame(wrong.first_byte, wrong.payload);
    EXPECT_EQ(client.frame().close_code(), wrong.code) << int{wrong.first_byte};
    client.send_frame(0x88, std::string("\x03\xe8", 2));
    EXPECT_TRUE(client.ended());
  }
}

TEST_F(HttpServerTest, PassesOnThatAMessageIsTooLargeAndReadsNoMore) {
  HttpOptions options;
  options.message_bytes = 200'000;
  start(options);
  Client client(port_);
  client.upgrade();
  client.frame();
  client.send_frame(0x81, std::string(200'000, 'a'));
  EXPECT_EQ(client.frame().payload, "200000");
  client.send_frame(0x81, std::string(300'000, 'a'));
  EXPECT_EQ(client.frame().payload, "200001");
  EXPECT_EQ(client.frame().close_code(), 1009);
  client.send_frame(0x88, std::string("\x03\xf1", 2));
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(eventually([](const HttpStats& stats) { return stats.connections == 0; }));
}

TEST_F(HttpServerTest, AClientThatDoesNotReadIsClosedAndNothingPilesUp) {
  start();
  Client client(port_);
  client.upgrade();
  client.frame();
  client.send_frame(0x81, "flood");
  // It reads nothing, so after a while the connection is cut.
  EXPECT_TRUE(eventually([](const HttpStats& stats) { return stats.connections == 0; }));
}

TEST_F(HttpServerTest, NoticesThatAClientIsGone) {
  start();
  {
    Client client(port_);
    client.upgrade();
    client.frame();
  }
  EXPECT_TRUE(eventually(
      [this](const HttpStats& stats) { return stats.connections == 0 && open_.empty(); }));
}

TEST_F(HttpServerTest, StopsToAcceptWhenTold) {
  start();
  Client client(port_);
  client.upgrade();
  client.frame();
  ask([&] { return server_->stop(), 0; });
  client.send_frame(0x81, "still here");
  EXPECT_EQ(client.frame().payload, "still here");
  Descriptor late(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = to_sockaddr({IpAddress::v4(127, 0, 0, 1), port_}, AF_INET);
  EXPECT_NE(connect(late.get(), address.get(), address.size), 0);
}

class HttpsServerTest : public HttpServerTest {
 protected:
  HttpOptions options() {
    ENSURE(create_self_signed(folder_.path / "c", folder_.path / "k", "localhost", {}));
    HttpOptions options;
    options.tls_certificate = folder_.path / "c";
    options.tls_key = folder_.path / "k";
    return options;
  }
  TemporaryFolder folder_;
};

TEST_F(HttpsServerTest, ServesTheSiteAndWebSockets) {
  start(options());
  Client page(port_, true);
  const std::string response = page.get("/");
  EXPECT_TRUE(has_status(response, 200)) << response;
  EXPECT_TRUE(response.contains("wss://h;"));
  EXPECT_TRUE(response.contains("Strict-Transport-Security"));

  Client client(port_, true);
  EXPECT_TRUE(has_status(client.upgrade("Origin: https://h\r\n"), 101));
  EXPECT_EQ(client.frame().payload, "hello 127.0.0.1");
  client.send_frame(0x81, std::string(100'000, 'm'));
  EXPECT_EQ(client.frame().payload.size(), 100'000U);
  client.send_frame(0x81, "close");
  EXPECT_EQ(client.frame().payload, "last");
  EXPECT_EQ(client.frame().close_code(), 1008);

  Client foreign(port_, true);
  EXPECT_TRUE(has_status(foreign.upgrade("Origin: http://h\r\n"), 403));
}

TEST_F(HttpsServerTest, SendsPlainHttpToTls) {
  start(options());
  Client client(port_);
  const std::string response = client.get("/r/a");
  EXPECT_TRUE(has_status(response, 308)) << response;
  EXPECT_TRUE(response.contains("Location: https://h/r/a\r\n"));
  EXPECT_TRUE(has_status(client.upgrade(), 308));
}

TEST_F(HttpsServerTest, SaysWhichFileIsWrong) {
  auto wrong = options();
  wrong.listen = {IpAddress::v4(127, 0, 0, 1), 0};
  const auto open = [&] {
    const auto server = HttpServer::open(context_, wrong, {});
    return server ? "no error" : server.error().message;
  };
  std::swap(wrong.tls_certificate, wrong.tls_key);
  EXPECT_TRUE(open().starts_with("tls-certificate: " + wrong.tls_certificate.string() + ": "));
  std::swap(wrong.tls_certificate, wrong.tls_key);
  wrong.tls_key = folder_.path / "none";
  EXPECT_TRUE(open().starts_with("tls-key: " + wrong.tls_key.string() + ": "));
  EXPECT_TRUE(open().ends_with("it must be the private key of tls-certificate, in PEM"));
  // The key of another certificate.
  ENSURE(create_self_signed(folder_.path / "c2", folder_.path / "k2", "localhost", {}));
  wrong.tls_key = folder_.path / "k2";
  EXPECT_TRUE(open().contains("key values mismatch")) << open();
}

TEST_F(HttpServerTest, APortInUseIsNamed) {
  start();
  HttpOptions same;
  same.listen = {IpAddress::v4(127, 0, 0, 1), port_};
  const auto server = HttpServer::open(context_, same, {});
  ASSERT_FALSE(server);
  EXPECT_EQ(
      server.error().message,
      fmt::format(
          "listen: TCP 127.0.0.1:{}: Address already in use; stop the program that has it, or "
          "choose another with --listen",
          port_));
}

}  // namespace
}  // namespace liaison::io
