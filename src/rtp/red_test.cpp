#include "rtp/red.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Red, HasRedundantBlocksBeforeThePrimary) {
  // Two redundant blocks of 3 and 2 bytes, 1920 and 960 samples old, then the primary.
  const Buffer payload = {0x80 | 111, 0x1e, 0x00, 0x03, 0x80 | 111, 0x0f, 0x00, 0x02,
                          111,        1,    1,    1,    2,          2,    3,    3};
  const auto red = parse_red(payload);
  ASSERT_TRUE(red);
  EXPECT_EQ(red->primary.payload_type, 111);
  EXPECT_EQ(copy(red->primary.payload), (Buffer{3, 3}));
  EXPECT_EQ(red->primary.payload.data(), payload.data() + 14) << "not copied";
  ASSERT_EQ(red->redundant().size(), 2U);
  EXPECT_EQ(red->redundant()[0].payload_type, 111);
  EXPECT_EQ(red->redundant()[0].age, 1920U);
  EXPECT_EQ(copy(red->redundant()[0].payload), (Buffer{1, 1, 1}));
  EXPECT_EQ(red->redundant()[1].age, 960U);
  EXPECT_EQ(copy(red->redundant()[1].payload), (Buffer{2, 2}));

  for (std::size_t size = 0; size < 14; ++size)
    EXPECT_FALSE(parse_red(Bytes(payload).first(size))) << size;
  EXPECT_TRUE(parse_red(Bytes(payload).first(14))->primary.payload.empty())
      << "right after the redundant data the primary is empty, which is allowed";

  Buffer written(payload.size());
  Writer writer(written);
  write_red(writer, red->redundant(), red->primary.payload_type, red->primary.payload);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(copy(writer.written()), payload);
}

TEST(Red, MayHaveThePrimaryAlone) {
  const Buffer payload = {111, 5, 6};
  const auto red = parse_red(payload);
  ASSERT_TRUE(red);
  EXPECT_EQ(copy(red->primary.payload), (Buffer{5, 6}));
  EXPECT_TRUE(red->redundant().empty());
}

TEST(Red, LengthsOfTenBitsAndAgesOfFourteenCount) {
  Buffer payload = {0x80 | 111, 0xff, 0xff, 0xff, 111};
  payload.resize(5 + 1023 - 1);
  EXPECT_FALSE(parse_red(payload));
  payload.resize(5 + 1023);
  const auto red = parse_red(payload);
  ASSERT_TRUE(red);
  EXPECT_EQ(red->redundant()[0].age, max_red_age);
  EXPECT_EQ(red->redundant()[0].payload.size(), max_red_size);
}

TEST(Red, OfManyBlocksTheNewestAreTold) {
  Buffer payload;
  for (std::uint8_t i = 0; i < 6; ++i) payload.insert(payload.end(), {0x80 | 111, 0, 0, i});
  payload.push_back(111);
  for (std::uint8_t i = 0; i < 6; ++i) payload.insert(payload.end(), i, i);
  payload.push_back(9);
  const auto red = parse_red(payload);
  ASSERT_TRUE(red);
  ASSERT_EQ(red->redundant().size(), max_redundant_blocks);
  for (std::uint8_t i = 0; i < 4; ++i)
    EXPECT_EQ(copy(red->redundant()[i].payload), Buffer(i + 2U, i + 2)) << int{i};
  EXPECT_EQ(copy(red->primary.payload), (Buffer{9}));
}

TEST(Red, RefusesHeadersWithoutEnd) {
  EXPECT_FALSE(parse_red({}));
  EXPECT_FALSE(parse_red(Buffer(400, 0x80)));
}

}  // namespace
}  // namespace liaison::rtp
