#include "sfu/layer_demand.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

Instant at(int ms) { return Instant{} + milliseconds(ms); }
using Wanted = LayerDemand::Wanted;

TEST(LayerDemand, SaysMoreAtOnceAndLessAfterFiveSeconds) {
  LayerDemand demand;
  EXPECT_EQ(demand.deadline(), never);
  EXPECT_FALSE(demand.set({{true, false, false}, 1}, at(0))) << "all is wanted at first";
  EXPECT_EQ(demand.deadline(), at(5000));
  EXPECT_FALSE(demand.tick(at(4999)));
  EXPECT_EQ(demand.tick(at(5000)), (Wanted{{true, false, false}, 1}));
  EXPECT_EQ(demand.deadline(), never);
  EXPECT_EQ(demand.set({{false, false, true}, 2}, at(6000)), (Wanted{{true, false, true}, 2}));
  EXPECT_EQ(demand.tick(at(11'000)), (Wanted{{false, false, true}, 2}));
}

TEST(LayerDemand, ForgetsALackThatDoesNotLast) {
  LayerDemand demand;
  EXPECT_FALSE(demand.set({{true, true, false}, 3}, at(0)));
  EXPECT_FALSE(demand.set({{false, true, false}, 3}, at(4000)));
  EXPECT_FALSE(demand.set({{true, true, false}, 3}, at(4500)));
  EXPECT_EQ(demand.tick(at(5000)), (Wanted{{true, true, false}, 3}));
  EXPECT_EQ(demand.deadline(), never);
}

TEST(LayerDemand, CountsTheTimeOfEachEncodingByItself) {
  LayerDemand demand;
  EXPECT_FALSE(demand.set({{true, true, false}, 3}, at(0)));
  EXPECT_FALSE(demand.set({{true, false, false}, 3}, at(3000)));
  EXPECT_EQ(demand.tick(at(5000)), (Wanted{{true, true, false}, 3}));
  EXPECT_EQ(demand.deadline(), at(8000));
  EXPECT_EQ(demand.tick(at(8000)), (Wanted{{true, false, false}, 3}));
}

}  // namespace
}  // namespace liaison::sfu
