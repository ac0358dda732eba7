#include "transport/ice.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <vector>

#include "base/random.hpp"

namespace liaison::transport {
namespace {

using Buffer = std::vector<std::uint8_t>;

const IceCredentials local = {"serverufrag00001", "serverpassword0000000000000001"};
const IceCredentials renewed = {"serverufrag00002", "serverpassword0000000000000002"};

Path from_port(std::uint16_t port, const char* ip = "192.0.2.10") {
  return {{*IpAddress::parse(ip), port}, *IpAddress::parse("198.51.100.1"), 0};
}
const Path a = from_port(1), b = from_port(2), c = from_port(3);

class Ice : public testing::Test {
 protected:
  Buffer check(bool use_candidate = false, const IceCredentials& to = local,
               const char* remote_ufrag = "clie", bool controlling = true) {
    const std::string username = to.ufrag + ":" + remote_ufrag;
    stun::BindingRequest request{.transaction = {},
                                 .username = username,
                                 .priority = 1,
                                 .tie_breaker = 2,
                                 .controlling = controlling,
                                 .use_candidate = use_candidate};
    random_bytes(request.transaction);
    Buffer room(400);
    room.resize(stun::write_request(room, request, to.password).size());
    return room;
  }
  std::expected<PathChange, Drop> receive(const Path& from, const Buffer& datagram) {
    out.clear();
    return agent.receive(from, datagram, now, out);
  }
  std::optional<Drop> drop_of(const Path& from, const Buffer& datagram) {
    const auto result = receive(from, datagram);
    return result ? std::nullopt : std::optional(result.error());
  }
  // The one answer, which went back to where the request came from.
  stun::Message answer(const Path& to) {
    EXPECT_EQ(out.transmits.size(), 1U);
    if (out.transmits.empty()) return {};
    EXPECT_EQ(out.transmits[0].path, to);
    const Bytes bytes = out.bytes(out.transmits[0]);
    last_answer.assign(bytes.begin(), bytes.end());
    const auto message = stun::parse(last_answer);
    EXPECT_TRUE(message);
    return message.value_or(stun::Message{});
  }
  bool selected(const Path& path) {
    return agent.selected() != nullptr && *agent.selected() == path;
  }

