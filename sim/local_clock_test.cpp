#include "sim/local_clock.hpp"

#include <gtest/gtest.h>

namespace liaison::sim {
namespace {

constexpr Instant begun{seconds(1'000)};
constexpr UnixTime wall{std::chrono::hours(24)};

TEST(LocalClock, GainsAndLoses) {
  const LocalClock fast(200e-6, begun, wall);
  EXPECT_EQ(fast.local(begun + seconds(10)) - begun, seconds(10) + milliseconds(2));
  const LocalClock slow(-200e-6, begun, wall);
  EXPECT_EQ(slow.local(begun + seconds(10)) - begun, seconds(10) - milliseconds(2));
  EXPECT_EQ(slow.wall(begun + seconds(10)), wall + seconds(10) - milliseconds(2));
}

// Whoever is woken at world(deadline) finds that the deadline has come, and not a moment earlier.
TEST(LocalClock, KnowsWhenADeadlineHasCome) {
  for (const double drift : {-300e-6, -1e-9, 0.0, 1e-7, 250e-6}) {
    const LocalClock clock(drift, begun, wall);
    for (const std::int64_t after : {1LL, 999LL, 20'000'001LL, 3'600'000'000'007LL}) {
      const Instant local = begun + Duration(after);
      const Instant world = clock.world(local);
      EXPECT_GE(clock.local(world), local);
      EXPECT_LE(clock.local(world) - local, nanoseconds(3));
    }
  }
  const LocalClock clock(1e-4, begun, wall);
  EXPECT_EQ(clock.world(never), never);
  EXPECT_EQ(clock.world(begun - seconds(5)), begun);
}

TEST(LocalClock, JumpsTheTimeOfDayAlone) {
  LocalClock clock(0, begun, wall);
  const Instant before = clock.local(begun + seconds(1));
  clock.jump(-std::chrono::hours(3));
  EXPECT_EQ(clock.local(begun + seconds(1)), before);
  EXPECT_EQ(clock.wall(begun), wall - std::chrono::hours(3));
}

}  // namespace
}  // namespace liaison::sim
