#include "node/node.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <unordered_set>

#include "base/json.hpp"
#include "node/sessions.hpp"
#include "signaling/credentials.hpp"
#include "signaling/message.hpp"
#include "signaling/test_offer.hpp"

namespace liaison::node {
namespace {

namespace message = signaling::message;
using signaling::ServerMessage;
using signaling::test_offer;

constexpr UnixTime unix_start{hours(24 * 20'000)};
// As clients draw them.
const std::string secret_a(64, 'a');
const std::string secret_b = "0123456789" + std::string(54, 'b');

Config config() {
  Config config;
  config.workers = {{*SocketAddress::parse("192.0.2.1:5000")},
                    {*SocketAddress::parse("192.0.2.1:5001")}};
  config.tcp = {*SocketAddress::parse("192.0.2.1:443")};
  config.fingerprint.digest.assign(32, 0xab);
  return config;
}

// A node in virtual time, with what it has said to each connection.
class World {
 public:
  explicit World(Config config = node::config(), std::vector<SessionRecord> sessions = {})
      : node_(std::move(config)) {
    give(WallClockSet{unix_start});
    give(StoreLoaded{std::move(sessions)});
  }

  void give(const Input& input) {
    out.clear();
    node_.receive(input, now, out);
    collect();
  }
  // Lets time pass, tick by tick.
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

  ConnectionId connect(std::string remote = "198.51.100.1") {
    const ConnectionId connection{++last_connection_};
    give(ConnectionOpened{connection, std::move(remote)});
    return connection;
  }
  void say(ConnectionId connection, const signaling::ClientMessage& message) {
    give(MessageReceived{connection, signaling::write_message(message)});
  }
  void say_text(ConnectionId connection, std::string text) {
    give(MessageReceived{connection, std::move(text)});
  }
  // Connects and joins. The answer is in last<message::Joined>().
  ConnectionId join(std::string name, std::string room = "room",
                    std::optional<std::string> resume = {}, std::optional<std::string> token = {},
                    std::optional<std::uint64_t> attempt = {}) {
    const ConnectionId connection = connect();
    say(connection, message::Join{1, std::move(room), std::move(name), std::move(token),
                                  std::move(resume), attempt});
    return connection;
  }
  void offer(ConnectionId connection, unsigned certificate, unsigned restarts = 0,
             unsigned slots = 2) {
    say(connection, message::Offer{1, test_offer(certificate, restarts, slots)});
  }
  void event(const sfu::Event& event, std::uint8_t worker = 0) {
    give(WorkerEvent{WorkerIndex{worker}, event});
  }

  template <typename Message>
  std::optional<Message> last(ConnectionId connection) const {
    std::optional<Message> found;
    const auto at = inbox.find(connection);
    if (at == inbox.end()) return found;
    for (const ServerMessage& one : at->second) {
      if (const auto* message = std::get_if<Message>(&one)) found = *message;
    }
    return found;
  }
  // The code of the last error, with "!" if it is fatal, and the code of the end in any case.
  std::string error(ConnectionId connection) const {
    const auto error = last<message::Error>(connection);
    std::string text = error ? error->code + (error->fatal ? "!" : "") : "";
    if (const auto at = closed.find(connection); at != closed.end())
      text += fmt::format("{}{}", text.empty() ? "" : " ", at->second);
    return text;
  }
  template <typename Command>
  std::vector<Command> commands() const {
    std::vector<Command> list;
    for (const SendCommand& one : out.commands) {
      if (const auto* command = std::get_if<Command>(&one.command)) list.push_back(*command);
    }
    return list;
  }
  template <typename Request>
  std::vector<Request> requests() const {
    std::vector<Request> list;
    for (const StoreRequest& one : out.store) {
      if (const auto* request = std::get_if<Request>(&one)) list.push_back(*request);
    }
    return list;
  }
  bool logged(std::string_view event) const {
    return std::ranges::any_of(out.log, [&](const LogLine& line) { return line.event == event; });
  }
  const NodeStats& stats() const { return node_.stats(); }
  Instant deadline() const { return node_.deadline(); }

  Instant now{hours(1)};
  Output out;  // of the last input or tick
  std::vector<SendCommand> unread;
  std::map<ConnectionId, std::vector<ServerMessage>> inbox;
  std::map<ConnectionId, unsigned> closed;
  std::map<std::string, SessionRecord> stored;  // as the store would hold them

 private:
  void collect() {
    for (const SendMessage& one : out.messages) {
      auto message = signaling::read_server_message(one.text);
      ASSERT_TRUE(message) << one.text;
      EXPECT_FALSE(closed.contains(one.connection)) << one.text;
      inbox[one.connection].push_back(std::move(*message));
    }
    unread.insert(unread.end(), out.commands.begin(), out.commands.end());
    for (const CloseConnection& one : out.closes)
      EXPECT_TRUE(closed.emplace(one.connection, one.code).second);
    for (const StoreRequest& one : out.store) {
      if (const auto* save = std::get_if<SaveSession>(&one))
        stored[save->session.resume_hash] = save->session;
      if (const auto* gone = std::get_if<DeleteSession>(&one)) stored.erase(gone->resume_hash);
    }
  }

  Node node_;
  std::uint64_t last_connection_ = 0;
};

// ── Conversations ──

TEST(Node, TwoPeopleMeet) {
  World world;
  const ConnectionId anna = world.join("Anna");
  EXPECT_TRUE(world.logged("call_started"));
  EXPECT_EQ(world.requests<SaveRoom>().size(), 1U);
  const auto first = world.last<message::Joined>(anna);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->you.size(), 16U);
  EXPECT_EQ(first->room, "room");
  EXPECT_EQ(first->call.size(), 16U);
  EXPECT_EQ(first->resume.size(), 64U);
  EXPECT_FALSE(first->resumed);
  EXPECT_EQ(first->media, message::Media::new_);
  EXPECT_EQ(first->person_slots, 48);
  EXPECT_TRUE(first->people.empty());

  const ConnectionId bo = world.join("Bo");
  const auto second = world.last<message::Joined>(bo);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->call, first->call);
  ASSERT_EQ(second->people.size(), 1U);
  EXPECT_EQ(second->people[0].name, "Anna");
  EXPECT_EQ(second->people[0].id, first->you);
  EXPECT_EQ(world.last<message::People>(anna)->changed[0].name, "Bo");
  // Nothing came before joined.
  EXPECT_TRUE(std::holds_alternative<message::Joined>(world.inbox[bo][0]));

  world.offer(anna, 1);
  EXPECT_EQ(world.last<message::Answer>(anna)->id, 1U);
  EXPECT_EQ(world.commands<sfu::OpenEndpoint>().size(), 1U);
  world.offer(bo, 2);
  EXPECT_EQ(world.last<message::Slots>(bo)->slots[0].person, first->you);
  world.say(bo, message::Publish{true, true, false, false});
  EXPECT_TRUE(world.last<message::People>(anna)->changed[0].camera);
  EXPECT_EQ(world.commands<sfu::SetTrackActive>().size(), 2U);
  EXPECT_EQ(world.stats().people, 2U);
  EXPECT_EQ(world.stats().rooms, 1U);
  EXPECT_EQ(world.stats().joins, 2U);

  world.say(bo, message::Leave{});
  EXPECT_EQ(world.error(bo), "1000");
  EXPECT_EQ(world.last<message::People>(anna)->left, std::vector<std::string>{second->you});
  EXPECT_EQ(world.commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(world.requests<DeleteSession>().size(), 1U);
  world.say(anna, message::Leave{});
  EXPECT_TRUE(world.logged("call_ended"));
  EXPECT_EQ(world.stats().rooms, 0U);
  EXPECT_EQ(world.stats().connections, 0U);
  EXPECT_EQ(world.stats().sessions, 0U);
  EXPECT_TRUE(world.stored.empty());
  world.wait(hours(24));
  EXPECT_EQ(world.deadline(), never);
}

TEST(Node, RoomsAreApart) {
  World world;
  const ConnectionId anna = world.join("Anna", "one");
  const ConnectionId bo = world.join("Bo", "two");
  EXPECT_TRUE(world.last<message::Joined>(bo)->people.empty());
  EXPECT_FALSE(world.last<message::People>(anna));
  EXPECT_NE(world.last<message::Joined>(anna)->call, world.last<message::Joined>(bo)->call);
  world.say(bo, message::Publish{true, true, true, true});
  EXPECT_FALSE(world.last<message::People>(anna));
}

TEST(Node, ACallLivesOnTheWorkerWithFewestPeople) {
  World world;
  world.join("A", "one");
  world.join("B", "one");
  const ConnectionId c = world.join("C", "two");
  const ConnectionId d = world.join("D", "three");
  world.offer(c, 1);
  ASSERT_EQ(world.commands<sfu::OpenEndpoint>().size(), 1U);
  EXPECT_EQ(world.out.commands[0].worker, WorkerIndex{1});
  const std::string sdp = world.last<message::Answer>(c)->sdp;
  EXPECT_TRUE(sdp.contains(" 192.0.2.1 5001 typ host")) << sdp;
  EXPECT_TRUE(sdp.contains(" 192.0.2.1 443 typ host tcptype passive"));
  EXPECT_EQ(signaling::worker_of_ufrag(world.commands<sfu::OpenEndpoint>()[0].local.ufrag),
            WorkerIndex{1});
  world.offer(d, 2);
  EXPECT_EQ(world.out.commands[0].worker, WorkerIndex{1});
}

TEST(Node, ACallThatIsSpreadCountsWhereItsEndpointsAre) {
  Config spread = config();
  spread.limits.endpoints_before_spreading = 1;
  World world(spread);
  const ConnectionId a = world.join("A", "one");
  const ConnectionId b = world.join("B", "one");
  const ConnectionId c = world.join("C", "one");
  const ConnectionId d = world.join("D", "one");
  const auto worker_of = [&](ConnectionId connection, unsigned certificate) {
    world.offer(connection, certificate);
    return std::to_underlying(world.out.commands[0].worker);
  };
  EXPECT_EQ(worker_of(a, 1), 0);
  EXPECT_EQ(worker_of(b, 2), 1);
  EXPECT_EQ(worker_of(c, 3), 0);
  EXPECT_EQ(worker_of(d, 4), 1);
  // Worker 0 is its home, and has one of the three who stay.
  world.say(a, message::Leave{});
  EXPECT_EQ(worker_of(world.join("E", "two"), 5), 0);
}

TEST(Node, EventsReachTheCall) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId bo = world.join("Bo");
  world.offer(anna, 1);
  const auto open = world.commands<sfu::OpenEndpoint>()[0];
  world.event(sfu::EndpointConnected{open.endpoint});
  EXPECT_TRUE(world.logged("endpoint_connected"));
  world.event(sfu::SpeakerChanged{open.call, open.endpoint, open.media.up[0].track});
  EXPECT_EQ(world.last<message::Speaker>(bo)->person, world.last<message::Joined>(anna)->you);
  world.event(sfu::SpeakerChanged{open.call, {}, {}});
  EXPECT_FALSE(world.last<message::Speaker>(bo)->person);
  world.event(sfu::EndpointQuality{open.endpoint, 10'000, 0, 0, 1, 2, false});
  EXPECT_EQ(world.last<message::Connection>(anna)->rtt_ms, 10.0);
  world.wait(seconds(1));
  EXPECT_EQ(world.last<message::People>(bo)->changed[0].quality, message::Quality::good);
  // Of other calls and endpoints: nothing.
  world.event(sfu::SpeakerChanged{CallId{99'999}, open.endpoint, open.media.up[0].track});
  world.event(sfu::EndpointClosed{EndpointId{99'999}, sfu::CloseReason::commanded});
  world.event(sfu::WorkerStats{});
  EXPECT_TRUE(world.out.messages.empty());
  world.event(sfu::EndpointClosed{open.endpoint, sfu::CloseReason::closed_by_peer});
  EXPECT_FALSE(world.last<message::People>(bo)->changed[0].connected);
  EXPECT_TRUE(world.commands<sfu::CloseEndpoint>().empty());
}

TEST(Node, ABadOfferIsNotTheEnd) {
  World world;
  const ConnectionId anna = world.join("Anna");
  world.say(anna, message::Offer{3, "v=0\r\n"});
  EXPECT_EQ(world.error(anna), "bad_offer");
  EXPECT_TRUE(world.logged("offer_refused"));
  world.offer(anna, 1);
  EXPECT_TRUE(world.last<message::Answer>(anna));
}

// ── Coming back ──

TEST(Node, SignalingMayBeLostWhileMediaFlows) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId bo = world.join("Bo");
  const auto joined = *world.last<message::Joined>(anna);
  world.offer(anna, 1);
  const auto open = world.commands<sfu::OpenEndpoint>()[0];
  world.event(sfu::EndpointConnected{open.endpoint});
  world.give(ConnectionClosed{anna});
  EXPECT_TRUE(world.logged("signaling_lost"));
  EXPECT_FALSE(world.last<message::People>(bo));
  world.wait(seconds(10));
  const ConnectionId again = world.join("other", "room", joined.resume);
  const auto back = world.last<message::Joined>(again);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->you, joined.you);
  EXPECT_EQ(back->call, joined.call);
  EXPECT_EQ(back->resume, joined.resume);
  EXPECT_TRUE(back->resumed);
  EXPECT_EQ(back->media, message::Media::kept);
  EXPECT_EQ(back->people.size(), 1U);
  EXPECT_TRUE(world.last<message::Slots>(again));
  EXPECT_FALSE(world.last<message::People>(bo));
  EXPECT_EQ(world.stats().resumes, 1U);
  EXPECT_EQ(world.stats().joins, 2U);
  world.offer(again, 1, 1);
  EXPECT_EQ(world.commands<sfu::RestartIce>().size(), 1U);
}

TEST(Node, AnotherTabReplacesTheFirst) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId bo = world.join("Bo");
  const auto joined = *world.last<message::Joined>(anna);
  const ConnectionId again = world.join("Anna", "room", joined.resume);
  EXPECT_EQ(world.error(anna), "replaced! 1008");
  EXPECT_EQ(world.last<message::Joined>(again)->you, joined.you);
  EXPECT_FALSE(world.last<message::People>(bo));
  world.say(again, message::Publish{true, false, false, false});
  EXPECT_TRUE(world.last<message::People>(bo)->changed[0].microphone);
  // What still comes from the first is nobody's.
  world.say(anna, message::Publish{false, false, false, false});
  world.give(ConnectionClosed{anna});
  EXPECT_TRUE(world.out.messages.empty());
  EXPECT_EQ(world.stats().people, 2U);
}

// A page was loaded again, and what it had said before was the slower.
TEST(Node, AJoinThatComesTooLateReplacesNobody) {
  World world;
  const ConnectionId first = world.join("Anna", "room", secret_a, {}, 1);
  const ConnectionId bo = world.join("Bo");
  const auto joined = *world.last<message::Joined>(first);
  const ConnectionId third = world.join("Anna", "room", secret_a, {}, 3);
  EXPECT_EQ(world.error(first), "replaced! 1008");
  const ConnectionId second = world.join("Anna", "room", secret_a, {}, 2);
  EXPECT_EQ(world.error(second), "replaced! 1008");
  EXPECT_FALSE(world.last<message::Joined>(second));
  EXPECT_EQ(world.error(third), "");
  world.give(ConnectionClosed{second});
  EXPECT_FALSE(world.last<message::People>(bo));
  world.say(third, message::Publish{true, false, false, false});
  EXPECT_TRUE(world.last<message::People>(bo)->changed[0].microphone);
  EXPECT_EQ(world.stats().people, 2U);
  EXPECT_EQ(world.stats().sessions, 2U);
  EXPECT_EQ(world.stats().resumes, 1U);
  // Tabs that share a session count alike: the latest wins, as it does for who does not count.
  const ConnectionId equal = world.join("Anna", "room", secret_a, {}, 3);
  EXPECT_EQ(world.last<message::Joined>(equal)->you, joined.you);
  EXPECT_EQ(world.error(third), "replaced! 1008");
  const ConnectionId absent = world.join("Anna", "room", secret_a);
  EXPECT_EQ(world.last<message::Joined>(absent)->you, joined.you);
  EXPECT_EQ(world.error(equal), "replaced! 1008");
  // Who does not count makes nobody forget the count.
  const ConnectionId late = world.join("Anna", "room", secret_a, {}, 2);
  EXPECT_EQ(world.error(late), "replaced! 1008");
  EXPECT_EQ(world.error(absent), "");
  // The count is of the session: another one's begins anew.
  EXPECT_TRUE(world.last<message::Joined>(world.join("Cleo", "room", secret_b, {}, 0)));
}

TEST(Node, AJoinThatComesTooLateBringsNobodyBack) {
  World world;
  const ConnectionId bo = world.join("Bo");
  const ConnectionId anna = world.join("Anna", "room", secret_a, {}, 5);
  const auto joined = *world.last<message::Joined>(anna);
  world.give(ConnectionClosed{anna});
  world.wait(seconds(20));
  world.say(bo, message::Ping{1});
  world.wait(seconds(11));
  ASSERT_EQ(world.stats().people, 1U);
  EXPECT_EQ(world.error(world.join("Anna", "room", secret_a, {}, 4)), "replaced! 1008");
  EXPECT_EQ(world.stats().people, 1U);
  const ConnectionId again = world.join("Anna", "room", secret_a, {}, 6);
  EXPECT_EQ(world.last<message::Joined>(again)->you, joined.you);
  EXPECT_EQ(world.error(world.join("Anna", "room", secret_a, {}, 5)), "replaced! 1008");
  EXPECT_EQ(world.error(again), "");
}

TEST(Node, WhoIsGoneIsGoneAfterHalfAMinuteAndMayComeBackForTwo) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId bo = world.join("Bo");
  const auto joined = *world.last<message::Joined>(anna);
  world.offer(anna, 1);
  world.give(ConnectionClosed{anna});
  EXPECT_FALSE(world.last<message::People>(bo)->changed[0].connected);
  world.say(bo, message::Ping{1});
  world.wait(seconds(20));
  world.say(bo, message::Ping{1});
  world.wait(seconds(10));
  EXPECT_EQ(world.last<message::People>(bo)->left, std::vector<std::string>{joined.you});
  EXPECT_EQ(world.stats().people, 1U);
  for (int i = 0; i < 5; ++i) {
    world.say(bo, message::Ping{1});
    world.wait(seconds(17));
  }
  const ConnectionId again = world.join("x", "room", joined.resume);
  const auto back = world.last<message::Joined>(again);
  EXPECT_EQ(back->you, joined.you);
  EXPECT_TRUE(back->resumed);
  EXPECT_EQ(back->media, message::Media::new_);
  EXPECT_EQ(world.last<message::People>(bo)->changed[0].name, "Anna");
}

TEST(Node, AfterTwoMinutesASessionIsForgotten) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const auto joined = *world.last<message::Joined>(anna);
  world.give(ConnectionClosed{anna});
  world.wait(seconds(30));
  EXPECT_EQ(world.stats().rooms, 0U);
  world.wait(seconds(90));
  EXPECT_EQ(world.stats().sessions, 0U);
  EXPECT_TRUE(world.stored.empty());
  const ConnectionId again = world.join("Anna", "room", joined.resume);
  EXPECT_FALSE(world.last<message::Joined>(again)->resumed);
  EXPECT_NE(world.last<message::Joined>(again)->you, joined.you);
}

TEST(Node, ASessionIsOfOneRoom) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const auto joined = *world.last<message::Joined>(anna);
  const ConnectionId other = world.join("Anna", "elsewhere", joined.resume);
  EXPECT_FALSE(world.last<message::Joined>(other)->resumed);
  EXPECT_EQ(world.error(anna), "");
}

TEST(Node, ASessionMayHaveTheSecretThatItsClientHasDrawn) {
  World world;
  const ConnectionId lost = world.join("Anna", "room", secret_a);
  const auto first = *world.last<message::Joined>(lost);
  EXPECT_EQ(first.resume, secret_a);
  EXPECT_FALSE(first.resumed);
  // That answer never arrived; nor did a word that the connection is gone.
  const ConnectionId again = world.join("Anna", "room", secret_a);
  EXPECT_EQ(world.last<message::Joined>(again)->you, first.you);
  EXPECT_TRUE(world.last<message::Joined>(again)->resumed);
  EXPECT_TRUE(world.last<message::Joined>(again)->people.empty());
  EXPECT_EQ(world.stats().people, 1U);
  EXPECT_EQ(world.stored.size(), 1U);
  EXPECT_TRUE(world.stored.contains(Sessions::hash_of(secret_a)));
}

TEST(Node, ASecretThatIsNoneIsReplaced) {
  World world;
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string(63, 'a'), std::string(65, 'a'),
        std::string(64, 'A'), std::string(64, 'g'), std::string(63, 'a') + " ",
        std::string(64, '\0'), std::string(128, '0'), std::string(62, 'a') + "é"}) {
    const ConnectionId one = world.join("Anna", "room", bad);
    const auto joined = world.last<message::Joined>(one);
    ASSERT_TRUE(joined) << bad;
    EXPECT_NE(joined->resume, bad);
    EXPECT_EQ(joined->resume.size(), 64U);
    EXPECT_FALSE(joined->resumed);
    // It finds nothing afterwards either.
    const ConnectionId two = world.join("Bo", "room", bad);
    EXPECT_FALSE(world.last<message::Joined>(two)->resumed) << bad;
    world.say(one, message::Leave{});
    world.say(two, message::Leave{});
  }
}

TEST(Node, ASecretThatIsTakenInAnotherRoomIsReplaced) {
  World world;
  const ConnectionId here = world.join("Anna", "room", secret_a);
  const ConnectionId there = world.join("Anna", "elsewhere", secret_a);
  const auto joined = *world.last<message::Joined>(there);
  EXPECT_NE(joined.resume, secret_a);
  EXPECT_FALSE(joined.resumed);
  EXPECT_EQ(world.error(here), "");
  EXPECT_EQ(world.stats().sessions, 2U);
}

TEST(Node, WhoHasLeftCannotComeBack) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const auto joined = *world.last<message::Joined>(anna);
  world.say(anna, message::Leave{});
  const ConnectionId again = world.join("Anna", "room", joined.resume);
  EXPECT_FALSE(world.last<message::Joined>(again)->resumed);
}

TEST(Node, SessionsOutliveTheProcess) {
  World before;
  const ConnectionId anna = before.join("Anna");
  const auto joined = *before.last<message::Joined>(anna);
  std::vector<SessionRecord> records;
  for (const auto& [hash, record] : before.stored) {
    EXPECT_EQ(record.name, "Anna");
    EXPECT_NE(hash, joined.resume);
    records.push_back(record);
  }
  Config invited = config();
  invited.access = Access::invite;
  World after(invited, records);
  const ConnectionId again = after.join("x", "room", joined.resume);
  const auto back = after.last<message::Joined>(again);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->you, joined.you);
  EXPECT_TRUE(back->resumed);
  EXPECT_EQ(back->media, message::Media::new_);
  EXPECT_EQ(after.stats().resumes, 1U);
  // A new process knows no count, and takes what comes.
  const ConnectionId counted = after.join("x", "room", joined.resume, {}, 1);
  EXPECT_TRUE(after.last<message::Joined>(counted)->resumed);
  // Its record is renewed.
  after.wait(seconds(1));
  EXPECT_EQ(after.stored.size(), 1U);
}

