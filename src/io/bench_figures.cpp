#include "io/bench_figures.hpp"

#include <fmt/format.h>

namespace liaison::io {
namespace {

double ms(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

double per_second(std::uint64_t count, const BenchFigures& figures) {
  return static_cast<double>(count) / figures.seconds;
}

}  // namespace

std::string to_line(const BenchFigures& figures) {
  const load::Tally& tally = figures.tally;
  std::string text = fmt::format(
      "{:>8}  {} publishers, {} viewers{}{}",
      figures.whole ? "in all" : fmt::format("{:.0f} s", figures.at), figures.publishers,
      figures.viewers,
      figures.receiving < figures.viewers ? fmt::format(" ({} receive)", figures.receiving) : "",
      figures.failed > 0 ? fmt::format(", {} failed", figures.failed) : "");
  text += fmt::format("  sent {:.0f}/s  received {:.0f}/s, {:.1f} Mbit/s  lost {}",
                      per_second(tally.packets_sent, figures), per_second(tally.packets, figures),
                      8e-6 * per_second(tally.bytes, figures), tally.lost);
  if (tally.late > 0) text += fmt::format("  late {}", tally.late);
  if (tally.repeated > 0) text += fmt::format("  repeated {}", tally.repeated);
  if (tally.damaged > 0) text += fmt::format("  damaged {}", tally.damaged);
  if (figures.skipped > 0) text += fmt::format("  not sent in time {}", figures.skipped);
  const auto latency = [&](const char* name, const load::Histogram& of) {
    if (of.count() == 0) return;
    text += fmt::format("  {} {:.2f}, p99 {:.2f} ms", name, ms(of.quantile(0.5)),
                        ms(of.quantile(0.99)));
  };
  latency("video", tally.video);
  latency("audio", tally.audio);
  if (!figures.whole) return text + '\n';
  text += "\n";
  const auto joins = [&](const char* name, const load::Histogram& of) {
    if (of.count() == 0) return;
    text += fmt::format("{:>8}  from request to {}: {:.1f} ms, p95 {:.1f} ms\n", "", name,
                        ms(of.quantile(0.5)), ms(of.quantile(0.95)));
  };
  joins("connection", figures.connected);
  joins("first media", figures.first_media);
  return text;
}

std::string to_json(const BenchFigures& figures) {
  const load::Tally& tally = figures.tally;
  std::string text = fmt::format(
      R"({{"whole":{},"measuring":{},"at":{:.3f},"seconds":{:.3f},"publishers":{},"viewers":{},"receiving":{},"failed":{})",
      figures.whole, figures.measuring, figures.at, figures.seconds, figures.publishers,
      figures.viewers, figures.receiving, figures.failed);
  text += fmt::format(
      R"(,"sent":{},"received":{},"bytes":{},"lost":{},"late":{},"repeated":{},"damaged":{},"nacks":{},"key_frame_requests":{},"skipped":{})",
      tally.packets_sent, tally.packets, tally.bytes, tally.lost, tally.late, tally.repeated,
      tally.damaged, tally.nacks, tally.key_frame_requests, figures.skipped);
  const auto quantiles = [&](const char* name, const load::Histogram& of) {
    text += fmt::format(
        R"(,"{}":{{"count":{},"p50_ms":{:.4f},"p95_ms":{:.4f},"p99_ms":{:.4f},"max_ms":{:.4f}}})",
        name, of.count(), ms(of.quantile(0.5)), ms(of.quantile(0.95)), ms(of.quantile(0.99)),
        ms(of.quantile(1)));
  };
  quantiles("video", tally.video);
  quantiles("audio", tally.audio);
  quantiles("connected", figures.connected);
  quantiles("first_media", figures.first_media);
  return text + "}\n";
}

}  // namespace liaison::io
