#include "rtp/dependency_descriptor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Dti = DecodeTargetIndication;

// What the specification writes as f(n), one after the other; all but 0 and 1 is for the eye.
Buffer bits(std::string_view text) {
  Buffer bytes;
  std::size_t count = 0;
  for (const char c : text) {
    if (c != '0' && c != '1') continue;
    if (count % 8 == 0) bytes.push_back(0);
    if (c == '1') bytes.back() = static_cast<std::uint8_t>(bytes.back() | 0x80 >> count % 8);
    ++count;
  }
  return bytes;
}

// "S" switch, "R" required, "D" discardable, "-" not present, as the specification draws them.
FrameDependencies frame(int spatial, int temporal, std::string_view dtis,
                        std::initializer_list<int> fdiffs, std::initializer_list<int> chains) {
  FrameDependencies made;
  made.spatial_id = static_cast<std::uint8_t>(spatial);
  made.temporal_id = static_cast<std::uint8_t>(temporal);
  for (std::size_t i = 0; i < dtis.size(); ++i)
    made.dtis[i] = static_cast<Dti>(std::string_view("-DSR").find(dtis[i]));
  for (const int fdiff : fdiffs)
    made.fdiffs[made.fdiff_count++] = static_cast<std::uint16_t>(fdiff);
  std::size_t chain = 0;
  for (const int fdiff : chains) made.chain_fdiffs[chain++] = static_cast<std::uint8_t>(fdiff);
  return made;
}

DependencyStructure structure_of(int targets, std::initializer_list<int> protected_by,
                                 std::initializer_list<FrameDependencies> templates) {
  DependencyStructure made;
  made.decode_target_count = static_cast<std::uint8_t>(targets);
  for (std::size_t i = 0; const int chain : protected_by) {
    made.protected_by[i++] = static_cast<std::uint8_t>(chain);
    made.chain_count = std::max(made.chain_count, static_cast<std::uint8_t>(chain + 1));
  }
  for (const FrameDependencies& one : templates) made.templates[made.template_count++] = one;
  made.find_decode_target_layers();
  return made;
}

// The three below are those of libwebrtc for its modes of these names.
DependencyStructure l1t2() {
  return structure_of(
      2, {0, 0},
      {frame(0, 0, "SS", {}, {0}), frame(0, 0, "SS", {2}, {2}), frame(0, 1, "-D", {1}, {1})});
}

DependencyStructure l1t3() {
  return structure_of(
      3, {0, 0, 0},
      {frame(0, 0, "SSS", {}, {0}), frame(0, 0, "SSS", {4}, {4}), frame(0, 1, "-DS", {2}, {2}),
       frame(0, 2, "--D", {1}, {1}), frame(0, 2, "--D", {1}, {3})});
}

DependencyStructure l3t3_key() {
  return structure_of(
      9, {0, 0, 0, 1, 1, 1, 2, 2, 2},
      {frame(0, 0, "SSSSSSSSS", {}, {0, 0, 0}), frame(0, 0, "SSS------", {12}, {12, 11, 10}),
       frame(0, 1, "-DS------", {6}, {6, 5, 4}), frame(0, 2, "--D------", {3}, {3, 2, 1}),
       frame(0, 2, "--D------", {3}, {9, 8, 7}), frame(1, 0, "---SSSSSS", {1}, {1, 1, 1}),
       frame(1, 0, "---SSS---", {12}, {1, 12, 11}), frame(1, 1, "----DS---", {6}, {7, 6, 5}),
       frame(1, 2, "-----D---", {3}, {4, 3, 2}), frame(1, 2, "-----D---", {3}, {10, 9, 8}),
       frame(2, 0, "------SSS", {1}, {2, 1, 1}), frame(2, 0, "------SSS", {12}, {2, 1, 12}),
       frame(2, 1, "-------DS", {6}, {8, 7, 6}), frame(2, 2, "--------D", {3}, {5, 4, 3}),
       frame(2, 2, "--------D", {3}, {11, 10, 9})});
}

DependencyDescriptor descriptor_of(const DependencyStructure& structure, std::uint8_t template_id,
                                   bool with_structure) {
  DependencyDescriptor descriptor;
  descriptor.starts_frame = true;
  descriptor.ends_frame = true;
  descriptor.template_id = template_id;
  descriptor.frame_number = 0x1234;
  const FrameDependencies* one = structure.find(template_id);
  if (one != nullptr) descriptor.frame = *one;
  if (with_structure) descriptor.structure = std::make_unique<DependencyStructure>(structure);
  return descriptor;
}

Buffer written(const DependencyDescriptor& descriptor, const DependencyStructure* current) {
  Buffer out(255, 0xff);
  out.resize(write_dependency_descriptor(out, descriptor, current));
  return out;
}

