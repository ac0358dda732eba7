#include "rtp/extension.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Found = std::vector<std::pair<int, Buffer>>;

// A packet with this extension block, filled up with zeros to whole words.
Buffer packet_with(std::uint16_t profile, Buffer data) {
  data.resize((data.size() + 3) / 4 * 4);
  Buffer bytes = {0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  bytes.push_back(static_cast<std::uint8_t>(profile >> 8));
  bytes.push_back(static_cast<std::uint8_t>(profile));
  bytes.push_back(0);
  bytes.push_back(static_cast<std::uint8_t>(data.size() / 4));
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Found read(std::uint16_t profile, const Buffer& data) {
  const Buffer bytes = packet_with(profile, data);
  Found found;
  const auto packet = PacketView::parse(bytes);
  if (!packet) {
    ADD_FAILURE();
    return found;
  }
  ExtensionReader reader(*packet);
  while (const auto element = reader.next()) {
    found.emplace_back(element->id, Buffer(element->value.begin(), element->value.end()));
  }
  EXPECT_FALSE(reader.next());  // the end stays the end
  return found;
}

TEST(ExtensionReader, ReadsTheOneByteForm) {
  // The example of RFC 8285 section 4.2: three elements, padding between and after.
  EXPECT_EQ(read(0xbede, {0x10, 0xaa, 0x21, 0xbb, 0xbc, 0, 0, 0x33, 1, 2, 3, 4}),
            (Found{{1, {0xaa}}, {2, {0xbb, 0xbc}}, {3, {1, 2, 3, 4}}}));
  EXPECT_EQ(read(0xbede, {}), Found{});
  EXPECT_EQ(read(0xbede, {0, 0, 0, 0}), Found{});
}

TEST(ExtensionReader, StopsWhereTheOneByteFormEnds) {
  // Id 15: what came before it counts, what follows does not.
  EXPECT_EQ(read(0xbede, {0x10, 0xaa, 0xf0, 0xcc, 0x20, 0xbb}), (Found{{1, {0xaa}}}));
  // Id 0 with a length.
  EXPECT_EQ(read(0xbede, {0x10, 0xaa, 0x01, 0xcc, 0x20, 0xbb}), (Found{{1, {0xaa}}}));
  // A value that reaches beyond the block.
  EXPECT_EQ(read(0xbede, {0x10, 0xaa, 0x22, 0xbb}), (Found{{1, {0xaa}}}));
}

TEST(ExtensionReader, ReadsTheTwoByteForm) {
  // The example of RFC 8285 section 4.3: an empty element, padding, ids and sizes of 8 bits.
  const Found expected = {{1, {}}, {2, {0xbb}}, {200, {1, 2, 3, 4}}};
  const Buffer data = {1, 0, 2, 1, 0xbb, 0, 200, 4, 1, 2, 3, 4};
  EXPECT_EQ(read(0x1000, data), expected);
  EXPECT_EQ(read(0x100f, data), expected);                                     // application bits
  EXPECT_EQ(read(0x1000, {1, 1, 0xaa, 2, 9, 1, 1, 1}), (Found{{1, {0xaa}}}));  // too long
  EXPECT_EQ(read(0x1000, {1, 1, 0xaa, 2}), (Found{{1, {0xaa}}}));              // no length
}

TEST(ExtensionReader, KnowsNoOtherProfile) {
  EXPECT_EQ(read(0xabcd, {0x10, 0xaa, 0, 0}), Found{});
  EXPECT_EQ(read(0x1010, {1, 1, 0xaa, 0}), Found{});
}

TEST(FindExtension, TakesTheFirstWithTheId) {
  const Buffer bytes = packet_with(0xbede, {0x10, 0xaa, 0x20, 0xbb, 0x20, 0xcc});
  const auto packet = PacketView::parse(bytes);
  ASSERT_TRUE(packet);
  ASSERT_TRUE(find_extension(*packet, 2));
  EXPECT_EQ((*find_extension(*packet, 2))[0], 0xbb);
  EXPECT_FALSE(find_extension(*packet, 3));
  EXPECT_FALSE(find_extension(*packet, 0));
  const Buffer bare = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_FALSE(find_extension(*PacketView::parse(bare), 1));
}

TEST(AudioLevel, RoundTrips) {
  for (const AudioLevel level :
       {AudioLevel{0, true}, AudioLevel{127, false}, AudioLevel{42, true}}) {
    EXPECT_EQ(read_audio_level(write_audio_level(level)), level);
  }
  EXPECT_EQ(read_audio_level(Buffer{0xb0}), (AudioLevel{48, true}));
  EXPECT_FALSE(read_audio_level({}));
  EXPECT_FALSE(read_audio_level(Buffer{1, 2}));
}

TEST(TransportSequence, RoundTrips) {
  EXPECT_EQ(read_transport_sequence(write_transport_sequence(0xfe01)), 0xfe01);
  EXPECT_FALSE(read_transport_sequence(Buffer{1}));
  EXPECT_FALSE(read_transport_sequence(Buffer{1, 2, 3, 4}));
}

TEST(AbsSendTime, IsFixedPointSecondsThatGoRound) {
  const auto at = [](Duration since) { return write_abs_send_time(Instant(since)); };
  EXPECT_EQ(at(seconds(1)), (std::array<std::uint8_t, 3>{0x04, 0, 0}));
  EXPECT_EQ(at(milliseconds(500)), (std::array<std::uint8_t, 3>{0x02, 0, 0}));
  EXPECT_EQ(at(seconds(64)), at(seconds(0)));
  EXPECT_EQ(read_abs_send_time(at(milliseconds(63'250))), milliseconds(63'250));
  EXPECT_EQ(read_abs_send_time(at(hours(1000) + seconds(3))),
            (hours(1000) + seconds(3)) % seconds(64));
  EXPECT_FALSE(read_abs_send_time(Buffer{1, 2}));
}

TEST(SdesText, IsVisibleAscii) {
  EXPECT_EQ(read_sdes_text(as_bytes("mid-0")), "mid-0");
  EXPECT_EQ(read_sdes_text(Buffer{'h', 0, 0}), "h");
  EXPECT_FALSE(read_sdes_text({}));
  EXPECT_FALSE(read_sdes_text(Buffer{0}));
  EXPECT_FALSE(read_sdes_text(as_bytes("a b")));
  EXPECT_FALSE(read_sdes_text(as_bytes("\xc3\xa9")));
  EXPECT_FALSE(read_sdes_text(Buffer{'a', 0, 'b'}));
}

}  // namespace
}  // namespace liaison::rtp
