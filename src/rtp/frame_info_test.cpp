#include "rtp/frame_info.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Dti = DecodeTargetIndication;

std::optional<FrameInfo> read(CodecName codec, const Buffer& payload, bool marker = false) {
  return frame_info(codec, payload, marker, nullptr);
}

TEST(FrameInfo, OfVp8) {
  const auto vp8 = [](const Buffer& payload, bool marker = false) {
    return read(CodecName::vp8, payload, marker);
  };
  auto info = vp8({0x10, 0x00});  // S; P of the frame is 0
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->key_frame);
  EXPECT_TRUE(info->key_picture);
  EXPECT_FALSE(info->ends_frame);

  // X N S, I L T K: picture id, TL0PICIDX, TID 2 and Y.
  info = vp8({0xb0, 0xf0, 0x81, 0x02, 0x07, 0xa3, 0x01}, true);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->ends_frame);
  EXPECT_TRUE(info->ends_picture);
  EXPECT_FALSE(info->key_frame);
  EXPECT_FALSE(info->key_picture);
  EXPECT_TRUE(info->switch_up);
  EXPECT_EQ(info->temporal_id, 2);
  EXPECT_EQ(info->spatial_id, 0);

  info = vp8({0x80, 0x20, 0x40, 0x00});  // not the first packet; TID 1, without Y
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->starts_frame);
  EXPECT_FALSE(info->key_frame);
  EXPECT_FALSE(info->switch_up);
  EXPECT_EQ(info->temporal_id, 1);
  EXPECT_FALSE(vp8({0x10}));
}

TEST(FrameInfo, OfVp9) {
  const auto vp9 = [](const Buffer& payload, bool marker = false) {
    return read(CodecName::vp9, payload, marker);
  };
  auto info = vp9({0x28, 0x00, 7, 0});  // L B: SID 0 of a key picture
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_FALSE(info->ends_frame);
  EXPECT_TRUE(info->key_frame);
  EXPECT_TRUE(info->key_picture);

  info = vp9({0x2c, 0x03, 7, 0}, true);  // L B E: SID 1 with D, whole, and the last
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->ends_frame);
  EXPECT_TRUE(info->ends_picture);
  EXPECT_FALSE(info->key_frame);
  EXPECT_TRUE(info->key_picture);
  EXPECT_EQ(info->spatial_id, 1);

  info = vp9({0x24, 0x02, 7, 0});  // later packets of it say so too
  EXPECT_FALSE(info->starts_frame);
  EXPECT_FALSE(info->key_frame);
  EXPECT_TRUE(info->key_picture);
  EXPECT_TRUE(info->ends_frame);
  EXPECT_FALSE(info->ends_picture);

  info = vp9({0x78, 0x54, 0x02, 0});  // P L F B: TID 2, U, SID 2; flexible, one reference
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->key_frame);
  EXPECT_FALSE(info->key_picture);
  EXPECT_TRUE(info->switch_up);
  EXPECT_EQ(info->temporal_id, 2);
  EXPECT_EQ(info->spatial_id, 2);
  EXPECT_FALSE(vp9({0x68, 0x20, 7, 0})->switch_up);
  EXPECT_TRUE(vp9({0x08, 0})->key_frame);  // no layers at all
  EXPECT_FALSE(vp9({0x28, 0x00, 7}));
}

