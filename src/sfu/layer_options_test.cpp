#include "sfu/layer_options.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "rtp/packet.hpp"

namespace liaison::sfu {
namespace {

const rtp::Codec vp9{{rtp::CodecName::vp9, 0}, 98, 99, 90'000};

// Somebody who publishes in VP9.
class Publisher {
 public:
  explicit Publisher(std::vector<std::string> rids, bool screen = false)
      : track(UpMedia{.mid = "1",
                      .track = {1},
                      .kind = rtp::MediaKind::video,
                      .speech = false,
                      .screen = screen,
                      .rids = std::move(rids)}) {
    std::uint32_t ssrc = 100;
    for (UpEncoding& encoding : track.encodings()) encoding.learn_ssrc(ssrc++);
  }

  // One frame of `size` bytes with all headers.
  const ReceivedPacket* send(std::uint8_t encoding, std::uint8_t spatial, std::uint8_t temporal,
                             std::size_t size, bool key = false) {
    Packet packet = pool.take();
    packet.resize(size);
    std::ranges::fill(packet.bytes(), std::uint8_t{1});
    const std::size_t header = rtp::write_header(packet.bytes(), {.marker = true,
                                                                  .payload_type = 98,
                                                                  .sequence = seq_[encoding]++,
                                                                  .timestamp = timestamp_ += 300,
                                                                  .ssrc = 100U + encoding});
    const MutableBytes payload = packet.bytes().subspan(header);
    payload[0] = key ? 0x2c : 0x6c;  // L, B, E; P in all but key frames
    payload[1] = static_cast<std::uint8_t>(temporal << 5 | spatial << 1);
    const auto view = rtp::PacketView::parse(std::as_const(packet).bytes());
    const auto accepted =
        track.encodings()[encoding].accept(*view, std::move(packet), false, vp9, {}, now);
    return accepted ? *accepted : nullptr;
  }
  // A frame of each of these layers every 10 ms, so that each byte is 800 bit/s.
  void flow(std::uint8_t encoding, Duration duration, std::size_t size,
            std::uint8_t spatial_layers = 1, std::uint8_t temporal_layers = 1) {
    for (const Instant end = now + duration; now < end; now += milliseconds(10)) {
      for (std::uint8_t s = 0; s < spatial_layers; ++s) {
        for (std::uint8_t t = 0; t < temporal_layers; ++t) send(encoding, s, t, size);
      }
    }
  }
  std::vector<LayerOption> options() const { return layer_options(track, now); }

  PacketPool pool{4096};
  UpTrack track;
  Instant now = Instant{} + seconds(1000);

 private:
  std::array<std::uint16_t, 3> seq_{};
  std::uint32_t timestamp_ = 0;
};

const std::vector<std::string> simulcast = {"q", "h", "f"};
using Options = std::vector<LayerOption>;

// ── layer_options ──

TEST(LayerOptions, AreTheUsualWhereNothingCameYet) {
  EXPECT_EQ(Publisher(simulcast).options(), (Options{{{0, 0, 0}, 150'000, 180, 1},
                                                     {{1, 0, 0}, 500'000, 360, 1},
                                                     {{2, 0, 0}, 1'700'000, 720, 1}}));
  EXPECT_EQ(Publisher({"h", "f"}).options(),
            (Options{{{0, 0, 0}, 150'000, 360, 1}, {{1, 0, 0}, 1'700'000, 720, 1}}));
  EXPECT_EQ(Publisher({}).options(), (Options{{{0, 0, 0}, 150'000, 720, 1}}))
      << "it must be tried to be known";
  EXPECT_EQ(Publisher({}, true).options(), (Options{{{0, 0, 0}, 150'000, 1080, 1}}));
  EXPECT_EQ(Publisher({"h", "f"}, true).options(),
            (Options{{{0, 0, 0}, 150'000, 540, 1}, {{1, 0, 0}, 800'000, 1080, 1}}));
}

TEST(LayerOptions, TakeWhatWasMeasuredWhileItComes) {
  Publisher publisher(simulcast);
  publisher.flow(0, milliseconds(510), 100);
  publisher.flow(2, milliseconds(510), 1000);
  EXPECT_EQ(publisher.options(), (Options{{{0, 0, 0}, 80'000, 180, 1},
                                          {{1, 0, 0}, 500'000, 360, 1},
                                          {{2, 0, 0}, 800'000, 720, 1}}));
}

TEST(LayerOptions, TakeTheUsualUntilItIsMeasured) {
  Publisher publisher(simulcast);
  publisher.flow(1, milliseconds(300), 100);
  EXPECT_EQ(publisher.options()[1].rate, 500'000U);
}

TEST(LayerOptions, TakeNoLessThanIsUsualForWhatHasStopped) {
  Publisher publisher(simulcast);
  publisher.flow(1, milliseconds(510), 100);
  publisher.flow(2, milliseconds(510), 2'000 - 12);
  publisher.now += seconds(10);
  EXPECT_EQ(publisher.options()[1].rate, 500'000U) << "it was perhaps held back";
  EXPECT_EQ(publisher.options()[2].rate, 1'700'000U);
  publisher.flow(1, milliseconds(6000), 1'000);
  publisher.now += seconds(10);
  EXPECT_GT(publisher.options()[1].rate, 700'000U) << "what it took when it took more";
}

TEST(LayerOptions, ShareTheRateAmongTemporalLayers) {
  Publisher publisher({});
  publisher.flow(0, milliseconds(510), 100, 1, 3);
  EXPECT_EQ(publisher.options(), (Options{{{0, 0, 0}, 80'000, 720, 0.25},
                                          {{0, 0, 1}, 160'000, 720, 0.5},
                                          {{0, 0, 2}, 240'000, 720, 1}}));
  // And of what is usual when it has stopped.
  Publisher simulcasting(simulcast);
  simulcasting.flow(2, milliseconds(510), 100, 1, 2);
  simulcasting.now += seconds(10);
  const Options options = simulcasting.options();
  ASSERT_EQ(options.size(), 4U);
  EXPECT_EQ(options[2], (LayerOption{{2, 0, 0}, 850'000, 720, 0.5}));
  EXPECT_EQ(options[3], (LayerOption{{2, 0, 1}, 1'700'000, 720, 1}));
}

TEST(LayerOptions, NeverCostNothing) {
  Publisher publisher({});
  // The lower of two temporal layers as good as never comes.
  for (int i = 0; i < 52; ++i) {
    publisher.send(0, 0, 1, 100);
    publisher.now += milliseconds(10);
  }
  for (const LayerOption& option : publisher.options()) EXPECT_GE(option.rate, 1U);
}

TEST(LayerOptions, HaveHalfTheLinesOneSpatialLayerBelow) {
  Publisher publisher({});
  publisher.flow(0, milliseconds(510), 100, 3, 1);
  EXPECT_EQ(publisher.options(), (Options{{{0, 0, 0}, 80'000, 180, 1},
                                          {{0, 1, 0}, 160'000, 360, 1},
                                          {{0, 2, 0}, 240'000, 720, 1}}));
}

// docs/protocol.md: in the encodings q, h and f, or one of them with as many spatial layers.
TEST(LayerOptions, AreThoseOfOneEncodingWhereThatHasSpatialLayers) {
  Publisher publisher(simulcast);
  publisher.flow(0, milliseconds(510), 100, 3, 1);
  const Options all = {
      {{0, 0, 0}, 80'000, 180, 1}, {{0, 1, 0}, 160'000, 360, 1}, {{0, 2, 0}, 240'000, 720, 1}};
  EXPECT_EQ(publisher.options(), all);
  // While nobody wants more, no more comes; and yet it can be had.
  publisher.flow(0, seconds(30), 100, 1, 1);
  EXPECT_EQ(publisher.options(), all);

  Publisher two(simulcast);
  two.flow(1, milliseconds(510), 100, 2, 1);
  EXPECT_EQ(two.options(), (Options{{{1, 0, 0}, 80'000, 360, 1}, {{1, 1, 0}, 160'000, 720, 1}}));
}

// ── layer_to_begin_with ──

class LayerToBeginWith : public testing::Test {
 protected:
  LayerToBeginWith()
      : down_({.mid = "2", .slot = 1, .kind = rtp::MediaKind::video, .ssrc = 7, .rtx_ssrc = 8},
              std::vector{vp9}, {}) {
    down_.assign({1}, std::vector{vp9});
  }
  Layer begin(const Layer& granted, bool draining = false) {
    down_.set_granted(granted);
    return layer_to_begin_with(publisher_.track, down_, draining, publisher_.now);
  }
  void see(std::uint8_t encoding) {
    down_.set_target(Layer{encoding, 0, 0});
    ASSERT_TRUE(down_.accept(*publisher_.send(encoding, 0, 0, 100, true)));
    ASSERT_EQ(down_.current()->encoding, encoding);
  }

  Publisher publisher_{simulcast};
  DownTrack down_;
};

TEST_F(LayerToBeginWith, IsWhatIsGrantedWhereThatComes) {
  for (std::uint8_t encoding = 0; encoding < 3; ++encoding) publisher_.send(encoding, 0, 0, 100);
  EXPECT_EQ(begin({2, 1, 2}), (Layer{2, 1, 2}));
  EXPECT_EQ(begin({0, 0, 0}), (Layer{0, 0, 0}));
}

TEST_F(LayerToBeginWith, IsTheBestBelowWhereNothingIsSeenYet) {
  publisher_.flow(0, milliseconds(510), 100, 1, 2);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{0, 0, 1})) << "in full";
  publisher_.send(1, 0, 0, 100);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{1, 0, 0})) << "the next one below";
  publisher_.send(2, 0, 0, 100);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{2, 0, 0}));
}

TEST_F(LayerToBeginWith, IsNeverBetterThanGranted) {
  publisher_.send(1, 0, 0, 100);
  publisher_.send(2, 0, 0, 100);
  EXPECT_EQ(begin({0, 0, 0}), (Layer{0, 0, 0}));
}

TEST_F(LayerToBeginWith, IsWhatIsGrantedWhereNothingComes) {
  EXPECT_EQ(begin({2, 0, 0}), (Layer{2, 0, 0}));
  publisher_.send(0, 0, 0, 100);
  publisher_.now += seconds(2);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{2, 0, 0})) << "what came before a pause does not come";
}

TEST_F(LayerToBeginWith, LetsWhatIsSeenGoOn) {
  publisher_.send(1, 0, 0, 100);
  see(0);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{2, 0, 0})) << "no detour by the middle one";
  publisher_.now += seconds(2);
  publisher_.send(1, 0, 0, 100);
  EXPECT_EQ(begin({2, 0, 0}), (Layer{1, 0, 0})) << "what it saw has stopped";
}

TEST_F(LayerToBeginWith, ComesDownToTheLeastWhileAQueueIsLetOut) {
  for (std::uint8_t encoding = 0; encoding < 3; ++encoding) publisher_.send(encoding, 0, 0, 100);
  EXPECT_EQ(begin({1, 0, 1}, true), (Layer{0, 0, 0})) << "of what is not seen yet";
  see(2);
  EXPECT_EQ(begin({1, 0, 1}, true), (Layer{0, 0, 0}));
  EXPECT_EQ(begin({2, 0, 1}, true), (Layer{2, 0, 1})) << "no need to";
  see(0);
  EXPECT_EQ(begin({1, 0, 1}, true), (Layer{0, 0, 0})) << "nobody goes up";
  EXPECT_EQ(begin({1, 0, 1}), (Layer{1, 0, 1})) << "until it is gone";
  EXPECT_EQ(begin({0, 0, 1}, true), (Layer{0, 0, 1}));
}

}  // namespace
}  // namespace liaison::sfu
