#include "sfu/key_frame.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::sfu {
namespace {

class KeyFrameRequesterTest : public testing::Test {
 protected:
  Instant at(int ms) const { return start + milliseconds(ms); }
  // When it asks, from here to `end`, if somebody wants a key frame every `every` ms.
  std::vector<int> run(int begin, int end, int every, Duration rtt = milliseconds(20)) {
    std::vector<int> sent;
    for (int ms = begin; ms < end; ++ms) {
      if (every != 0 && (ms - begin) % every == 0) requester.request(at(ms));
      if (at(ms) >= requester.deadline() && requester.tick(at(ms), rtt)) sent.push_back(ms);
    }
    return sent;
  }

  const Instant start = Instant(seconds(100));
  KeyFrameRequester requester;
};

TEST_F(KeyFrameRequesterTest, AsksNobodyUnasked) {
  EXPECT_EQ(requester.deadline(), never);
  EXPECT_FALSE(requester.tick(at(0), {}));
}

TEST_F(KeyFrameRequesterTest, AsksAtOnceAndOnceForAll) {
  requester.request(at(0));
  EXPECT_EQ(requester.deadline(), at(0));
  EXPECT_TRUE(requester.tick(at(0), {}));
  for (int ms = 0; ms < 200; ++ms) requester.request(at(ms));
  EXPECT_FALSE(requester.tick(at(200), {}));
  requester.key_frame_started(at(200));
  EXPECT_EQ(requester.deadline(), never);
  EXPECT_EQ(run(200, 2000, 0), std::vector<int>{});
}

TEST_F(KeyFrameRequesterTest, RepeatsFourTimesThenBacksOff) {
  requester.request(at(0));
  EXPECT_EQ(run(0, 10'000, 0), (std::vector{0, 300, 600, 900}));
}

TEST_F(KeyFrameRequesterTest, AsksAgainAfterTheBackOffIfStillWanted) {
  EXPECT_EQ(run(0, 4000, 10), (std::vector{0, 300, 600, 900, 2900, 3200, 3500, 3800}));
}

TEST_F(KeyFrameRequesterTest, WaitsForTheRoundTrip) {
  requester.request(at(0));
  EXPECT_EQ(run(0, 1500, 0, milliseconds(200)), (std::vector{0, 450, 900, 1350}));
}

TEST_F(KeyFrameRequesterTest, DoesNotHearRequestsThatAKeyFrameJustAnswered) {
  requester.key_frame_started(at(0));
  requester.request(at(299));
  EXPECT_EQ(requester.deadline(), never);
  requester.request(at(300));
  EXPECT_EQ(requester.deadline(), at(300));
}

TEST_F(KeyFrameRequesterTest, AKeyFrameEndsTheBackOff) {
  requester.request(at(0));
  EXPECT_EQ(run(0, 950, 0).size(), 4U);
  requester.key_frame_started(at(1000));
  requester.request(at(1300));
  EXPECT_TRUE(requester.tick(at(1300), {}));
  EXPECT_EQ(requester.deadline(), at(1600));  // and the count of tries begins anew
}

}  // namespace
}  // namespace liaison::sfu
