#include "rtp/key_frame.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "rtp/av1.hpp"
#include "rtp/h264.hpp"

namespace liaison::rtp {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(Av1, ReadsTheAggregationHeader) {
  const auto header = parse_av1(Buffer{0x48, 0x0a});
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->continues);
  EXPECT_TRUE(header->continued);
  EXPECT_EQ(header->obu_count, 0);
  EXPECT_TRUE(header->starts_sequence);
  EXPECT_EQ(parse_av1(Buffer{0xb0, 1})->obu_count, 3);
  EXPECT_TRUE(parse_av1(Buffer{0xb0, 1})->continues);
  EXPECT_FALSE(parse_av1(Buffer{0x88, 1}));  // a sequence cannot start within an OBU
  EXPECT_FALSE(parse_av1(Buffer{0x08}));
  EXPECT_FALSE(parse_av1({}));
}

bool starts_key(Bytes payload) {
  const auto read = parse_h264(payload);
  return read && read->starts_key_frame;
}

TEST(H264, TellsSingleUnits) {
  EXPECT_TRUE(starts_key(Buffer{0x67, 0x42}));  // SPS
  // An IDR picture cannot be decoded without what came before it.
  EXPECT_FALSE(starts_key(Buffer{0x65, 0x88}));
  EXPECT_FALSE(starts_key(Buffer{0x65}));
  EXPECT_FALSE(starts_key(Buffer{0x68, 0xce}));  // PPS
  EXPECT_FALSE(starts_key(Buffer{0x41, 0x9a}));  // other slice
  EXPECT_FALSE(starts_key({}));
}

TEST(H264, LooksIntoAggregates) {
  EXPECT_TRUE(starts_key(Buffer{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce}));
  EXPECT_TRUE(starts_key(Buffer{0x78, 0, 1, 0x09, 0, 2, 0x67, 0x42}));
  EXPECT_FALSE(starts_key(Buffer{0x78, 0, 1, 0x09, 0, 2, 0x65, 0x88}));
  EXPECT_FALSE(starts_key(Buffer{0x78, 0, 2, 0x68, 0xce, 0, 2, 0x41, 0x9a}));
  // The parameter set itself reaches beyond the end.
  EXPECT_FALSE(starts_key(Buffer{0x78, 0, 9, 0x67, 0x42}));
  EXPECT_FALSE(starts_key(Buffer{0x78, 0, 0, 0, 0}));
  EXPECT_FALSE(starts_key(Buffer{0x78, 0}));
}

TEST(H264, LooksIntoFragments) {
  EXPECT_TRUE(starts_key(Buffer{0x7c, 0x87, 0x42}));   // start, SPS
  EXPECT_FALSE(starts_key(Buffer{0x7c, 0x07, 0x42}));  // middle
  EXPECT_FALSE(starts_key(Buffer{0x7c, 0x85, 0x88}));  // start, IDR
  EXPECT_FALSE(starts_key(Buffer{0x7c, 0x81, 0x88}));  // start, other slice
  EXPECT_FALSE(starts_key(Buffer{0x7c}));
}

TEST(H264, TellsWhereFramesBegin) {
  const auto begins = [](const Buffer& payload) { return parse_h264(payload)->starts_frame; };
  EXPECT_TRUE(begins({0x67, 0x42}));
  EXPECT_TRUE(begins({0x41, 0x9a}));   // first_mb_in_slice 0
  EXPECT_FALSE(begins({0x41, 0x5a}));  // a later slice
  EXPECT_FALSE(begins({0x65, 0x88}));  // behind its parameter sets
  EXPECT_FALSE(begins({0x68, 0xce}));  // likewise
  EXPECT_FALSE(begins({0x09, 0x10}));  // delimiter
  EXPECT_TRUE(begins({0x78, 0, 2, 0x09, 0x10, 0, 2, 0x41, 0x9a}));
  EXPECT_TRUE(begins({0x5c, 0x81, 0x9a}));   // first fragment
  EXPECT_FALSE(begins({0x5c, 0x81, 0x5a}));  // of a later slice
  EXPECT_FALSE(begins({0x5c, 0x01, 0x9a}));  // a later fragment
}

TEST(H264, RefusesWhatItsModesDoNotHave) {
  EXPECT_FALSE(parse_h264({}));
  for (const std::uint8_t type : Buffer{0, 25, 26, 27, 29, 30, 31})
    EXPECT_FALSE(parse_h264(Buffer{type, 0x80, 0x80})) << int{type};
  EXPECT_FALSE(parse_h264(Buffer{0x78}));
  EXPECT_FALSE(parse_h264(Buffer{0x78, 0, 2, 0x67, 0x42, 0}));
  EXPECT_FALSE(parse_h264(Buffer{0x78, 0, 0}));
}

TEST(StartsKeyFrame, KnowsEveryCodec) {
  EXPECT_TRUE(starts_key_frame(CodecName::opus, {}));
  EXPECT_TRUE(starts_key_frame(CodecName::red, {}));
  EXPECT_TRUE(starts_key_frame(CodecName::vp8, Buffer{0x10, 0x00}));
  EXPECT_FALSE(starts_key_frame(CodecName::vp8, Buffer{0x10, 0x01}));
  EXPECT_TRUE(starts_key_frame(CodecName::vp9, Buffer{0x08, 0x00}));
  EXPECT_FALSE(starts_key_frame(CodecName::vp9, Buffer{0x48, 0x00}));
  EXPECT_TRUE(starts_key_frame(CodecName::av1, Buffer{0x08, 0x0a}));
  EXPECT_FALSE(starts_key_frame(CodecName::av1, Buffer{0x10, 0x0a}));
  EXPECT_TRUE(starts_key_frame(CodecName::h264, Buffer{0x67, 0x42}));
  EXPECT_FALSE(starts_key_frame(CodecName::h264, Buffer{0x61, 0x88}));
  for (const CodecName codec : {CodecName::vp8, CodecName::vp9, CodecName::av1, CodecName::h264}) {
    EXPECT_FALSE(starts_key_frame(codec, {}));
  }
}

}  // namespace
}  // namespace liaison::rtp
