// A load test against the whole server, both in this process, on loopback.
#include "io/bench.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "io/bench_figures.hpp"
#include "io/interfaces.hpp"
#include "io/server.hpp"
#include "io/test_folder.hpp"

namespace liaison::io {
namespace {

class BenchTest : public testing::Test {
 protected:
  BenchTest() {
    Config config;
    config.data = folder_.path / "data";
    config.listen = {IpAddress::v4(127, 0, 0, 1), 0};
    config.media_port = 0;
    config.workers = 1;
    config.log_level = node::LogLevel::error;
    ENSURE(complete(config, local_addresses(), 1));
    auto server = Server::open(config, "test");
    ENSURE(server);
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
    options_.whip = url("/whip/a");
    options_.seconds = 1;
    // What sanitizers slow down can still carry this.
    options_.video_kbit = 300;
  }
  ~BenchTest() override {
    server_->stop();
    thread_.join();
  }

  std::string url(std::string_view target) const {
    return fmt::format("http://127.0.0.1:{}{}", server_->port(), target);
  }
  std::string outcome() {
    auto bench = Bench::open(options_);
    if (!bench) return bench.error().message;
    const auto done = (*bench)->run();
    return done ? "ok" : done.error().message;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  BenchOptions options_;
};

TEST_F(BenchTest, EverythingArrivesAtViewersThatReportArrivals) {
  options_.publishers = 2;
  options_.viewers = 4;
  EXPECT_EQ(outcome(), "ok");
}

TEST_F(BenchTest, EverythingArrivesAtViewersThatDoNot) {
  options_.viewers = 3;
  options_.audio_kbit = 0;
  options_.transport_cc = false;
  options_.json = true;
  EXPECT_EQ(outcome(), "ok");
}

TEST_F(BenchTest, ViewersOfAnEmptyRoomSayWhatTheServerSaid) {
  options_.whip.clear();
  options_.whep = url("/whep/empty");
  options_.viewers = 2;
  const std::string said = outcome();
  EXPECT_TRUE(said.starts_with("2 of 2 clients failed; the first: a viewer: 127.0.0.1:")) << said;
  EXPECT_TRUE(said.contains("answered 409: ")) << said;
}

TEST_F(BenchTest, AServerThatIsNotThereIsNamed) {
  options_.whip = "http://127.0.0.1:1/whip/a";
  const std::string said = outcome();
  EXPECT_TRUE(said.contains("a publisher: 127.0.0.1:1: ")) << said;
  options_.whip = "ftp://127.0.0.1/";
  EXPECT_TRUE(outcome().contains("expected http:// or https://"));
}

TEST(BenchFigures, SayWhatWasSeen) {
  BenchFigures figures;
  figures.whole = true;
  figures.seconds = 2;
  figures.publishers = 1;
  figures.viewers = 10;
  figures.receiving = 9;
  figures.tally.packets = 2'000;
  figures.tally.bytes = 2'400'000;
  figures.tally.lost = 3;
  figures.tally.video.add(milliseconds(1));
  const std::string line = to_line(figures);
  EXPECT_TRUE(line.contains("10 viewers (9 receive)")) << line;
  EXPECT_TRUE(line.contains("received 1000/s, 9.6 Mbit/s  lost 3")) << line;
  const std::string json = to_json(figures);
  EXPECT_TRUE(json.contains(R"("received":2000,"bytes":2400000,"lost":3)")) << json;
}

}  // namespace
}  // namespace liaison::io
