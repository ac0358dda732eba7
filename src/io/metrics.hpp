// What /metrics says.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "io/http_server.hpp"
#include "io/tcp_acceptor.hpp"
#include "io/worker.hpp"
#include "node/node.hpp"
#include "sfu/event.hpp"

namespace liaison::io {

// Prometheus text exposition format 0.0.4. (Own few lines: all values are in the snapshot already,
// so a library would only keep them a second time.)
class MetricsWriter {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; the samples that follow belong to it. `type` is "counter" or "gauge".
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  void sample(std::uint64_t value) { sample({}, value); }
  // A family of one sample.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);

  std::string take() { return std::move(text_); }

 private:
  void sample_name(Labels labels);

  std::string text_;
  std::string_view name_;
};

// The worst of two windows, so that whoever looks once per window misses nothing.
class WorstLag {
 public:
  static constexpr Duration window = seconds(15);

  void add(Duration lag, Instant now);
  Duration worst(Instant now) const;

 private:
  Duration current_{};
  Duration previous_{};
  Instant window_began_{};
};

struct StorageStats {
  std::uint64_t requests = 0;
  std::uint64_t done = 0;
  std::uint64_t lost = 0;  // too much was waiting
  bool failing = false;
  Duration slowest_batch{};
};

struct WorkerMetrics {
  sfu::WorkerStats sfu;
  LoopReport loop;
  Duration lag{};
  std::size_t orders_waiting = 0;
};

struct ProcessMetrics {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t max_files = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  // since 1970
};
ProcessMetrics read_process_metrics();

// Everything that is counted, at one moment.
struct MetricsSnapshot {
  std::string_view version;
  std::string_view srtp;  // what does its cryptography
  node::NodeStats node;
  std::vector<WorkerMetrics> workers;
  HttpStats http;
  TcpAcceptorStats tcp;
  StorageStats storage;
  Duration control_lag{};
  ProcessMetrics process;
};
std::string write_metrics(const MetricsSnapshot& snapshot);

}  // namespace liaison::io
