#include "rtp/packet.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rtp/extension.hpp"

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

const Buffer plain = {0x80, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe,
                      0xef, 0x01, 0x02, 0x03, 0x04, 0xaa, 0xbb};

TEST(PacketView, ReadsTheFixedHeader) {
  const auto packet = PacketView::parse(plain);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(packet->payload_type(), 96);
  EXPECT_EQ(packet->sequence(), 0x1234);
  EXPECT_EQ(packet->timestamp(), 0xdeadbeef);
  EXPECT_EQ(packet->ssrc(), 0x01020304U);
  EXPECT_EQ(packet->csrc_count(), 0U);
  EXPECT_FALSE(packet->extension());
  EXPECT_EQ(packet->header_size(), 12U);
  ASSERT_EQ(packet->payload().size(), 2U);
  EXPECT_EQ(packet->payload()[0], 0xaa);
  EXPECT_EQ(packet->payload().data(), plain.data() + 12);  // nothing is copied
  EXPECT_EQ(packet->padding_size(), 0U);
}

TEST(PacketView, ReadsSourcesExtensionAndPadding) {
  const Buffer bytes = {0xb2, 0x00, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,  // V=2 P X CC=2
                        0,    0,    0, 4, 0, 0, 0, 5,              // CSRCs
                        0xbe, 0xde, 0, 1, 1, 2, 3, 4,              // one word
                        0x77, 0,    0, 3};
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_FALSE(packet->marker());
  ASSERT_EQ(packet->csrc_count(), 2U);
  EXPECT_EQ(packet->csrc(0), 4U);
  EXPECT_EQ(packet->csrc(1), 5U);
  ASSERT_TRUE(packet->extension());
  EXPECT_EQ(packet->extension()->profile, 0xbede);
  EXPECT_EQ(packet->extension()->data.size(), 4U);
  EXPECT_EQ(packet->header_size(), 28U);
  ASSERT_EQ(packet->payload().size(), 1U);
  EXPECT_EQ(packet->payload()[0], 0x77);
  EXPECT_EQ(packet->padding_size(), 3U);

  // Cut anywhere in the header it is refused; cut in the padding the count does not fit any more.
  for (std::size_t size = 0; size < 28; ++size) {
    EXPECT_FALSE(PacketView::parse(Bytes(bytes).first(size))) << size;
  }
}

TEST(PacketView, RefusesOtherVersions) {
  for (const int version : {0, 1, 3}) {
    Buffer bytes = plain;
    bytes[0] = static_cast<std::uint8_t>(version << 6);
    EXPECT_FALSE(PacketView::parse(bytes));
  }
}

TEST(PacketView, ChecksPadding) {
  Buffer bytes = plain;
  bytes[0] |= 0x20;
  bytes.back() = 0;
  EXPECT_FALSE(PacketView::parse(bytes));
  bytes.back() = 3;
  EXPECT_FALSE(PacketView::parse(bytes));
  bytes.back() = 2;
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->payload().empty());
  bytes.resize(12);
  EXPECT_FALSE(PacketView::parse(bytes));  // the padding bit without a byte that counts
}

TEST(WriteHeader, IsReadBackWithoutExtensions) {
  Buffer out(12);
  const HeaderFields fields{.marker = true,
                            .payload_type = 111,
                            .sequence = 65535,
                            .timestamp = 0xfffffffe,
                            .ssrc = 0x80000001};
  ASSERT_EQ(write_header(out, fields), 12U);
  const auto packet = PacketView::parse(out);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker());
  EXPECT_EQ(packet->payload_type(), 111);
  EXPECT_EQ(packet->sequence(), 65535);
  EXPECT_EQ(packet->timestamp(), 0xfffffffe);
  EXPECT_EQ(packet->ssrc(), 0x80000001);
  EXPECT_FALSE(packet->extension());
  EXPECT_TRUE(packet->payload().empty());
}

std::vector<std::pair<int, Buffer>> elements_of(Bytes bytes) {
  std::vector<std::pair<int, Buffer>> found;
  const auto packet = PacketView::parse(bytes);
  if (!packet) return found;
  ExtensionReader reader(*packet);
  while (const auto element = reader.next()) {
    found.emplace_back(element->id, Buffer(element->value.begin(), element->value.end()));
  }
  return found;
}

TEST(WriteHeader, UsesTheOneByteFormWhereItCan) {
  const Buffer one = {1};
  const Buffer sixteen(16, 7);
  const std::array<ExtensionElement, 3> elements = {
      {{1, one}, {0, one /* not negotiated */}, {14, sixteen}}};
  Buffer out(64);
  const std::size_t size = write_header(out, {}, elements);
  ASSERT_EQ(size, 12U + 4 + 20);  // 2 + 17 bytes, filled up to 20
  EXPECT_EQ(load_u16(&out[12]), one_byte_profile);
  EXPECT_EQ(load_u16(&out[14]), 5);
  const auto found = elements_of(Bytes(out).first(size));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], std::make_pair(1, one));
  EXPECT_EQ(found[1], std::make_pair(14, sixteen));
}

TEST(WriteHeader, UsesTheTwoByteFormWhereItMust) {
  const Buffer empty;
  const Buffer one = {1};
  const Buffer seventeen(17, 7);
  const Buffer longest(255, 9);
  for (const auto& odd : {ExtensionElement{15, one}, ExtensionElement{255, longest},
                          ExtensionElement{3, empty}, ExtensionElement{3, seventeen}}) {
    const std::array<ExtensionElement, 2> elements = {{{1, one}, odd}};
    Buffer out(400);
    const std::size_t size = write_header(out, {}, elements);
    ASSERT_NE(size, 0U);
    EXPECT_EQ(size % 4, 0U);
    EXPECT_EQ(load_u16(&out[12]), two_byte_profile);
    const auto found = elements_of(Bytes(out).first(size));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0], std::make_pair(1, one));
    EXPECT_EQ(found[1], std::make_pair(int{odd.id}, Buffer(odd.value.begin(), odd.value.end())));
  }
}

TEST(WriteHeader, SaysWhenItDoesNotFit) {
  const Buffer value(3, 1);
  const std::array<ExtensionElement, 1> elements = {{{1, value}}};
  Buffer out(20);
  EXPECT_EQ(write_header(out, {}, elements), 20U);
  for (std::size_t size = 0; size < 20; ++size) {
    EXPECT_EQ(write_header(MutableBytes(out).first(size), {}, elements), 0U) << size;
  }
  const Buffer too_long(256, 1);
  const std::array<ExtensionElement, 1> refused = {{{1, too_long}}};
  Buffer large(600);
  EXPECT_EQ(write_header(large, {}, refused), 0U);
}

}  // namespace
}  // namespace liaison::rtp
