#include "node/sessions.hpp"

#include <gtest/gtest.h>

namespace liaison::node {
namespace {

constexpr Instant start{hours(1)};
constexpr UnixTime unix_start{hours(24 * 20'000)};

class SessionsTest : public ::testing::Test {
 protected:
  std::string add(std::string_view secret, std::uint64_t participant, Instant now = start) {
    SessionRecord record;
    record.participant = "p";
    record.room = "r";
    return sessions_.add(secret, record, ParticipantId{participant}, now, unix_at(now), store_);
  }
  void tick(Instant now) { sessions_.tick(now, unix_at(now), store_); }
  static UnixTime unix_at(Instant now) {
    return unix_start + duration_cast<microseconds>(now - start);
  }

  signaling::Limits limits_{.sessions = 3};
  Sessions sessions_{limits_};
  std::vector<StoreRequest> store_;
};

TEST_F(SessionsTest, OnlyTheHashOfTheSecretIsKept) {
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(add("abc", 1), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  ASSERT_EQ(store_.size(), 1U);
  EXPECT_EQ(std::get<SaveSession>(store_[0]).session.resume_hash.substr(0, 8), "ba7816bf");
  ASSERT_NE(sessions_.find_secret("abc"), nullptr);
  EXPECT_EQ(sessions_.find_secret("abc")->participant, ParticipantId{1});
  EXPECT_EQ(sessions_.find_secret("abd"), nullptr);
  EXPECT_EQ(sessions_.find_secret(""), nullptr);
}

TEST_F(SessionsTest, AttemptsDoNotGoBack) {
  add("a", 1);
  Sessions::Session& session = *sessions_.find_secret("a");
  EXPECT_TRUE(Sessions::take_attempt(session, 0));
  EXPECT_TRUE(Sessions::take_attempt(session, 7));
  EXPECT_FALSE(Sessions::take_attempt(session, 6));
  EXPECT_TRUE(Sessions::take_attempt(session, std::nullopt));
  EXPECT_FALSE(Sessions::take_attempt(session, 6));
  EXPECT_TRUE(Sessions::take_attempt(session, 7));
}

TEST_F(SessionsTest, WhoIsInACallIsRenewed) {
  const std::string hash = add("a", 1);
  EXPECT_EQ(std::get<SaveSession>(store_[0]).session.expires, unix_start + hours(24));
  EXPECT_EQ(sessions_.deadline(), start + hours(12));
  store_.clear();
  tick(start + hours(12));
  ASSERT_EQ(store_.size(), 1U);
  EXPECT_EQ(std::get<SaveSession>(store_[0]).session.expires, unix_start + hours(36));
  EXPECT_NE(sessions_.find(hash), nullptr);
}

TEST_F(SessionsTest, WhoIsNotMayComeBackForAWhile) {
  const std::string hash = add("a", 1);
  sessions_.depart(*sessions_.find(hash), seconds(30), start);
  EXPECT_EQ(sessions_.deadline(), start + seconds(90));
  tick(start + seconds(90) - nanoseconds(1));
  EXPECT_NE(sessions_.find(hash), nullptr);
  tick(start + seconds(90));
  EXPECT_EQ(sessions_.find(hash), nullptr);
  EXPECT_EQ(std::get<DeleteSession>(store_.back()).resume_hash, hash);
  EXPECT_EQ(sessions_.deadline(), never);
}

TEST_F(SessionsTest, WhoComesBackStays) {
  const std::string hash = add("a", 1);
  sessions_.depart(*sessions_.find(hash), seconds(0), start);
  sessions_.enter(*sessions_.find(hash), ParticipantId{2}, start + seconds(60));
  tick(start + seconds(60));
  EXPECT_EQ(std::get<SaveSession>(store_.back()).session.expires,
            unix_start + seconds(60) + hours(24));
  tick(start + hours(5));
  EXPECT_EQ(sessions_.find(hash)->participant, ParticipantId{2});
}

TEST_F(SessionsTest, TheStoreGivesBackWhatHasNotExpired) {
  SessionRecord record{"h1", "p1", "r", "n", unix_start + hours(20)};
  SessionRecord soon{"h2", "p2", "r", "n", unix_start + seconds(5)};
  SessionRecord gone{"h3", "p3", "r", "n", unix_start};
  sessions_.load({record, soon, gone}, start, unix_start);
  EXPECT_EQ(sessions_.size(), 2U);
  EXPECT_FALSE(sessions_.find("h1")->participant);
  tick(start + seconds(5));
  EXPECT_EQ(sessions_.find("h2"), nullptr);
  tick(start + minutes(2) - nanoseconds(1));
  EXPECT_NE(sessions_.find("h1"), nullptr);
  tick(start + minutes(2));
  EXPECT_EQ(sessions_.find("h1"), nullptr);
}

TEST_F(SessionsTest, TheNumberIsLimited) {
  const std::string first = add("a", 1);
  add("b", 2);
  EXPECT_TRUE(sessions_.has_room());
  add("c", 3);
  EXPECT_FALSE(sessions_.has_room());
  sessions_.depart(*sessions_.find(first), seconds(0), start);
  EXPECT_TRUE(sessions_.has_room());
  add("d", 4);
  EXPECT_EQ(sessions_.find(first), nullptr);
  EXPECT_EQ(sessions_.size(), 3U);
  std::vector<SessionRecord> many;
  for (int i = 0; i < 10; ++i)
    many.push_back({"h" + std::to_string(i), "p", "r", "n", unix_start + hours(1)});
  Sessions other(limits_);
  other.load(many, start, unix_start);
  EXPECT_EQ(other.size(), 3U);
}

TEST_F(SessionsTest, ErasedIsErased) {
  const std::string hash = add("a", 1);
  sessions_.erase(hash, store_);
  sessions_.erase(hash, store_);
  EXPECT_EQ(store_.size(), 2U);
  EXPECT_EQ(sessions_.find_secret("a"), nullptr);
  EXPECT_EQ(sessions_.deadline(), never);
}

}  // namespace
}  // namespace liaison::node
