#include "sim/timeline.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sim/random.hpp"

namespace liaison::sim {
namespace {

TEST(Timeline, GoesByTimeAndThenByOrder) {
  Timeline<std::string> timeline;
  const Instant start{};
  timeline.plan(start + seconds(2), "c");
  timeline.plan(start + seconds(1), "a");
  timeline.plan(start + seconds(1), "b");
  EXPECT_EQ(timeline.next(), start + seconds(1));
  EXPECT_EQ(timeline.take(), "a");
  EXPECT_EQ(timeline.take(), "b");
  EXPECT_EQ(timeline.take(), "c");
  EXPECT_TRUE(timeline.empty());
  EXPECT_EQ(timeline.next(), never);
}

TEST(Timeline, KeepsItsOrderUnderAnyLoad) {
  Random random(1);
  Timeline<std::unique_ptr<int>> timeline;
  Instant now{};
  Instant last{};
  int last_number = -1;
  for (int i = 0; i < 10'000; ++i) {
    timeline.plan(now + seconds(random.between(std::int64_t{0}, std::int64_t{20})),
                  std::make_unique<int>(i));
    if (!random.chance(0.5)) continue;
    now = timeline.next();
    const int number = *timeline.take();
    EXPECT_GE(now, last);
    if (now == last) {
      EXPECT_GT(number, last_number);
    }
    last = now;
    last_number = number;
  }
}

}  // namespace
}  // namespace liaison::sim