TEST(Node, AReloadedPageOffersAnew) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const auto joined = *world.last<message::Joined>(anna);
  world.offer(anna, 1);
  const auto first = world.commands<sfu::OpenEndpoint>()[0];
  world.event(sfu::EndpointConnected{first.endpoint});
  world.give(ConnectionClosed{anna});
  const ConnectionId again = world.join("Anna", "room", joined.resume);
  EXPECT_EQ(world.last<message::Joined>(again)->media, message::Media::kept);
  world.offer(again, 2);
  ASSERT_EQ(world.commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(world.commands<sfu::CloseEndpoint>()[0].endpoint, first.endpoint);
  EXPECT_EQ(world.commands<sfu::OpenEndpoint>().size(), 1U);
  // The end of the first comes late and means nothing.
  world.event(sfu::EndpointClosed{first.endpoint, sfu::CloseReason::commanded});
  EXPECT_TRUE(world.out.messages.empty());
}

// ── Invitations ──

class Invited : public ::testing::Test {
 protected:
  Invited() : world_(invited()) {}
  Config invited() {
    Config one = config();
    one.access = Access::invite;
    one.invite_key = key_.public_key();
    one.limits.people_per_room = 2;
    return one;
  }
  std::string token(std::string id, std::string room = "room",
                    std::optional<std::string> name = {}) {
    return signaling::mint_token(
        key_, {std::move(room), std::move(name), std::move(id), unix_start, unix_start + hours(1)});
  }
  std::string error_with(std::optional<std::string> text) {
    return world_.error(world_.join("Anna", "room", {}, std::move(text)));
  }
  // What the store is to remember of the only use of a token just now.
  std::string bearer() const {
    const auto use = world_.requests<UseToken>();
    EXPECT_EQ(use.size(), 1U);
    return use.empty() ? "" : use[0].bearer;
  }

