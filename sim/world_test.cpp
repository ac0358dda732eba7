// Whether the world can be played again, and whether its checks see what they are there for.
#include "sim/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/browser.hpp"
#include "sim/check.hpp"
#include "sim/peer.hpp"
#include "sim/scenario.hpp"
#include "sim/server.hpp"

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

// What of each track was sent to each person, in order, as its publisher had numbered it.
class Deliveries : public Check {
 public:
  using Packets = std::vector<std::pair<std::uint32_t, std::uint16_t>>;  // frame, packet of it
  using All = std::map<std::string, Packets>;

  explicit Deliveries(All& all) : all_(all) {}
  std::string_view name() const override { return "deliveries"; }
  void forwarded(World&, const Forwarded& sent) override {
    if (sent.rtx) return;
    const Stamp& stamp = sent.reading.stamp;
    all_[fmt::format("person {}, source {} to {}", stamp.person, static_cast<int>(stamp.source),
                     sent.peer->browser().name())]
        .emplace_back(stamp.frame, stamp.packet);
  }

 private:
  All& all_;
};

// A call that lives on several workers is the same call: everybody is sent the same packets of
// every track, in the same order, save at the ends, which depend on when who was there.
TEST(World, LinksBetweenWorkersChangeNothing) {
  const auto play = [](std::size_t workers) {
    Deliveries::All all;
    World world({.seed = 11});
    ServerOptions options{.workers = workers};
    options.limits.endpoints_before_spreading = 1;
    world.add_server(options);
    world.watch(std::make_unique<Deliveries>(all));
    for (int i = 0; i < 5; ++i) {
      Browser& browser = world.add_browser(
          {.name = fmt::format("person-{}", i), .media = {.fps = 15, .camera_bitrate = 300'000}});
      browser.join("room");
      world.run(milliseconds(300));
    }
    world.run(seconds(12));
    std::size_t linked = 0;
    for (std::size_t i = 0; i < workers; ++i) linked += world.server(0).load(i).calls;
    EXPECT_EQ(linked, workers) << "the call is to have a part on each";
    return all;
  };
  const auto alone = play(1);
  EXPECT_EQ(alone.size(), 5U * 4 * 2);
  for (const std::size_t workers : {2, 3}) {
    const auto spread = play(workers);
    ASSERT_EQ(spread.size(), alone.size());
    for (const auto& [track, packets] : spread) {
      const auto& wanted = alone.at(track);
      const std::uint32_t first = std::max(packets.front().first, wanted.front().first) + 1;
      const std::uint32_t last = std::min(packets.back().first, wanted.back().first) - 1;
      ASSERT_GT(last, first + 40) << track;
      const auto middle = [&](Deliveries::Packets all) {
        std::erase_if(all, [&](const auto& at) { return at.first < first || at.first > last; });
        return all;
      };
      EXPECT_EQ(middle(packets), middle(wanted)) << track << " on " << workers << " workers";
    }
  }
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
