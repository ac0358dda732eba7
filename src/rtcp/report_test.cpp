#include "rtcp/report.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace liaison::rtcp {
namespace {

using Buffer = std::vector<std::uint8_t>;

PacketView only(Bytes bytes) {
  const auto compound = Compound::parse(bytes);
  if (!compound) {
    ADD_FAILURE();
    return {};
  }
  return *compound->begin();
}

const ReportBlock block_a{.ssrc = 0x11223344,
                          .fraction_lost = 255,
                          .cumulative_lost = -3,
                          .highest_sequence = 0x0001fffe,
                          .jitter = 77,
                          .last_sr = 0xaabbccdd,
                          .delay_since_last_sr = 65536};
const ReportBlock block_b{.ssrc = 2, .cumulative_lost = 0x7fffff};

TEST(SenderReport, RoundTrips) {
  const SenderInfo info{.ntp = 0x0123456789abcdef, .rtp_timestamp = 1, .packets = 2, .octets = 3};
  Buffer out(28 + 48);
  Writer writer(out);
  write_sender_report(writer, 42, info, std::array{block_a, block_b});
  ASSERT_TRUE(writer.ok());
  ASSERT_EQ(writer.size(), out.size());
  const auto report = parse_sender_report(only(out));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ssrc, 42U);
  EXPECT_EQ(report->info, info);
  ASSERT_EQ(report->blocks.size(), 2U);
  EXPECT_EQ(report->blocks[0], block_a);
  EXPECT_EQ(report->blocks[1], block_b);

  Writer short_of_room(MutableBytes(out).first(out.size() - 1));
  write_sender_report(short_of_room, 42, info, std::array{block_a, block_b});
  EXPECT_FALSE(short_of_room.ok());
}

TEST(SenderReport, HasTheLayoutOfTheStandard) {
  Buffer out(28);
  Writer writer(out);
  write_sender_report(writer, 0x01020304, {0x0506070811121314, 0x21222324, 0x31323334, 0x41424344});
  EXPECT_EQ(out, (Buffer{0x80, 200,  0,    6,    0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
                         0x07, 0x08, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24,
                         0x31, 0x32, 0x33, 0x34, 0x41, 0x42, 0x43, 0x44}));
}

TEST(ReceiverReport, RoundTripsWithTheMostBlocks) {
  const std::vector<ReportBlock> blocks(max_report_blocks, block_a);
  Buffer out(8 + 24 * max_report_blocks);
  Writer writer(out);
  write_receiver_report(writer, 7, blocks);
  ASSERT_TRUE(writer.ok());
  const auto report = parse_receiver_report(only(out));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ssrc, 7U);
  ASSERT_EQ(report->blocks.size(), max_report_blocks);
  EXPECT_EQ(report->blocks[30], block_a);
  EXPECT_FALSE(parse_sender_report(only(out)));
}

TEST(Reports, RefuseMissingBlocksAndKeepProfileExtensions) {
  const Buffer missing = {0x81, 201, 0, 1, 0, 0, 0, 7};
  EXPECT_FALSE(parse_receiver_report(only(missing)));
  const Buffer no_ssrc = {0x80, 201, 0, 0};
  EXPECT_FALSE(parse_receiver_report(only(no_ssrc)));
  const Buffer short_sr = {0x80, 200, 0, 1, 0, 0, 0, 7};
  EXPECT_FALSE(parse_sender_report(only(short_sr)));
  const Buffer extended = {0x80, 201, 0, 2, 0, 0, 0, 7, 1, 2, 3, 4};
  const auto report = parse_receiver_report(only(extended));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->blocks.size(), 0U);
}

TEST(Cname, RoundTripsAtEveryPadding) {
  for (const char* name : {"", "a", "ab", "abc", "abcd", "abcde", "user@host.example"}) {
    Buffer out(64);
    Writer writer(out);
    write_cname(writer, 5, name);
    const auto packet = only(writer.written());
    EXPECT_EQ(find_cname(packet, 5), name);
    EXPECT_FALSE(find_cname(packet, 6));
  }
  const std::string longest(255, 'x');
  Buffer out(300);
  Writer writer(out);
  write_cname(writer, 5, longest);
  EXPECT_EQ(find_cname(only(writer.written()), 5), longest);
}

TEST(Cname, IsFoundAmongChunksAndItems) {
  const Buffer bytes = {0x82, 202, 0, 7, 0, 0, 0,   1, 2, 2,   'n', 'o', 0, 0, 0, 0,  // NAME of 1
                        0,    0,   0, 2, 2, 1, 'z', 1, 2, 'o', 'k', 0,   0, 0, 0, 0};
  EXPECT_EQ(find_cname(only(bytes), 2), "ok");
  EXPECT_FALSE(find_cname(only(bytes), 1));
}

TEST(Cname, RefusesItemsBeyondTheEnd) {
  EXPECT_FALSE(find_cname(only(Buffer{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 'a', 'b'}), 1));
  EXPECT_FALSE(find_cname(only(Buffer{0x81, 202, 0, 1, 0, 0, 0, 1}), 1));
  EXPECT_FALSE(find_cname(only(Buffer{0x9f, 202, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}), 9));
  EXPECT_FALSE(find_cname(only(Buffer{0x81, 203, 0, 1, 0, 0, 0, 1}), 1));
}

TEST(Bye, RoundTrips) {
  Buffer out(8);
  Writer writer(out);
  write_bye(writer, 99);
  ASSERT_TRUE(writer.ok());
  const auto sources = parse_bye(only(out));
  ASSERT_TRUE(sources);
  ASSERT_EQ(sources->size(), 1U);
  EXPECT_EQ((*sources)[0], 99U);

  const Buffer with_reason = {0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, 'b', 'y', 'e'};
  ASSERT_EQ(parse_bye(only(with_reason))->size(), 2U);
  EXPECT_EQ((*parse_bye(only(with_reason)))[1], 2U);
  EXPECT_EQ(parse_bye(only(Buffer{0x80, 203, 0, 0}))->size(), 0U);
  EXPECT_FALSE(parse_bye(only(Buffer{0x82, 203, 0, 1, 0, 0, 0, 1})));
}

}  // namespace
}  // namespace liaison::rtcp
