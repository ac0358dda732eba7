#include "rtp/vp8.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(Vp8, ReadsTheShortDescriptor) {
  const auto key = parse_vp8(Buffer{0x10, 0x00});
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->starts_frame);
  EXPECT_TRUE(key->key_frame);
  EXPECT_EQ(key->size, 1);
  EXPECT_EQ(key->picture_id_offset, 0);
  EXPECT_EQ(key->tl0_index_offset, 0);
  EXPECT_EQ(key->key_index_offset, 0);

  EXPECT_FALSE(parse_vp8(Buffer{0x10, 0x01})->key_frame);  // P bit of the VP8 header
  EXPECT_FALSE(parse_vp8(Buffer{0x00, 0x00})->key_frame);  // goes on with a partition
  const auto second = parse_vp8(Buffer{0x11, 0x00});       // starts another partition
  EXPECT_FALSE(second->starts_frame);
  EXPECT_FALSE(second->key_frame);
}

TEST(Vp8, ReadsTheLongDescriptor) {
  // X N S, I L T K, 15-bit picture id 0x1234, TL0PICIDX 0x56, TID 2 Y KEYIDX 7.
  const Buffer payload = {0xb0, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x00};
  const auto descriptor = parse_vp8(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->key_frame);
  EXPECT_TRUE(descriptor->long_picture_id);
  EXPECT_EQ(descriptor->picture_id, 0x1234);
  EXPECT_EQ(descriptor->picture_id_offset, 2);
  EXPECT_EQ(descriptor->tl0_index, 0x56);
  EXPECT_EQ(descriptor->tl0_index_offset, 4);
  EXPECT_EQ(descriptor->temporal_id, 2);
  EXPECT_TRUE(descriptor->layer_sync);
  EXPECT_EQ(descriptor->key_index, 7);
  EXPECT_EQ(descriptor->key_index_offset, 5);
  EXPECT_EQ(descriptor->size, 6);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(parse_vp8(Bytes(payload).first(size))) << size;
  }
}

TEST(Vp8, ReadsEachOptionalFieldAlone) {
  const auto short_id = parse_vp8(Buffer{0x90, 0x80, 0x7f, 0x00});
  EXPECT_FALSE(short_id->long_picture_id);
  EXPECT_EQ(short_id->picture_id, 0x7f);
  EXPECT_EQ(short_id->size, 3);
  const auto tl0 = parse_vp8(Buffer{0x90, 0x40, 9, 0x00});
  EXPECT_EQ(tl0->picture_id_offset, 0);
  EXPECT_EQ(tl0->tl0_index_offset, 2);
  EXPECT_EQ(tl0->tl0_index, 9);
  const auto temporal = parse_vp8(Buffer{0x90, 0x20, 0x7f, 0x00});
  EXPECT_EQ(temporal->temporal_id, 1);
  EXPECT_EQ(temporal->key_index_offset, 0);  // K is 0: the 5 bits mean nothing
  EXPECT_EQ(temporal->key_index, 0);
  const auto key_index = parse_vp8(Buffer{0x90, 0x10, 0xff, 0x00});
  EXPECT_EQ(key_index->temporal_id, 0);
  EXPECT_FALSE(key_index->layer_sync);
  EXPECT_EQ(key_index->key_index, 31);
}

TEST(Vp8, RewritesWhatIsThere) {
  Buffer payload = {0x90, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x00};
  rewrite_vp8(payload, *parse_vp8(payload), 0x7fff, 0xee);
  EXPECT_EQ(payload, (Buffer{0x90, 0xf0, 0xff, 0xff, 0xee, 0xa7, 0x00}));
  rewrite_vp8(payload, *parse_vp8(payload), 5, 1);
  EXPECT_EQ(payload, (Buffer{0x90, 0xf0, 0x80, 0x05, 0x01, 0xa7, 0x00}));
  EXPECT_EQ(parse_vp8(payload)->picture_id, 5);

  Buffer narrow = {0x90, 0x80, 0x00, 0x00};
  rewrite_vp8(narrow, *parse_vp8(narrow), 0x181, 0xee);
  EXPECT_EQ(narrow, (Buffer{0x90, 0x80, 0x01, 0x00}));

  Buffer bare = {0x10, 0x00};
  rewrite_vp8(bare, *parse_vp8(bare), 1, 1);
  EXPECT_EQ(bare, (Buffer{0x10, 0x00}));
}

}  // namespace
}  // namespace liaison::rtp