TEST(FrameInfo, OfAv1) {
  const auto av1 = [](const Buffer& payload, bool marker = false) {
    return read(CodecName::av1, payload, marker);
  };
  auto info = av1({0x28, 0x02, 0x08, 0x00, 0x30, 0x10});  // W 2, N: sequence header and frame
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->key_frame);
  EXPECT_TRUE(info->key_picture);
  EXPECT_FALSE(info->ends_frame);

  info = av1({0x10, 0x34, 0x20, 0x30}, true);  // W 1: a frame; its layer is not looked at
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->ends_frame);
  EXPECT_TRUE(info->ends_picture);
  EXPECT_FALSE(info->key_frame);
  EXPECT_EQ(info->temporal_id, 0);

  EXPECT_TRUE(av1({0x10, 0x18, 0x00})->starts_frame);        // frame header
  EXPECT_FALSE(av1({0x10, 0x20, 0x00})->starts_frame);       // tile group
  EXPECT_FALSE(av1({0x90, 0x30, 0x00})->starts_frame);       // Z: in the middle of an OBU
  EXPECT_TRUE(av1({0x00, 0x81, 0x00, 0x30})->starts_frame);  // behind a size of two bytes
  EXPECT_FALSE(av1({0x00, 0x01, 0x20})->starts_frame);
  EXPECT_FALSE(av1({0x00, 0x01})->starts_frame);  // the OBU is cut off
  EXPECT_FALSE(av1({0x88, 0x30}));
}

TEST(FrameInfo, OfH264) {
  const auto h264 = [](const Buffer& payload, bool marker = false) {
    return read(CodecName::h264, payload, marker);
  };
  auto info = h264({0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce});
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_TRUE(info->key_frame);
  EXPECT_TRUE(info->key_picture);

  info = h264({0x7c, 0x45, 0x12}, true);  // last fragment of an IDR slice
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->starts_frame);
  EXPECT_TRUE(info->ends_frame);
  EXPECT_TRUE(info->ends_picture);
  EXPECT_FALSE(info->key_frame);

  info = h264({0x01, 0x9a});
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->starts_frame);
  EXPECT_FALSE(info->key_frame);
  EXPECT_FALSE(h264({0x00, 0x9a}));
}

TEST(FrameInfo, OfAudio) {
  for (const CodecName codec : {CodecName::opus, CodecName::red}) {
    const auto info = read(codec, {});
    ASSERT_TRUE(info);
    EXPECT_TRUE(info->starts_frame && info->ends_frame && info->ends_picture);
    EXPECT_TRUE(info->key_frame && info->key_picture);
  }
}

// Two spatial layers in the K-SVC manner, of two temporal layers each; decode targets S0T0, S0T1,
// S1T0, S1T1, a chain for each spatial layer. As libwebrtc's L2T2_KEY.
DependencyStructure key_svc() {
  DependencyStructure structure;
  structure.decode_target_count = 4;
  structure.chain_count = 2;
  structure.protected_by = {{0, 0, 1, 1}};
  const auto add = [&](std::uint8_t spatial, std::uint8_t temporal, std::array<Dti, 4> dtis,
                       std::uint8_t fdiff, std::array<std::uint8_t, 2> chains) {
    FrameDependencies& one = structure.templates[structure.template_count++];
    one.spatial_id = spatial;
    one.temporal_id = temporal;
    std::ranges::copy(dtis, one.dtis.begin());
    one.fdiff_count = fdiff != 0 ? 1 : 0;
    one.fdiffs[0] = fdiff;
    std::ranges::copy(chains, one.chain_fdiffs.begin());
  };
  constexpr Dti none = Dti::not_present;
  constexpr Dti s = Dti::switch_point;
  constexpr Dti d = Dti::discardable;
  add(0, 0, {s, s, s, s}, 0, {0, 0});
  add(0, 0, {s, s, none, none}, 4, {4, 3});
  add(0, 1, {none, d, none, none}, 2, {2, 1});
  add(1, 0, {none, none, s, s}, 1, {1, 1});
  add(1, 0, {none, none, s, s}, 4, {1, 4});
  add(1, 1, {none, none, none, d}, 2, {3, 2});
  structure.find_decode_target_layers();
  return structure;
}

FrameInfo described(const Buffer& value, const DependencyStructure& current, bool marker = false) {
  const auto descriptor = parse_dependency_descriptor(value, &current);
  EXPECT_TRUE(descriptor);
  // What is in the payload does not matter: with VP8, it would be a key frame.
  const auto info = frame_info(CodecName::vp8, Buffer{0x10, 0x00}, marker, &*descriptor);
  EXPECT_TRUE(info);
  return *info;
}

