#include "sfu/layer_rates.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

// Packets of one encoding, each 10 ms.
class Stream {
 public:
  // `bytes` of each of these layers.
  void send(Duration duration, std::size_t bytes, std::size_t spatial_layers = 1,
            std::size_t temporal_layers = 1) {
    for (const Instant end = now + duration; now < end; now += milliseconds(10)) {
      for (std::size_t s = 0; s < spatial_layers; ++s) {
        for (std::size_t t = 0; t < temporal_layers; ++t) {
          rates.received(static_cast<std::uint8_t>(s), static_cast<std::uint8_t>(t), bytes, now);
        }
      }
    }
  }
  std::uint32_t all() const { return rates.rate(255, 255); }

  LayerRates rates;
  Instant now = Instant{} + seconds(1000);
};

TEST(LayerRates, KnowsNothingAtFirst) {
  Stream stream;
  EXPECT_EQ(stream.all(), 0U);
  EXPECT_EQ(stream.rates.spatial_layers(), 1);
  EXPECT_EQ(stream.rates.temporal_layers(), 1);
  EXPECT_FALSE(stream.rates.flows(Instant{}));
  EXPECT_FALSE(stream.rates.flows(stream.now));
  stream.send(milliseconds(490), 1000);
  EXPECT_EQ(stream.all(), 0U) << "it takes half a second to measure";
  EXPECT_TRUE(stream.rates.flows(stream.now));
}

