// Stories that are played in simulated worlds.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "sim/world.hpp"

namespace liaison::sim {

// `play` makes servers and people and lets things happen to them. What must hold is for the checks;
// what only this story promises it asserts itself. Settling and ending come after it, by run().
struct Scenario {
  std::string_view name;
  std::string_view tells;
  void (*play)(World& world) = nullptr;
};

// The named ones, and the last of them "swarm", which draws everything.
std::span<const Scenario> scenarios();
// nullptr if there is none of this name.
const Scenario* find_scenario(std::string_view name);
void play_swarm(World& world);

struct Outcome {
  Duration simulated{};
  // People in calls, times time: what one person would have sat through.
  Duration in_calls{};
  std::uint64_t events = 0;
  std::uint64_t fingerprint = 0;
};
// Plays one to its end. Throws Failure.
Outcome run(const Scenario& scenario, const WorldOptions& options);
// How old the world is in which run() is at this moment; for whoever reports a crash.
Duration playing_age();

}  // namespace liaison::sim
