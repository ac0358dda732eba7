// The whole server in this process, on free ports of loopback.
#include "io/server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <boost/json.hpp>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/random.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"
#include "io/setup.hpp"
#include "io/test_folder.hpp"
#include "io/test_http_client.hpp"
#include "io/udp.hpp"
#include "signaling/test_offer.hpp"
#include "stun/message.hpp"
#include "transport/srtp_cipher.hpp"

namespace liaison::io {
namespace {

const IpAddress loopback = IpAddress::v4(127, 0, 0, 1);

// One participant's signaling.
class Person {
 public:
  explicit Person(std::uint16_t port) : client_(port) {
    EXPECT_TRUE(client_.upgrade().starts_with("HTTP/1.1 101 "));
  }
  void say(const boost::json::object& message) {
    client_.send_frame(0x81, boost::json::serialize(message));
  }
  // The next message of this type; null if the connection ends before.
  boost::json::object hear(std::string_view type) {
    for (;;) {
      const auto frame = client_.frame();
      if (frame.opcode == 8) close_code_ = frame.close_code();
      if (frame.opcode != 1) return {};
      auto message = boost::json::parse(frame.payload).as_object();
      const auto& found = message.at("t").as_string();
      if (std::string_view(found.data(), found.size()) == type) return message;
    }
  }
  boost::json::object join(std::string_view room, boost::json::object more = {}) {
    more["t"] = "join";
    more["version"] = 1;
    more["room"] = room;
    more["name"] = "Ana";
    say(more);
    return hear("joined");
  }
  int close_code() {
    hear("nothing");
    return close_code_;
  }

 private:
  TestHttpClient client_;
  int close_code_ = 0;
};

std::string text(const boost::json::object& message, std::string_view member) {
  const auto* value = message.if_contains(member);
  return value == nullptr || !value->is_string() ? "" : std::string(value->get_string());
}

// What stands after `name` on its line of the SDP.
std::string attribute(const std::string& sdp, std::string_view name) {
  const std::size_t at = sdp.find(name);
  if (at == std::string::npos) return {};
  return sdp.substr(at + name.size(), sdp.find('\r', at) - at - name.size());
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    config_.data = folder_.path / "data";
    config_.listen = {loopback, 0};
    config_.media_port = 0;
    config_.media_addresses = {loopback};
    config_.workers = 2;
    config_.log_level = node::LogLevel::error;
    ENSURE(complete(config_, local_addresses(), 2));
  }
  ~ServerTest() override { stop(); }