TEST(LayerRates, MeasuresASteadyRate) {
  Stream stream;
  stream.send(milliseconds(510), 1000);
  EXPECT_EQ(stream.all(), 800'000U) << "the first half second counts in full";
  stream.send(seconds(5), 1000);
  EXPECT_EQ(stream.all(), 800'000U);
}

TEST(LayerRates, FollowsAChangeWithinSomeSeconds) {
  Stream stream;
  stream.send(seconds(5), 1000);
  stream.send(milliseconds(500), 3000);
  EXPECT_LT(stream.all(), 2'000'000U) << "a burst alone is not the rate";
  stream.send(milliseconds(4500), 3000);
  EXPECT_GT(stream.all(), 2'000'000U);
  stream.send(seconds(60), 3000);
  EXPECT_NEAR(stream.all(), 2'400'000, 10);
}

TEST(LayerRates, CountsAllLayersUpToTheOneThatIsAskedFor) {
  Stream stream;
  for (const Instant end = stream.now + milliseconds(510); stream.now < end;
       stream.now += milliseconds(10)) {
    stream.rates.received(0, 0, 100, stream.now);
    stream.rates.received(0, 1, 200, stream.now);
    stream.rates.received(1, 0, 400, stream.now);
    stream.rates.received(1, 1, 800, stream.now);
  }
  EXPECT_EQ(stream.rates.spatial_layers(), 2);
  EXPECT_EQ(stream.rates.temporal_layers(), 2);
  EXPECT_EQ(stream.rates.rate(0, 0), 80'000U);
  EXPECT_EQ(stream.rates.rate(0, 1), 240'000U);
  EXPECT_EQ(stream.rates.rate(1, 0), 400'000U);
  EXPECT_EQ(stream.rates.rate(1, 1), 1'200'000U);
  EXPECT_EQ(stream.rates.rate(2, 3), 1'200'000U);
  EXPECT_EQ(stream.all(), 1'200'000U) << "a layer that there cannot be";
}

TEST(LayerRates, CountsALayerAboveTheLimitsAsTheHighest) {
  Stream stream;
  for (const Instant end = stream.now + milliseconds(510); stream.now < end;
       stream.now += milliseconds(10))
    stream.rates.received(7, 255, 1000, stream.now);
  EXPECT_EQ(stream.rates.spatial_layers(), spatial_limit);
  EXPECT_EQ(stream.rates.temporal_layers(), temporal_limit);
  EXPECT_EQ(stream.rates.rate(spatial_limit - 1, temporal_limit - 1), 800'000U);
  EXPECT_EQ(stream.rates.rate(spatial_limit - 2, temporal_limit - 1), 0U);
  EXPECT_EQ(stream.rates.rate(spatial_limit - 1, temporal_limit - 2), 0U);
}

TEST(LayerRates, RemembersWhatCameLastWhileNothingComes) {
  Stream stream;
  stream.send(seconds(3), 500, 2, 2);
  const std::uint32_t before = stream.all();
  ASSERT_EQ(before, 1'600'000U);
  stream.now += hours(1);
  EXPECT_FALSE(stream.rates.flows(stream.now));
  EXPECT_EQ(stream.all(), before);
  EXPECT_EQ(stream.rates.spatial_layers(), 2);
  EXPECT_EQ(stream.rates.temporal_layers(), 2);
}

TEST(LayerRates, TakesNoPauseForALowRate) {
  Stream stream;
  stream.send(milliseconds(1700), 1000);
  const std::uint32_t before = stream.all();
  stream.now += seconds(30);
  stream.send(seconds(2), 1000);
  EXPECT_EQ(stream.all(), before) << "neither what came before it nor its length counts";
}

TEST(LayerRates, FlowsForASecondAfterTheLastPacket) {
  Stream stream;
  stream.rates.received(0, 0, 1, stream.now);
  EXPECT_TRUE(stream.rates.flows(stream.now));
  EXPECT_TRUE(stream.rates.flows(stream.now + seconds(1)));
  EXPECT_FALSE(stream.rates.flows(stream.now + seconds(1) + nanoseconds(1)));
}

TEST(LayerRates, ForgetsATemporalLayerThatIsNoLongerThere) {
  Stream stream;
  stream.send(seconds(3), 500, 1, 3);
  ASSERT_EQ(stream.rates.temporal_layers(), 3);
  stream.send(seconds(20), 500, 1, 1);
  EXPECT_EQ(stream.rates.temporal_layers(), 1);
  EXPECT_EQ(stream.all(), 400'000U);
}

// Its publisher leaves it out because nobody wants it, and somebody who does must know of it.
TEST(LayerRates, RemembersASpatialLayerThatIsLeftOut) {
  Stream stream;
  stream.send(seconds(3), 500, 3, 2);
  const std::uint32_t before = stream.all();
  stream.send(seconds(60), 500, 1, 2);
  EXPECT_EQ(stream.rates.spatial_layers(), 3);
  EXPECT_EQ(stream.rates.temporal_layers(), 2);
  EXPECT_EQ(stream.all(), before);
  stream.send(seconds(60), 250, 1, 2);
  EXPECT_NEAR(stream.rates.rate(0, 1), 400'000, 10) << "those below are measured on";
  EXPECT_NEAR(stream.all(), before - 400'000.0, 10);
}

TEST(LayerRates, TakesNoPartOfAWindowForTheRateOfALayerThatIsLeftOut) {
  for (int ms = 0; ms < 500; ms += 50) {
    Stream stream;
    stream.send(milliseconds(3000 + ms), 500, 3);
    stream.send(seconds(10), 500, 1);
    EXPECT_NEAR(stream.all(), 1'200'000, 300'000) << ms;
  }
}

TEST(LayerRates, MeasuresLayersOfFewPictures) {
  Stream stream;
  for (int i = 0; i < 20; ++i) {
    for (std::uint8_t spatial = 0; spatial < 3; ++spatial)
      stream.rates.received(spatial, 0, 10'000, stream.now);
    stream.now += milliseconds(900);
  }
  EXPECT_EQ(stream.rates.spatial_layers(), 3);
  EXPECT_NEAR(stream.rates.rate(0, 0), 80'000 / 0.9, 100);
  EXPECT_NEAR(stream.all(), 3 * 80'000 / 0.9, 300);
}

}  // namespace
}  // namespace liaison::sfu
