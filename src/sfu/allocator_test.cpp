#include "sfu/allocator.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

// Three encodings of two temporal layers each, as a browser's camera has them.
std::vector<LayerOption> camera() {
  std::vector<LayerOption> options;
  const std::array<std::uint32_t, 3> rates = {150'000, 500'000, 1'700'000};
  const std::array<std::uint32_t, 3> heights = {180, 360, 720};
  for (std::uint8_t i = 0; i < 3; ++i) {
    options.push_back({{i, 0, 0}, rates[i] * 6 / 10, heights[i], 0.5});
    options.push_back({{i, 0, 1}, rates[i], heights[i], 1});
  }
  return options;
}

std::vector<LayerOption> slides() {
  return {{{0, 0, 0}, 200'000, 1080, 0.25}, {{0, 0, 2}, 800'000, 1080, 1}};
}

std::optional<Layer> layer_of(const Allocation& allocation, std::size_t i) {
  const auto& option = allocation.grants[i].option;
  return option ? std::optional(option->layer) : std::nullopt;
}

TEST(Allocator, GivesNoMoreThanIsShown) {
  const std::vector<Wish> wishes = {{0, false, 1280, 720, camera(), {}},
                                    {1, false, 320, 180, camera(), {}},
                                    {2, false, 640, 360, camera(), {}}};
  const Allocation allocation = allocate(wishes, 100'000'000);
  EXPECT_EQ(layer_of(allocation, 0), (Layer{2, 0, 1}));
  EXPECT_EQ(layer_of(allocation, 1), (Layer{0, 0, 1}));
  EXPECT_EQ(layer_of(allocation, 2), (Layer{1, 0, 1}));
  EXPECT_EQ(allocation.granted, 2'350'000U);
  EXPECT_EQ(allocation.wanted, allocation.granted);
  EXPECT_EQ(allocation.next_step, 0U);
  EXPECT_FALSE(allocation.paused);
}