  void start() {
    auto server = Server::open(config_, "test");
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void stop() {
    if (!server_) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }
  std::string refusal() const {
    const auto server = Server::open(config_, "test");
    return server ? "no error" : server.error().message;
  }
  std::string metrics() const { return TestHttpClient(server_->port()).get("/metrics"); }

  TemporaryFolder folder_;
  Config config_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(ServerTest, ServesHealthAndMetrics) {
  start();
  EXPECT_EQ(server_->link(), fmt::format("http://127.0.0.1:{}/", server_->port()));
  TestHttpClient client(server_->port());
  EXPECT_TRUE(client.get("/healthz").ends_with("{\"status\":\"ok\",\"store\":\"ok\"}\n"));
  EXPECT_TRUE(metrics().contains(fmt::format("liaison_info{{version=\"test\",srtp=\"{}\"}} 1\n",
                                             describe(transport::fastest_srtp_engine()))));
}

// What a browser does to join, up to the answer to its first connectivity check, over UDP and over
// TCP.
TEST_F(ServerTest, LeadsAPersonFromTheLinkToTheMedia) {
  start();
  Person person(server_->port());
  const auto joined = person.join("room");
  ASSERT_FALSE(text(joined, "resume").empty());
  person.say({{"t", "offer"}, {"id", 1}, {"sdp", signaling::test_offer(1, 0, 2)}});
  const std::string sdp = text(person.hear("answer"), "sdp");
  const std::string ufrag = attribute(sdp, "a=ice-ufrag:");
  const std::string password = attribute(sdp, "a=ice-pwd:");
  ASSERT_FALSE(ufrag.empty()) << sdp;

  std::uint16_t udp_port = 0;
  std::uint16_t tcp_port = 0;
  for (std::size_t at = sdp.find("a=candidate:"); at != std::string::npos;
       at = sdp.find("a=candidate:", at + 1)) {
    const std::string line = sdp.substr(at, sdp.find('\r', at) - at);
    const std::size_t ip = line.find(" 127.0.0.1 ");
    ASSERT_NE(ip, std::string::npos) << line;
    const auto port = static_cast<std::uint16_t>(std::stoul(line.substr(ip + 11)));
    (line.contains("tcptype passive") ? tcp_port : udp_port) = port;
  }
  ASSERT_NE(udp_port, 0);
  ASSERT_NE(tcp_port, 0);

  stun::BindingRequest request;
  const std::string username =
      ufrag + ":" + attribute(signaling::test_offer(1, 0, 2), "a=ice-ufrag:");
  request.username = username;
  request.priority = 1;
  request.tie_breaker = 1;
  std::array<std::uint8_t, 256> room;
  const auto check = stun::write_request(room, request, password);

  PacketPool pool(64);
  auto socket = UdpSocket::open({loopback, 0});
  std::vector<transport::Datagram> answers;
  for (int tries = 0; tries < 100 && answers.empty(); ++tries) {
    transport::Output out;
    out.send({{loopback, udp_port}, {}, 0}, check);
    socket->send_batch(out);
    pollfd entry{socket->fd(), POLLIN, 0};
    if (poll(&entry, 1, 100) == 1) socket->receive_batch(pool, answers);
  }
  ASSERT_FALSE(answers.empty());
  const auto answer = stun::parse(answers[0].packet.bytes());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->kind, stun::Class::success);
  EXPECT_EQ(answer->mapped_address, (SocketAddress{loopback, socket->port()}));

  // A check of its own: the same transaction from another address would count as replayed.
  random_bytes(request.transaction);
  std::array<std::uint8_t, 256> tcp_room;
  const auto tcp_check = stun::write_request(tcp_room, request, password);
  const Descriptor stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = to_sockaddr({loopback, tcp_port}, AF_INET);
  ASSERT_EQ(connect(stream.get(), address.get(), address.size), 0);
  std::vector<std::uint8_t> framed(2);
  store_u16(framed.data(), static_cast<std::uint16_t>(tcp_check.size()));
  framed.insert(framed.end(), tcp_check.begin(), tcp_check.end());
  ASSERT_EQ(send(stream.get(), framed.data(), framed.size(), 0), std::ssize(framed));
  std::array<std::uint8_t, 300> got;
  const ssize_t size = recv(stream.get(), got.data(), got.size(), 0);
  ASSERT_GT(size, 22);
  EXPECT_EQ(stun::parse(Bytes(got).subspan(2, static_cast<std::size_t>(size - 2)))->kind,
            stun::Class::success);

  const std::string text = metrics();
  for (const std::string_view line :
       {"\nliaison_joins_total 1\n", "\nliaison_people 1\n", "\nliaison_web_sockets 1\n",
        "\nliaison_media_tcp_connections 1\n"})
    EXPECT_TRUE(text.contains(line)) << line;
}

TEST_F(ServerTest, TellsClientsThatItStopsAndKnowsThemAfterwards) {
  start();
  const auto port = server_->port();
  Person person(port);
  const auto joined = person.join("room");
  // On another thread, since it waits for the client to close.
  std::thread stopping([this] { stop(); });
  const auto error = person.hear("error");
  EXPECT_EQ(text(error, "code"), "shutting_down");
  EXPECT_EQ(person.close_code(), 1012);
  stopping.join();

  start();
  Person again(server_->port());
  const auto resumed = again.join("room", {{"resume", text(joined, "resume")}});
  EXPECT_EQ(text(resumed, "you"), text(joined, "you"));
  EXPECT_TRUE(resumed.at("resumed").as_bool());
  EXPECT_EQ(text(resumed, "media"), "new");
}

TEST_F(ServerTest, ALinkFromInviteOpensItsRoomOnce) {
  config_.rooms = node::Access::invite;
  EXPECT_TRUE(refusal().contains("invite.key is missing")) << refusal();
  ASSERT_TRUE(create_invite_key(config_.data / "invite.key"));
  start();
  const auto link = invitation(config_, "room", "Bob", hours(1));
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_TRUE(link->contains("/r/room#v4.public.")) << *link;
  const std::string token = link->substr(link->find('#') + 1);

  Person without(server_->port());
  EXPECT_TRUE(without.join("room").empty());
  Person elsewhere(server_->port());
  EXPECT_TRUE(elsewhere.join("other", {{"token", token}}).empty());
  Person invited(server_->port());
  const auto joined = invited.join("room", {{"token", token}});
  EXPECT_FALSE(joined.empty());
  Person copy(server_->port());
  copy.say({{"t", "join"}, {"version", 1}, {"room", "room"}, {"name", "x"}, {"token", token}});
  EXPECT_EQ(text(copy.hear("error"), "code"), "token_used");
}

TEST_F(ServerTest, SaysWhatKeepsItFromStarting) {
  config_.rooms = node::Access::open;
  start();
  EXPECT_TRUE(refusal().contains("another Liaison runs with this data folder")) << refusal();

  config_.data = folder_.path / "other";
  config_.listen.port = server_->port();
  EXPECT_EQ(refusal(),
            fmt::format("listen: TCP 127.0.0.1:{}: Address already in use; stop the program "
                        "that has it, or choose another with --listen",
                        server_->port()));
  auto socket = UdpSocket::open({loopback, 0});
  config_.media_port = socket->port();
  config_.workers = 1;
  EXPECT_EQ(
      refusal(),
      fmt::format("media-port: UDP 127.0.0.1:{}: cannot be used: Address already in use; stop the "
                  "program that has it, or choose other ports with --media-port (each worker "
                  "has one, from it on)",
                  socket->port()));
  config_.data = folder_.path / "file";
  std::ofstream(config_.data) << "";
  EXPECT_TRUE(refusal().ends_with("is a file; it must be a folder")) << refusal();
}

TEST_F(ServerTest, ASignalEndsItInOrder) {
  start();
  Person person(server_->port());
  person.join("room");
  // The thread that runs the server blocks nothing, so the process as a whole may be told.
  kill(getpid(), SIGTERM);
  EXPECT_EQ(text(person.hear("error"), "code"), "shutting_down");
  thread_.join();
  server_.reset();
}

TEST(Invitation, NeedsAKey) {
  const TemporaryFolder folder;
  Config config;
  config.data = folder.path;
  EXPECT_TRUE(invitation(config, "room", "", hours(1)).error().message.contains("`liaison init`"));
  ASSERT_TRUE(create_invite_key(folder.path / "invite.key"));
  config.public_url = "https://call.example.org";
  const auto link = invitation(config, "room", "", hours(1));
  ASSERT_TRUE(link);
  EXPECT_TRUE(link->starts_with("https://call.example.org/r/room#v4.public."));
  const auto another = invitation(config, "room", "", hours(1));
  ASSERT_TRUE(another);
  EXPECT_NE(*link, *another) << "each link lets one person in";
}

// WHIP and WHEP over HTTP as encoders and players speak them, up to who is in the room.
TEST_F(ServerTest, AnEncoderPublishesAndAPlayerWatches) {
  start();
  Person person(server_->port());
  ASSERT_FALSE(text(person.join("room"), "resume").empty());
  TestHttpClient client(server_->port());
  const auto ask = [&](std::string_view method, std::string_view target, std::string_view more,
                       std::string_view body) {
    client.send(fmt::format("{} {} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n{}", method,
                            target, more, body.size(), body));
    return client.response();
  };
  constexpr std::string_view sdp = "Content-Type: application/sdp\r\n";
  constexpr std::string_view fragment =
      "Content-Type: application/trickle-ice-sdpfrag\r\nIf-Match: *\r\n";
  const std::string created =
      ask("POST", "/whip/room?name=Stage", sdp, signaling::test_whip_offer(1, "sendonly"));
  ASSERT_TRUE(created.starts_with("HTTP/1.1 201 Created\r\n")) << created;
  EXPECT_TRUE(attribute(created, "a=candidate:").contains(" 127.0.0.1 "));
  const std::string location = attribute(created, "Location: ");
  const auto people = person.hear("people");
  EXPECT_EQ(text(people.at("changed").as_array()[0].as_object(), "name"), "Stage");

  const std::string watching =
      ask("POST", "/whep/room", sdp, signaling::test_whip_offer(2, "recvonly"));
  ASSERT_TRUE(watching.starts_with("HTTP/1.1 201 ")) << watching;
  EXPECT_TRUE(metrics().contains("liaison_viewers 1\n"));
  const std::string restarted =
      ask("PATCH", attribute(watching, "Location: "), fragment,
          "a=ice-ufrag:later\r\na=ice-pwd:a password of more than 22\r\n");
  EXPECT_TRUE(restarted.starts_with("HTTP/1.1 200 ")) << restarted;
  EXPECT_EQ(attribute(restarted, "ETag: "), "\"2\"");

  EXPECT_TRUE(ask("DELETE", location, "", "").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(ask("DELETE", location, "", "").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask("OPTIONS", "/whip/room", "Origin: https://elsewhere.example\r\n", "")
                  .contains("Access-Control-Allow-Origin: *\r\n"));
  EXPECT_TRUE(ask("PUT", "/whip/room", "", "").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(metrics().contains("liaison_errors_total{code=\"method_not_allowed\"} 1\n"));
}

// The store has its say, and remembers what it said.
TEST_F(ServerTest, AnEncoderNeedsAnInvitationWhereOthersDo) {
  config_.rooms = node::Access::invite;
  ASSERT_TRUE(make_data_folder(config_.data));
  ASSERT_TRUE(create_invite_key(config_.data / "invite.key"));
  start();
  const std::string link = *invitation(config_, "room", "Stage", seconds(60));
  const std::string token = link.substr(link.find('#') + 1);
  const auto post = [&](std::string_view target, std::string_view authorization) {
    TestHttpClient client(server_->port());
    const std::string body = signaling::test_whip_offer(1, "sendonly");
    client.send(
        fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nContent-Type: application/sdp\r\n{}"
                    "Content-Length: {}\r\n\r\n{}",
                    target, authorization, body.size(), body));
    return client.response().substr(9, 3);
  };
  EXPECT_EQ(post("/whip/room", ""), "401");
  EXPECT_EQ(post("/whip/room", "Authorization: Bearer " + token + "\r\n"), "201");
  EXPECT_EQ(post("/whip/room/" + token, ""), "201") << "again, by the same";
  EXPECT_EQ(post("/whip/lobby", "Authorization: Bearer " + token + "\r\n"), "403");
}

}  // namespace
}  // namespace liaison::io
