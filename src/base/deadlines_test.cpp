#include "base/deadlines.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace liaison {
namespace {

Instant at(int ms) { return Instant{} + milliseconds(ms); }
using Handles = std::vector<Handle<int>>;

Handles all_due(Deadlines<int>& deadlines, Instant now) {
  Handles handles;
  while (const auto handle = deadlines.due(now)) handles.push_back(*handle);
  return handles;
}

TEST(Deadlines, GivesEachHandleOnceWhenItsTimeHasCome) {
  Deadlines<int> deadlines;
  const Handle<int> a{0, 1};
  const Handle<int> b{1, 1};
  deadlines.set(a, at(20));
  deadlines.set(b, at(10));
  EXPECT_EQ(deadlines.next(), at(10));
  EXPECT_TRUE(all_due(deadlines, at(9)).empty());
  EXPECT_EQ(all_due(deadlines, at(25)), (Handles{b, a}));
  EXPECT_EQ(deadlines.next(), never);
}

TEST(Deadlines, ALaterDeadlineReplacesAnEarlierOne) {
  Deadlines<int> deadlines;
  const Handle<int> a{0, 1};
  deadlines.set(a, at(10));
  deadlines.set(a, at(30));
  EXPECT_TRUE(all_due(deadlines, at(20)).empty());
  EXPECT_EQ(deadlines.next(), at(30));
  EXPECT_EQ(all_due(deadlines, at(30)), (Handles{a}));
}

TEST(Deadlines, NoLaterOnlyBringsForward) {
  Deadlines<int> deadlines;
  const Handle<int> a{0, 1};
  deadlines.set(a, at(20));
  deadlines.no_later(a, at(30));
  EXPECT_EQ(deadlines.next(), at(20));
  deadlines.no_later(a, at(10));
  EXPECT_EQ(all_due(deadlines, at(10)), (Handles{a}));
  EXPECT_TRUE(all_due(deadlines, at(40)).empty());
  deadlines.no_later(a, at(50));
  EXPECT_EQ(all_due(deadlines, at(50)), (Handles{a})) << "after it was due it waits for nothing";
}

TEST(Deadlines, NeverTakesAHandleOut) {
  Deadlines<int> deadlines;
  const Handle<int> a{0, 1};
  deadlines.set(a, at(10));
  deadlines.set(a, never);
  EXPECT_TRUE(all_due(deadlines, at(100)).empty());
}

TEST(Deadlines, AgreesWithAPlainMap) {
  Deadlines<int> deadlines;
  std::map<std::uint32_t, int> expected;
  std::mt19937 random(7);
  int now = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto index = static_cast<std::uint32_t>(random() % 50);
    const int when = now + static_cast<int>(random() % 100);
    expected[index] = when;
    deadlines.set({index, 1}, at(when));
    if (step % 5 == 0) {
      now += static_cast<int>(random() % 20);
      std::vector<std::uint32_t> got;
      for (const auto handle : all_due(deadlines, at(now))) got.push_back(handle.index);
      std::ranges::sort(got);
      std::vector<std::uint32_t> want;
      std::erase_if(expected, [&](const auto& entry) {
        if (entry.second > now) return false;
        want.push_back(entry.first);
        return true;
      });
      ASSERT_EQ(got, want) << "at step " << step;
    }
  }
}

}  // namespace
}  // namespace liaison
