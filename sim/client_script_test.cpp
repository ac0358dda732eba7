#include "sim/client_script.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace liaison::sim {
namespace {

constexpr BrowserId ana{1};
constexpr BrowserId ben{2};
constexpr Instant start = Instant(hours(1));

// A world of which the test is everything: it keeps what the client asks, and a log of it.
struct FakeHost : ClientHost {
  void connect(BrowserId browser, std::uint32_t socket) override {
    sockets[browser] = socket;
    note(browser, "connect");
  }
  void send(BrowserId browser, std::uint32_t socket, std::string text) override {
    EXPECT_EQ(socket, sockets[browser]);
    note(browser, "send " + text);
    last_sent = std::move(text);
    if (fails) throw std::domain_error("the host's own");
  }
  void close_socket(BrowserId browser, std::uint32_t socket) override {
    EXPECT_EQ(socket, sockets[browser]);
    note(browser, "close_socket");
  }
  void set_timer(BrowserId browser, std::uint32_t timer, Duration after) override {
    EXPECT_TRUE(timers[browser].emplace(timer, now + after).second);
  }
  void cancel_timer(BrowserId browser, std::uint32_t timer) override {
    EXPECT_EQ(timers[browser].erase(timer), 1u);
  }
  void open_peer(BrowserId browser, std::uint32_t peer) override {
    peers[browser] = peer;
    sending.clear();
    note(browser, "open_peer");
  }
  std::string offer(BrowserId browser, std::uint32_t peer, PersonSlots slots, bool restart,
                    std::uint32_t redundant) override {
    EXPECT_EQ(peer, peers[browser]);
    last_offer = "offer " + std::to_string(slots.first) +
                 (slots.added == 0 ? "" : "+" + std::to_string(slots.added)) +
                 (restart ? " restart" : "") + (redundant != 0 ? " redundant" : "");
    note(browser, last_offer);
    return "v=0 \u00e9 " + std::to_string(++offers);
  }
  bool answer(BrowserId browser, std::uint32_t peer, const std::string& sdp) override {
    EXPECT_EQ(peer, peers[browser]);
    note(browser, "answer " + sdp);
    return sdp != "nonsense";
  }
  void set_sending(BrowserId browser, std::uint32_t peer, std::size_t line,
                   std::uint32_t encodings) override {
    EXPECT_EQ(peer, peers[browser]);
    sending[line] = encodings;
    note(browser, (encodings != 0 ? "send on " : "rest on ") + std::to_string(line));
  }
  void close_peer(BrowserId browser, std::uint32_t) override { note(browser, "close_peer"); }
  void changed(BrowserId) override { ++changes; }

  void note(BrowserId browser, std::string what) {
    log.push_back(std::to_string(browser.value) + ": " + std::move(what));
  }
  // How many entries begin like this.
  std::size_t count(std::string_view what) const {
    std::size_t found = 0;
    for (const std::string& line : log) found += line.substr(3).starts_with(what);
    return found;
  }

  Instant now = start;
  std::map<BrowserId, std::uint32_t> sockets;
  std::map<BrowserId, std::uint32_t> peers;
  std::map<BrowserId, std::map<std::uint32_t, Instant>> timers;
  std::map<std::size_t, std::uint32_t> sending;
  std::vector<std::string> log;
  std::string last_sent;
  int offers = 0;
  std::string last_offer;
  int changes = 0;
  bool fails = false;
};

std::string joined(std::string_view media, bool resumed) {
  return R"({"t":"joined","you":"p1","room":"tea","call":"c1","resume":"secret","resumed":)" +
         std::string(resumed ? "true" : "false") + R"(,"media":")" + std::string(media) +
         R"(","person_slots":2,"people":[{"id":"p2","name":"Žofie","microphone":true,)"
         R"("camera":false,"screen":false,"screen_audio":false,"connected":true,)"
         R"("quality":"good"}]})";
}

// The nth that she needs a number for.
std::string secret_of_ana(int n) {
  return std::string(31, '0') + "1" + std::string(31, '0') + std::to_string(n);
}

constexpr std::string_view report =
    R"({"t":"connection","rtt_ms":20,"loss_up":0.01,"loss_down":0,"bitrate_up":1000000,)"
    R"("bitrate_down":2000000,"over_tcp":false})";

class ClientScriptTest : public testing::Test {
 protected:
  ClientScriptTest() { script.open_page(ana, 16, 16, host.now); }

