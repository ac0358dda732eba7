#include "load/histogram.hpp"

#include <gtest/gtest.h>

namespace liaison::load {
namespace {

TEST(Histogram, GivesQuantilesWithinThreePercent) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration::zero());
  for (int i = 1; i <= 1'000; ++i) histogram.add(microseconds(i));
  EXPECT_EQ(histogram.count(), 1'000U);
  for (const double share : {0.1, 0.5, 0.9, 0.99}) {
    const double exact = share * 1e6;
    const auto found = static_cast<double>(histogram.quantile(share).count());
    EXPECT_GE(found, exact) << share;
    EXPECT_LE(found, exact * 1.04) << share;
  }
  EXPECT_GE(histogram.quantile(1), milliseconds(1));
}

TEST(Histogram, HoldsTheExtremes) {
  Histogram histogram;
  histogram.add(-seconds(1));
  EXPECT_EQ(histogram.quantile(1), Duration::zero());
  histogram.add(hours(24 * 365));
  EXPECT_GT(histogram.quantile(1), minutes(30));
}

TEST(Histogram, Adds) {
  Histogram a;
  Histogram b;
  a.add(milliseconds(1));
  b.add(milliseconds(9));
  a.add(b);
  EXPECT_EQ(a.count(), 2U);
  EXPECT_GE(a.quantile(1), milliseconds(9));
}

}  // namespace
}  // namespace liaison::load
