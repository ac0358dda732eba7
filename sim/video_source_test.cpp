#include "sim/video_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "sim/stamp.hpp"

namespace liaison::sim {
namespace {

const Instant start = Instant{} + seconds(100);
using Frames = std::vector<EncodedFrame>;

void run(VideoSource& source, Instant until, Frames& frames) {
  while (source.deadline() < until) {
    const Instant now = source.deadline();
    const std::size_t before = frames.size();
    source.capture(now, frames);
    ASSERT_GT(frames.size(), before);
    ASSERT_GT(source.deadline(), now);
  }
}
Frames run(VideoSource& source, Instant until) {
  Frames frames;
  run(source, until, frames);
  return frames;
}

Frames of_encoding(const Frames& frames, std::size_t encoding) {
  Frames found;
  std::ranges::copy_if(frames, std::back_inserter(found), [encoding](const EncodedFrame& frame) {
    return frame.encoding == encoding;
  });
  return found;
}

double bits(const Frames& frames) {
  double bytes = 0;
  for (const EncodedFrame& frame : frames) bytes += static_cast<double>(frame.bytes);
  return bytes * 8;
}

// Every frame that another one needs was there, and no frame needs one that may be dropped before
// it: one of a higher layer, or of a picture before the last key picture.
void expect_sound_references(const Frames& frames) {
  std::map<std::uint32_t, const EncodedFrame*> known;
  std::uint32_t last_key = 0;
  for (const EncodedFrame& frame : frames) {
    ASSERT_EQ(frame.frame, known.size());
    known[frame.frame] = &frame;
    if (frame.key && frame.spatial == 0) last_key = frame.frame;
    EXPECT_EQ(frame.references[0] == 0, frame.key);
    EXPECT_EQ(frame.references[1] != 0, frame.key && frame.spatial > 0);
    if (frame.references[0] != 0) {
      ASSERT_LE(frame.references[0], frame.frame - last_key);
      const EncodedFrame& needed = *known[frame.frame - frame.references[0]];
      EXPECT_EQ(needed.spatial, frame.spatial);
      EXPECT_LE(needed.temporal, frame.temporal);
      EXPECT_FALSE(needed.discardable);
      EXPECT_EQ(frame.picture - needed.picture, frame.pictures_back);
      if (frame.layer_sync) {
        EXPECT_EQ(needed.temporal, 0);
      }
      if (frame.temporal > 0) {
        EXPECT_EQ(frame.layer_sync, needed.temporal == 0);
      }
    }
    if (frame.references[1] != 0) {
      const EncodedFrame& needed = *known[frame.frame - frame.references[1]];
      EXPECT_EQ(needed.picture, frame.picture);
      EXPECT_EQ(needed.spatial + 1, frame.spatial);
    }
  }
}

TEST(VideoSource, TakesPicturesAtItsRate) {
  VideoSource source({}, Random(1), start);
  const Frames frames = run(source, start + seconds(10));
  ASSERT_EQ(frames.size(), 300U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const EncodedFrame& frame = frames[i];
    EXPECT_EQ(frame.frame, i);
    EXPECT_EQ(frame.picture - frames[0].picture, i);
    EXPECT_EQ(frame.key, i == 0);
    EXPECT_TRUE(frame.ends_picture);
    EXPECT_NEAR(static_cast<double>(frame.timestamp - frames[0].timestamp),
                static_cast<double>(i) * 3000, 1);
  }
  // Nothing is due before its time; what is asked for late was not taken before.
  Frames late;
  source.capture(start + seconds(10) - milliseconds(1), late);
  EXPECT_TRUE(late.empty());
  source.capture(start + seconds(11) + milliseconds(1), late);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].captured, start + seconds(11) + milliseconds(1));
  EXPECT_EQ(late[0].frame, 300U);
  EXPECT_NEAR(static_cast<double>(source.deadline().time_since_epoch().count()),
              static_cast<double>((start + seconds(11)).time_since_epoch().count()) + 1e9 / 30, 2);
}

TEST(VideoSource, OneThatIsOffTakesNothingAndBeginsWithAKeyFrame) {
  VideoSource source({.layering = Layering::simulcast}, Random(2), start);
  Frames frames;
  run(source, start + seconds(1), frames);
  source.set_active(2, false);
  frames.clear();
  run(source, start + seconds(2), frames);
  EXPECT_TRUE(of_encoding(frames, 2).empty());
  EXPECT_EQ(frames.size(), 60U);
  source.set_active(2, true);
  frames.clear();
  run(source, start + seconds(3), frames);
  EXPECT_TRUE(of_encoding(frames, 2).at(0).key);
  EXPECT_FALSE(of_encoding(frames, 1).at(0).key);
  for (const std::size_t i : {0U, 1U, 2U}) source.set_active(i, false);
  EXPECT_EQ(source.deadline(), never);
  source.set_active(0, true);
  EXPECT_LE(source.deadline(), start + seconds(3));
}