  Instant now = Instant(seconds(100));
  Output out;
  Buffer last_answer;
  IceAgent agent{local, "clie"};
};

TEST_F(Ice, AnswersACheck) {
  const Buffer request = check();
  const auto change = receive(a, request);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->added, a);
  EXPECT_FALSE(change->removed);
  const stun::Message response = answer(a);
  EXPECT_EQ(response.kind, stun::Class::success);
  EXPECT_EQ(response.mapped_address, a.remote);
  EXPECT_EQ(response.transaction, stun::parse(request)->transaction);
  EXPECT_TRUE(stun::integrity_matches(response, last_answer, local.password));
  EXPECT_LE(last_answer.size(), request.size()) << "no amplification";
  EXPECT_TRUE(agent.validated(a));
  EXPECT_FALSE(agent.validated(b));
  EXPECT_EQ(agent.selected(), nullptr) << "not nominated";
  EXPECT_EQ(agent.last_consent(), now);
}

TEST_F(Ice, AnswersOverIpv6AndTcp) {
  const Path v6 = {*SocketAddress::parse("[2001:db8::7]:99"), *IpAddress::parse("2001:db8::1"), 0};
  ASSERT_TRUE(receive(v6, check()));
  EXPECT_EQ(answer(v6).mapped_address, v6.remote);
  EXPECT_LE(last_answer.size(), check().size()) << "no amplification";
  Path tcp = a;
  tcp.tcp_connection = 5;
  ASSERT_TRUE(receive(tcp, check(true)));
  answer(tcp);
  EXPECT_TRUE(selected(tcp));
  EXPECT_FALSE(agent.validated(a)) << "the same address over UDP is another path";
}

TEST_F(Ice, SelectsByUseCandidate) {
  receive(a, check(true));
  EXPECT_TRUE(selected(a));
  receive(b, check());
  EXPECT_TRUE(selected(a));
  receive(b, check(true));
  EXPECT_TRUE(selected(b));
  receive(a, check(true));
  EXPECT_TRUE(selected(a)) << "at any time, in any direction";
}

TEST_F(Ice, BelievesNothingUnauthenticated) {
  IceCredentials wrong = local;
  wrong.password.back() ^= 1;
  EXPECT_EQ(drop_of(a, check(true, wrong)), Drop::stun_bad_integrity);
  wrong = local;
  wrong.ufrag += "x";
  EXPECT_EQ(drop_of(a, check(true, wrong)), Drop::stun_unknown_user);
  EXPECT_EQ(drop_of(a, check(true, local, "other")), Drop::stun_unknown_user);
  EXPECT_EQ(drop_of(a, Buffer(20)), Drop::stun_malformed);
  Buffer indication = check();
  indication[1] = 0x11;
  EXPECT_EQ(drop_of(a, indication), Drop::stun_malformed) << "FINGERPRINT does not match";
  EXPECT_TRUE(out.transmits.empty());
  EXPECT_FALSE(agent.validated(a));
  EXPECT_FALSE(agent.last_consent());
}

TEST_F(Ice, IgnoresResponsesAndIndications) {
  Buffer room(stun::max_response_size);
  room.resize(stun::write_success(room, {}, a.remote, local.password).size());
  EXPECT_EQ(drop_of(a, room), Drop::stun_malformed);
  const Buffer indication = {0, 0x11, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0,
                             0, 0,    0, 0, 0,    0,    0,    0,    0, 0};
  EXPECT_EQ(drop_of(a, indication), Drop::stun_malformed);
}

TEST_F(Ice, IsAlwaysControlled) {
  ASSERT_TRUE(receive(a, check(true, local, "clie", false)));
  EXPECT_EQ(answer(a).error_code, 487);
  EXPECT_FALSE(agent.validated(a));
}

TEST_F(Ice, RefusesWhatItDoesNotUnderstand) {
  // A request with an unknown attribute and no FINGERPRINT, authenticated by hand.
  Buffer request = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::string username = local.ufrag + ":clie" + "xxx";  // and padding
  request.insert(request.end(), {0, 6, 0, static_cast<std::uint8_t>(username.size() - 3)});
  request.insert(request.end(), username.begin(), username.end());
  request.insert(request.end(), {0x7f, 0xfe, 0, 4, 1, 2, 3, 4});
  EXPECT_EQ(request.size() % 4, 0U);
  store_u16(&request[2], static_cast<std::uint16_t>(request.size() + 24 - 20));
  Buffer mac(20);
  HMAC(EVP_sha1(), local.password.data(), static_cast<int>(local.password.size()), request.data(),
       request.size(), mac.data(), nullptr);
  request.insert(request.end(), {0, 8, 0, 20});
  request.insert(request.end(), mac.begin(), mac.end());

  ASSERT_TRUE(receive(a, request));
  const stun::Message response = answer(a);
  EXPECT_EQ(response.error_code, 420);
  EXPECT_TRUE(stun::integrity_matches(response, last_answer, local.password));
  EXPECT_FALSE(agent.validated(a));
  request.back() ^= 1;
  EXPECT_EQ(drop_of(a, request), Drop::stun_bad_integrity) << "and no answer before that";
  EXPECT_TRUE(out.transmits.empty());
}

TEST_F(Ice, ReplayFromElsewhereIsRefused) {
  const Buffer recorded = check(true);
  ASSERT_TRUE(receive(a, recorded));
  EXPECT_EQ(drop_of(b, recorded), Drop::stun_replay);
  EXPECT_TRUE(out.transmits.empty());
  EXPECT_FALSE(agent.validated(b));
  EXPECT_TRUE(selected(a));
}

TEST_F(Ice, RepetitionIsAnsweredAndNothingElse) {
  const Buffer first = check(true);
  ASSERT_TRUE(receive(a, first));
  ASSERT_TRUE(receive(b, check(true)));
  const Instant before = now;
  now += seconds(3);
  ASSERT_TRUE(receive(a, first));
  EXPECT_EQ(answer(a).kind, stun::Class::success);
  EXPECT_TRUE(selected(b)) << "an old nomination is not renewed";
  EXPECT_EQ(agent.last_consent(), before);
}

TEST_F(Ice, RemembersTheLast256Transactions) {
  const Buffer recorded = check();
  receive(a, recorded);
  for (std::size_t i = 0; i < IceAgent::max_transactions - 1; ++i) {
    now += milliseconds(10);
    ASSERT_TRUE(receive(a, check()));
  }
  EXPECT_EQ(drop_of(b, recorded), Drop::stun_replay);
  now += milliseconds(10);
  ASSERT_TRUE(receive(a, check()));
  EXPECT_TRUE(receive(b, recorded));
}

TEST_F(Ice, HoldsEightPathsAndNeverLosesTheSelected) {
  receive(a, check(true));
  for (std::uint16_t port = 10; port < 17; ++port) {
    now += milliseconds(10);
    ASSERT_TRUE(receive(from_port(port), check()));
  }
  EXPECT_EQ(agent.paths().size(), IceAgent::max_paths);
  now += milliseconds(10);
  receive(from_port(10), check());
  for (std::uint16_t port = 17; port < 23; ++port) {
    const auto change = receive(from_port(port), check());
    ASSERT_TRUE(change);
    EXPECT_EQ(change->added, from_port(port));
    EXPECT_EQ(change->removed, from_port(static_cast<std::uint16_t>(port - 6)))
        << "the one silent for longest";
  }
  EXPECT_EQ(agent.paths().size(), IceAgent::max_paths);
  EXPECT_TRUE(agent.validated(a));
  EXPECT_TRUE(selected(a));
  EXPECT_TRUE(agent.validated(from_port(10)));
  EXPECT_FALSE(agent.validated(from_port(11)));
}

TEST_F(Ice, ASourceIsLimitedAndOthersAreNot) {
  receive(a, check(true));
  const Path flood = from_port(9, "203.0.113.9");
  int admitted = 0;
  for (int i = 0; i < 1000; ++i) {
    if (drop_of(flood, check(false, renewed)) != Drop::stun_rate) ++admitted;
  }
  EXPECT_EQ(admitted, IceAgent::max_checks_per_second);
  EXPECT_TRUE(receive(a, check())) << "a known path has a limit of its own";
  EXPECT_TRUE(receive(from_port(9, "203.0.113.10"), check())) << "another source";
  now += milliseconds(5);
  EXPECT_TRUE(receive(flood, check()));
  EXPECT_EQ(receive(from_port(10, "203.0.113.9"), check()).error(), Drop::stun_rate)
      << "another port is the same source";
}

TEST_F(Ice, RestartKeepsTheOldCredentialsForAWhile) {
  receive(a, check(true));
  agent.restart(renewed, "cli2", now);
  EXPECT_TRUE(selected(a)) << "media goes on";
  EXPECT_EQ(agent.local_ufrags()[0], renewed.ufrag);
  EXPECT_EQ(agent.local_ufrags()[1], local.ufrag);
  EXPECT_TRUE(receive(a, check()));
  EXPECT_EQ(drop_of(a, check(false, renewed, "clie")), Drop::stun_unknown_user)
      << "the remote ufrag changes with the local one";
  now += seconds(10);
  EXPECT_TRUE(receive(b, check(true, renewed, "cli2")));
  EXPECT_TRUE(selected(b));
  EXPECT_EQ(agent.deadline(), now + IceAgent::probation);
  EXPECT_TRUE(receive(b, check(true, renewed, "cli2")));
  EXPECT_EQ(agent.deadline(), now + IceAgent::overlap_after_nomination);

  now += IceAgent::overlap_after_nomination - milliseconds(1);
  EXPECT_TRUE(receive(a, check(true)));
  EXPECT_TRUE(selected(b)) << "an old nomination does not undo a new one";
  now += milliseconds(1);
  EXPECT_EQ(drop_of(a, check()), Drop::stun_unknown_user);
  EXPECT_EQ(agent.local_ufrags()[1], "");
  EXPECT_EQ(agent.deadline(), never);
}

TEST_F(Ice, RestartThatNobodyFollowsEndsTheOverlapToo) {
  receive(a, check(true));
  agent.restart(renewed, "cli2", now);
  EXPECT_EQ(agent.deadline(), now + IceAgent::max_overlap);
  now += IceAgent::max_overlap;
  agent.tick(now);
  EXPECT_EQ(agent.local_ufrags()[1], "");
  EXPECT_EQ(drop_of(a, check()), Drop::stun_unknown_user);
  EXPECT_TRUE(receive(a, check(true, renewed, "cli2")));
}

// Somebody holds back a check with USE-CANDIDATE and delivers it from an address of his own.
TEST_F(Ice, AHijackedNominationIsTakenBack) {
  receive(a, check(true));
  now += seconds(10);
  agent.confirm(a, now);
  ASSERT_TRUE(receive(b, check(true)));
  EXPECT_TRUE(selected(b));
  for (int i = 0; i < 19; ++i) {
    now += milliseconds(100);
    agent.confirm(a, now);  // media goes on coming from where it came from
  }
  EXPECT_TRUE(selected(b));
  now += milliseconds(100);
  EXPECT_LE(agent.deadline(), now);
  agent.tick(now);
  EXPECT_TRUE(selected(a));
  ASSERT_TRUE(receive(b, check(true)));
  EXPECT_TRUE(selected(a)) << "banned";
  now += IceAgent::ban;
  agent.confirm(a, now);
  ASSERT_TRUE(receive(b, check(true)));
  EXPECT_TRUE(selected(b));
}

TEST_F(Ice, ABannedPathMayBeNominatedWhenTheOtherIsDead) {
  receive(a, check(true));
  receive(b, check(true));
  now += seconds(1);
  agent.confirm(a, now);
  now += seconds(1);
  agent.tick(now);
  ASSERT_TRUE(selected(a));
  now += seconds(6);
  receive(b, check(true));
  EXPECT_TRUE(selected(b));
}

TEST_F(Ice, AConfirmedNominationStays) {
  for (const bool by_check : {true, false}) {
    receive(a, check(true));
    receive(b, check(true));
    ASSERT_TRUE(selected(b));
    agent.confirm(a, now);
    if (by_check) {
      receive(b, check());
    } else {
      agent.confirm(b, now);
    }
    now += seconds(3);
    agent.confirm(a, now);
    EXPECT_TRUE(selected(b));
  }
}

TEST_F(Ice, ANominationStaysWhenTheOldPathIsSilent) {
  receive(a, check(true));
  receive(b, check(true));
  now += seconds(3);
  agent.tick(now);
  EXPECT_TRUE(selected(b));
}

TEST_F(Ice, AliveIsAPathSomethingAuthenticCameOver) {
  EXPECT_FALSE(agent.alive(a, now));
  receive(a, check());
  EXPECT_TRUE(agent.alive(a, now));
  now += IceAgent::silence - milliseconds(1);
  EXPECT_TRUE(agent.alive(a, now));
  agent.confirm(a, now);
  now += IceAgent::silence - milliseconds(1);
  EXPECT_TRUE(agent.alive(a, now));
  now += milliseconds(1);
  EXPECT_FALSE(agent.alive(a, now));
  EXPECT_TRUE(agent.validated(a));
}

TEST_F(Ice, ConsentComesFromTheSelectedPathAlone) {
  receive(a, check(true));
  const Instant before = now;
  now += seconds(1);
  receive(b, check());
  agent.confirm(b, now);
  EXPECT_EQ(agent.last_consent(), before);
  agent.confirm(c, now);
  EXPECT_EQ(agent.last_consent(), before) << "not even a known path";
  agent.confirm(a, now);
  EXPECT_EQ(agent.last_consent(), now);
}

// Firefox nominates every pair that works, and uses the one that it likes best.
TEST_F(Ice, OfManyNominatedPathsTheUsedOneIsFound) {
  for (const Path& path : {a, b, c}) {
    now += milliseconds(20);
    ASSERT_TRUE(receive(path, check(true)));
  }
  EXPECT_TRUE(selected(c));
  for (int i = 0; i < 100; ++i) {
    now += milliseconds(20);
    agent.confirm(a, now);
  }
  EXPECT_TRUE(selected(a));
  EXPECT_EQ(agent.last_consent(), now);
}

TEST_F(Ice, OfManyNominatedPathsTheFirstToBeHeardLateIsTaken) {
  for (const Path& path : {a, b, c}) ASSERT_TRUE(receive(path, check(true)));
  now += IceAgent::probation;
  agent.tick(now);
  EXPECT_TRUE(selected(c)) << "nothing speaks for another";
  EXPECT_EQ(agent.deadline(), never);
  now += seconds(1);
  ASSERT_TRUE(receive(from_port(9), check()));
  EXPECT_TRUE(selected(c)) << "nobody nominated that one";
  agent.confirm(b, now);
  EXPECT_TRUE(selected(b));
}

TEST_F(Ice, APathThatFallsSilentGivesWayToOneThatIsHeard) {
  receive(a, check(true));
  now += seconds(1);
  receive(b, check(true));
  receive(b, check());
  ASSERT_TRUE(selected(b));
  now += IceAgent::silence - milliseconds(1);
  agent.confirm(a, now);
  EXPECT_TRUE(selected(b));
  now += milliseconds(1);
  agent.confirm(a, now);
  EXPECT_TRUE(selected(a));
  EXPECT_EQ(agent.last_consent(), now);
  receive(b, check(true));
  EXPECT_TRUE(selected(b)) << "it was not at fault: it may be nominated again";
}

TEST_F(Ice, ARestartForgivesWhatFailed) {
  receive(a, check(true));
  now += seconds(1);
  receive(b, check(true));
  now += IceAgent::probation;
  agent.confirm(a, now);
  ASSERT_TRUE(selected(a));
  agent.restart(renewed, "cli2", now);
  ASSERT_TRUE(receive(b, check(true, renewed, "cli2")));
  EXPECT_TRUE(selected(b));
}

}  // namespace
}  // namespace liaison::transport
