#include "rtp/vp9.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(Vp9, ReadsLayersInNonFlexibleMode) {
  // I P L B E, 15-bit picture id, TID 2 U SID 1 D, TL0PICIDX.
  const Buffer payload = {0xec, 0x81, 0x02, 0x53, 0x07, 0xaa};
  const auto descriptor = parse_vp9(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->starts_frame);
  EXPECT_TRUE(descriptor->ends_frame);
  EXPECT_TRUE(descriptor->inter_predicted);
  EXPECT_FALSE(descriptor->flexible);
  EXPECT_EQ(descriptor->picture_id, 0x102);
  EXPECT_TRUE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id_offset, 1);
  EXPECT_EQ(descriptor->tl0_index, 7);
  EXPECT_EQ(descriptor->tl0_index_offset, 4);
  EXPECT_EQ(descriptor->temporal_id, 2);
  EXPECT_TRUE(descriptor->switching_up);
  EXPECT_EQ(descriptor->spatial_id, 1);
  EXPECT_TRUE(descriptor->inter_layer);
  EXPECT_EQ(descriptor->size, 5U);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(parse_vp9(Bytes(payload).first(size))) << size;
  }
}

TEST(Vp9, TellsKeyFrames) {
  EXPECT_TRUE(parse_vp9(Buffer{0x08, 0})->key_frame());            // B
  EXPECT_FALSE(parse_vp9(Buffer{0x48, 0})->key_frame());           // P
  EXPECT_FALSE(parse_vp9(Buffer{0x00, 0})->key_frame());           // not the first packet
  EXPECT_TRUE(parse_vp9(Buffer{0x28, 0x00, 0, 0})->key_frame());   // SID 0
  EXPECT_FALSE(parse_vp9(Buffer{0x28, 0x02, 0, 0})->key_frame());  // SID 1 of the same picture
  const auto descriptor = parse_vp9(Buffer{0x88, 0x7f, 0});
  EXPECT_EQ(descriptor->picture_id, 0x7f);
  EXPECT_FALSE(descriptor->long_picture_id);  // 7 bits
  EXPECT_EQ(descriptor->picture_id_offset, 1);
  EXPECT_EQ(descriptor->tl0_index_offset, 0);
}

TEST(Vp9, ReadsFlexibleReferences) {
  // F P with one, three and four references; there is no TL0PICIDX in flexible mode.
  EXPECT_EQ(parse_vp9(Buffer{0x58, 0x02, 0xaa})->size, 2U);
  EXPECT_EQ(parse_vp9(Buffer{0x58, 0x03, 0x05, 0x06, 0xaa})->size, 4U);
  EXPECT_FALSE(parse_vp9(Buffer{0x58, 0x03, 0x05, 0x07, 0x08, 0xaa}));
  EXPECT_EQ(parse_vp9(Buffer{0x38, 0x00, 0xaa})->size, 2U);
  EXPECT_TRUE(parse_vp9(Buffer{0x38, 0x00, 0xaa})->flexible);
  EXPECT_FALSE(parse_vp9(Buffer{0x38, 0x00, 0xaa})->tl0_index);
  EXPECT_FALSE(parse_vp9(Buffer{0x38, 0x00, 0xaa})->picture_id);
}

TEST(Vp9, ReadsPastTheScalabilityStructure) {
  // V: two layers with sizes, two pictures with one and three references.
  Buffer payload = {0x0a, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0x04, 1, 0x0c, 1, 2, 3, 0xaa};
  const auto descriptor = parse_vp9(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->size, payload.size() - 1);
  EXPECT_TRUE(descriptor->key_frame());
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(parse_vp9(Bytes(payload).first(size))) << size;
  }
  EXPECT_EQ(parse_vp9(Buffer{0x0a, 0x00, 0xaa})->size, 2U);  // neither sizes nor pictures
}

}  // namespace
}  // namespace liaison::rtp
