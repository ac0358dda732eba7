#include "signaling/session.hpp"

#include <gtest/gtest.h>

#include <array>

namespace liaison::signaling {
namespace {

constexpr Instant start{hours(1)};
constexpr std::string_view join = R"({"t":"join","version":1,"room":"a","name":"Anna"})";
constexpr std::string_view leave = R"({"t":"leave"})";

class SessionTest : public ::testing::Test {
 protected:
  // What the session says to `text`: "join", "leave", the code of an error ("!" if it is the end),
  // "pong", "ping", "close", or nothing.
  std::string say(std::string_view text, Instant now = start) { return say(text, now, session_); }
  std::string say(std::string_view text, Instant now, Session& session) {
    out_.clear();
    session.receive(text, now, out_);
    return summary();
  }
  std::string tick(Instant now) {
    out_.clear();
    session_.tick(now, out_);
    return summary();
  }

  Limits limits_;
  Session session_{limits_, start};
  Session::Output out_;

 private:
  std::string summary() const {
    std::string text;
    for (const ServerMessage& reply : out_.replies) {
      if (std::holds_alternative<message::Pong>(reply)) text += "pong";
      if (std::holds_alternative<message::Ping>(reply)) text += "ping";
      if (const auto* error = std::get_if<message::Error>(&reply)) {
        EXPECT_EQ(error->fatal, out_.close.has_value());
        text += error->code + (error->fatal ? "!" : "");
      }
    }
    if (out_.request)
      text +=
          std::array{"join", "offer", "publish", "view", "?", "?", "leave"}[out_.request->index()];
    if (out_.close && out_.replies.empty()) text += "close";
    return text;
  }
};

TEST_F(SessionTest, TheFirstRequestIsJoin) {
  EXPECT_EQ(say(join), "join");
  session_.joined();
  EXPECT_EQ(say(leave), "leave");
}

TEST_F(SessionTest, BeforeJoinedEveryErrorIsTheEnd) {
  for (const auto& [text, code] :
       {std::pair(leave, "not_joined!"),
        {std::string_view("{"), "bad_message!"},
        {std::string_view(R"({"t":"hop"})"), "unknown_type!"},
        {std::string_view(R"({"t":"join","version":9})"), "version_unsupported!"}}) {
    Session fresh(limits_, start);
    EXPECT_EQ(say(text, start, fresh), code);
  }
}

TEST_F(SessionTest, WhileJoiningNothingElseIsTaken) {
  EXPECT_EQ(say(join), "join");
  EXPECT_EQ(say(R"({"t":"ping","id":1})"), "pong");
  EXPECT_EQ(say(leave), "not_joined!");
  EXPECT_EQ(say(join), "already_joined!");
}

TEST_F(SessionTest, OnceJoinedErrorsAreNotTheEnd) {
  say(join);
  session_.joined();
  EXPECT_EQ(say(join), "already_joined");
  EXPECT_EQ(say("{"), "bad_message");
  EXPECT_EQ(say(R"({"t":"hop"})"), "unknown_type");
  EXPECT_EQ(say(leave), "leave");
}

TEST_F(SessionTest, PingIsAnsweredAlways) {
  EXPECT_EQ(say(R"({"t":"ping","id":7})"), "pong");
  EXPECT_EQ(std::get<message::Pong>(out_.replies[0]).id, 7U);
  EXPECT_EQ(say(R"({"t":"pong","id":7})"), "");
}

TEST_F(SessionTest, TheRateIsLimited) {
  for (int i = 0; i < 40; ++i) ASSERT_EQ(say(R"({"t":"pong","id":7})"), "");
  EXPECT_EQ(say(R"({"t":"pong","id":7})"), "rate_limited!");
  EXPECT_EQ(out_.close->code, 1008);
  EXPECT_EQ(std::get<message::Error>(out_.replies[0]).retry_after_ms, 5000U);
}

TEST_F(SessionTest, TheSizeIsLimited) {
  EXPECT_EQ(say(std::string(limits_.message_bytes + 1, ' ')), "message_too_large!");
  EXPECT_EQ(out_.close->code, 1009);
}

TEST_F(SessionTest, JoinHasATimeLimit) {
  EXPECT_EQ(session_.deadline(), start + seconds(10));
  EXPECT_EQ(tick(start + seconds(10) - nanoseconds(1)), "");
  EXPECT_EQ(tick(start + seconds(10)), "join_timeout!");
}

TEST_F(SessionTest, SilenceIsAskedAboutAndThenTheEnd) {
  say(join);
  session_.joined();
  EXPECT_EQ(session_.deadline(), start + seconds(15));
  EXPECT_EQ(tick(start + seconds(15)), "ping");
  EXPECT_EQ(session_.deadline(), start + seconds(30));
  EXPECT_EQ(tick(start + seconds(16)), "");
  EXPECT_EQ(tick(start + seconds(30)), "close");
  EXPECT_EQ(out_.close->code, 1001);
}

TEST_F(SessionTest, AnyMessageIsASignOfLife) {
  say(join);
  session_.joined();
  EXPECT_EQ(tick(start + seconds(15)), "ping");
  say(R"({"t":"pong","id":1})", start + seconds(20));
  EXPECT_EQ(session_.deadline(), start + seconds(35));
  EXPECT_EQ(tick(start + seconds(34)), "");
}

TEST(CloseCode, FollowsTheError) {
  EXPECT_EQ(close_code("bad_name"), 1008);
  EXPECT_EQ(close_code("message_too_large"), 1009);
  EXPECT_EQ(close_code("shutting_down"), 1012);
  EXPECT_EQ(close_code("room_full"), 1013);
  EXPECT_EQ(close_code("server_full"), 1013);
}

}  // namespace
}  // namespace liaison::signaling