  void message(std::string_view text) {
    script.socket_message(ana, host.sockets[ana], text, host.now);
  }
  void answer_offer() {
    message(R"({"t":"answer","id":)" + std::to_string(host.offers) + R"(,"sdp":"an answer"})");
  }
  void media(std::string_view state) {
    script.connection_state(ana, host.peers[ana], state, host.now);
  }
  // Time passes, and with it what timers there are.
  void pass(Duration duration) {
    const Instant end = host.now + duration;
    for (;;) {
      auto& timers = host.timers[ana];
      auto next = timers.begin();
      for (auto i = timers.begin(); i != timers.end(); ++i) {
        if (i->second < next->second) next = i;
      }
      if (next == timers.end() || next->second > end) break;
      const std::uint32_t timer = next->first;
      host.now = std::max(host.now, next->second);
      timers.erase(next);
      script.timer_fired(ana, timer, host.now);
    }
    host.now = end;
  }
  // Into the room, with microphone and camera, and through to "connected".
  void enter() {
    script.publish(ana, true, true, false, false, host.now);
    script.join(ana, "tea", "Ana", "", false, host.now);
    script.socket_opened(ana, host.sockets[ana], host.now);
    message(joined("new", false));
    answer_offer();
    media("connected");
  }
  const ClientScript::View& view() { return script.view(ana); }

  FakeHost host;
  ClientScript script{host};
};

TEST_F(ClientScriptTest, JoinsOffersAndConnects) {
  EXPECT_EQ(view(), ClientScript::View{});
  script.publish(ana, true, true, false, false, host.now);
  script.join(ana, "tea", "Ana", "a token", false, host.now);
  EXPECT_EQ(view().phase, "joining");
  script.socket_opened(ana, host.sockets[ana], host.now);
  EXPECT_EQ(host.last_sent,
            R"({"t":"join","version":1,"room":"tea","name":"Ana","token":"a token","resume":")" +
                secret_of_ana(1) + R"(","attempt":1})");

  message(joined("new", false));
  EXPECT_EQ(view().phase, "connecting");
  EXPECT_EQ(view().you, "p1");
  ASSERT_EQ(script.people(ana).size(), 1u);
  EXPECT_EQ(script.people(ana)[0].name, "Žofie");
  EXPECT_TRUE(script.people(ana)[0].microphone);
  EXPECT_FALSE(script.people(ana)[0].camera);
  EXPECT_EQ(host.count("offer 2"), 1u);
  EXPECT_EQ(host.last_sent, R"({"t":"offer","id":1,"sdp":"v=0 é 1"})");
  EXPECT_EQ(host.count("send {\"t\":\"publish\",\"microphone\":true,\"camera\":true"), 1u);
  EXPECT_TRUE(view().sending);
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 1}, {1, 1}}));

  answer_offer();
  EXPECT_EQ(host.count("answer an answer"), 1u);
  media("connected");
  EXPECT_EQ(view().phase, "connected");

  message(R"({"t":"slots","slots":[{"slot":1,"person":"p2"}],"screen":"p2"})");
  EXPECT_EQ(view().slots, (std::vector<std::string>{"", "p2"}));
  EXPECT_EQ(view().sharer, "p2");
  message(R"({"t":"speaker","person":"p2"})");
  EXPECT_EQ(view().speaker, "p2");
  message(R"({"t":"error","code":"bad_offer","message":"m-line 3","fatal":false})");
  EXPECT_EQ(view().notice, "bad_offer");
  EXPECT_EQ(script.people(ana).size(), 1u);
}

