#include "sim/tcp_flow.hpp"

#include <gtest/gtest.h>

namespace liaison::sim {
namespace {

const Instant start = Instant{} + seconds(100);
constexpr std::uint64_t rate = 5'000'000;

struct Path {
  Bottleneck bottleneck{rate, milliseconds(60)};
  std::vector<TcpFlow> flows;
  Instant now = start;

  explicit Path(std::size_t count) {
    flows.reserve(count);
    for (std::size_t i = 0; i < count; ++i) flows.emplace_back(bottleneck, TcpFlowOptions{}, now);
  }
  void run(Duration how_long) {
    const Instant end = now + how_long;
    for (;;) {
      const auto next = std::ranges::min_element(flows, {}, &TcpFlow::deadline);
      if (next->deadline() > end) break;
      now = std::max(now, next->deadline());
      next->tick(now);
    }
    now = end;
  }
  double share(std::size_t flow, Duration how_long) {
    const std::uint64_t before = flows[flow].bytes();
    run(how_long);
    return static_cast<double>(flows[flow].bytes() - before) * 8 /
           std::chrono::duration<double>(how_long).count() / static_cast<double>(rate);
  }
};

TEST(TcpFlow, FillsALineWithAQueueOfARoundTrip) {
  Path path(1);
  path.run(seconds(10));
  EXPECT_GT(path.share(0, seconds(30)), 0.9);
  EXPECT_GT(path.flows[0].losses(), 0U);
}

TEST(TcpFlow, TwoShare) {
  Path path(2);
  path.run(seconds(60));
  const double share = path.share(0, seconds(120));
  EXPECT_GT(share, 0.35);
  EXPECT_LT(share, 0.65);
}

TEST(TcpFlow, KeepsSevenTenthsOfItsWindowAfterALoss) {
  Path path(1);
  path.run(seconds(10));
  double before = path.flows[0].window();
  const std::uint64_t losses = path.flows[0].losses();
  while (path.flows[0].losses() == losses) {
    before = path.flows[0].window();
    path.now = path.flows[0].deadline();
    path.flows[0].tick(path.now);
  }
  EXPECT_NEAR(path.flows[0].window() / before, 0.7, 0.02);
}

TEST(TcpFlow, BeginsAnewAfterALineThatWasDead) {
  Path path(1);
  path.run(seconds(5));
  // A thousand times slower, and without room: nothing more gets through.
  path.bottleneck.change(1'000, Duration{});
  path.run(seconds(30));
  EXPECT_LE(path.flows[0].window(), 2);
  path.bottleneck.change(rate, milliseconds(60));
  path.run(seconds(60));
  EXPECT_GT(path.share(0, seconds(10)), 0.8);
}

}  // namespace
}  // namespace liaison::sim
