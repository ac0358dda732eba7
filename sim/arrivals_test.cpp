#include "sim/arrivals.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <vector>

#include "rtcp/compound.hpp"
#include "rtcp/transport_cc.hpp"
#include "rtp/extension.hpp"

namespace liaison::sim {
namespace {

const Instant start = Instant{} + seconds(64);

class Arrivals : public testing::Test {
 protected:
  Arrivals() : lines_(4) {
    lines_[1].extensions[rtp::Extension::transport_cc] = 3;
    lines_[2].extensions[rtp::Extension::transport_cc] = 5;
    lines_[3].extensions[rtp::Extension::mid] = 3;
  }

  void receive(std::optional<std::size_t> line, std::uint8_t id, std::uint16_t sequence,
               Duration after, std::size_t payload = 100, std::uint8_t padding = 0) {
    const auto value = rtp::write_transport_sequence(sequence);
    const std::array elements = {rtp::ExtensionElement{id, value}};
    std::vector<std::uint8_t> packet(64);
    packet.resize(rtp::write_header(packet, {.ssrc = 7}, elements));
    packet.resize(packet.size() + payload + padding);
    if (padding != 0) {
      packet[0] |= 0x20;
      packet.back() = padding;
    }
    const auto view = rtp::PacketView::parse(packet);
    ASSERT_TRUE(view);
    reporter_.receive(*view, lines_, line, start + after);
  }

  // What all feedback that is due says: when each packet came, or that it did not.
  std::map<std::uint16_t, std::optional<Duration>> reported(Duration after) {
    std::map<std::uint16_t, std::optional<Duration>> told;
    for (;;) {
      std::array<std::uint8_t, 1'200> room;
      Writer out(room);
      if (!reporter_.write(out, start + after)) return told;
      const auto compound = rtcp::Compound::parse(out.written());
      const auto feedback = rtcp::TransportFeedback::parse(*compound->begin());
      EXPECT_TRUE(feedback);
      EXPECT_EQ(feedback->media_ssrc(), 7U);
      feedback->for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
        told[sequence] = arrival ? std::optional(*arrival - seconds(64)) : std::nullopt;
      });
    }
  }

  std::vector<AnsweredLine> lines_;
  ArrivalReporter reporter_{1};
};

TEST_F(Arrivals, AreReportedOfEveryLineThatHasTheNumber) {
  receive(1, 3, 65'535, milliseconds(0));
  receive(2, 5, 0, milliseconds(5));
  receive(2, 5, 2, milliseconds(10));
  EXPECT_LE(reporter_.deadline(), start + milliseconds(250));
  const auto told = reported(milliseconds(250));
  EXPECT_EQ(told, (std::map<std::uint16_t, std::optional<Duration>>{{65'535, milliseconds(0)},
                                                                    {0, milliseconds(5)},
                                                                    {1, std::nullopt},
                                                                    {2, milliseconds(10)}}));
  EXPECT_EQ(reporter_.deadline(), never);
}

TEST_F(Arrivals, OfPaddingAndOfUnknownSourcesCount) {
  receive(1, 3, 10, milliseconds(0), 0, 200);
  receive(std::nullopt, 3, 11, milliseconds(1), 0, 200);
  EXPECT_EQ(reported(milliseconds(250)).size(), 2U);
}

TEST_F(Arrivals, WithoutTheNumberDoNotCount) {
  receive(0, 3, 10, milliseconds(0));  // nothing negotiated
  receive(1, 5, 11, milliseconds(1));  // under the id of another line
  receive(3, 3, 12, milliseconds(2));  // there, 3 is the MID
  lines_.clear();
  receive(std::nullopt, 3, 13, milliseconds(3));
  EXPECT_EQ(reporter_.deadline(), never);
  EXPECT_TRUE(reported(milliseconds(250)).empty());
}

}  // namespace
}  // namespace liaison::sim