TEST_F(ClientScriptTest, OffersMoreSlotsBehindTheOthersWhenMorePeopleCome) {
  script.open_page(ana, 1, 16, host.now);
  enter();
  EXPECT_EQ(host.count("offer 1"), 1u);
  const auto comes = [&](std::string_view id) {
    message(R"({"t":"people","changed":[{"id":")" + std::string(id) +
            R"(","name":"X","microphone":false,"camera":false,"screen":false,)"
            R"("screen_audio":false,"connected":true,"quality":"good"}],"left":[]})");
  };
  comes("p3");
  EXPECT_EQ(host.count("offer 1+1"), 1u);
  answer_offer();
  // The server takes two and no more.
  comes("p4");
  EXPECT_EQ(host.count("offer 1+"), 1u);
  message(R"({"t":"slots","slots":[{"slot":1,"person":"p3"}],"screen":null})");
  EXPECT_EQ(view().slots, (std::vector<std::string>{"", "p3"}));
}

TEST_F(ClientScriptTest, LosesSignalingAndResumes) {
  enter();
  pass(seconds(1));
  script.socket_closed(ana, host.sockets[ana], host.now);
  EXPECT_EQ(view().phase, "repairing");
  EXPECT_EQ(host.count("connect"), 1u);
  pass(milliseconds(1));
  EXPECT_EQ(host.count("connect"), 2u);
  script.socket_opened(ana, host.sockets[ana], host.now);
  EXPECT_EQ(host.last_sent,
            R"({"t":"join","version":1,"room":"tea","name":"Ana","resume":"secret","attempt":2})");
  message(joined("kept", true));
  EXPECT_EQ(view().phase, "connected");
  EXPECT_EQ(view().generation, 1u);
  EXPECT_EQ(host.count("rest on"), 0u);
  EXPECT_EQ(host.count("close_peer"), 0u);
}

TEST_F(ClientScriptTest, FindsThatNobodyAnswersItsPings) {
  enter();
  // After 5 s the ping is unanswered that was sent 2 s after the server's last word.
  pass(seconds(8));
  EXPECT_EQ(host.count("close_socket"), 1u);
  EXPECT_EQ(host.count("connect"), 2u);
  EXPECT_EQ(view().phase, "repairing");
}

TEST_F(ClientScriptTest, SendsNothingWhileThePathIsInDoubt) {
  enter();
  media("disconnected");
  EXPECT_FALSE(view().sending);
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 0}, {1, 0}}));
  EXPECT_EQ(view().phase, "connected");
  pass(milliseconds(999));
  EXPECT_EQ(host.count("offer"), 1u);
  pass(milliseconds(1));
  EXPECT_EQ(view().phase, "reconnecting");
  EXPECT_EQ(host.count("offer 2 restart"), 1u);
  answer_offer();
  media("connected");
  EXPECT_EQ(view().phase, "connected");
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 1}, {1, 1}}));
}

TEST_F(ClientScriptTest, BuildsAnotherConnectionWhenTheBrowserRefusesTheAnswer) {
  enter();
  pass(seconds(2));
  script.network_changed(ana, host.now);
  EXPECT_EQ(host.count("offer 2 restart"), 1u);
  message(R"({"t":"answer","id":2,"sdp":"nonsense"})");
  EXPECT_EQ(view().phase, "reconnecting");
  EXPECT_EQ(host.count("offer 2 restart"), 2u);
  // Somebody is there, only no media.
  for (int i = 0; i < 10; ++i) {
    pass(seconds(1));
    message(report);
    message(R"({"t":"pong","id":1})");
  }
  EXPECT_EQ(host.count("close_peer"), 1u);
  EXPECT_EQ(view().generation, 2u);
  EXPECT_EQ(host.count("open_peer"), 2u);
}

TEST_F(ClientScriptTest, PublishesWhatItSends) {
  enter();
  script.publish(ana, false, false, true, true, host.now);
  EXPECT_EQ(host.last_sent, R"({"t":"publish","microphone":false,"camera":false,"screen":true,)"
                            R"("screen_audio":true})");
  // A muted microphone goes on, in silence; a camera that is off has no track.
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 1}, {1, 0}, {2, 1}, {3, 1}}));
}

TEST_F(ClientScriptTest, StopsWhatNobodyWants) {
  enter();
  message(
      R"({"t":"layers","source":"camera","encodings":[{"rid":"","active":false,"spatial_layers":1}]})");
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 1}, {1, 0}}));
  message(
      R"({"t":"layers","source":"camera","encodings":[{"rid":"","active":true,"spatial_layers":1}]})");
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{0, 1}, {1, 1}}));
}

