#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <array>

namespace liaison {
namespace {

TEST(Writer, WritesBigEndianAndReaderReadsIt) {
  std::array<std::uint8_t, 21> buffer{};
  Writer writer(buffer);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090a);
  writer.u64(0x0b0c0d0e0f101112);
  writer.bytes(std::array<std::uint8_t, 2>{0x13, 0x14});
  EXPECT_EQ(writer.remaining(), 1U);
  writer.zeros(1);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer.written().size(), buffer.size());
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(buffer[i], i + 1);
  EXPECT_EQ(buffer[20], 0);

  Reader reader(buffer);
  EXPECT_EQ(reader.u8(), 0x01);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506U);
  EXPECT_EQ(reader.u32(), 0x0708090aU);
  EXPECT_EQ(reader.u64(), 0x0b0c0d0e0f101112U);
  EXPECT_EQ(reader.position(), 18U);
  EXPECT_EQ(reader.take(2)[1], 0x14);
  reader.skip(1);
  EXPECT_EQ(reader.remaining(), 0U);
  EXPECT_TRUE(reader.ok());
}

TEST(Reader, StaysBadAfterReadingBeyondTheEnd) {
  const std::array<std::uint8_t, 3> buffer = {1, 2, 3};
  Reader reader(buffer);
  EXPECT_EQ(reader.u32(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);  // though a byte is there
  EXPECT_TRUE(reader.take(1).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.rest().size(), 3U);
}

TEST(Reader, ReadsNothingFromNothing) {
  Reader reader{Bytes{}};
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.u64(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(Writer, WritesNothingBeyondTheEnd) {
  std::array<std::uint8_t, 4> buffer = {9, 9, 9, 9};
  Writer writer(MutableBytes(buffer).first(3));
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_FALSE(writer.ok());
  writer.u8(5);  // would fit, but a part is missing before it
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(buffer, (std::array<std::uint8_t, 4>{1, 2, 9, 9}));
  EXPECT_EQ(writer.size(), 2U);
}

TEST(Writer, PatchesOnlyWhatIsWritten) {
  std::array<std::uint8_t, 4> buffer{};
  Writer writer(buffer);
  writer.u24(0);
  writer.patch_u16(0, 0x0102);
  writer.patch_u16(2, 0x0304);  // its second byte is not written yet
  EXPECT_EQ(buffer, (std::array<std::uint8_t, 4>{1, 2, 0, 0}));
}

TEST(Bytes, AreTextAndBack) { EXPECT_EQ(as_text(as_bytes("abc")), "abc"); }

}  // namespace
}  // namespace liaison
