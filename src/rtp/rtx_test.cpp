#include "rtp/rtx.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(Rtx, GivesBackThePacketThatWasWrapped) {
  const Buffer mid = {'3'};
  const Buffer payload = {1, 2, 3, 4, 5};
  const std::array<ExtensionElement, 1> elements = {{{4, mid}}};
  const HeaderFields original{
      .marker = true, .payload_type = 96, .sequence = 1000, .timestamp = 90'000, .ssrc = 11};
  Buffer expected(64);
  std::size_t size = write_header(expected, original, elements);
  std::copy(payload.begin(), payload.end(), expected.begin() + static_cast<long>(size));
  expected.resize(size + payload.size());

  HeaderFields fields = original;
  fields.payload_type = 97;
  fields.sequence = 7;
  fields.ssrc = 12;
  Buffer packet(64);
  size = write_header(packet, fields, elements);
  size += write_rtx_payload(MutableBytes(packet).subspan(size), original.sequence, payload);
  packet.resize(size);

  const auto view = PacketView::parse(packet);
  ASSERT_TRUE(view);
  const auto restored = unwrap_rtx(packet, *view, 96, 11);
  ASSERT_TRUE(restored);
  packet.resize(*restored);
  EXPECT_EQ(packet, expected);
}

TEST(Rtx, KeepsPaddingAndEmptyOriginals) {
  // An OSN, no original payload, two bytes of padding.
  Buffer packet = {0xa0, 97, 0, 7, 0, 0, 0, 1, 0, 0, 0, 12, 0x03, 0xe8, 0, 2};
  const auto restored = unwrap_rtx(packet, *PacketView::parse(packet), 96, 11);
  ASSERT_EQ(restored, 14U);
  const auto view = PacketView::parse(Bytes(packet).first(*restored));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->sequence(), 1000);
  EXPECT_EQ(view->padding_size(), 2U);
  EXPECT_TRUE(view->payload().empty());
}

TEST(Rtx, RefusesPayloadsWithoutANumber) {
  Buffer probe = {0xa0, 97, 0, 7, 0, 0, 0, 1, 0, 0, 0, 12, 0, 0, 3};
  const Buffer before = probe;
  EXPECT_FALSE(unwrap_rtx(probe, *PacketView::parse(probe), 96, 11));
  Buffer half = {0x80, 97, 0, 7, 0, 0, 0, 1, 0, 0, 0, 12, 3};
  EXPECT_FALSE(unwrap_rtx(half, *PacketView::parse(half), 96, 11));
  EXPECT_EQ(probe, before);  // what is refused is left as it was
}

TEST(Rtx, SaysWhenItDoesNotFit) {
  Buffer out(4);
  EXPECT_EQ(write_rtx_payload(out, 1, Buffer{1, 2}), 4U);
  EXPECT_EQ(write_rtx_payload(out, 1, Buffer{1, 2, 3}), 0U);
}

}  // namespace
}  // namespace liaison::rtp
