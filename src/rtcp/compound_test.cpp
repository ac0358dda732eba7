#include "rtcp/compound.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rtcp/feedback.hpp"
#include "rtcp/report.hpp"

namespace liaison::rtcp {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(Compound, GivesEachPacketOnce) {
  Buffer out(200);
  Writer writer(out);
  write_receiver_report(writer, 1, {});
  write_cname(writer, 1, "abc");
  write_pli(writer, 1, 2);
  const auto compound = Compound::parse(writer.written());
  ASSERT_TRUE(compound);
  std::vector<PacketType> types;
  for (const PacketView& packet : *compound) types.push_back(packet.type);
  EXPECT_EQ(types, (std::vector{PacketType::receiver_report, PacketType::source_description,
                                PacketType::payload_feedback}));

  // Cut anywhere but between packets it is no compound.
  for (std::size_t size = 0; size < writer.size(); ++size) {
    const bool whole = size == 8 || size == 24;
    EXPECT_EQ(Compound::parse(Bytes(out).first(size)).has_value(), whole) << size;
  }
}

TEST(Compound, TakesReducedSizeAndUnknownTypes) {
  const Buffer bytes = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,  // PLI alone
                        0x9f, 210, 0, 0};                         // a type nobody has
  const auto compound = Compound::parse(bytes);
  ASSERT_TRUE(compound);
  auto at = compound->begin();
  EXPECT_EQ((*at).type, PacketType::payload_feedback);
  EXPECT_EQ((*at).count, 1);
  EXPECT_EQ((*at).body.size(), 8U);
  ++at;
  EXPECT_EQ(static_cast<int>((*at).type), 210);
  EXPECT_EQ((*at).count, 31);
  EXPECT_TRUE((*at).body.empty());
  ++at;
  EXPECT_EQ(at, compound->end());
}

TEST(Compound, RefusesOtherVersions) {
  EXPECT_FALSE(Compound::parse(Buffer{0x40, 200, 0, 0}));
  EXPECT_FALSE(Compound::parse(Buffer{0x80, 201, 0, 0, 0x00, 201, 0, 0}));
  EXPECT_FALSE(Compound::parse({}));
}

TEST(Compound, TakesOffPadding) {
  Buffer bytes = {0xa0, 203, 0, 2, 9, 9, 9, 9, 0, 0, 0, 4};
  EXPECT_EQ((*Compound::parse(bytes)->begin()).body.size(), 4U);
  bytes.back() = 8;
  EXPECT_TRUE((*Compound::parse(bytes)->begin()).body.empty());
  bytes.back() = 9;
  EXPECT_FALSE(Compound::parse(bytes));
  bytes.back() = 0;
  EXPECT_FALSE(Compound::parse(bytes));
  // Padding in a packet without a body: the count would be its own length field.
  EXPECT_FALSE(Compound::parse(Buffer{0xa0, 203, 0, 0}));
  // Within a compound too, as libwebrtc sends it.
  EXPECT_TRUE(Compound::parse(Buffer{0xa0, 203, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 0}));
}

}  // namespace
}  // namespace liaison::rtcp
