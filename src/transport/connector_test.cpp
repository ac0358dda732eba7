// What a Connector does that the tests of its far end (transport_test, dtls_test) never ask of it.
#include "transport/connector.hpp"

#include <gtest/gtest.h>

namespace liaison::transport {
namespace {

const IceCredentials ours{"ours", "our-password-our-password"};
const IceCredentials theirs{"them", "their-password-their-pass"};
const Path path{{IpAddress::v4(192, 0, 2, 1), 4'000}, {}, 0};

class ConnectorTest : public testing::Test {
 protected:
  ConnectorTest()
      : connector_({.local = ours, .remote = theirs, .remote_fingerprint = {}}, certificate_) {
    connector_.add_path(path, now_);
  }
  // The check that it sends now.
  std::vector<std::uint8_t> check() {
    now_ = std::max(now_, connector_.deadline());
    out_.clear();
    connector_.tick(now_, out_);
    const Bytes sent = out_.bytes(out_.transmits.at(0));
    return {sent.begin(), sent.end()};
  }
  // What it says to this.
  std::vector<std::uint8_t> tell(Bytes datagram) {
    out_.clear();
    connector_.receive(path, datagram, now_, out_);
    if (out_.transmits.empty()) return {};
    const Bytes said = out_.bytes(out_.transmits[0]);
    return {said.begin(), said.end()};
  }
  void confirm(Bytes check) {
    std::array<std::uint8_t, stun::max_response_size> room;
    tell(stun::write_success(room, stun::parse(check)->transaction, {}, theirs.password));
  }
  std::vector<std::uint8_t> their_check(std::string_view password) {
    std::vector<std::uint8_t> room(256);
    room.resize(stun::write_request(room,
                                    {.transaction = {7},
                                     .username = "ours:them",
                                     .priority = 1,
                                     .tie_breaker = 1,
                                     .use_candidate = true},
                                    password)
                    .size());
    return room;
  }

  const Certificate certificate_ = generate_certificate(UnixTime(hours(24 * 20'000)));
  Instant now_{seconds(1)};
  Connector connector_;
  Output out_;
};

TEST_F(ConnectorTest, AnswersTheChecksOfAFullAgent) {
  const auto answer = tell(their_check(ours.password));
  const auto message = stun::parse(answer);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, stun::Class::success);
  EXPECT_EQ(message->mapped_address, path.remote);
  EXPECT_TRUE(stun::integrity_matches(*message, answer, ours.password));
  // It nominates itself: what the other wants does not matter.
  EXPECT_FALSE(connector_.nominated());
  EXPECT_TRUE(tell(their_check(theirs.password)).empty());
}

TEST_F(ConnectorTest, GivesWayInAConflictOfRoles) {
  const auto first = check();
  ASSERT_TRUE(stun::parse(first)->ice_controlling);
  std::array<std::uint8_t, stun::max_response_size> room;
  tell(stun::write_error(room, *stun::parse(first), stun::ErrorCode::role_conflict,
                         theirs.password));
  const auto second = check();
  EXPECT_TRUE(stun::parse(second)->ice_controlled);
  confirm(second);
  EXPECT_TRUE(connector_.works(path));
  EXPECT_FALSE(connector_.nominated());
  EXPECT_FALSE(stun::parse(check())->use_candidate);
  EXPECT_FALSE(tell(their_check(ours.password)).empty());
  EXPECT_TRUE(connector_.nominated());
}

TEST_F(ConnectorTest, IsNominatedByACheckThatCameBeforeItsOwnWasAnswered) {
  const auto first = check();
  tell(their_check(ours.password));
  std::array<std::uint8_t, stun::max_response_size> room;
  tell(stun::write_error(room, *stun::parse(first), stun::ErrorCode::role_conflict,
                         theirs.password));
  confirm(check());
  EXPECT_TRUE(connector_.nominated());
}

}  // namespace
}  // namespace liaison::transport
