#include "rtcp/feedback.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace liaison::rtcp {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Sequences = std::vector<std::uint16_t>;

PacketView only(Bytes bytes) {
  const auto compound = Compound::parse(bytes);
  if (!compound) {
    ADD_FAILURE();
    return {};
  }
  return *compound->begin();
}

Sequences sequences_of(const Nack& nack) {
  Sequences sequences;
  nack.for_each([&](std::uint16_t sequence) { sequences.push_back(sequence); });
  return sequences;
}

TEST(Nack, HasTheLayoutOfTheStandard) {
  Buffer out(64);
  Writer writer(out);
  // 10 with 11 and 26 in its mask; 27 is the 17th after it and begins an item of its own.
  ASSERT_EQ(write_nack(writer, 1, 2, Sequences{10, 11, 26, 27}), 4U);
  EXPECT_EQ(Buffer(writer.written().begin(), writer.written().end()),
            (Buffer{0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0x01, 0, 27, 0, 0}));
}

TEST(Nack, RoundTripsAcrossTheWrap) {
  const Sequences sequences = {65500, 65530, 65535, 0, 1, 14, 15, 500};
  Buffer out(64);
  Writer writer(out);
  ASSERT_EQ(write_nack(writer, 1, 0xfffffffe, sequences), sequences.size());
  const auto nack = Nack::parse(only(writer.written()));
  ASSERT_TRUE(nack);
  EXPECT_EQ(nack->media_ssrc(), 0xfffffffe);
  EXPECT_EQ(sequences_of(*nack), sequences);
}

TEST(Nack, FullMaskIsSeventeen) {
  const Buffer bytes = {0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff};
  const auto nack = Nack::parse(only(bytes));
  ASSERT_TRUE(nack);
  const Sequences sequences = sequences_of(*nack);
  ASSERT_EQ(sequences.size(), 17U);
  EXPECT_EQ(sequences.front(), 65535);
  EXPECT_EQ(sequences.back(), 15);
}

TEST(Nack, WritesWhatFits) {
  Buffer out(22);  // a header and two items, and two bytes to spare
  Writer writer(out);
  EXPECT_EQ(write_nack(writer, 1, 2, Sequences{0, 16, 100, 101, 200}), 4U);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(sequences_of(*Nack::parse(only(writer.written()))), (Sequences{0, 16, 100, 101}));

  Writer full(MutableBytes(out).first(15));
  EXPECT_EQ(write_nack(full, 1, 2, Sequences{0}), 0U);
  EXPECT_EQ(full.size(), 0U);
  EXPECT_TRUE(full.ok());
  EXPECT_EQ(write_nack(writer, 1, 2, {}), 0U);
}

TEST(Nack, RefusesMalformed) {
  EXPECT_FALSE(Nack::parse(only(Buffer{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2})));
  EXPECT_FALSE(Nack::parse(only(Buffer{0x81, 205, 0, 1, 0, 0, 0, 1})));
  EXPECT_FALSE(Nack::parse(only(Buffer{0x82, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0})));
  EXPECT_FALSE(Nack::parse(only(Buffer{0x81, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0})));
  // Padding that leaves half an item.
  EXPECT_FALSE(Nack::parse(only(Buffer{0xa1, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 2})));
}

TEST(Pli, RoundTrips) {
  Buffer out(12);
  Writer writer(out);
  write_pli(writer, 1, 0xdeadbeef);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(out, (Buffer{0x81, 206, 0, 2, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef}));
  ASSERT_TRUE(parse_pli(only(out)));
  EXPECT_EQ(parse_pli(only(out))->media_ssrc, 0xdeadbeef);
  EXPECT_FALSE(parse_pli(only(Buffer{0x81, 206, 0, 1, 0, 0, 0, 1})));
  EXPECT_FALSE(parse_pli(only(Buffer{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2})));
}

TEST(Fir, RoundTrips) {
  Buffer out(20);
  Writer writer(out);
  write_fir(writer, 1, {0xdeadbeef, 7});
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(out,
            (Buffer{0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 7, 0, 0, 0}));
  const auto fir = Fir::parse(only(out));
  ASSERT_TRUE(fir);
  ASSERT_EQ(fir->size(), 1U);
  EXPECT_EQ((*fir)[0].ssrc, 0xdeadbeef);
  EXPECT_EQ((*fir)[0].sequence, 7);
  EXPECT_FALSE(Fir::parse(only(Buffer{0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0})));
  EXPECT_FALSE(Fir::parse(only(Buffer{0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1})));
}

}  // namespace
}  // namespace liaison::rtcp