TEST(VideoSource, KeyFramesComeWhenAskedForAndAreLarge) {
  VideoSource source({.layering = Layering::simulcast, .unasked_key_frames = Duration::max()},
                     Random(3), start);
  double key_bytes = 0;
  double delta_bytes = 0;
  for (int second = 1; second <= 100; ++second) {
    source.request_key_frame(1);
    const Frames frames = run(source, start + seconds(second));
    for (const std::size_t encoding : {0U, 1U, 2U}) {
      const Frames own = of_encoding(frames, encoding);
      ASSERT_EQ(own.size(), 30U);
      for (std::size_t i = 0; i < own.size(); ++i) {
        EXPECT_EQ(own[i].key, i == 0 && (encoding == 1 || second == 1));
        if (encoding != 1) continue;
        (own[i].key ? key_bytes : delta_bytes) +=
            static_cast<double>(own[i].bytes) / (own[i].key ? 1 : 29);
      }
    }
  }
  // The small ones pay for the large one of each second, so that the ratio is above 7.5.
  EXPECT_GT(key_bytes / delta_bytes, 7);
  EXPECT_LT(key_bytes / delta_bytes, 11);
}

TEST(VideoSource, FewKeyFramesComeUnasked) {
  VideoSource source({.unasked_key_frames = minutes(1)}, Random(4), start);
  const Frames frames = run(source, start + hours(1));
  EXPECT_NEAR(static_cast<double>(std::ranges::count_if(frames, &EncodedFrame::key)), 61, 25);
}

struct Rate {
  VideoOptions options;
  std::uint32_t target;
};
class Rates : public testing::TestWithParam<Rate> {};

TEST_P(Rates, AreTheTargetOverThirtySeconds) {
  const auto& [options, target] = GetParam();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    VideoSource source(options, Random(seed), start);
    for (std::size_t i = 0; i < source.encodings(); ++i) source.set_target(i, target);
    Frames frames;
    Instant now = start;
    // With what a bad call brings: a key frame every three seconds.
    for (int i = 0; i < 10; ++i) {
      run(source, now += seconds(3), frames);
      source.request_key_frame(0);
    }
    for (std::size_t i = 0; i < source.encodings(); ++i) {
      ASSERT_EQ(source.target(i), target);
      const double rate = bits(of_encoding(frames, i)) / 30;
      EXPECT_NEAR(rate, target, target * 0.1) << i << ", seed " << seed;
    }
  }
}

