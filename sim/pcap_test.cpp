#include "sim/pcap.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::sim {
namespace {

TEST(Pcap, IsWhatWiresharkReads) {
  const std::vector<std::uint8_t> header = pcap_header();
  ASSERT_EQ(header.size(), 24U);
  EXPECT_EQ(load_u32(header.data()), 0xa1b2c3d4U);
  EXPECT_EQ(load_u32(&header[20]), 101U);

  const std::vector<std::uint8_t> datagram = {1, 2, 3};
  const auto record =
      pcap_record(UnixTime(microseconds(5'000'007)), {IpAddress::v4(10, 0, 0, 1), 1'000},
                  {IpAddress::v4(10, 0, 0, 2), 2'000}, datagram);
  ASSERT_EQ(record.size(), 16U + 28 + 3);
  EXPECT_EQ(load_u32(record.data()), 5U);     // seconds
  EXPECT_EQ(load_u32(&record[4]), 7U);        // microseconds
  EXPECT_EQ(load_u32(&record[8]), 31U);       // stored
  EXPECT_EQ(load_u16(&record[16 + 2]), 31U);  // IP: total length
  EXPECT_EQ(load_u32(&record[16 + 12]), 0x0a000001U);
  EXPECT_EQ(load_u32(&record[16 + 16]), 0x0a000002U);
  EXPECT_EQ(load_u16(&record[16 + 20]), 1'000);
  EXPECT_EQ(load_u16(&record[16 + 22]), 2'000);
  EXPECT_EQ(load_u16(&record[16 + 24]), 11);  // UDP: length
  EXPECT_EQ(record.back(), 3);
}

}  // namespace
}  // namespace liaison::sim
