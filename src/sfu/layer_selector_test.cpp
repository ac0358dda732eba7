#include "sfu/layer_selector.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

using Verdict = LayerSelector::Verdict;

struct Frame {
  std::uint8_t encoding = 0;
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  bool key = false;
  bool up = false;
  bool starts = true;
};

ReceivedPacket packet(const Frame& frame) {
  static std::uint64_t seq = 1000;
  ReceivedPacket made;
  made.seq = ++seq;
  made.encoding = frame.encoding;
  made.frame.spatial_id = frame.spatial;
  made.frame.temporal_id = frame.temporal;
  made.frame.starts_frame = frame.starts;
  made.frame.ends_frame = true;
  made.frame.key_picture = frame.key;
  made.frame.key_frame = frame.key && frame.starts && frame.spatial == 0;
  made.frame.switch_up = frame.up;
  return made;
}

Verdict select(LayerSelector& selector, const Frame& frame) {
  return selector.select(packet(frame));
}

TEST(LayerSelector, LetsNothingPassThatNobodyWants) {
  LayerSelector selector;
  EXPECT_EQ(select(selector, {.key = true}), Verdict::unwanted);
  EXPECT_FALSE(selector.waits_for_key_frame());
}

TEST(LayerSelector, GoesToAnotherEncodingByItsKeyFrame) {
  LayerSelector selector;
  selector.set_target(Layer{.encoding = 1});
  EXPECT_EQ(selector.waits_for_key_frame(), 1);
  EXPECT_EQ(select(selector, {.encoding = 1}), Verdict::wait);
  EXPECT_EQ(select(selector, {.encoding = 0, .key = true}), Verdict::unwanted);
  EXPECT_EQ(select(selector, {.encoding = 1, .key = true}), Verdict::start);
  EXPECT_FALSE(selector.waits_for_key_frame());
  EXPECT_EQ(select(selector, {.encoding = 1}), Verdict::pass);

  selector.set_target(Layer{.encoding = 2});
  EXPECT_EQ(selector.waits_for_key_frame(), 2);
  EXPECT_EQ(select(selector, {.encoding = 2}), Verdict::unwanted);
  EXPECT_EQ(select(selector, {.encoding = 1}), Verdict::pass) << "what was there goes on";
  EXPECT_EQ(select(selector, {.encoding = 2, .key = true}), Verdict::start);
  EXPECT_EQ(select(selector, {.encoding = 1}), Verdict::unwanted);
  selector.set_target(std::nullopt);
  EXPECT_EQ(select(selector, {.encoding = 2}), Verdict::unwanted);
  selector.set_target(Layer{.encoding = 2});
  EXPECT_EQ(select(selector, {.encoding = 2}), Verdict::wait) << "after a pause it begins anew";
}

TEST(LayerSelector, DropsTemporalLayersAtOnceAndTakesThemUpWhereTheStreamAllows) {
  LayerSelector selector;
  selector.set_target(Layer{.temporal = 2});
  EXPECT_EQ(select(selector, {.key = true}), Verdict::start);
  EXPECT_EQ(select(selector, {.temporal = 2}), Verdict::pass);
  selector.set_target(Layer{.temporal = 0});
  EXPECT_EQ(select(selector, {.temporal = 2, .starts = false}), Verdict::pass)
      << "the rest of what has begun";
  EXPECT_EQ(select(selector, {.temporal = 1}), Verdict::leave);
  EXPECT_EQ(select(selector, {.temporal = 0}), Verdict::pass);
  selector.set_target(Layer{.temporal = 2});
  EXPECT_EQ(select(selector, {.temporal = 1}), Verdict::leave);
  EXPECT_EQ(select(selector, {.temporal = 2, .up = true}), Verdict::leave)
      << "the layer between is not there yet";
  EXPECT_EQ(select(selector, {.temporal = 1, .up = true, .starts = false}), Verdict::leave)
      << "the beginning of the frame is missing";
  EXPECT_EQ(select(selector, {.temporal = 1, .up = true}), Verdict::pass);
  EXPECT_EQ(select(selector, {.temporal = 2}), Verdict::leave);
  EXPECT_EQ(select(selector, {.temporal = 2, .up = true}), Verdict::pass);
  EXPECT_EQ(select(selector, {.temporal = 2}), Verdict::pass);
}

TEST(LayerSelector, EntersUpperSpatialLayersAtKeyPicturesAndLeavesThemAtThePicturesEnd) {
  LayerSelector selector;
  selector.set_target(Layer{.spatial = 0});
  EXPECT_EQ(select(selector, {.key = true}), Verdict::start);
  EXPECT_EQ(select(selector, {.spatial = 1, .key = true}), Verdict::leave);
  EXPECT_TRUE(selector.ends_picture(packet({.key = true})));
  selector.set_target(Layer{.spatial = 2});
  EXPECT_EQ(selector.waits_for_key_frame(), 0);
  EXPECT_EQ(select(selector, {}), Verdict::pass);
  EXPECT_EQ(select(selector, {.spatial = 1}), Verdict::leave);
  EXPECT_EQ(select(selector, {.key = true}), Verdict::pass);
  EXPECT_FALSE(selector.ends_picture(packet({.key = true})));
  EXPECT_EQ(select(selector, {.spatial = 1, .key = true}), Verdict::pass);
  EXPECT_EQ(select(selector, {.spatial = 2, .key = true}), Verdict::pass);
  EXPECT_TRUE(selector.ends_picture(packet({.spatial = 2})));
  EXPECT_FALSE(selector.waits_for_key_frame());
  EXPECT_EQ(select(selector, {}), Verdict::pass);
  selector.set_target(Layer{.spatial = 1});
  EXPECT_EQ(select(selector, {.spatial = 2}), Verdict::pass) << "the picture is not cut";
  EXPECT_EQ(select(selector, {}), Verdict::pass);
  EXPECT_EQ(select(selector, {.spatial = 2}), Verdict::leave);
  EXPECT_EQ(select(selector, {.spatial = 1}), Verdict::pass);
}

TEST(LayerSelector, DecidesNothingByWhatComesLate) {
  LayerSelector selector;
  selector.set_target(Layer{.temporal = 1});
  ASSERT_EQ(select(selector, {.key = true}), Verdict::start);
  const ReceivedPacket late = packet({.temporal = 0});
  EXPECT_EQ(select(selector, {.temporal = 1}), Verdict::pass);
  selector.set_target(Layer{.temporal = 0});
  EXPECT_EQ(selector.select(late), Verdict::pass);
  EXPECT_EQ(select(selector, {.temporal = 1, .starts = false}), Verdict::pass);
  EXPECT_EQ(select(selector, {.temporal = 1}), Verdict::leave);
}

}  // namespace
}  // namespace liaison::sfu
