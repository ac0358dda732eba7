#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "node/node.hpp"
#include "signaling/message.hpp"
#include "signaling/test_offer.hpp"

namespace liaison::node {
namespace {

namespace message = signaling::message;
namespace whip = signaling::whip;
using signaling::test_whip_offer;

constexpr UnixTime unix_start{hours(24 * 20'000)};
const std::string long_password = "a password of more than 22";

// A node in virtual time, its store, and what it has answered.
class Server {
 public:
  explicit Server(const std::function<void(Config&)>& change = [](Config&) {})
      : node_([&] {
          Config config;
          config.workers = {{*SocketAddress::parse("192.0.2.1:5000")}};
          config.fingerprint.digest.assign(32, 0xab);
          change(config);
          return config;
        }()) {
    give(WallClockSet{unix_start});
    give(StoreLoaded{});
  }

  void give(const Input& input) {
    out.clear();
    node_.receive(input, now, out);
    collect();
  }
  void wait(Duration duration) {
    const Instant end = now + duration;
    while (node_.deadline() <= end) {
      now = std::max(now, node_.deadline());
      out.clear();
      node_.tick(now, out);
      collect();
    }
    now = end;
  }
  // Answers what waits for the store, as the store would.
  void answer_store() {
    const auto waiting = std::exchange(tokens_, {});
    for (const UseToken& token : waiting) {
      const auto [at, fresh] = used_.try_emplace(token.token_id, token.bearer);
      give(TokenChecked{token.connection, token.token_id, fresh || at->second == token.bearer});
    }
  }

  struct Answer : whip::Response {
    std::string header(std::string_view name) const {
      for (const auto& [found, value] : headers) {
        if (found == name) return value;
      }
      return {};
    }
  };
  Answer ask(whip::Request request, std::string remote = "198.51.100.7") {
    const ConnectionId id{++last_};
    give(RequestReceived{id, std::move(remote), std::move(request)});
    answer_store();
    const auto at = answers_.find(id);
    EXPECT_NE(at, answers_.end()) << "no answer";
    return at == answers_.end() ? Answer{} : Answer{at->second};
  }
  Answer post(std::string target, std::string token = {}, unsigned certificate = 1) {
    const std::string_view direction = target.starts_with("/whip") ? "sendonly" : "recvonly";
    return ask({"POST", std::move(target), "application/sdp",
                token.empty() ? "" : "Bearer " + token, "",
                test_whip_offer(certificate, direction)});
  }
  Answer patch(std::string target, std::string if_match, std::string body,
               std::string type = "application/trickle-ice-sdpfrag") {
    return ask(
        {"PATCH", std::move(target), std::move(type), "", std::move(if_match), std::move(body)});
  }
  Answer remove(std::string target, std::string token = {}) {
    return ask({"DELETE", std::move(target), "", token.empty() ? "" : "Bearer " + token, "", ""});
  }

  ConnectionId join(std::string room, std::string name) {
    const ConnectionId connection{++last_};
    give(ConnectionOpened{connection, "198.51.100.1"});
    give(
        MessageReceived{connection, signaling::write_message(signaling::ClientMessage(message::Join{
                                        1, std::move(room), std::move(name), {}, {}, {}}))});
    return connection;
  }
  // Who came or changed, as last told to `connection`.
  std::vector<message::Person> changed(ConnectionId connection) const {
    std::vector<message::Person> people;
    for (const SendMessage& one : out.messages) {
      const auto message = signaling::read_server_message(one.text);
      const auto* told = message ? std::get_if<message::People>(&*message) : nullptr;
      if (one.connection == connection && told != nullptr)
        people.insert(people.end(), told->changed.begin(), told->changed.end());
    }
    return people;
  }
  template <typename Command>
  std::vector<Command> commands() const {
    std::vector<Command> list;
    for (const SendCommand& one : out.commands) {
      if (const auto* command = std::get_if<Command>(&one.command)) list.push_back(*command);
    }
    return list;
  }
  const NodeStats& stats() const { return node_.stats(); }
  std::uint64_t errors(const std::string& code) const {
    const auto at = node_.stats().errors.find(code);
    return at == node_.stats().errors.end() ? 0 : at->second;
  }

  Instant now{hours(1)};
  Output out;
  std::vector<sfu::OpenEndpoint> opened;

 private:
  void collect() {
    for (const Respond& one : out.responses)
      EXPECT_TRUE(answers_.emplace(one.request, one.content).second) << "answered twice";
    for (const StoreRequest& one : out.store) {
      if (const auto* token = std::get_if<UseToken>(&one)) tokens_.push_back(*token);
    }
    for (const SendCommand& one : out.commands) {
      if (const auto* open = std::get_if<sfu::OpenEndpoint>(&one.command)) opened.push_back(*open);
    }
  }

  Node node_;
  std::uint64_t last_ = 0;
  std::map<ConnectionId, whip::Response> answers_;
  std::vector<UseToken> tokens_;
  std::map<std::string, std::string> used_;
};

const signaling::SecretKey key = signaling::SecretKey::draw();

Server by_invitation() {
  return Server([](Config& config) {
    config.access = Access::invite;
    config.invite_key = key.public_key();
  });
}
std::string invite(std::string room, std::optional<std::string> name = {},
                   Duration valid = hours(1)) {
  static int number = 0;
  return signaling::mint_token(
      key, {std::move(room), std::move(name), fmt::format("id-{}", ++number), unix_start,
            unix_start + duration_cast<microseconds>(valid)});
}

TEST(Whip, APublisherJoinsTheRoom) {
  Server server;
  const ConnectionId anna = server.join("board", "Anna");
  const auto created = server.post("/whip/board?name=Stage");
  EXPECT_EQ(created.status, 201U) << created.body;
  EXPECT_EQ(created.header("Content-Type"), "application/sdp");
  EXPECT_EQ(created.header("ETag"), "\"1\"");
  EXPECT_TRUE(created.header("Location").starts_with("/whip/s/"));
  EXPECT_EQ(created.header("Location").size(), 8U + 64U);
  EXPECT_TRUE(created.header("Access-Control-Expose-Headers").contains("Location"));
  EXPECT_TRUE(created.body.contains(" 192.0.2.1 5000 typ host\r\n")) << created.body;
  const auto people = server.changed(anna);
  ASSERT_FALSE(people.empty());
  EXPECT_EQ(people.back().name, "Stage");
  EXPECT_TRUE(people.back().camera);
  EXPECT_EQ(created.header("Link"),
            fmt::format("</whep/board/{}>; rel=\"related\"", people.back().id));
  EXPECT_EQ(server.stats().people, 2U);
  EXPECT_EQ(server.stats().publications, 1U);

  EXPECT_EQ(server.remove(created.header("Location")).status, 200U);
  EXPECT_EQ(server.commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(server.stats().people, 1U);
  EXPECT_EQ(server.remove(created.header("Location")).status, 404U);
}

TEST(Whip, APublisherAloneIsACall) {
  Server server;
  const auto created = server.post("/whip/board");
  EXPECT_EQ(created.status, 201U);
  EXPECT_EQ(server.stats().rooms, 1U);
  const auto watching = server.post("/whep/board");
  EXPECT_EQ(watching.status, 201U);
  EXPECT_EQ(server.stats().viewers, 1U);
  EXPECT_EQ(server.commands<sfu::AssignSlot>().size(), 2U);
  server.remove(created.header("Location"));
  // There is nobody left to watch.
  EXPECT_EQ(server.commands<sfu::CloseEndpoint>().size(), 2U);
  EXPECT_EQ(server.stats().rooms, 0U);
  EXPECT_EQ(server.stats().viewers, 0U);
  EXPECT_EQ(server.remove(watching.header("Location")).status, 404U);
  server.wait(hours(1));
}

TEST(Whip, MediaThatIsGoneEndsASession) {
  Server server;
  const auto stage = server.post("/whip/board");
  const EndpointId publisher = server.opened.back().endpoint;
  const auto watching = server.post("/whep/board");
  const EndpointId viewer = server.opened.back().endpoint;
  server.give(WorkerEvent{{}, sfu::EndpointConnected{publisher}});
  server.give(WorkerEvent{{}, sfu::EndpointConnected{viewer}});
  server.give(WorkerEvent{{}, sfu::EndpointClosed{viewer, sfu::CloseReason::consent_expired}});
  EXPECT_EQ(server.stats().viewers, 0U);
  EXPECT_EQ(server.remove(watching.header("Location")).status, 404U);
  server.give(WorkerEvent{{}, sfu::EndpointDisconnected{publisher}});
  server.wait(seconds(19));
  EXPECT_EQ(server.stats().people, 1U);
  server.wait(seconds(1));
  EXPECT_EQ(server.stats().people, 0U);
  EXPECT_EQ(server.remove(stage.header("Location")).status, 404U);
}

TEST(Whip, APublisherMayHaveAPictureAlone) {
  Server server;
  std::string offer = test_whip_offer(1, "sendonly");
  const std::size_t audio = offer.find("m=audio");
  offer.erase(audio, offer.find("m=video") - audio);
  offer.replace(offer.find("BUNDLE 0 1"), 10, "BUNDLE 1");
  EXPECT_EQ(server.ask({"POST", "/whip/board", "application/sdp", "", "", offer}).status, 201U);
  const sfu::OpenEndpoint open = server.opened.back();
  ASSERT_EQ(open.media.up.size(), 1U);
  EXPECT_EQ(server.post("/whep/board").status, 201U);
  server.give(WorkerEvent{{}, sfu::LayersWanted{open.endpoint, open.media.up[0].track, {true}}});
  EXPECT_EQ(server.stats().people, 1U);
}

TEST(Whip, TheSameTokenTakesThePlaceOfTheSessionBefore) {
  Server server;
  const ConnectionId anna = server.join("board", "Anna");
  const auto first = server.post("/whip/board", "my-key");
  const std::string id = server.changed(anna).back().id;
  const auto again = server.post("/whip/board", "my-key", 2);
  EXPECT_EQ(again.status, 201U);
  EXPECT_NE(again.header("Location"), first.header("Location"));
  EXPECT_EQ(again.header("Link"), first.header("Link")) << "and is the same participant";
  EXPECT_EQ(server.commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(server.stats().people, 2U);
  EXPECT_EQ(server.remove(first.header("Location")).status, 404U);
  // Another token, another room: somebody else.
  server.post("/whip/board", "other-key", 3);
  EXPECT_EQ(server.stats().people, 3U);
  server.post("/whip/lobby", "my-key", 4);
  EXPECT_EQ(server.stats().people, 4U);
  // Without a token nobody can be told from anybody.
  server.post("/whip/board", "", 5);
  server.post("/whip/board", "", 5);
  EXPECT_EQ(server.stats().people, 6U);
  // Many may watch with one.
  server.post("/whep/board", "my-key", 6);
  server.post("/whep/board", "my-key", 7);
  EXPECT_EQ(server.stats().viewers, 2U);
}

TEST(Whip, WatchesWhoIsThere) {
  Server server;
  const auto nobody = server.post("/whep/board");
  EXPECT_EQ(nobody.status, 409U);
  EXPECT_EQ(nobody.header("Retry-After"), "5");
  const std::string link = server.post("/whip/board").header("Link");
  const std::string watched = link.substr(1, link.find('>') - 1);
  EXPECT_EQ(server.post(watched).status, 201U);
  EXPECT_EQ(server.post("/whep/board/speaker").status, 201U);
  EXPECT_EQ(server.post("/whep/board/program").status, 201U);
  EXPECT_EQ(server.post("/whep/board/0123456789abcdef").status, 404U);
  EXPECT_EQ(server.post("/whep/board/lang:fr").status, 404U);
  EXPECT_EQ(server.post("/whep/lobby").status, 409U);
  EXPECT_EQ(server.stats().viewers, 3U);
  EXPECT_EQ(server.stats().viewings, 3U);
}

TEST(Whip, ARoomByInvitationWantsItsToken) {
  Server server = by_invitation();
  const auto without = server.post("/whip/board");
  EXPECT_EQ(without.status, 401U);
  EXPECT_EQ(without.header("WWW-Authenticate"), "Bearer realm=\"liaison\"");
  EXPECT_EQ(server.post("/whip/board", "nonsense").status, 401U);
  EXPECT_EQ(server.post("/whip/board", invite("lobby")).status, 403U);
  EXPECT_EQ(server.post("/whip/board", invite("board", {}, seconds(-1))).status, 401U);
  EXPECT_EQ(server.stats().people, 0U);

  const std::string token = invite("board", "Camera 1");
  EXPECT_EQ(server.post("/whip/board", token).status, 201U);
  // Once for a publisher, who may come back with it; for nothing else.
  EXPECT_EQ(server.post("/whip/board", token, 2).status, 201U);
  EXPECT_EQ(server.stats().people, 1U);
  EXPECT_EQ(server.post("/whep/board", token).status, 403U);
  EXPECT_EQ(server.errors("token_used"), 1U);
  EXPECT_EQ(server.post("/whip/board/" + invite("board")).status, 201U) << "in the path";
  EXPECT_EQ(server.post("/whip/board?token=" + invite("board")).status, 201U) << "behind it";
}

TEST(Whip, AnInvitationToWatchIsForOneAtATime) {
  Server server = by_invitation();
  server.post("/whip/board", invite("board"));
  const std::string token = invite("board");
  const auto first = server.post("/whep/board", token);
  EXPECT_EQ(first.status, 201U);
  EXPECT_EQ(server.post("/whep/board", token).status, 201U);
  EXPECT_EQ(server.stats().viewers, 1U);
  EXPECT_EQ(server.remove(first.header("Location")).status, 404U);
  EXPECT_EQ(server.post("/whep/board", invite("board")).status, 201U);
  EXPECT_EQ(server.stats().viewers, 2U);
}

TEST(Whip, ATokenIsNotUsedUpForNothing) {
  Server server = by_invitation();
  const std::string token = invite("board");
  EXPECT_EQ(server.post("/whep/board", token).status, 409U);
  server.post("/whip/board", invite("board"));
  EXPECT_EQ(server.post("/whep/board", token).status, 201U);
}

TEST(Whip, TheInviterSaysWhoComes) {
  Server server;
  const ConnectionId anna = server.join("board", "Anna");
  server.post("/whip/board");
  EXPECT_EQ(server.changed(anna).back().name, "WHIP");
  Server invited = by_invitation();
  const auto created = invited.post("/whip/board?name=Mallory", invite("board", "Camera 1"));
  EXPECT_EQ(created.status, 201U);
  bool named = false;
  for (const LogLine& line : invited.out.log) named |= line.event == "publishing";
  EXPECT_TRUE(named);
}

TEST(Whip, ASessionIsNotForTheTokenOfAnother) {
  Server server = by_invitation();
  const std::string token = invite("board");
  const std::string location = server.post("/whip/board", token).header("Location");
  EXPECT_EQ(server.remove(location, invite("board")).status, 403U);
  EXPECT_EQ(server.remove(location, token).status, 200U);
}

TEST(Whip, TrickleIsTakenNoteOf) {
  Server server;
  const std::string location = server.post("/whip/board").header("Location");
  const std::string body =
      "a=ice-ufrag:u1001\r\na=ice-pwd:password-of-22-characters-1001\r\nm=audio 9 RTP/AVP 0\r\n"
      "a=mid:0\r\na=candidate:1 1 udp 1 x.local 9 typ host\r\n";
  const auto taken = server.patch(location, "\"1\"", body);
  EXPECT_EQ(taken.status, 204U) << taken.body;
  EXPECT_EQ(taken.header("ETag"), "");
  EXPECT_TRUE(server.commands<sfu::RestartIce>().empty());
  EXPECT_EQ(server.patch(location, "\"1\"", "a=end-of-candidates").status, 204U);
  EXPECT_EQ(server.patch(location, "", body).status, 428U);
  EXPECT_EQ(server.patch(location, "\"2\"", body).status, 412U);
  EXPECT_EQ(server.patch(location, "\"1\"", "nonsense").status, 400U);
  const auto type = server.patch(location, "\"1\"", body, "application/sdp");
  EXPECT_EQ(type.status, 415U);
  EXPECT_EQ(type.header("Accept-Patch"), "application/trickle-ice-sdpfrag");
}

TEST(Whip, IceRestarts) {
  Server server;
  const std::string location = server.post("/whip/board").header("Location");
  const EndpointId endpoint = server.opened.back().endpoint;
  const std::string body = fmt::format("a=ice-ufrag:later\r\na=ice-pwd:{}\r\n", long_password);
  const auto restarted = server.patch(location, "*", body);
  EXPECT_EQ(restarted.status, 200U) << restarted.body;
  EXPECT_EQ(restarted.header("ETag"), "\"2\"");
  EXPECT_EQ(restarted.header("Content-Type"), "application/trickle-ice-sdpfrag");
  const auto commands = server.commands<sfu::RestartIce>();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].endpoint, endpoint);
  EXPECT_EQ(commands[0].remote_ufrag, "later");
  EXPECT_TRUE(restarted.body.contains("a=ice-ufrag:" + commands[0].local.ufrag + "\r\n"));
  EXPECT_TRUE(restarted.body.contains(" 192.0.2.1 5000 typ host\r\n"));
  // What was said of the ICE session before is too late, and said again it changes nothing.
  EXPECT_EQ(server.patch(location, "\"1\"", body).status, 412U);
  EXPECT_EQ(server.patch(location, "\"2\"", body).status, 204U);
  EXPECT_EQ(server.patch(location, "*", "a=ice-ufrag:abc\r\na=ice-pwd:short\r\n").status, 422U);
  EXPECT_EQ(server.patch(location, "\"2\"", body).status, 204U) << "the session goes on";
  // The same of who watches.
  const std::string watching = server.post("/whep/board").header("Location");
  EXPECT_EQ(server.patch(watching, "\"*\"", body).status, 200U);
  EXPECT_EQ(server.commands<sfu::RestartIce>()[0].endpoint, server.opened.back().endpoint);
}

TEST(Whip, MethodsAndTypes) {
  Server server;
  const std::string location = server.post("/whip/board").header("Location");
  const auto options = server.ask({"OPTIONS", "/whip/board", "", "", "", ""});
  EXPECT_EQ(options.status, 200U);
  EXPECT_EQ(options.header("Accept-Post"), "application/sdp");
  EXPECT_TRUE(options.header("Access-Control-Allow-Methods").contains("POST"));
  EXPECT_TRUE(options.header("Access-Control-Allow-Headers").contains("Authorization"));
  const auto of_session = server.ask({"OPTIONS", location, "", "", "", ""});
  EXPECT_EQ(of_session.status, 200U);
  EXPECT_TRUE(of_session.header("Access-Control-Allow-Methods").contains("PATCH, DELETE"));
  EXPECT_TRUE(of_session.header("Access-Control-Allow-Headers").contains("If-Match"));
  EXPECT_EQ(server.ask({"GET", "/whip/board", "", "", "", ""}).status, 204U);
  EXPECT_EQ(server.ask({"GET", location, "", "", "", ""}).status, 204U);
  const auto head = server.ask({"HEAD", "/whep/board", "", "", "", ""});
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.header("Content-Type"), "application/sdp");
  const auto put = server.ask({"PUT", "/whip/board", "", "", "", ""});
  EXPECT_EQ(put.status, 405U);
  EXPECT_EQ(put.header("Allow"), "OPTIONS, GET, HEAD, POST");
  const auto post = server.ask({"POST", location, "application/sdp", "", "", ""});
  EXPECT_EQ(post.status, 405U);
  EXPECT_EQ(post.header("Allow"), "OPTIONS, GET, HEAD, PATCH, DELETE");
  const auto type = server.ask({"POST", "/whip/board", "text/plain", "", "", ""});
  EXPECT_EQ(type.status, 415U);
  EXPECT_EQ(type.header("Accept-Post"), "application/sdp");
  EXPECT_EQ(server.ask({"POST", "/whip/Board", "", "", "", ""}).status, 404U);
  EXPECT_EQ(server.ask({"DELETE", "/whip/s/" + std::string(64, '0'), "", "", "", ""}).status, 404U);
  std::string other = location;
  other.replace(0, 5, "/whep");
  EXPECT_EQ(server.remove(other).status, 404U) << "of the other protocol";
}

TEST(Whip, BadOffersAreToldApart) {
  Server server;
  const auto status = [&](std::string body) {
    return server.ask({"POST", "/whip/board", "application/sdp", "", "", std::move(body)}).status;
  };
  const std::string good = test_whip_offer(1, "sendonly");
  EXPECT_EQ(status(""), 400U);
  EXPECT_EQ(status("v=0\r\nwhat"), 400U);
  EXPECT_EQ(status(signaling::test_offer(1, 0, 2)), 406U) << "of a participant";
  EXPECT_EQ(status(test_whip_offer(1, "recvonly")), 422U);
  EXPECT_EQ(status(good + std::string(70'000, 'x')), 413U);
  EXPECT_EQ(server.stats().people, 0U);
  EXPECT_EQ(server.stats().rooms, 0U);
  EXPECT_EQ(server.errors("bad_sdp"), 2U);
}

TEST(Whip, TenPostsAMinuteForEachToken) {
  Server server;
  server.join("board", "Anna");
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(server.post("/whip/board", "mine", i).status, 201U);
  const auto refused = server.post("/whip/board", "mine");
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(refused.header("Retry-After"), "6");
  EXPECT_EQ(server.post("/whip/board", "another").status, 201U);
  server.wait(seconds(6));
  EXPECT_EQ(server.post("/whip/board", "mine").status, 201U);
  EXPECT_EQ(server.post("/whip/board", "mine").status, 429U);
  EXPECT_EQ(server.errors("rate_limited"), 2U);
}

TEST(Whip, RequestsOfOneAddressAreLimited) {
  Server server([](Config& config) { config.limits.request_burst = 3; });
  server.join("board", "Anna");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.post("/whep/board").status, 201U);
  EXPECT_EQ(server.post("/whep/board").status, 429U);
  const auto elsewhere =
      server.ask({"POST", "/whep/board", "application/sdp", "", "", test_whip_offer(1, "recvonly")},
                 "198.51.100.8");
  EXPECT_EQ(elsewhere.status, 201U);
}

TEST(Whip, WhatIsFullSaysWhenToTryAgain) {
  Server server([](Config& config) {
    config.limits.people_per_room = 1;
    config.limits.viewers_per_worker = 1;
    config.limits.rooms = 1;
  });
  EXPECT_EQ(server.post("/whip/board", "mine").status, 201U);
  const auto full = server.post("/whip/board", "another");
  EXPECT_EQ(full.status, 503U);
  EXPECT_EQ(full.header("Retry-After"), "10");
  EXPECT_EQ(server.post("/whip/board", "mine", 2).status, 201U) << "needs no place";
  EXPECT_EQ(server.post("/whip/lobby").status, 503U);
  EXPECT_EQ(server.post("/whep/board").status, 201U);
  EXPECT_EQ(server.post("/whep/board").status, 503U);
}

TEST(Whip, AServerThatEndsSaysSo) {
  Server server = by_invitation();
  server.post("/whip/board", invite("board"));
  // One that waits for the store.
  server.give(RequestReceived{ConnectionId{77},
                              "198.51.100.7",
                              {"POST", "/whep/board", "application/sdp",
                               "Bearer " + invite("board"), "", test_whip_offer(1, "recvonly")}});
  EXPECT_TRUE(server.out.responses.empty());
  server.give(ShutDown{});
  ASSERT_EQ(server.out.responses.size(), 1U);
  EXPECT_EQ(server.out.responses[0].request, ConnectionId{77});
  EXPECT_EQ(server.out.responses[0].content.status, 503U);
  EXPECT_EQ(server.commands<sfu::CloseEndpoint>().size(), 1U);
  server.give(TokenChecked{ConnectionId{77}, "id", true});
  EXPECT_TRUE(server.out.responses.empty());
  EXPECT_EQ(server.post("/whip/board").status, 503U);
  EXPECT_EQ(server.stats().viewers + server.stats().people, 0U);
}

}  // namespace
}  // namespace liaison::node