TEST(FrameInfo, OfTheDependencyDescriptor) {
  const DependencyStructure current = key_svc();
  FrameInfo info = described({0xc1, 0x12, 0x34}, current, true);  // S0T0, not of a key picture
  EXPECT_TRUE(info.starts_frame && info.ends_frame && info.ends_picture);
  EXPECT_FALSE(info.key_frame || info.key_picture);
  EXPECT_TRUE(info.switch_up);

  info = described({0x82, 0, 0}, current);  // S0T1
  EXPECT_TRUE(info.starts_frame);
  EXPECT_FALSE(info.ends_frame || info.ends_picture);
  EXPECT_EQ(info.temporal_id, 1);
  EXPECT_TRUE(info.switch_up);
  EXPECT_FALSE(info.key_picture);

  info = described({0x43, 0, 0}, current);  // S1T0 of a key picture, its last packet
  EXPECT_FALSE(info.starts_frame);
  EXPECT_TRUE(info.ends_frame);
  EXPECT_EQ(info.spatial_id, 1);
  EXPECT_TRUE(info.key_picture);
  EXPECT_FALSE(info.key_frame);

  EXPECT_FALSE(described({0x04, 0, 0}, current).key_picture);
  EXPECT_FALSE(described({0x05, 0, 0}, current).key_picture);
  // Without a reference, but also without a structure: the sequence does not begin anew.
  EXPECT_TRUE(described({0x80, 0, 0}, current).key_picture);
  EXPECT_FALSE(described({0x80, 0, 0}, current).key_frame);
}

TEST(FrameInfo, TellsAKeyFrameByItsStructure) {
  DependencyDescriptor first;
  first.starts_frame = true;
  first.structure = std::make_unique<DependencyStructure>(key_svc());
  first.frame = first.structure->templates[0];
  Buffer value(255);
  value.resize(write_dependency_descriptor(value, first, nullptr));
  FrameInfo info = described(value, key_svc());
  EXPECT_TRUE(info.key_frame && info.key_picture && info.switch_up);

  // It may come with a frame that needs another, and does not make that a key frame.
  first.template_id = 1;
  first.frame = first.structure->templates[1];
  value.assign(255, 0);
  value.resize(write_dependency_descriptor(value, first, nullptr));
  info = described(value, key_svc());
  EXPECT_FALSE(info.key_frame || info.key_picture);
}

TEST(FrameInfo, TellsKeyPicturesByTheChainsOfLowerLayers) {
  const DependencyStructure current = key_svc();
  // S1T0 that refers one frame back, where its own chain but not that of S0 ended: S0 is not sent
  // any more, and this is no key picture. (Chains of its own: 9 and 1; reference 1.)
  const Buffer alone = {0x83, 0, 0, 0x08, 0x48, 0x08};
  const auto descriptor = parse_dependency_descriptor(alone, &current);
  ASSERT_TRUE(descriptor);
  ASSERT_EQ(descriptor->frame.chain_fdiffs[0], 9);
  ASSERT_EQ(descriptor->frame.chain_fdiffs[1], 1);
  EXPECT_FALSE(described(alone, current).key_picture);

  // Without chains, the distance decides.
  DependencyStructure unchained = current;
  unchained.chain_count = 0;
  EXPECT_TRUE(described({0x83, 0, 0}, unchained).key_picture);
  EXPECT_FALSE(described({0x84, 0, 0}, unchained).key_picture);
}

TEST(FrameInfo, DoesNotSwitchUpAtWhatIsMerelyRequired) {
  DependencyStructure structure = key_svc();
  structure.templates[2].dtis[1] = Dti::required;
  const FrameInfo info = described({0x82, 0, 0}, structure);
  EXPECT_FALSE(info.switch_up);
}

}  // namespace
}  // namespace liaison::rtp
