#include "load/arrival_check.hpp"

#include <gtest/gtest.h>

namespace liaison::load {
namespace {

using Arrival = ArrivalCheck::Arrival;

Stamp numbered(std::uint64_t number, std::uint32_t source = 1) {
  return {.source = source, .number = number, .sent = {}};
}

TEST(ArrivalCheck, BeginsAnywhereAndCountsWhatIsMissing) {
  ArrivalCheck check;
  EXPECT_EQ(check.received(numbered(500)), Arrival::in_order);
  EXPECT_EQ(check.lost(), 0U);
  EXPECT_EQ(check.received(numbered(504)), Arrival::in_order);
  EXPECT_EQ(check.lost(), 3U);
  EXPECT_EQ(check.received(numbered(502)), Arrival::late);
  EXPECT_EQ(check.lost(), 2U);
  EXPECT_EQ(check.received(numbered(502)), Arrival::again);
  EXPECT_EQ(check.received(numbered(504)), Arrival::again);
  // Before the first nothing was missing.
  EXPECT_EQ(check.received(numbered(499)), Arrival::again);
  EXPECT_EQ(check.lost(), 2U);
}

TEST(ArrivalCheck, KnowsAWindowOfNumbers) {
  ArrivalCheck check;
  check.received(numbered(0));
  check.received(numbered(ArrivalCheck::window + 1));
  EXPECT_EQ(check.lost(), ArrivalCheck::window);
  EXPECT_EQ(check.received(numbered(1)), Arrival::again);
  EXPECT_EQ(check.received(numbered(2)), Arrival::late);
  EXPECT_EQ(check.lost(), ArrivalCheck::window - 1);
  // A jump by more leaves nothing of before.
  check.received(numbered(1'000'000));
  EXPECT_EQ(check.received(numbered(1'000'000 - ArrivalCheck::window + 1)), Arrival::late);
}

TEST(ArrivalCheck, BeginsAnewWithAnotherPublisher) {
  ArrivalCheck check;
  check.received(numbered(10));
  check.received(numbered(12));
  EXPECT_EQ(check.received(numbered(7, 2)), Arrival::in_order);
  EXPECT_EQ(check.received(numbered(8, 2)), Arrival::in_order);
  EXPECT_EQ(check.lost(), 1U);
}

}  // namespace
}  // namespace liaison::load