  signaling::SecretKey key_ = signaling::SecretKey::draw();
  World world_;
};

TEST_F(Invited, AFreshTokenOpensTheRoom) {
  const ConnectionId anna = world_.join("Anna", "room", {}, token("t1"));
  EXPECT_FALSE(world_.last<message::Joined>(anna));
  const auto use = world_.requests<UseToken>();
  ASSERT_EQ(use.size(), 1U);
  EXPECT_EQ(use[0].connection, anna);
  EXPECT_EQ(use[0].token_id, "t1");
  EXPECT_EQ(use[0].expires, unix_start + hours(1));
  world_.give(TokenChecked{anna, "t1", true});
  EXPECT_EQ(world_.last<message::Joined>(anna)->room, "room");
  EXPECT_EQ(world_.error(anna), "");
}

TEST_F(Invited, WhoInvitesMayNameTheGuest) {
  const ConnectionId anna = world_.join("Anna", "room", {}, token("t1"));
  world_.give(TokenChecked{anna, "t1", true});
  const ConnectionId bo = world_.join("Anna", "room", {}, token("t2", "room", "Bo the Guest"));
  world_.give(TokenChecked{bo, "t2", true});
  EXPECT_EQ(world_.last<message::People>(anna)->changed[0].name, "Bo the Guest");
}

