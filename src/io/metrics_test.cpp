#include "io/metrics.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace liaison::io {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

MetricsSnapshot snapshot() {
  MetricsSnapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.srtp = "openssl";
  snapshot.node.rooms = 3;
  snapshot.node.errors["bad_message"] = 4;
  snapshot.workers.resize(2);
  snapshot.workers[1].sfu.packets_in = 18'446'744'073'709'551'615U;
  snapshot.workers[1].sfu.drops.counts[static_cast<std::size_t>(Drop::srtp_auth)] = 7;
  snapshot.workers[1].lag = microseconds(1'500);
  snapshot.storage.requests = 5;
  snapshot.storage.done = 3;
  snapshot.control_lag = milliseconds(2);
  return snapshot;
}

TEST(Metrics, FollowTheTextFormat) {
  const std::string text = write_metrics(snapshot());
  ASSERT_TRUE(text.ends_with('\n'));
  std::set<std::string_view> families;
  std::set<std::string_view> series;
  std::string_view family;
  bool typed = false;
  for (const std::string_view line : lines_of(text)) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(is_name(family)) << line;
      EXPECT_TRUE(families.insert(family).second) << line;
      typed = false;
    } else if (line.starts_with("# TYPE ")) {
      const std::string_view type = line.substr(line.rfind(' ') + 1);
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), family);
      EXPECT_TRUE(type == "counter" || type == "gauge") << line;
      EXPECT_EQ(type == "counter", family.ends_with("_total")) << line;
      typed = true;
    } else {
      EXPECT_TRUE(typed) << line;
      const std::string_view name = line.substr(0, line.find_first_of("{ "));
      EXPECT_EQ(name, family) << line;
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
      const std::string value(line.substr(line.rfind(' ') + 1));
      std::size_t used = 0;
      EXPECT_NO_THROW(std::stod(value, &used)) << line;
      EXPECT_EQ(used, value.size()) << line;
    }
  }
}

TEST(Metrics, SayWhatWasCounted) {
  const std::string text = write_metrics(snapshot());
  for (const std::string_view line :
       {"liaison_info{version=\"1.2.3\",srtp=\"openssl\"} 1\n", "\nliaison_rooms 3\n",
        "\nliaison_errors_total{code=\"bad_message\"} 4\n",
        "\nliaison_packets_in_total{worker=\"0\"} 0\n",
        "\nliaison_packets_in_total{worker=\"1\"} 18446744073709551615\n",
        "\nliaison_drops_total{worker=\"1\",reason=\"srtp_auth\"} 7\n", "\nliaison_store_queue 2\n",
        "\nliaison_loop_lag_seconds{loop=\"control\"} 0.002\n",
        "\nliaison_loop_lag_seconds{loop=\"worker-1\"} 0.0015\n"}) {
    EXPECT_TRUE(text.contains(line)) << line;
  }
  for (std::size_t reason = 0; reason < drop_count; ++reason)
    EXPECT_TRUE(text.contains(
        fmt::format("{{worker=\"0\",reason=\"{}\"}} 0\n", drop_name(static_cast<Drop>(reason)))));
}

TEST(Metrics, EscapeWhatALabelMayNotHold) {
  MetricsWriter out;
  out.family("x", "gauge", "X");
  out.sample({{"a", "q\"b\\n\n"}}, 0.5);
  EXPECT_EQ(out.take(), "# HELP x X\n# TYPE x gauge\nx{a=\"q\\\"b\\\\n\\n\"} 0.5\n");
}

TEST(Metrics, KnowTheProcess) {
  const auto process = read_process_metrics();
  EXPECT_GT(process.resident_bytes, 1U << 20);
  EXPECT_LT(process.resident_bytes, 1ULL << 40);
  EXPECT_GE(process.open_files, 3U);
  EXPECT_GE(process.max_files, process.open_files);
  EXPECT_GT(process.start_seconds, 1.6e9);
  EXPECT_EQ(process.start_seconds, read_process_metrics().start_seconds);
}

TEST(WorstLag, RemembersForOneWindowAndForgetsAfterTwo) {
  WorstLag lag;
  const Instant start{hours(1)};
  lag.add(milliseconds(9), start);
  lag.add(milliseconds(3), start + seconds(1));
  EXPECT_EQ(lag.worst(start + seconds(2)), milliseconds(9));
  EXPECT_EQ(lag.worst(start + seconds(16)), milliseconds(9));
  lag.add(milliseconds(1), start + seconds(16));
  EXPECT_EQ(lag.worst(start + seconds(17)), milliseconds(9));
  lag.add(milliseconds(2), start + seconds(31));
  EXPECT_EQ(lag.worst(start + seconds(32)), milliseconds(2));
  EXPECT_EQ(lag.worst(start + seconds(61)), Duration::zero());
  lag.add(milliseconds(4), start + seconds(90));
  EXPECT_EQ(lag.worst(start + seconds(91)), milliseconds(4));
}

}  // namespace
}  // namespace liaison::io