TEST_F(ClientScriptTest, OffersRedundantSoundWhenItIsWanted) {
  enter();
  message(R"({"t":"redundancy","source":"microphone","wanted":true})");
  EXPECT_EQ(host.count("offer 2 redundant"), 1U);
  answer_offer();
  message(R"({"t":"redundancy","source":"microphone","wanted":false})");
  EXPECT_EQ(host.last_offer, "offer 2");
}

TEST_F(ClientScriptTest, AReloadGoesBackIntoTheCall) {
  enter();
  script.publish(ana, false, true, false, false, host.now);
  const std::uint32_t old_socket = host.sockets[ana];
  const std::uint32_t old_peer = host.peers[ana];
  const auto old_timers = std::exchange(host.timers[ana], {});
  script.open_page(ana, 16, 16, host.now);
  EXPECT_EQ(view(), ClientScript::View{});

  script.join(ana, "tea", "somebody else", "", true, host.now);
  EXPECT_NE(host.sockets[ana], old_socket);
  script.socket_opened(ana, host.sockets[ana], host.now);
  EXPECT_EQ(host.last_sent,
            R"({"t":"join","version":1,"room":"tea","name":"Ana","resume":"secret","attempt":2})");
  // What still comes for the page before is lost.
  const auto log = host.log;
  script.socket_message(ana, old_socket, joined("new", false), host.now);
  script.connection_state(ana, old_peer, "failed", host.now);
  for (const auto& [timer, at] : old_timers) script.timer_fired(ana, timer, at);
  EXPECT_EQ(host.log, log);

  message(joined("kept", true));
  EXPECT_NE(host.peers[ana], old_peer);
  EXPECT_EQ(host.count("send {\"t\":\"publish\",\"microphone\":false,\"camera\":true"), 2u);
  EXPECT_EQ(host.sending, (std::map<std::size_t, std::uint32_t>{{1, 1}}));
}

TEST_F(ClientScriptTest, NothingComesFromAClosedPage) {
  enter();
  script.close_page(ana, host.now);
  const auto log = host.log;
  message(R"({"t":"ping","id":7})");
  pass(minutes(1));
  script.wake(ana, host.now);
  script.network_changed(ana, host.now);
  EXPECT_EQ(host.log, log);
  EXPECT_EQ(view().phase, "idle");
  EXPECT_THROW(script.leave(ana, host.now), std::runtime_error);
}

TEST_F(ClientScriptTest, LeavesForGood) {
  enter();
  script.leave(ana, host.now);
  EXPECT_EQ(view().phase, "left");
  EXPECT_EQ(host.last_sent, R"({"t":"leave"})");
  EXPECT_EQ(host.count("close_socket"), 1u);
  EXPECT_EQ(host.count("close_peer"), 1u);
  EXPECT_TRUE(host.timers[ana].empty());
  script.open_page(ana, 16, 16, host.now);
  script.join(ana, "tea", "Ana", "", true, host.now);
  script.socket_opened(ana, host.sockets[ana], host.now);
  // As somebody new, with another secret.
  const std::string join = R"({"t":"join","version":1,"room":"tea","name":"Ana","resume":")";
  ASSERT_TRUE(host.last_sent.starts_with(join)) << host.last_sent;
  EXPECT_TRUE(host.last_sent.ends_with(R"(","attempt":1})")) << host.last_sent;
  EXPECT_EQ(host.last_sent.size(), join.size() + 64 + 14);
  EXPECT_FALSE(host.last_sent.contains(secret_of_ana(1)));
}

TEST_F(ClientScriptTest, SaysWhyItFailed) {
  script.join(ana, "tea", "Ana", "", false, host.now);
  script.socket_opened(ana, host.sockets[ana], host.now);
  message(R"({"t":"error","code":"room_full","message":"full","fatal":true})");
  EXPECT_EQ(view().phase, "failed");
  EXPECT_EQ(view().failure, "room_full");
}