TEST_F(Invited, WrongTokensAreRefused) {
  EXPECT_EQ(error_with({}), "token_required! 1008");
  EXPECT_EQ(error_with("v4.public.AAAA"), "token_invalid! 1008");
  EXPECT_EQ(error_with(signaling::mint_token(signaling::SecretKey::draw(),
                                             {"room", {}, "x", unix_start, unix_start + hours(1)})),
            "token_invalid! 1008");
  EXPECT_EQ(error_with(token("t", "other")), "token_wrong_room! 1008");
  EXPECT_EQ(error_with(signaling::mint_token(key_, {"room", {}, "x", unix_start, unix_start})),
            "token_expired! 1008");
  world_.wait(hours(1));
  EXPECT_EQ(error_with(token("t")), "token_expired! 1008");
  EXPECT_EQ(world_.stats().rooms, 0U);
  EXPECT_EQ(world_.stats().errors.at("token_expired"), 2U);
}

TEST_F(Invited, AUsedTokenIsRefused) {
  const ConnectionId anna = world_.join("Anna", "room", {}, token("t1"));
  world_.give(TokenChecked{anna, "t1", false});
  EXPECT_EQ(world_.error(anna), "token_used! 1008");
  EXPECT_EQ(world_.stats().rooms, 0U);
}

