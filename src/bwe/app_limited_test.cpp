#include "bwe/app_limited.hpp"

#include <gtest/gtest.h>

namespace liaison::bwe {
namespace {

class BweAppLimitedTest : public testing::Test {
 protected:
  // A second of packets every 10 ms at this share of 1 Mbit/s.
  void send(double share) {
    const auto bytes = static_cast<std::size_t>(1250 * share);
    for (int i = 0; i < 100; ++i) {
      now += milliseconds(10);
      app.sent(bytes, 1e6, now);
    }
  }
  Instant now = Instant(seconds(100));
  AppLimited app;
};

TEST_F(BweAppLimitedTest, FollowsTheShareThatIsUsed) {
  send(0.95);
  send(0.95);
  EXPECT_FALSE(app.limited());
  send(0.3);
  send(0.3);
  EXPECT_TRUE(app.limited());
  send(0.95);
  send(0.95);
  EXPECT_FALSE(app.limited());
}

TEST_F(BweAppLimitedTest, APauseIsNoDebt) {
  now += hours(1);
  send(0.1);
  EXPECT_TRUE(app.limited());
}

}  // namespace
}  // namespace liaison::bwe