TEST_F(ClientScriptTest, WhatTheClientThrowsIsThrownWithItsStack) {
  script.join(ana, "tea", "Ana", "", false, host.now);
  try {
    script.join(ana, "coffee", "Ana", "", false, host.now);
    FAIL() << "it was not thrown";
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("a page of room tea cannot join coffee"), std::string::npos) << text;
    EXPECT_NE(text.find("enter@client.js:"), std::string::npos) << text;
  }
}

TEST_F(ClientScriptTest, WhatTheHostThrowsIsThrown) {
  script.join(ana, "tea", "Ana", "", false, host.now);
  host.fails = true;
  EXPECT_THROW(script.socket_opened(ana, host.sockets[ana], host.now), std::domain_error);
  // Others do not notice.
  FakeHost other;
  ClientScript beside(other);
  beside.open_page(ben, 4, 4, other.now);
  beside.join(ben, "tea", "Ben", "", false, other.now);
  beside.socket_opened(ben, other.sockets[ben], other.now);
  EXPECT_EQ(beside.view(ben).phase, "joining");
}

TEST_F(ClientScriptTest, MessagesThatChangeNothingVisibleCostNoView) {
  enter();
  const ClientScript::View before = view();
  const int changes = host.changes;
  message(report);
  EXPECT_EQ(host.changes, changes + 1);
  EXPECT_EQ(view(), before);
}

// A call of two with all that can befall it; the log of what the clients asked.
std::vector<std::string> story() {
  FakeHost host;
  ClientScript script(host);
  for (const BrowserId browser : {ana, ben}) {
    script.open_page(browser, 8, 8, host.now);
    script.publish(browser, true, true, false, false, host.now);
    script.join(browser, "tea", "Ana", "", false, host.now);
    script.socket_opened(browser, host.sockets[browser], host.now);
    script.socket_message(browser, host.sockets[browser], joined("new", false), host.now);
  }
  for (int i = 0; i < 200; ++i) {
    host.now += milliseconds(100);
    const BrowserId browser = i % 3 == 0 ? ana : ben;
    if (i % 20 == 7) script.connection_state(browser, host.peers[browser], "failed", host.now);
    if (i % 50 == 9) script.socket_closed(browser, host.sockets[browser], host.now);
    if (i == 70) {
      host.timers[browser].clear();
      script.open_page(browser, 8, 8, host.now);
      script.join(browser, "tea", "Ana", "", true, host.now);
    }
    script.socket_message(browser, host.sockets[browser], report, host.now);
    for (const auto& [timer, at] : std::map(host.timers[browser])) {
      if (at > host.now || host.timers[browser].erase(timer) == 0) continue;
      script.timer_fired(browser, timer, host.now);
    }
    host.note(browser, script.view(browser).phase);
  }
  return host.log;
}

TEST(ClientScriptRuns, AreTheSameEveryTime) {
  const auto first = story();
  EXPECT_GT(first.size(), 200u);
  EXPECT_EQ(first, story());
}

TEST(ClientScriptRuns, ManyWorldsOneAfterAnother) {
  for (int i = 0; i < 20; ++i) {
    FakeHost host;
    ClientScript script(host);
    script.open_page(ana, 8, 8, host.now);
    script.join(ana, "tea", "Ana", "", false, host.now);
    script.socket_opened(ana, host.sockets[ana], host.now);
    EXPECT_EQ(host.count("send"), 2u);
  }
}

TEST(ClientScriptRuns, ThreeHundredBrowsers) {
  FakeHost host;
  ClientScript script(host);
  for (std::uint32_t i = 1; i <= 300; ++i) {
    const BrowserId browser{i};
    script.open_page(browser, 16, 16, host.now);
    script.join(browser, "tea", "Ana", "", false, host.now);
    script.socket_opened(browser, host.sockets[browser], host.now);
    script.socket_message(browser, host.sockets[browser], joined("new", false), host.now);
  }
  for (std::uint32_t i = 1; i <= 300; ++i) {
    const BrowserId browser{i};
    script.socket_message(browser, host.sockets[browser], report, host.now);
    EXPECT_EQ(script.view(browser).phase, "connecting");
  }
}

}  // namespace
}  // namespace liaison::sim
