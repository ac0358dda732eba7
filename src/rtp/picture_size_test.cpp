#include "rtp/picture_size.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace liaison::rtp {
namespace {

using Payload = std::vector<std::uint8_t>;

// The beginnings of what libvpx, x264 and libaom make of one picture of 640 by 360 and of one of
// 1922 by 1082, as GStreamer packs them.
const Payload vp8 = {0x10, 0x30, 0xb3, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0x00};
const Payload large_vp8 = {0x10, 0xd0, 0xe3, 0x03, 0x9d, 0x01, 0x2a, 0x82, 0x07, 0x3a, 0x04, 0x09};
const Payload vp9 = {0x0e, 0x18, 0x02, 0x80, 0x01, 0x68, 0x01, 0x04, 0x01, 0x82, 0x49,
                     0x83, 0x42, 0x20, 0x27, 0xf0, 0x16, 0x70, 0x38, 0x24, 0x00};
const Payload large_vp9 = {0x0e, 0x18, 0x07, 0x82, 0x04, 0x3a, 0x01, 0x04, 0x01, 0x82,
                           0x49, 0x83, 0x42, 0x40, 0x78, 0x10, 0x43, 0x96, 0x0e, 0x38};
const Payload h264 = {0x78, 0x00, 0x02, 0x09, 0x10, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1e,
                      0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x16, 0xa0, 0xc0, 0xc0,
                      0xd4, 0xa0, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00, 0x00, 0x07, 0x91};
const Payload large_h264 = {0x78, 0x00, 0x02, 0x09, 0x10, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x2a,
                            0xac, 0xd9, 0x40, 0x79, 0x02, 0x27, 0x88, 0x93, 0x01, 0x6a, 0x02,
                            0x02, 0x02, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e};
const Payload sequence_header = {0x00, 0x00, 0x00, 0x0c, 0xc4, 0xff,
                                 0x67, 0xe0, 0x6d, 0x7c, 0x80, 0x20};
const Payload large_sequence_header = {0x00, 0x00, 0x00, 0x42, 0xab, 0xc0,
                                       0xc3, 0x9e, 0x0e, 0x57, 0xc8, 0x02};

std::string size_of(CodecName codec, const Payload& payload) {
  const auto size = picture_size(codec, payload);
  return size ? std::to_string(size->width) + "x" + std::to_string(size->height) : "";
}

Payload changed(Payload payload, std::size_t at, std::uint8_t bits) {
  payload[at] ^= bits;
  return payload;
}

// OBU elements with their lengths, W = 0, as the first packet of a sequence.
Payload av1(std::initializer_list<Payload> obus) {
  Payload payload = {0x08};
  for (const Payload& obu : obus) {
    payload.push_back(static_cast<std::uint8_t>(obu.size()));
    payload.insert(payload.end(), obu.begin(), obu.end());
  }
  return payload;
}

Payload with_header(std::uint8_t header, const Payload& rest) {
  Payload obu = {header};
  obu.insert(obu.end(), rest.begin(), rest.end());
  return obu;
}

TEST(PictureSize, Vp8) {
  EXPECT_EQ(size_of(CodecName::vp8, vp8), "640x360");
  EXPECT_EQ(size_of(CodecName::vp8, large_vp8), "1922x1082");
  EXPECT_EQ(size_of(CodecName::vp8, changed(vp8, 8, 0xc0)), "640x360") << "scaled when shown";
  EXPECT_EQ(size_of(CodecName::vp8, changed(vp8, 1, 0x01)), "") << "no key frame";
  EXPECT_EQ(size_of(CodecName::vp8, changed(vp8, 0, 0x10)), "") << "not its first packet";
  EXPECT_EQ(size_of(CodecName::vp8, changed(vp8, 5, 0x01)), "") << "encrypted";
}

TEST(PictureSize, Vp9) {
  EXPECT_EQ(size_of(CodecName::vp9, vp9), "640x360");
  EXPECT_EQ(size_of(CodecName::vp9, large_vp9), "1922x1082");
  EXPECT_EQ(size_of(CodecName::vp9, changed(vp9, 0, 0x40)), "") << "no key frame";
  EXPECT_EQ(size_of(CodecName::vp9, changed(vp9, 10, 0xff)), "") << "encrypted";
}

TEST(PictureSize, H264) {
  EXPECT_EQ(size_of(CodecName::h264, h264), "640x360");
  EXPECT_EQ(size_of(CodecName::h264, large_h264), "1922x1082");
  const Payload alone(h264.begin() + 7, h264.end());
  EXPECT_EQ(size_of(CodecName::h264, alone), "640x360") << "without the STAP-A";
  EXPECT_EQ(size_of(CodecName::h264, changed(alone, 0, 0x02)), "") << "a slice";
  // Constrained Baseline has no chroma format: profile_idc 66, then the rest of the same fields.
  // seq_parameter_set_id 0, log2_max_frame_num 4, order 2, one reference, 80 by 45 of 16 pixels.
  const Payload baseline = {0x67,       0x42,       0xc0,       0x1f,      0b11011010,
                            0b00000001, 0b01000000, 0b00010110, 0b11000000};
  EXPECT_EQ(size_of(CodecName::h264, baseline), "1280x720");
}

TEST(PictureSize, Av1) {
  EXPECT_EQ(size_of(CodecName::av1, av1({{0x10}, with_header(0x08, sequence_header)})), "640x360");
  EXPECT_EQ(size_of(CodecName::av1, av1({with_header(0x08, large_sequence_header)})), "1922x1082");
  // The only element, and therefore without a length (W = 1).
  EXPECT_EQ(size_of(CodecName::av1, with_header(0x18, with_header(0x08, sequence_header))),
            "640x360");
  // With the extension, and a size of its own.
  Payload sized = {0x0e, 0x00, static_cast<std::uint8_t>(sequence_header.size())};
  sized.insert(sized.end(), sequence_header.begin(), sequence_header.end());
  EXPECT_EQ(size_of(CodecName::av1, av1({sized})), "640x360");
  const Payload whole = av1({with_header(0x08, sequence_header)});
  EXPECT_EQ(size_of(CodecName::av1, changed(whole, 0, 0x08)), "") << "no new sequence";
  EXPECT_EQ(size_of(CodecName::av1, av1({{0x30, 0x01}})), "") << "a frame alone";
}

TEST(PictureSize, EveryPrefixIsReadOrRefused) {
  for (const CodecName codec : {CodecName::opus, CodecName::red, CodecName::vp8, CodecName::vp9,
                                CodecName::av1, CodecName::h264}) {
    for (const Payload& whole : {vp8, vp9, h264, av1({with_header(0x08, sequence_header)})}) {
      for (std::size_t size = 0; size < 10; ++size)
        EXPECT_EQ(size_of(codec, Payload(whole.begin(), whole.begin() + size)), "");
    }
  }
}

}  // namespace
}  // namespace liaison::rtp
