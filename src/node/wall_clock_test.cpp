#include "node/wall_clock.hpp"

#include <gtest/gtest.h>

namespace liaison::node {
namespace {

constexpr UnixTime wall{std::chrono::hours(24)};
constexpr Instant begun{seconds(1'000)};

TEST(WallClock, IsToldAtFirstAndWhenItWasSet) {
  WallClock clock;
  EXPECT_EQ(clock.look(wall, begun), microseconds(0));
  EXPECT_EQ(clock.look(wall + seconds(10), begun + seconds(10)), std::nullopt);
  EXPECT_EQ(clock.look(wall + hours(3), begun + seconds(20)), microseconds(hours(3) - seconds(20)));
  EXPECT_EQ(clock.look(wall, begun + seconds(30)), -microseconds(hours(3) + seconds(10)));
  EXPECT_EQ(clock.look(wall + seconds(10), begun + seconds(40)), std::nullopt);
}

TEST(WallClock, AddsUpSmallSteps) {
  WallClock clock;
  clock.look(wall, begun);
  EXPECT_EQ(clock.look(wall + WallClock::jump, begun), std::nullopt);
  EXPECT_EQ(clock.look(wall + WallClock::jump + microseconds(1), begun),
            WallClock::jump + microseconds(1));
}

}  // namespace
}  // namespace liaison::node
