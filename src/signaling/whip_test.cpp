#include "signaling/whip.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "signaling/rates.hpp"

namespace liaison::signaling::whip {
namespace {

const std::string id(64, 'a');

Endpoint endpoint(std::string_view target) {
  const auto parsed = parse_target(target);
  EXPECT_TRUE(parsed) << target << ": " << parsed.error().message;
  const auto* found = parsed ? std::get_if<Endpoint>(&*parsed) : nullptr;
  EXPECT_NE(found, nullptr) << target;
  return found == nullptr ? Endpoint{} : *found;
}
std::string error(std::string_view target) {
  const auto parsed = parse_target(target);
  return parsed ? "" : std::string(parsed.error().code);
}

TEST(WhipTarget, NamesARoomAndWhoIsWatched) {
  using P = Protocol;
  EXPECT_EQ(endpoint("/whip/board"), (Endpoint{P::whip, "board", "", {}, {}}));
  EXPECT_EQ(endpoint("/whip/board/"), (Endpoint{P::whip, "board", "", {}, {}}));
  EXPECT_EQ(endpoint("/whep/board"), (Endpoint{P::whep, "board", "", {}, {}}));
  EXPECT_EQ(endpoint("/whep/board/speaker"), (Endpoint{P::whep, "board", "", {}, {}}));
  EXPECT_EQ(endpoint("/whep/board/program"), (Endpoint{P::whep, "board", "", {}, {}}));
  EXPECT_EQ(endpoint("/whep/board/0123456789abcdef").watched, "0123456789abcdef");
  EXPECT_EQ(endpoint("/whip/s").room, "s") << "a room may have the name of the folder of sessions";
}

TEST(WhipTarget, TakesTheTokenWhereNoHeaderCanBeSet) {
  EXPECT_EQ(endpoint("/whip/board/v4.public.abc").token, "v4.public.abc");
  EXPECT_EQ(endpoint("/whip/board/v4.public.abc").room, "board");
  EXPECT_EQ(endpoint("/whep/board/v4.public.abc").watched, "");
  EXPECT_EQ(endpoint("/whep/board/speaker/v4.public.abc").token, "v4.public.abc");
  EXPECT_EQ(endpoint("/whep/board/ab12/v4.public.abc").watched, "ab12");
  EXPECT_EQ(endpoint("/whip/board?token=v4.public.abc").token, "v4.public.abc");
  EXPECT_EQ(endpoint("/whip/s/v4.public.abc").token, "v4.public.abc");
}

TEST(WhipTarget, TakesANamePercentEncoded) {
  EXPECT_EQ(endpoint("/whip/board?x=1&name=Stage+left&&y").name, "Stage left");
  EXPECT_EQ(endpoint("/whip/board?name=Z%c3%BCrich#x").name, "Z\u00fcrich");
  EXPECT_EQ(error("/whip/board?name=a%"), "bad_request");
  EXPECT_EQ(error("/whip/board?name=a%4"), "bad_request");
  EXPECT_EQ(error("/whip/board?name=%zz"), "bad_request");
  EXPECT_EQ(error("/whip/board?name=%00"), "bad_request");
  for (const std::string_view bad : {"%ff", "a%80", "%c3", "%c3a", "%c0%af", "%e0%80%80",
                                     "%ed%a0%80", "%f4%90%80%80", "%f8%88%80%80%80"})
    EXPECT_EQ(error(fmt::format("/whip/board?name={}", bad)), "bad_request") << "no UTF-8: " << bad;
  EXPECT_EQ(endpoint("/whip/board?name=%e6%81%a9%e6%b3%bd%F0%9F%8E%A5").name, "恩泽🎥");
  EXPECT_EQ(error("/whip/board?name="), "bad_request");
  EXPECT_EQ(error("/whip/board?name=" + std::string(65, 'a')), "bad_request");
  EXPECT_EQ(error("/whip/board?" + std::string(17, '&')), "bad_request") << "too many";
}

TEST(WhipTarget, TellsASessionFromARoom) {
  const auto session = parse_target("/whep/s/" + id);
  ASSERT_TRUE(session && std::holds_alternative<Session>(*session));
  EXPECT_EQ(std::get<Session>(*session), (Session{Protocol::whep, id}));
  EXPECT_EQ(session_path(Protocol::whep, id), "/whep/s/" + id);
  EXPECT_EQ(session_path(Protocol::whip, id), "/whip/s/" + id);
}

TEST(WhipTarget, RefusesWhatIsNotThere) {
  for (const std::string& target : std::vector<std::string>{
           "/whip/", "/whip//", "/whip/Board", "/whip/a%20b", "/whip/board/other", "/whip/a/b/c/d",
           "/whep/board/a/b", "/whep/board/a/b/c", "/whep/board/lang:fr",
           "/whip/" + std::string(65, 'a'), "/whep/board/" + std::string(65, 'a'), "/elsewhere"})
    EXPECT_EQ(error(target), "not_found") << target;
  EXPECT_EQ(error("/whip/%zz"), "bad_request");
  EXPECT_EQ(error("/whip/" + std::string(13'000, 'a')), "bad_request");
  EXPECT_TRUE(parse_target("/whep/board/lang:fr").error().message.contains("no languages"));
}

TEST(WhipHeaders, ReadsABearerToken) {
  EXPECT_EQ(bearer("Bearer abc"), "abc");
  EXPECT_EQ(bearer("bearer  abc "), "abc");
  EXPECT_EQ(bearer("Basic abc"), std::nullopt);
  EXPECT_EQ(bearer("Bearer"), std::nullopt);
  EXPECT_EQ(bearer(""), std::nullopt);
}

TEST(WhipHeaders, ComparesTypesWithoutTheirParameters) {
  EXPECT_TRUE(is_type("application/sdp", "application/sdp"));
  EXPECT_TRUE(is_type("Application/SDP ; charset=utf-8", "application/sdp"));
  EXPECT_FALSE(is_type("application/sdpfrag", "application/sdp"));
  EXPECT_FALSE(is_type("", "application/sdp"));
}

TEST(WhipHeaders, MatchesEntityTags) {
  EXPECT_EQ(match("", "\"1\""), Match::missing);
  EXPECT_EQ(match("\"1\"", "\"1\""), Match::yes);
  EXPECT_EQ(match("\"0\", \"1\"", "\"1\""), Match::yes);
  EXPECT_EQ(match("*", "\"1\""), Match::yes);
  EXPECT_EQ(match("\"*\"", "\"1\""), Match::yes);
  EXPECT_EQ(match("\"2\"", "\"1\""), Match::no);
  EXPECT_EQ(match("W/\"1\"", "\"1\""), Match::no) << "weak";
  EXPECT_EQ(match("1", "\"1\""), Match::no) << "without quotation marks";
}

TEST(WhipResponse, SaysWhatIsWrongAndWhatToDo) {
  const Response refused = refusal({"rate_limited", "Slowly."}, 6);
  EXPECT_EQ(refused.status, 429U);
  EXPECT_EQ(refused.body, "Slowly.\n");
  const auto header = [&](const Response& response, std::string_view name) {
    for (const auto& [found, value] : response.headers) {
      if (found == name) return value;
    }
    return std::string();
  };
  EXPECT_EQ(header(refused, "Retry-After"), "6");
  EXPECT_EQ(header(refused, "Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(header(refused, "WWW-Authenticate"), "");
  EXPECT_EQ(header(refusal({"token_required", ""}), "WWW-Authenticate"),
            "Bearer realm=\"liaison\"");
  EXPECT_TRUE(
      header(refusal({"token_expired", ""}), "WWW-Authenticate").ends_with("\"invalid_token\""));
  EXPECT_EQ(status_of("never heard of"), 500U);
}

// ── Rates ──

TEST(Rates, EachKeyHasABucketOfItsOwn) {
  Instant now{hours(1)};
  const auto fresh = [&] { return RateLimiter(seconds(6), 10, now); };
  Rates rates(100);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(rates.take("a", fresh(), now)) << i;
  EXPECT_EQ(rates.take("a", fresh(), now), Duration(seconds(6)));
  EXPECT_FALSE(rates.take("b", fresh(), now));
  now += seconds(6);
  EXPECT_FALSE(rates.take("a", fresh(), now));
  EXPECT_TRUE(rates.take("a", fresh(), now));
}

TEST(Rates, ForgetsWhatIsFullAgainAndHoldsNoMoreThanItMay) {
  Instant now{hours(1)};
  const auto fresh = [&] { return RateLimiter(seconds(6), 10, now); };
  Rates rates(3);
  for (const std::string key : {"a", "b", "c"}) EXPECT_FALSE(rates.take(key, fresh(), now));
  EXPECT_TRUE(rates.take("d", fresh(), now)) << "no room";
  EXPECT_FALSE(rates.take("a", fresh(), now)) << "who is known goes on";
  EXPECT_EQ(rates.size(), 3U);
  now += seconds(7);
  EXPECT_FALSE(rates.take("d", fresh(), now)) << "b and c are as if they had never been";
  EXPECT_EQ(rates.size(), 2U);
}

}  // namespace
}  // namespace liaison::signaling::whip