const Buffer l1t2_bytes = bits(
    "1 1 000000 0000000000000001"
    "1 0 0 0 0"                              // a structure, nothing else
    "000000 00001"                           // two decode targets
    "00 01 11"                               // two templates of layer 0, one of temporal layer 1
    "10 10  10 10  00 01"                    // SS SS -D
    "0  1 0001 0  1 0000 0"                  // none, 2, 1
    "10"                                     // one chain of at most two
    "0000 0010 0001"                         // which protects both; 0, 2, 1
    "1 0000001001111111 0000000101100111");  // 640 x 360

TEST(DependencyDescriptor, ReadsAStructureBitByBit) {
  const auto descriptor = parse_dependency_descriptor(l1t2_bytes, nullptr);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->starts_frame);
  EXPECT_TRUE(descriptor->ends_frame);
  EXPECT_EQ(descriptor->frame_number, 1);
  ASSERT_TRUE(descriptor->structure);
  DependencyStructure expected = l1t2();
  expected.resolution_count = 1;
  expected.resolutions[0] = {640, 360};
  EXPECT_EQ(*descriptor->structure, expected);
  EXPECT_EQ(descriptor->structure->decode_targets[0], (DependencyStructure::Layer{0, 0}));
  EXPECT_EQ(descriptor->structure->decode_targets[1], (DependencyStructure::Layer{0, 1}));
  EXPECT_EQ(descriptor->frame, expected.templates[0]);
  EXPECT_EQ(descriptor->active_decode_targets, 0x3U);
  EXPECT_EQ(written(*descriptor, nullptr), l1t2_bytes);
}

TEST(DependencyDescriptor, ReadsFramesOfTheCurrentStructure) {
  const DependencyStructure current = l1t2();
  // The three mandatory bytes: the frame is as its template.
  const Buffer plain = bits("0 1 000010 1111111111111111");
  auto descriptor = parse_dependency_descriptor(plain, &current);
  ASSERT_TRUE(descriptor);
  EXPECT_FALSE(descriptor->starts_frame);
  EXPECT_TRUE(descriptor->ends_frame);
  EXPECT_EQ(descriptor->frame_number, 0xffff);
  EXPECT_EQ(descriptor->frame, current.templates[2]);
  EXPECT_FALSE(descriptor->active_decode_targets);
  EXPECT_FALSE(descriptor->structure);
  EXPECT_EQ(written(*descriptor, &current), plain);

  // Everything of its own: decode target 0 alone is active; indications "DR"; references 1, 17 and
  // 4,096 frames back; the chain goes on from 200 frames back.
  const Buffer custom = bits(
      "1 0 000001 0000000000000011  0 1 1 1 1  01  01 11"
      "01 0000  10 00010000  11 111111111111  00  11001000");
  descriptor = parse_dependency_descriptor(custom, &current);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->active_decode_targets, 0x1U);
  EXPECT_EQ(descriptor->frame, frame(0, 0, "DR", {1, 17, 4096}, {200}));
  EXPECT_EQ(written(*descriptor, &current), custom);

  // No references at all, where the template has one.
  const Buffer none = bits("1 1 000001 0000000000000100  0 0 0 1 0  00");
  descriptor = parse_dependency_descriptor(none, &current);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->frame, frame(0, 0, "SS", {}, {2}));
  EXPECT_EQ(written(*descriptor, &current), none);
}

TEST(DependencyDescriptor, ReadsTheStructuresOfBrowsers) {
  std::uint8_t offset = 0;
  for (DependencyStructure structure : {l1t2(), l1t3(), l3t3_key()}) {
    offset = static_cast<std::uint8_t>((offset + 31) % 64);
    structure.template_id_offset = offset;  // the ids of the second go round
    for (std::uint8_t i = 0; i < structure.template_count; ++i) {
      const auto id = static_cast<std::uint8_t>((structure.template_id_offset + i) % 64);
      const auto descriptor = parse_dependency_descriptor(
          written(descriptor_of(structure, id, true), nullptr), nullptr);
      ASSERT_TRUE(descriptor);
      EXPECT_EQ(descriptor->template_id, id);
      EXPECT_EQ(*descriptor->structure, structure);
      EXPECT_EQ(descriptor->frame, structure.templates[i]);

      const Buffer plain = written(descriptor_of(structure, id, false), &structure);
      EXPECT_EQ(plain.size(), 3U);
      EXPECT_EQ(parse_dependency_descriptor(plain, &structure)->frame, structure.templates[i]);
    }
  }
  const DependencyStructure key = l3t3_key();
  for (std::uint8_t target = 0; target < 9; ++target) {
    EXPECT_EQ(key.decode_targets[target].spatial_id, target / 3);
    EXPECT_EQ(key.decode_targets[target].temporal_id, target % 3);
  }
}