TEST_F(Invited, OnlyTheAnswerToTheOwnQuestionCounts) {
  const ConnectionId anna = world_.join("Anna", "room", {}, token("t1"));
  world_.give(TokenChecked{anna, "t2", true});
  world_.give(TokenChecked{ConnectionId{999}, "t1", true});
  EXPECT_FALSE(world_.last<message::Joined>(anna));
  world_.give(TokenChecked{anna, "t1", true});
  EXPECT_TRUE(world_.last<message::Joined>(anna));
  world_.give(TokenChecked{anna, "t1", true});
  EXPECT_TRUE(world_.out.messages.empty());
}

TEST_F(Invited, PendingJoinsCountForTheLimit) {
  const ConnectionId a = world_.join("A", "room", {}, token("t1"));
  const ConnectionId b = world_.join("B", "room", {}, token("t2"));
  EXPECT_EQ(world_.error(world_.join("C", "room", {}, token("t3"))), "room_full! 1013");
  EXPECT_TRUE(world_.requests<UseToken>().empty());
  world_.give(ConnectionClosed{b});
  const ConnectionId d = world_.join("D", "room", {}, token("t4"));
  world_.give(TokenChecked{b, "t2", true});
  world_.give(TokenChecked{a, "t1", true});
  world_.give(TokenChecked{d, "t4", true});
  EXPECT_TRUE(world_.last<message::Joined>(a));
  EXPECT_TRUE(world_.last<message::Joined>(d));
}

TEST_F(Invited, ATokenIsUsedUnderTheSecretOfTheSession) {
  const ConnectionId anna = world_.join("Anna", "room", secret_a, token("t1"));
  EXPECT_EQ(bearer(), Sessions::hash_of(secret_a));
  world_.give(TokenChecked{anna, "t1", true});
  EXPECT_EQ(world_.last<message::Joined>(anna)->resume, secret_a);
  EXPECT_FALSE(world_.last<message::Joined>(anna)->resumed);
  EXPECT_TRUE(world_.stored.contains(Sessions::hash_of(secret_a)));
  // One of the server's own, likewise.
  const ConnectionId bo = world_.join("Bo", "room", {}, token("t2"));
  const std::string drawn = bearer();
  world_.give(TokenChecked{bo, "t2", true});
  EXPECT_EQ(Sessions::hash_of(world_.last<message::Joined>(bo)->resume), drawn);
}

TEST_F(Invited, WhoNeverHeardTheAnswerTriesAgain) {
  const ConnectionId lost = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(TokenChecked{lost, "t1", true});
  const auto first = *world_.last<message::Joined>(lost);
  const ConnectionId again = world_.join("Anna", "room", secret_a, token("t1"));
  EXPECT_TRUE(world_.requests<UseToken>().empty());
  const auto second = world_.last<message::Joined>(again);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->you, first.you);
  EXPECT_EQ(second->resume, secret_a);
  EXPECT_TRUE(second->resumed);
  EXPECT_EQ(second->media, message::Media::new_);
  EXPECT_TRUE(second->people.empty()) << "nobody is there twice";
  EXPECT_EQ(world_.error(lost), "replaced! 1008");
  EXPECT_EQ(world_.stats().people, 1U);
  EXPECT_EQ(world_.stats().joins, 1U);
}

TEST_F(Invited, AnotherBearerOfAUsedTokenIsRefused) {
  const ConnectionId anna = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(TokenChecked{anna, "t1", true});
  const ConnectionId bo = world_.join("Bo", "room", secret_b, token("t1"));
  EXPECT_EQ(bearer(), Sessions::hash_of(secret_b));
  world_.give(TokenChecked{bo, "t1", false});
  EXPECT_EQ(world_.error(bo), "token_used! 1008");
  EXPECT_EQ(world_.stats().people, 1U);
}

// The process ended after the token was used and before the session was saved.
TEST_F(Invited, TheBearerOfAUsedTokenGetsInWithoutASession) {
  world_.join("Anna", "room", secret_a, token("t1"));
  const std::string before = bearer();
  World next(invited());
  const ConnectionId anna = next.join("Anna", "room", secret_a, token("t1"));
  ASSERT_EQ(next.requests<UseToken>().size(), 1U);
  EXPECT_EQ(next.requests<UseToken>()[0].bearer, before);
  next.give(TokenChecked{anna, "t1", true});
  EXPECT_EQ(next.last<message::Joined>(anna)->resume, secret_a);
  EXPECT_FALSE(next.last<message::Joined>(anna)->resumed);
}

TEST_F(Invited, TwoJoinsOfOneSecretMakeOneSession) {
  const ConnectionId lost = world_.join("Anna", "room", secret_a, token("t1"));
  const ConnectionId again = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(TokenChecked{lost, "t1", true});
  const auto first = *world_.last<message::Joined>(lost);
  world_.give(TokenChecked{again, "t1", true});
  EXPECT_EQ(world_.error(lost), "replaced! 1008");
  EXPECT_EQ(world_.last<message::Joined>(again)->you, first.you);
  EXPECT_TRUE(world_.last<message::Joined>(again)->resumed);
  EXPECT_EQ(world_.stats().people, 1U);
  EXPECT_EQ(world_.stats().sessions, 1U);
}

TEST_F(Invited, TheEarlierOfTwoJoinsMayBeCheckedLast) {
  const ConnectionId living = world_.join("Anna", "room", secret_a, token("t1"), 2);
  const ConnectionId late = world_.join("Anna", "room", secret_a, token("t1"), 1);
  world_.give(TokenChecked{living, "t1", true});
  world_.give(TokenChecked{late, "t1", true});
  EXPECT_EQ(world_.error(late), "replaced! 1008");
  EXPECT_FALSE(world_.last<message::Joined>(late));
  EXPECT_EQ(world_.error(living), "");
  // Nor does it ask for its token again, now that there is a session.
  const ConnectionId later = world_.join("Anna", "room", secret_a, token("t1"), 1);
  EXPECT_TRUE(world_.requests<UseToken>().empty());
  EXPECT_EQ(world_.error(later), "replaced! 1008");
  EXPECT_EQ(world_.error(living), "");
  EXPECT_EQ(world_.stats().people, 1U);
  EXPECT_EQ(world_.stats().sessions, 1U);
}

// The disk failed meanwhile: who holds the secret of a session needs no token.
TEST_F(Invited, TheSecondOfTwoJoinsGoesOnWhateverTheStoreSays) {
  const ConnectionId lost = world_.join("Anna", "room", secret_a, token("t1"));
  const ConnectionId again = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(TokenChecked{lost, "t1", true});
  world_.give(TokenChecked{again, "t1", false});
  EXPECT_EQ(world_.error(again), "");
  EXPECT_TRUE(world_.last<message::Joined>(again)->resumed);
}

