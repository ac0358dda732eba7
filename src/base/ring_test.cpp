#include "base/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace liaison {
namespace {

// Against std::deque, through many sizes and turns.
TEST(Ring, IsAQueue) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same steps each time
  Ring<int> ring;
  std::deque<int> expected;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % 100;
    // First it grows, then it is used up.
    if (choice < (step < 10'000 ? 52U : 45U)) {
      ring.push_back(step);
      expected.push_back(step);
    } else if (choice < 80) {
      if (expected.empty()) continue;
      ring.pop_front();
      expected.pop_front();
    } else if (choice < 98) {
      if (expected.empty()) continue;
      ring.pop_back();
      expected.pop_back();
    } else {
      const auto odd = [&](int value) { return value % 7 == static_cast<int>(choice % 7); };
      ASSERT_EQ(ring.erase_if(odd), std::erase_if(expected, odd));
    }
    ASSERT_EQ(ring.size(), expected.size());
    ASSERT_EQ(ring.empty(), expected.empty());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(ring[i], expected[i]) << step;
    if (expected.empty()) continue;
    ASSERT_EQ(ring.front(), expected.front());
    ASSERT_EQ(ring.back(), expected.back());
  }
  ring.clear();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace liaison