constexpr auto vp8 = rtp::CodecName::vp8;
constexpr auto vp9 = rtp::CodecName::vp9;
INSTANTIATE_TEST_SUITE_P(
    All, Rates,
    testing::Values(Rate{{}, 1'500'000}, Rate{{.temporal_layers = 2}, 800'000},
                    Rate{{.temporal_layers = 3}, 100'000}, Rate{{.fps = 5}, 300'000},
                    Rate{{.layering = Layering::simulcast, .temporal_layers = 3}, 140'000},
                    Rate{{.codec = vp9, .layering = Layering::key_svc, .temporal_layers = 3},
                         1'500'000}));

TEST(VideoSource, FollowsItsTargetWithinASecond) {
  VideoSource source({}, Random(5), start);
  run(source, start + seconds(5));
  source.set_target(0, 200'000);
  run(source, start + seconds(6));
  EXPECT_NEAR(bits(run(source, start + seconds(11))) / 5, 200'000, 30'000);
  source.set_target(0, 1'600'000);
  run(source, start + seconds(12));
  EXPECT_NEAR(bits(run(source, start + seconds(17))) / 5, 1'600'000, 240'000);
  source.set_target(0, 100'000'000);
  EXPECT_EQ(source.target(0), 1'700'000U) << "the maximum for its size";
}

TEST(VideoSource, TemporalLayersDependOnLowerOnesAndLowerOnesAreLarger) {
  for (std::uint8_t layers = 1; layers <= 3; ++layers) {
    VideoSource source({.temporal_layers = layers, .unasked_key_frames = seconds(5)}, Random(6),
                       start);
    const Frames frames = run(source, start + minutes(2));
    expect_sound_references(frames);
    std::map<int, std::size_t> count;
    std::map<int, double> bytes;
    std::uint8_t tl0 = frames[0].tl0_picture;
    for (const EncodedFrame& frame : frames) {
      ++count[frame.temporal];
      bytes[frame.temporal] += static_cast<double>(frame.bytes);
      EXPECT_EQ(frame.temporal_layers, layers);
      if (frame.temporal == 0 && frame.frame > 0) ++tl0;
      EXPECT_EQ(frame.tl0_picture, tl0);
    }
    ASSERT_EQ(count.size(), layers);
    const auto all = static_cast<double>(frames.size());
    for (int layer = 0; layer < layers; ++layer) {
      const double share = 1.0 / (1 << (layer == 0 ? layers - 1 : layers - layer));
      EXPECT_NEAR(static_cast<double>(count[layer]) / all, share, 0.03) << layer;
    }
    for (int layer = 1; layer < layers; ++layer) {
      EXPECT_GT(bytes[0] / static_cast<double>(count[0]),
                1.3 * bytes[layer] / static_cast<double>(count[layer]));
    }
  }
}

TEST(VideoSource, SimulcastHasThreeEncodingsThatDoNotKnowEachOther) {
  VideoSource source({.layering = Layering::simulcast, .temporal_layers = 3}, Random(7), start);
  ASSERT_EQ(source.encodings(), 3U);
  const Frames frames = run(source, start + seconds(30));
  std::array<std::uint32_t, 3> first_timestamps{};
  for (const std::size_t i : {0U, 1U, 2U}) {
    const Frames own = of_encoding(frames, i);
    ASSERT_EQ(own.size(), 900U);
    expect_sound_references(own);
    EXPECT_EQ(own[0].width, 320 << i);
    EXPECT_EQ(own[0].height, 180 << i);
    EXPECT_EQ(own[0].spatial_layers, 1);
    first_timestamps[i] = own[0].timestamp;
  }
  EXPECT_NE(first_timestamps[0], first_timestamps[1]);
  EXPECT_NE(first_timestamps[1], first_timestamps[2]);
  EXPECT_LT(bits(of_encoding(frames, 0)) * 2, bits(of_encoding(frames, 1)));
  EXPECT_LT(bits(of_encoding(frames, 1)) * 2, bits(of_encoding(frames, 2)));
}

TEST(VideoSource, KeySvcPredictsBetweenLayersInKeyPicturesOnly) {
  VideoSource source({.codec = vp9,
                      .layering = Layering::key_svc,
                      .temporal_layers = 3,
                      .unasked_key_frames = seconds(5)},
                     Random(8), start);
  ASSERT_EQ(source.encodings(), 1U);
  const Frames frames = run(source, start + minutes(1));
  ASSERT_EQ(frames.size(), 60U * 30 * 3);
  expect_sound_references(frames);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].spatial, i % 3);
    EXPECT_EQ(frames[i].ends_picture, i % 3 == 2);
    EXPECT_EQ(frames[i].picture, frames[i - i % 3].picture);
    EXPECT_EQ(frames[i].timestamp, frames[i - i % 3].timestamp);
    EXPECT_EQ(frames[i].key, frames[i - i % 3].key);
    if (i % 3 == 2) {
      EXPECT_GT(frames[i].bytes, frames[i - 2].bytes);
    }
  }
}

TEST(VideoSource, AScreenIsMostlyStill) {
  VideoSource source({.screen = true, .max_bitrate = {2'000'000}}, Random(9), start);
  const Frames frames = run(source, start + minutes(5));
  EXPECT_LT(bits(frames) / 300, 2'000'000);
  std::size_t tiny = 0;
  std::size_t big = 0;
  for (const EncodedFrame& frame : frames) {
    tiny += frame.bytes < 250;
    big += frame.bytes > 20'000;
    EXPECT_LE(frame.bytes, 150'000U) << "0.6 s of the target, after a rest";
  }
  EXPECT_GT(tiny, frames.size() / 2);
  EXPECT_GT(big, 50U);
  EXPECT_LT(big, frames.size() / 10);
}

TEST(VideoSource, NoFrameIsSmallerThanAStamp) {
  VideoSource source({.codec = vp9, .layering = Layering::key_svc}, Random(10), start);
  source.set_target(0, 1);
  for (const EncodedFrame& frame : run(source, start + seconds(10))) {
    EXPECT_EQ(frame.bytes, stamp_size);
  }
}

TEST(VideoSource, OneSeedIsOnePicture) {
  const auto picture = [](std::uint64_t seed) {
    VideoSource source({.screen = true}, Random(seed), start);
    std::vector<std::size_t> sizes;
    for (const EncodedFrame& frame : run(source, start + seconds(20))) sizes.push_back(frame.bytes);
    return sizes;
  };
  EXPECT_EQ(picture(11), picture(11));
  EXPECT_NE(picture(11), picture(12));
}

}  // namespace
}  // namespace liaison::sim