TEST_F(Invited, AJoinWhoseConnectionDiedLeavesNothingBehind) {
  const ConnectionId lost = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(ConnectionClosed{lost});
  const ConnectionId again = world_.join("Anna", "room", secret_a, token("t1"));
  world_.give(TokenChecked{lost, "t1", true});
  EXPECT_EQ(world_.stats().sessions, 0U);
  world_.give(TokenChecked{again, "t1", true});
  EXPECT_EQ(world_.last<message::Joined>(again)->resume, secret_a);
  EXPECT_EQ(world_.stats().people, 1U);
}

TEST_F(Invited, OneSecretInTwoRoomsAtOnceOpensOne) {
  const ConnectionId here = world_.join("Anna", "room", secret_a, token("t1"));
  const ConnectionId there = world_.join("Anna", "other", secret_a, token("t2", "other"));
  world_.give(TokenChecked{here, "t1", true});
  world_.give(TokenChecked{there, "t2", true});
  EXPECT_EQ(world_.last<message::Joined>(here)->room, "room");
  EXPECT_EQ(world_.error(there), "token_used! 1008");
  EXPECT_EQ(world_.stats().sessions, 1U);
  // From now on it is taken there: the server draws another.
  const ConnectionId bo = world_.join("Bo", "other", secret_a, token("t3", "other"));
  EXPECT_NE(bearer(), Sessions::hash_of(secret_a));
  world_.give(TokenChecked{bo, "t3", true});
  EXPECT_NE(world_.last<message::Joined>(bo)->resume, secret_a);
}

TEST_F(Invited, WhileTheTokenIsCheckedNothingElseIsTaken) {
  const ConnectionId anna = world_.join("Anna", "room", {}, token("t1"));
  world_.say(anna, message::Publish{true, true, true, true});
  EXPECT_EQ(world_.error(anna), "not_joined! 1008");
  world_.give(TokenChecked{anna, "t1", true});
  EXPECT_TRUE(world_.out.messages.empty());
}

// ── Refusals and limits ──

TEST(Node, BadMessagesBeforeJoiningAreTheEnd) {
  const auto folder = std::filesystem::path(LIAISON_SOURCE_DIR) / "protocol/client/bad";
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream stream(entry.path());
    const std::string file{std::istreambuf_iterator<char>(stream), {}};
    const json::Value value = *json::parse(file, 100'000);
    const auto& object = value.as_object();
    const std::string text = object.contains("text") ? std::string(object.at("text").as_string())
                                                     : json::to_text(object.at("message"));
    World world;
    const ConnectionId fresh = world.connect();
    world.say_text(fresh, text);
    const std::string code(object.at("error").as_string());
    EXPECT_EQ(world.error(fresh), code + "! 1008") << entry.path();
    // Once joined, only what is a join at all is answered otherwise.
    const ConnectionId joined = world.join("Anna");
    world.say_text(joined, text);
    EXPECT_EQ(world.error(joined), code) << entry.path();
    ++count;
  }
  EXPECT_GT(count, 30U);
}

// Attack S11: every message in every state.
TEST(Node, EveryMessageInEveryState) {
  const std::vector<signaling::ClientMessage> messages = {
      message::Join{1, "room", "Anna", {}, {}, {}},
      message::Offer{1, test_offer(1, 0, 1)},
      message::Publish{true, true, true, true},
      message::Leave{},
      message::Ping{1},
      message::Pong{1}};
  const std::vector<std::string> opened = {
      "", "not_joined! 1008", "not_joined! 1008", "not_joined! 1008", "", ""};
  const std::vector<std::string> joined = {"already_joined", "", "", "1000", "", ""};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    World world;
    const ConnectionId fresh = world.connect();
    world.say(fresh, messages[i]);
    EXPECT_EQ(world.error(fresh), opened[i]) << i;
    EXPECT_TRUE(world.out.commands.empty()) << "no media before admission";
    const ConnectionId anna = world.join("Anna");
    world.say(anna, messages[i]);
    EXPECT_EQ(world.error(anna), joined[i]) << i;
    if (!joined[i].contains("1000")) continue;
    world.say(anna, messages[i]);
    EXPECT_TRUE(world.out.messages.empty());
  }
}

