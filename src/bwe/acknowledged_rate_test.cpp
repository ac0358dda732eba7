#include "bwe/acknowledged_rate.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

class BweAcknowledgedRateTest : public testing::Test {
 protected:
  static Instant at(double ms) {
    return Instant(seconds(100)) + Duration(static_cast<std::int64_t>(ms * 1e6));
  }
  AcknowledgedRate acked;
};

TEST_F(BweAcknowledgedRateTest, NeedsSomePackets) {
  for (int i = 0; i < 9; ++i) acked.received(at(i * 10), at(i * 10 + 50), 1000);
  EXPECT_FALSE(acked.rate());
  acked.received(at(90), at(140), 1000);
  ASSERT_TRUE(acked.rate());
  EXPECT_NEAR(*acked.rate(), 800'000, 1000);
}

TEST_F(BweAcknowledgedRateTest, TheSlowerOfSendingAndArrivingCounts) {
  // Sent every 10 ms; arrives every 20 ms.
  for (int i = 0; i < 100; ++i) acked.received(at(i * 10), at(i * 20), 1000);
  EXPECT_NEAR(*acked.rate(), 400'000, 5000);
  EXPECT_NEAR(*acked.newest(milliseconds(150)), 400'000, 5000);
  // Sent every 20 ms, let go at once by a queue.
  acked.reset();
  for (int i = 0; i < 100; ++i) acked.received(at(i * 20), at(2000 + i), 1000);
  EXPECT_NEAR(*acked.rate(), 400'000, 5000);
}

TEST_F(BweAcknowledgedRateTest, AStallOfThePathIsNotCounted) {
  for (int i = 0; i < 50; ++i) acked.received(at(i * 10), at(i * 10), 1000);
  for (int i = 50; i < 90; ++i) acked.received(at(i * 10), at(900 + i), 1000);
  EXPECT_NEAR(*acked.rate(), 800'000, 20'000);
}

TEST_F(BweAcknowledgedRateTest, ForgetsWhatWasBefore) {
  for (int i = 0; i < 300; ++i) acked.received(at(i * 10), at(i * 10), 1000);
  for (int i = 0; i < 120; ++i) acked.received(at(3000 + i * 10), at(3000 + i * 10), 250);
  EXPECT_NEAR(*acked.rate(), 200'000, 5000);
}

TEST_F(BweAcknowledgedRateTest, TheNewestShowsADropAtOnce) {
  for (int i = 0; i < 300; ++i) acked.received(at(i * 4), at(i * 4), 1000);
  for (int i = 0; i < 10; ++i) acked.received(at(1200 + i * 4), at(1200 + i * 20), 1000);
  EXPECT_GT(*acked.rate(), 1'500'000);
  EXPECT_NEAR(*acked.newest(milliseconds(150)), 400'000, 10'000);
}

TEST_F(BweAcknowledgedRateTest, TakesArrivalsInAnyOrder) {
  for (int i = 0; i < 100; ++i) {
    const int j = i ^ 1;
    acked.received(at(j * 10), at(j * 10 + 50), 1000);
  }
  EXPECT_NEAR(*acked.rate(), 800'000, 10'000);
}

}  // namespace
}  // namespace liaison::bwe