TEST(Allocator, ServesTheStageFirstThenEverybodysLeast) {
  const std::vector<Wish> wishes = {{0, false, 320, 180, camera(), {}},
                                    {1, false, 1280, 720, camera(), {}},
                                    {2, false, 320, 180, camera(), {}}};
  const Allocation allocation = allocate(wishes, 700'000);
  EXPECT_EQ(layer_of(allocation, 1), (Layer{1, 0, 1})) << "360 lines before the others";
  EXPECT_EQ(layer_of(allocation, 0), (Layer{0, 0, 0}));
  EXPECT_EQ(layer_of(allocation, 2), (Layer{0, 0, 0}));
  EXPECT_LE(allocation.granted, 700'000U);
  EXPECT_EQ(allocation.wanted, 2'000'000U);
  EXPECT_GT(allocation.next_step, allocation.granted);
}

TEST(Allocator, KeepsSlidesReadableBeforeFacesAreSharp) {
  const std::vector<Wish> wishes = {{0, false, 640, 360, camera(), {}},
                                    {1, false, 640, 360, camera(), {}},
                                    {2, true, 1920, 1080, slides(), {}}};
  const Allocation allocation = allocate(wishes, 250'000);
  EXPECT_EQ(layer_of(allocation, 2), (Layer{0, 0, 0}));
  const Allocation poor = allocate(wishes, 0);
  EXPECT_EQ(layer_of(poor, 2), (Layer{0, 0, 0})) << "a little more than there is";
  EXPECT_FALSE(layer_of(poor, 0));
  EXPECT_TRUE(poor.paused);
  const Allocation rich = allocate(wishes, 10'000'000);
  EXPECT_EQ(layer_of(rich, 2), (Layer{0, 0, 2}));
}

TEST(Allocator, PausesTheSmallestFirst) {
  const std::vector<Wish> wishes = {{0, false, 300, 170, camera(), {}},
                                    {1, false, 640, 360, camera(), {}},
                                    {2, false, 500, 280, camera(), {}}};
  const Allocation allocation = allocate(wishes, 190'000);
  EXPECT_FALSE(layer_of(allocation, 0));
  EXPECT_TRUE(layer_of(allocation, 1));
  EXPECT_TRUE(layer_of(allocation, 2));
  EXPECT_TRUE(allocation.paused);
}

TEST(Allocator, WantsATenthMoreBeforeItGoesUp) {
  std::vector<Wish> wishes = {{0, false, 1280, 720, camera(), Layer{1, 0, 1}}};
  EXPECT_EQ(layer_of(allocate(wishes, 1'750'000), 0), (Layer{2, 0, 0}));
  wishes[0].granted = Layer{2, 0, 1};
  EXPECT_EQ(layer_of(allocate(wishes, 1'750'000), 0), (Layer{2, 0, 1})) << "but keeps what it has";
  wishes[0].granted = Layer{1, 0, 1};
  EXPECT_EQ(layer_of(allocate(wishes, 1'880'000), 0), (Layer{2, 0, 1}));
}

TEST(Allocator, LetsEverybodyKeepWhatFits) {
  // Shared anew the first of them would have the better picture.
  std::vector<Wish> wishes = {{0, false, 640, 360, camera(), Layer{0, 0, 1}},
                              {1, false, 640, 360, camera(), Layer{1, 0, 1}}};
  EXPECT_EQ(layer_of(allocate(wishes, 660'000), 0), (Layer{0, 0, 1}));
  EXPECT_EQ(layer_of(allocate(wishes, 660'000), 1), (Layer{1, 0, 1}));
  const Allocation more = allocate(wishes, 850'000);
  EXPECT_EQ(layer_of(more, 0), (Layer{1, 0, 0})) << "more comes on top";
  EXPECT_TRUE(more.rises);
  EXPECT_FALSE(more.falls);
  wishes[0].resized = true;
  EXPECT_EQ(layer_of(allocate(wishes, 660'000), 0), (Layer{1, 0, 0}))
      << "another size is a reason to share it anew";
}

TEST(Allocator, NobodyGetsMoreWhereOthersGetLess) {
  const std::vector<Wish> wishes = {{0, false, 1280, 720, camera(), Layer{2, 0, 1}},
                                    {1, false, 1280, 720, camera(), Layer{0, 0, 1}},
                                    {2, false, 1280, 720, camera(), Layer{1, 0, 1}}};
  for (std::uint64_t budget = 0; budget < 2'350'000; budget += 13'000) {
    const Allocation allocation = allocate(wishes, budget);
    EXPECT_LE(allocation.granted, budget);
    EXPECT_FALSE(allocation.rises);
    const auto second = layer_of(allocation, 1);
    EXPECT_TRUE(!second || second->encoding == 0);
  }
  EXPECT_TRUE(allocate(wishes, 1'200'000).falls);
  EXPECT_FALSE(allocate(wishes, 2'000'000).falls) << "half of the frames is no smaller picture";
}

TEST(Allocator, OneAtATimeGetsALargerPicture) {
  std::vector<Wish> wishes;
  for (std::uint16_t i = 0; i < 3; ++i)
    wishes.push_back({i, false, 1280, 720, camera(), Layer{0, 0, 0}});
  const auto sizes = [&](bool may_rise) {
    std::vector<int> list;
    const Allocation allocation = allocate(wishes, 10'000'000, may_rise);
    for (std::size_t i = 0; i < 3; ++i) list.push_back(layer_of(allocation, i)->encoding);
    return list;
  };
  EXPECT_EQ(sizes(true), (std::vector{2, 0, 0}));
  EXPECT_EQ(sizes(false), (std::vector{0, 0, 0}));
  EXPECT_EQ(layer_of(allocate(wishes, 10'000'000, false), 0), (Layer{0, 0, 1}))
      << "more frames need no key frame";
  wishes[1].granted.reset();
  EXPECT_EQ(sizes(false), (std::vector{0, 2, 0})) << "who begins needs one anyway";
}

TEST(Allocator, WhatIsPausedBeginsWhenThereIsAFifthMore) {
  std::vector<Wish> wishes = {{0, false, 640, 360, camera(), {}, false, true}};
  EXPECT_FALSE(layer_of(allocate(wishes, 100'000), 0));
  EXPECT_TRUE(layer_of(allocate(wishes, 108'000), 0));
  wishes[0] = {0, false, 640, 360, camera(), Layer{0, 0, 0}};
  EXPECT_TRUE(layer_of(allocate(wishes, 90'000), 0)) << "and goes on with what it takes";
}

TEST(Allocator, WhoeverHasNoneGetsTheLeastOfOthers) {
  const std::vector<Wish> wishes = {{0, false, 640, 360, camera(), Layer{1, 0, 1}},
                                    {1, false, 640, 360, camera(), {}}};
  const Allocation allocation = allocate(wishes, 520'000);
  EXPECT_EQ(layer_of(allocation, 1), (Layer{0, 0, 0}));
  EXPECT_EQ(layer_of(allocation, 0), (Layer{1, 0, 0}));
}

TEST(Allocator, NeverExceedsItsBudgetWithoutAScreen) {
  for (std::uint64_t budget = 0; budget < 6'000'000; budget += 37'000) {
    std::vector<Wish> wishes;
    for (std::uint16_t i = 0; i < 5; ++i)
      wishes.push_back({i, false, 200U * (i + 1), 120U * (i + 1), camera(), {}});
    const Allocation allocation = allocate(wishes, budget);
    EXPECT_LE(allocation.granted, budget);
    if (!allocation.paused && allocation.next_step != 0) {
      EXPECT_GT(allocation.next_step, allocation.granted);
    }
  }
}

TEST(Allocator, TakesAWishWithoutOptions) {
  const std::vector<Wish> wishes = {{0, false, 640, 360, {}, {}}};
  const Allocation allocation = allocate(wishes, 1'000'000);
  EXPECT_FALSE(layer_of(allocation, 0));
  EXPECT_FALSE(allocation.paused) << "there is nothing to pause";
}

}  // namespace
}  // namespace liaison::sfu
