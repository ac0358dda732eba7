#include "transport/demux.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::transport {
namespace {

DatagramKind kind(std::vector<std::uint8_t> bytes) { return classify(bytes); }

TEST(Demux, TellsByFirstByte) {
  for (int first = 0; first < 256; ++first) {
    std::vector<std::uint8_t> datagram(40, 0);
    datagram[0] = static_cast<std::uint8_t>(first);
    DatagramKind expected = DatagramKind::unknown;
    if (first >= 20 && first <= 63) expected = DatagramKind::dtls;
    if (first >= 128 && first <= 191) expected = DatagramKind::rtp;
    EXPECT_EQ(classify(datagram), expected) << first;
  }
}

TEST(Demux, TellsRtcpBySecondByte) {
  EXPECT_EQ(kind({0x80, 191}), DatagramKind::rtp);
  EXPECT_EQ(kind({0x80, 192}), DatagramKind::rtcp);
  EXPECT_EQ(kind({0x80, 200}), DatagramKind::rtcp);
  EXPECT_EQ(kind({0x80, 223}), DatagramKind::rtcp);
  EXPECT_EQ(kind({0x80, 224}), DatagramKind::rtp);
  EXPECT_EQ(kind({0x80, 96}), DatagramKind::rtp);
}

TEST(Demux, TakesForStunOnlyWhatHasMagicAndLength) {
  std::vector<std::uint8_t> datagram = {0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42};
  datagram.resize(24);
  EXPECT_EQ(classify(datagram), DatagramKind::stun);
  auto broken = datagram;
  broken[7] ^= 1;
  EXPECT_EQ(classify(broken), DatagramKind::unknown) << "magic";
  broken = datagram;
  broken[3] = 8;
  EXPECT_EQ(classify(broken), DatagramKind::unknown) << "too short for its length";
  broken = datagram;
  broken[3] = 0;
  EXPECT_EQ(classify(broken), DatagramKind::unknown) << "something after it";
  broken = datagram;
  broken[3] = 3;
  broken.resize(23);
  EXPECT_EQ(classify(broken), DatagramKind::unknown) << "not whole words";
}

TEST(Demux, ShortDatagramsAreUnknown) {
  EXPECT_EQ(kind({}), DatagramKind::unknown);
  EXPECT_EQ(kind({22}), DatagramKind::unknown);
  EXPECT_EQ(kind({0, 1, 0, 0}), DatagramKind::unknown);
}

}  // namespace
}  // namespace liaison::transport