TEST(Node, ConnectionsAreLimited) {
  Config small = config();
  small.limits.connections = 3;
  small.limits.connections_per_address = 2;
  World world(small);
  const ConnectionId one = world.connect("a");
  world.connect("a");
  EXPECT_EQ(world.error(world.connect("a")), "server_full! 1013");
  world.connect("b");
  const ConnectionId more = world.connect("c");
  EXPECT_EQ(world.error(more), "server_full! 1013");
  EXPECT_EQ(world.last<message::Error>(more)->retry_after_ms, 10'000U);
  world.say(more, message::Ping{1});
  EXPECT_TRUE(world.out.messages.empty());
  world.give(ConnectionClosed{one});
  EXPECT_EQ(world.error(world.connect("a")), "");
  EXPECT_EQ(world.stats().connections, 3U);
  EXPECT_EQ(world.stats().errors.at("server_full"), 2U);
}

TEST(Node, RoomsAndPeopleAreLimited) {
  Config small = config();
  small.limits.rooms = 1;
  small.limits.people_per_room = 2;
  World world(small);
  const ConnectionId anna = world.join("Anna", "one");
  EXPECT_EQ(world.error(world.join("Bo", "two")), "server_full! 1013");
  world.join("Bo", "one");
  const ConnectionId carl = world.join("Carl", "one");
  EXPECT_EQ(world.error(carl), "room_full! 1013");
  EXPECT_EQ(world.last<message::Error>(carl)->retry_after_ms, 10'000U);
  EXPECT_EQ(world.stats().people, 2U);
  world.say(anna, message::Leave{});
  EXPECT_EQ(world.error(world.join("Carl", "one")), "");
}

TEST(Node, ComingBackGetsNobodyPastALimit) {
  Config small = config();
  small.limits.people_per_room = 1;
  World world(small);
  const ConnectionId anna = world.join("Anna");
  const auto joined = *world.last<message::Joined>(anna);
  world.give(ConnectionClosed{anna});
  world.wait(seconds(30));
  world.join("Bo");
  EXPECT_EQ(world.error(world.join("Anna", "room", joined.resume)), "room_full! 1013");
}

TEST(Node, SessionsAreLimited) {
  Config small = config();
  small.limits.sessions = 2;
  World world(small);
  world.join("A");
  const ConnectionId b = world.join("B");
  EXPECT_EQ(world.error(world.join("C")), "server_full! 1013");
  const auto joined = *world.last<message::Joined>(b);
  world.give(ConnectionClosed{b});
  // The others must not fall silent meanwhile.
  world.say(ConnectionId{1}, message::Pong{1});
  world.wait(seconds(29));
  world.say(ConnectionId{1}, message::Pong{1});
  world.wait(seconds(1));
  EXPECT_EQ(world.error(world.join("C")), "");
  EXPECT_FALSE(world.last<message::Joined>(world.join("B", "room", joined.resume)));
}

TEST(Node, TooManyMessagesAreTheEndOfTheirSenderAlone) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId bo = world.join("Bo");
  for (int i = 0; i < 50; ++i) world.say(anna, message::Publish{i % 2 == 0, false, false, false});
  EXPECT_EQ(world.error(anna), "rate_limited! 1008");
  EXPECT_EQ(world.error(bo), "");
  EXPECT_FALSE(world.last<message::People>(bo)->changed[0].connected);
}

TEST(Node, ConnectionsHaveTimeLimits) {
  World world;
  const ConnectionId idle = world.connect();
  const ConnectionId anna = world.join("Anna");
  world.wait(seconds(10));
  EXPECT_EQ(world.error(idle), "join_timeout! 1008");
  world.wait(seconds(5));
  EXPECT_TRUE(world.last<message::Ping>(anna));
  world.wait(seconds(15));
  EXPECT_EQ(world.error(anna), "1001");
  EXPECT_EQ(world.stats().people, 1U);
  world.wait(seconds(30));
  EXPECT_EQ(world.stats().people, 0U);
}

TEST(Node, ShutDownTellsEverybodyAndKeepsTheSessions) {
  World world;
  const ConnectionId anna = world.join("Anna");
  const ConnectionId idle = world.connect();
  world.offer(anna, 1);
  world.give(ShutDown{});
  EXPECT_EQ(world.error(anna), "shutting_down! 1012");
  EXPECT_EQ(world.error(idle), "shutting_down! 1012");
  EXPECT_EQ(world.last<message::Error>(anna)->retry_after_ms, 1000U);
  EXPECT_EQ(world.commands<sfu::CloseEndpoint>().size(), 1U);
  EXPECT_EQ(world.stored.size(), 1U);
  EXPECT_EQ(world.error(world.connect()), "shutting_down! 1012");
  EXPECT_EQ(world.stats().connections, 0U);
  EXPECT_EQ(world.stats().people, 0U);
  world.wait(hours(24));
  EXPECT_EQ(world.stored.size(), 1U);
  EXPECT_EQ(world.deadline(), never);
}

TEST(Node, LogsNameTheCallAndNoSecrets) {
  World world;
  std::string lines;
  const auto note = [&] {
    for (const LogLine& line : world.out.log) {
      lines += line.event + " " + line.call;
      for (const LogField& field : line.fields) lines += " " + field.key + "=" + field.value;
      lines += "\n";
    }
  };
  const ConnectionId anna = world.join("Anna Keller");
  note();
  const auto joined = *world.last<message::Joined>(anna);
  world.offer(anna, 1);
  note();
  world.give(ConnectionClosed{anna});
  note();
  EXPECT_TRUE(lines.contains("joined " + joined.call + " participant=" + joined.you)) << lines;
  EXPECT_TRUE(lines.contains("endpoint_opened " + joined.call + " participant=" + joined.you));
  EXPECT_FALSE(lines.contains(joined.resume));
  EXPECT_FALSE(lines.contains("Keller"));
}

// ── Random operations ──

// What a client believes after all it was told.
struct Client {
  std::string you;
  std::string resume;
  std::map<std::string, message::Person> people;
  std::optional<message::Slots> slots;
  std::optional<std::string> speaker;
  bool joined = false;

  void take(const ServerMessage& message) {
    if (const auto* one = std::get_if<message::Joined>(&message)) {
      *this = Client{};
      you = one->you;
      resume = one->resume;
      joined = true;
      for (const auto& person : one->people) people[person.id] = person;
    } else if (const auto* change = std::get_if<message::People>(&message)) {
      for (const auto& person : change->changed) {
        EXPECT_NE(person.id, you);
        people[person.id] = person;
      }
      for (const auto& id : change->left) EXPECT_EQ(people.erase(id), 1U) << id;
    } else if (const auto* seats = std::get_if<message::Slots>(&message)) {
      slots = *seats;
    } else if (const auto* said = std::get_if<message::Speaker>(&message)) {
      speaker = said->person;
    }
    EXPECT_TRUE(joined || std::holds_alternative<message::Error>(message) ||
                std::holds_alternative<message::Pong>(message));
  }
};

class RandomOperations {
 public:
  explicit RandomOperations(unsigned seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      absorb();
      check();
      if (::testing::Test::HasFailure()) return;
    }
    finish();
  }

 private:
  struct Endpoint {
    sfu::OpenEndpoint open;
    bool up = false;
    std::map<std::uint16_t, TrackId> assigned;
    std::set<TrackId> active;
  };

  unsigned draw(unsigned count) { return static_cast<unsigned>(random_() % count); }

  void step() {
    switch (draw(12)) {
      case 0:
      case 1:
        return join();
      case 2:
        if (const auto connection = any()) world_.say(*connection, message::Leave{});
        return;
      case 3:
        if (const auto connection = any()) {
          world_.give(ConnectionClosed{*connection});
          lost_.push_back(clients_.at(*connection).resume);
          clients_.erase(*connection);
        }
        return;
      case 4:
      case 5:
        if (const auto connection = any())
          world_.offer(*connection, draw(3) == 0 ? ++certificates_ : certificate(*connection),
                       draw(3), 1 + draw(2));
        return;
      case 6:
        if (const auto connection = any())
          world_.say(*connection,
                     message::Publish{draw(2) == 0, draw(2) == 0, draw(2) == 0, draw(2) == 0});
        return;
      case 7:
      case 8:
      case 9:
        return event();
      case 10:
        return world_.wait(milliseconds(draw(3000)));
      default:
        if (draw(8) == 0) world_.wait(seconds(40));
        return;
    }
  }

  void join() {
    std::optional<std::string> resume;
    if (draw(2) == 0 && !lost_.empty()) resume = lost_[draw(static_cast<unsigned>(lost_.size()))];
    if (draw(8) == 0 && any()) resume = clients_.at(*any()).resume;
    // Drawn by a client, or by several that should not.
    if (draw(4) == 0) resume = std::string(64, "0123456789abcdefgh"[draw(18)]);
    std::optional<std::uint64_t> attempt;
    if (draw(2) == 0) attempt = draw(4);
    const ConnectionId connection = world_.connect();
    clients_[connection];
    world_.say(connection, message::Join{1,
                                         draw(4) == 0 ? "other" : "room",
                                         fmt::format("P{}", connection.value),
                                         {},
                                         resume,
                                         attempt});
  }

  // Mostly the certificate of before, by connection.
  unsigned certificate(ConnectionId connection) {
    return certificate_of_.try_emplace(connection, ++certificates_).first->second;
  }

  void event() {
    if (endpoints_.empty()) return;
    auto at = endpoints_.begin();
    std::advance(at, draw(static_cast<unsigned>(endpoints_.size())));
    const EndpointId endpoint = at->first;
    switch (draw(6)) {
      case 0:
      case 1:
        at->second.up = true;
        return world_.event(sfu::EndpointConnected{endpoint});
      case 2:
        at->second.up = false;
        return world_.event(sfu::EndpointDisconnected{endpoint});
      case 3:
        ended_.insert(endpoint);
        endpoints_.erase(at);
        return world_.event(sfu::EndpointClosed{endpoint, sfu::CloseReason::consent_expired});
      case 4:
        return world_.event(sfu::EndpointQuality{
            endpoint, draw(600'000), static_cast<float>(draw(10)) / 100, 0, 0, 0, false});
      default: {
        const bool silence = draw(4) == 0;
        const auto& open = at->second.open;
        return world_.event(sfu::SpeakerChanged{open.call, silence ? EndpointId{} : endpoint,
                                                silence ? TrackId{} : open.media.up[0].track});
      }
    }
  }

  // Takes over what the node has said so far.
  void absorb() {
    for (auto& [connection, messages] : world_.inbox) {
      const auto client = clients_.find(connection);
      if (client == clients_.end()) continue;
      for (const ServerMessage& message : messages) client->second.take(message);
    }
    world_.inbox.clear();
    for (const auto& [connection, code] : world_.closed) clients_.erase(connection);
    for (const SendCommand& one : std::exchange(world_.unread, {})) take(one.command);
  }

  void take(const sfu::Command& command) {
    if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
      EXPECT_FALSE(ended_.contains(open->endpoint));
      EXPECT_TRUE(endpoints_.emplace(open->endpoint, Endpoint{*open, false, {}, {}}).second);
    } else if (const auto* close = std::get_if<sfu::CloseEndpoint>(&command)) {
      // Each once, and only while it is open.
      EXPECT_EQ(endpoints_.erase(close->endpoint), 1U);
      ended_.insert(close->endpoint);
    } else if (const auto* assign = std::get_if<sfu::AssignSlot>(&command)) {
      ASSERT_TRUE(endpoints_.contains(assign->endpoint));
      Endpoint& endpoint = endpoints_.at(assign->endpoint);
      EXPECT_LT(assign->slot, endpoint.open.media.down.size());
      EXPECT_NE(endpoint.assigned[assign->slot], assign->track) << "nothing changes";
      endpoint.assigned[assign->slot] = assign->track;
    } else if (const auto* active = std::get_if<sfu::SetTrackActive>(&command)) {
      ASSERT_TRUE(endpoints_.contains(active->endpoint));
      auto& set = endpoints_.at(active->endpoint).active;
      EXPECT_EQ(active->active ? set.insert(active->track).second : set.erase(active->track) == 1,
                true)
          << "nothing changes";
    } else if (const auto* restart = std::get_if<sfu::RestartIce>(&command)) {
      EXPECT_TRUE(endpoints_.contains(restart->endpoint));
    }
  }

  void check() {
    // Whoever is in a call believes the same of a third (but for quality, which may wait).
    std::map<std::string, message::Person> seen;
    for (const auto& [connection, client] : clients_) {
      if (!client.joined) continue;
      for (auto [id, person] : client.people) {
        person.quality = message::Quality::unknown;
        const auto [at, first] = seen.emplace(id, person);
        EXPECT_EQ(at->second, person) << "the rosters differ on " << person.name;
      }
      if (client.slots) check_slots(client);
      EXPECT_TRUE(!client.speaker || *client.speaker == client.you ||
                  client.people.contains(*client.speaker));
    }
    // Nobody is given a track of an endpoint that is not there, or is his own, or of another call.
    std::map<TrackId, const Endpoint*> tracks;
    for (const auto& [id, endpoint] : endpoints_) {
      for (const sfu::UpMedia& up : endpoint.open.media.up) tracks[up.track] = &endpoint;
    }
    for (const auto& [id, endpoint] : endpoints_) {
      std::set<TrackId> once;
      for (const auto& [slot, track] : endpoint.assigned) {
        if (!track) continue;
        ASSERT_TRUE(tracks.contains(track)) << "a track of nobody";
        EXPECT_NE(tracks[track], &endpoint);
        EXPECT_EQ(tracks[track]->open.call, endpoint.open.call);
        EXPECT_TRUE(once.insert(track).second) << "one track in two slots";
      }
    }
    EXPECT_EQ(world_.stats().connections, clients_.size());
  }

  static void check_slots(const Client& client) {
    std::set<std::string> once;
    std::size_t free = 0;
    for (const message::Slot& slot : client.slots->slots) {
      free += slot.person ? 0 : 1;
      if (!slot.person) continue;
      EXPECT_TRUE(client.people.contains(*slot.person)) << "a slot of somebody who has left";
      EXPECT_TRUE(once.insert(*slot.person).second);
    }
    // No slot is free while somebody has none.
    EXPECT_TRUE(free == 0 || once.size() == client.people.size());
    if (client.slots->screen) {
      ASSERT_TRUE(client.people.contains(*client.slots->screen));
      EXPECT_TRUE(client.people.at(*client.slots->screen).screen);
    } else {
      EXPECT_TRUE(
          std::ranges::none_of(client.people, [](const auto& one) { return one.second.screen; }));
    }
  }

  void finish() {
    while (const auto connection = any()) {
      world_.say(*connection, message::Leave{});
      absorb();
    }
    std::vector<EndpointId> open;
    for (const auto& [id, endpoint] : endpoints_) open.push_back(id);
    for (const EndpointId id : open) {
      world_.event(sfu::EndpointDisconnected{id});
      absorb();
    }
    world_.wait(hours(24));
    absorb();
    EXPECT_TRUE(endpoints_.empty());
    EXPECT_EQ(world_.stats().rooms, 0U);
    EXPECT_EQ(world_.stats().people, 0U);
    EXPECT_EQ(world_.stats().sessions, 0U);
    EXPECT_EQ(world_.deadline(), never);
    EXPECT_TRUE(world_.stored.empty());
  }

  std::optional<ConnectionId> any() {
    std::vector<ConnectionId> list;
    for (const auto& [connection, client] : clients_) {
      if (client.joined) list.push_back(connection);
    }
    if (list.empty()) return std::nullopt;
    return list[draw(static_cast<unsigned>(list.size()))];
  }

  std::mt19937 random_;
  World world_;
  std::map<ConnectionId, Client> clients_;
  std::vector<std::string> lost_;
  std::map<ConnectionId, unsigned> certificate_of_;
  unsigned certificates_ = 0;
  std::map<EndpointId, Endpoint> endpoints_;
  std::set<EndpointId> ended_;
};

class NodeRandom : public ::testing::TestWithParam<unsigned> {};

TEST_P(NodeRandom, RostersConvergeAndCommandsBalance) { RandomOperations(GetParam()).run(250); }

INSTANTIATE_TEST_SUITE_P(Seeds, NodeRandom, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace liaison::node
