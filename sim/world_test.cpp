// Whether the world can be played again, and whether its checks see what they are there for.
#include "sim/world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "sim/scenario.hpp"

namespace liaison::sim {
namespace {

struct Played {
  std::string trace;
  std::uint64_t fingerprint = 0;
};

Played play(const Scenario& scenario, std::uint64_t seed) {
  Played played;
  WorldOptions options;
  options.seed = seed;
  options.trace = [&](std::string_view line) {
    played.trace += line;
    played.trace += '\n';
  };
  played.fingerprint = run(scenario, options).fingerprint;
  return played;
}

TEST(World, OneSeedGivesOneRunByteForByte) {
  for (const char* name : {"swarm", "server_restarts", "failing_disk"}) {
    const Scenario& scenario = *find_scenario(name);
    const Played first = play(scenario, 7);
    const Played second = play(scenario, 7);
    EXPECT_EQ(first.fingerprint, second.fingerprint) << name;
    EXPECT_TRUE(first.trace == second.trace) << name;
    EXPECT_GT(first.trace.size(), 10'000U) << name;
    EXPECT_NE(play(scenario, 8).fingerprint, first.fingerprint) << name;
  }
}

// Writing things down changes nothing.
TEST(World, IsTheSameUnwatched) {
  const Scenario& scenario = *find_scenario("swarm");
  EXPECT_EQ(run(scenario, {.seed = 9}).fingerprint, play(scenario, 9).fingerprint);
}

// What people get does not depend on which worker their room is on, or on how many there are.
TEST(World, PlacementChangesNothingForPeople) {
  const auto frames = [](std::size_t workers) {
    World world({.seed = 5});
    world.add_server({.workers = workers});
    for (int i = 0; i < 6; ++i) {
      Browser& browser = world.add_browser(
          {.name = fmt::format("person-{}", i), .media = {.fps = 10, .camera_bitrate = 200'000}});
      browser.join(fmt::format("room-{}", i % 3));
      world.run(milliseconds(500));
    }
    world.run(seconds(5));
    std::map<std::string, std::uint64_t> seen;
    for (const auto& browser : world.browsers()) {
      std::uint64_t count = 0;
      for (std::size_t line = 4; line < browser->peer()->line_count(); ++line)
        count += browser->peer()->down(line)->frames_shown();
      seen[browser->name()] = count / 10;  // one at the edge may be on either side of it
    }
    return seen;
  };
  const auto one = frames(1);
  EXPECT_EQ(one.size(), 6U);
  for (const auto& [name, count] : one) EXPECT_GT(count, 5U) << name;
  EXPECT_EQ(frames(3), one);
}

class Stories : public testing::TestWithParam<const char*> {};

TEST_P(Stories, EndWell) { EXPECT_GT(run(*find_scenario(GetParam()), {.seed = 1}).events, 0U); }

// Those that are short enough for sanitizers; ./test plays all of them without.
INSTANTIATE_TEST_SUITE_P(All, Stories,
                         testing::Values("two_people", "bad_network", "screen", "mute", "reload",
                                         "reload_twice", "signaling_lost", "network_gone",
                                         "other_network", "udp_blocked", "server_restarts",
                                         "invited", "killed_while_ten_join", "moved_during_dtls",
                                         "failing_disk", "full_mailbox"),
                         [](const auto& story) { return std::string(story.param); });

class Swarm : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Swarm, EndsWell) { run(*find_scenario("swarm"), {.seed = GetParam()}); }

INSTANTIATE_TEST_SUITE_P(Seeds, Swarm, testing::Range<std::uint64_t>(1, 11));

}  // namespace
}  // namespace liaison::sim
