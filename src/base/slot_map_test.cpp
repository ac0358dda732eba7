#include "base/slot_map.hpp"

#include <gtest/gtest.h>

#include <string>

namespace liaison {
namespace {

TEST(SlotMap, OwnsUnderHandles) {
  SlotMap<std::string> map;
  const auto a = map.emplace("a");
  const auto b = map.emplace(3U, 'b');
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(*map.get(a), "a");
  EXPECT_EQ(*map.get(b), "bbb");
  EXPECT_TRUE(a);
  EXPECT_FALSE(Handle<std::string>{});
  EXPECT_EQ(map.get(Handle<std::string>{}), nullptr);
  EXPECT_EQ(map.get(Handle<std::string>{7, 1}), nullptr);
}

TEST(SlotMap, HandlesGoStale) {
  SlotMap<int> map;
  const auto first = map.emplace(1);
  EXPECT_TRUE(map.erase(first));
  EXPECT_FALSE(map.erase(first));
  EXPECT_EQ(map.get(first), nullptr);
  EXPECT_EQ(map.size(), 0U);
  const auto second = map.emplace(2);
  EXPECT_EQ(second.index, first.index);  // the place is used again
  EXPECT_NE(second, first);              // the name is not
  EXPECT_EQ(map.get(first), nullptr);
  EXPECT_EQ(*map.get(second), 2);
}

TEST(SlotMap, ElementsDoNotMove) {
  SlotMap<int> map;
  const auto handle = map.emplace(1);
  const int* before = map.get(handle);
  for (int i = 0; i < 1000; ++i) map.emplace(i);
  EXPECT_EQ(map.get(handle), before);
}

TEST(SlotMap, VisitsTheLivingAndLetsThemBeErased) {
  SlotMap<int> map;
  const auto one = map.emplace(1);
  map.emplace(2);
  map.emplace(3);
  map.erase(one);
  int sum = 0;
  map.for_each([&](Handle<int> handle, int& value) {
    sum += value;
    if (value == 2) map.erase(handle);
  });
  EXPECT_EQ(sum, 5);
  EXPECT_EQ(map.size(), 1U);
}

}  // namespace
}  // namespace liaison