TEST(DependencyDescriptor, WritesLayersAndChainsBitByBit) {
  // Two spatial layers of one temporal layer, under the ids 63 and 0; two targets, two chains: in
  // ns(3) two are "11", and of two chains each is named in one bit.
  DependencyStructure structure =
      structure_of(2, {0, 1}, {frame(0, 0, "SS", {}, {0, 0}), frame(1, 0, "-R", {1, 16}, {1, 15})});
  structure.template_id_offset = 63;
  structure.resolution_count = 2;
  structure.resolutions = {{{1, 1}, {65'536, 256}}};
  const Buffer expected = bits(
      "1 1 000000 0001001000110100  1 0 0 0 0  111111 00001  10 11  10 10 00 11"
      "0  1 0000 1 1111 0  11  0 1  0000 0000  0001 1111"
      "1 0000000000000000 0000000000000000  1111111111111111 0000000011111111");
  EXPECT_EQ(written(descriptor_of(structure, 0, true), nullptr), expected);
  const auto descriptor = parse_dependency_descriptor(expected, nullptr);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(*descriptor->structure, structure);
  EXPECT_EQ(descriptor->frame, structure.templates[1]);
}

TEST(DependencyDescriptor, SaysWhichDecodeTargetsAStructureBeginsWith) {
  DependencyDescriptor descriptor = descriptor_of(l1t3(), 0, true);
  const Buffer all = written(descriptor, nullptr);
  descriptor.active_decode_targets = 0x7;
  EXPECT_EQ(written(descriptor, nullptr), all);
  descriptor.active_decode_targets = 0x3;
  EXPECT_EQ(
      parse_dependency_descriptor(written(descriptor, nullptr), nullptr)->active_decode_targets,
      0x3U);
}

TEST(DependencyDescriptor, RefusesWhatItCannotKnow) {
  const DependencyStructure current = l1t2();
  EXPECT_FALSE(parse_dependency_descriptor(bits("1 1 000000 0000000000000001"), nullptr));
  EXPECT_FALSE(parse_dependency_descriptor(bits("1 1 000011 0000000000000001"), &current));
  EXPECT_FALSE(parse_dependency_descriptor(bits("1 1 111111 0000000000000001"), &current));
  DependencyStructure moved = current;
  moved.template_id_offset = 3;
  EXPECT_FALSE(parse_dependency_descriptor(bits("1 1 000010 0000000000000001"), &moved));
  EXPECT_TRUE(parse_dependency_descriptor(bits("1 1 000101 0000000000000001"), &moved));
}

TEST(DependencyDescriptor, RefusesWhatIsCutOff) {
  // The last byte of this has padding only in its end.
  for (std::size_t size = 0; size < l1t2_bytes.size(); ++size)
    EXPECT_FALSE(parse_dependency_descriptor(Bytes(l1t2_bytes).first(size), nullptr)) << size;
  const DependencyStructure current = l1t2();
  for (std::size_t size = 0; size < 3; ++size)
    EXPECT_FALSE(parse_dependency_descriptor(Bytes(l1t2_bytes).first(size), &current)) << size;
}

TEST(DependencyDescriptor, KeepsToItsLimits) {
  // 64 templates, and one more.
  std::string text = "1 1 000000 0000000000000001  1 0 0 0 0  000000 00000 ";
  for (int i = 0; i < 63; ++i) text += "00";
  std::string most = text + "11";
  for (int i = 0; i < 64; ++i) most += "10";
  most += std::string(64, '0') + "0 0";
  const auto descriptor = parse_dependency_descriptor(bits(most), nullptr);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->structure->template_count, 64);
  EXPECT_EQ(written(*descriptor, nullptr), bits(most));
  EXPECT_FALSE(parse_dependency_descriptor(bits(text + "00 11" + std::string(300, '0')), nullptr));

  // Eight temporal layers and four spatial ones, and one more of each.
  const std::string begin = "1 1 000000 0000000000000001  1 0 0 0 0  000000 00000 ";
  const std::string rest(200, '0');
  EXPECT_TRUE(parse_dependency_descriptor(bits(begin + "01010101010101 11" + rest), nullptr));
  EXPECT_FALSE(parse_dependency_descriptor(bits(begin + "0101010101010101 11" + rest), nullptr));
  EXPECT_TRUE(parse_dependency_descriptor(bits(begin + "101010 11" + rest), nullptr));
  EXPECT_FALSE(parse_dependency_descriptor(bits(begin + "10101010 11" + rest), nullptr));

  // Eight references and nine, of a template and of a frame.
  std::string references;
  for (int i = 0; i < 8; ++i) references += "1 0011 ";
  EXPECT_TRUE(
      parse_dependency_descriptor(bits(begin + "11 10 " + references + "0 0 0" + rest), nullptr));
  EXPECT_FALSE(parse_dependency_descriptor(
      bits(begin + "11 10 " + references + "1 0011 0 0 0" + rest), nullptr));
  const DependencyStructure current = l1t2();
  std::string own = "1 1 000001 0000000000000001  0 0 0 1 0 ";
  for (int i = 0; i < 8; ++i) own += "01 0011 ";
  EXPECT_EQ(parse_dependency_descriptor(bits(own + "00"), &current)->frame.fdiff_count, 8);
  EXPECT_FALSE(parse_dependency_descriptor(bits(own + "01 0011 00"), &current));
}

TEST(DependencyDescriptor, ReadsAsManyDecodeTargetsAndChainsAsThereCanBe) {
  DependencyStructure structure =
      structure_of(32, {}, {frame(0, 0, "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS", {}, {})});
  structure.chain_count = 32;
  for (std::uint8_t i = 0; i < 32; ++i) {
    structure.protected_by[i] = 31 - i;
    structure.templates[0].chain_fdiffs[i] = i % 16;
  }
  DependencyDescriptor descriptor = descriptor_of(structure, 0, true);
  descriptor.frame.chain_fdiffs[31] = 255;
  const auto again = parse_dependency_descriptor(written(descriptor, nullptr), nullptr);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->structure, structure);
  EXPECT_EQ(again->frame, descriptor.frame);
  EXPECT_EQ(again->active_decode_targets, 0xffffffffU);
}

TEST(DependencyDescriptor, WritesNothingThatIsNotOne) {
  Buffer out(255);
  const DependencyStructure current = l1t2();
  EXPECT_EQ(write_dependency_descriptor(out, descriptor_of(current, 3, false), &current), 0U);
  EXPECT_EQ(write_dependency_descriptor(out, descriptor_of(current, 0, false), nullptr), 0U);
  DependencyDescriptor descriptor = descriptor_of(current, 0, false);
  descriptor.frame.temporal_id = 1;  // not the layer of its template
  EXPECT_EQ(write_dependency_descriptor(out, descriptor, &current), 0U);
  descriptor = descriptor_of(current, 0, false);
  descriptor.frame.fdiffs[descriptor.frame.fdiff_count++] = 4097;
  EXPECT_EQ(write_dependency_descriptor(out, descriptor, &current), 0U);
  for (std::size_t size = 0; size < l1t2_bytes.size(); ++size) {
    const auto whole = parse_dependency_descriptor(l1t2_bytes, nullptr);
    EXPECT_EQ(write_dependency_descriptor(MutableBytes(out).first(size), *whole, nullptr), 0U);
  }

  const auto refused = [&](auto&& spoil) {
    DependencyStructure structure = l3t3_key();
    spoil(structure);
    const DependencyDescriptor spoilt = descriptor_of(structure, 0, true);
    return write_dependency_descriptor(out, spoilt, nullptr) == 0;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& one) { one.template_id_offset = 64; }));
  EXPECT_TRUE(refused([](auto& one) { one.chain_count = 10; }));  // more than decode targets
  EXPECT_TRUE(refused([](auto& one) { one.resolution_count = 2; }));
  EXPECT_TRUE(refused([](auto& one) { one.templates[14].spatial_id = 1; }));  // out of order
  EXPECT_TRUE(refused([](auto& one) { one.templates[1].fdiffs[0] = 17; }));
  EXPECT_TRUE(refused([](auto& one) { one.templates[1].chain_fdiffs[0] = 16; }));
}

TEST(DependencyDescriptor, FindsTheNearestTemplate) {
  DependencyStructure structure = l3t3_key();
  structure.template_id_offset = 60;
  EXPECT_EQ(structure.nearest(frame(0, 0, "SSSSSSSSS", {}, {0, 0, 0})), 60);
  EXPECT_EQ(structure.nearest(frame(0, 0, "SSS------", {12}, {12, 11, 10})), 61);
  // Only its chains are others: of the two templates of its layer, that with its references.
  EXPECT_EQ(structure.nearest(frame(0, 0, "SSS------", {12}, {24, 23, 22})), 61);
  EXPECT_EQ(structure.nearest(frame(2, 2, "--------D", {3}, {11, 10, 9})), 10);
  EXPECT_FALSE(structure.nearest(frame(3, 0, "", {}, {})));
}

}  // namespace
}  // namespace liaison::rtp
