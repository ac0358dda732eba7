#include "io/metrics.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "io/clock.hpp"
#include "io/keys.hpp"

namespace liaison::io {
namespace {

double in_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double in_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The second number of statm, see proc(5).
std::optional<std::uint64_t> resident_pages() {
  const auto statm = read_file("/proc/self/statm", 256);
  if (!statm) return std::nullopt;
  const std::size_t blank = statm->find(' ');
  if (blank == std::string::npos) return std::nullopt;
  std::uint64_t pages = 0;
  const auto [end, problem] =
      std::from_chars(statm->data() + blank + 1, statm->data() + statm->size(), pages);
  if (problem != std::errc{}) return std::nullopt;
  return pages;
}

// A label value: backslash, quote and line feed are escaped.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n')
      text += "\\n";
    else
      text += c;
  }
  return text;
}

// One counter for each worker.
template <typename Value>
void for_workers(MetricsWriter& out, const std::vector<WorkerMetrics>& workers, Value value) {
  for (std::size_t i = 0; i < workers.size(); ++i)
    out.sample({{"worker", std::to_string(i)}}, value(workers[i]));
}

void write_workers(MetricsWriter& out, const std::vector<WorkerMetrics>& workers) {
  struct Family {
    std::string_view name;
    std::string_view help;
    std::uint64_t sfu::WorkerStats::* value;
  };
  static constexpr std::array families = {
      Family{"liaison_packets_in_total", "Datagrams received", &sfu::WorkerStats::packets_in},
      Family{"liaison_bytes_in_total", "Bytes of datagrams received", &sfu::WorkerStats::bytes_in},
      Family{"liaison_packets_out_total", "Datagrams sent", &sfu::WorkerStats::packets_out},
      Family{"liaison_bytes_out_total", "Bytes of datagrams sent", &sfu::WorkerStats::bytes_out},
      Family{"liaison_nacks_in_total", "Packets that subscribers asked for again",
             &sfu::WorkerStats::nacks_in},
      Family{"liaison_nacks_out_total", "Packets that we asked publishers for again",
             &sfu::WorkerStats::nacks_out},
      Family{"liaison_retransmissions_total", "Packets sent again to subscribers",
             &sfu::WorkerStats::retransmitted},
      Family{"liaison_plis_in_total", "Key frames that subscribers asked for",
             &sfu::WorkerStats::plis_in},
      Family{"liaison_plis_passed_over_total",
             "Key frames that subscribers asked for while one was under way to them",
             &sfu::WorkerStats::plis_passed_over},
      Family{"liaison_plis_out_total", "Key frames that we asked publishers for",
             &sfu::WorkerStats::plis_out},
      Family{"liaison_handshakes_total", "DTLS handshakes completed",
             &sfu::WorkerStats::handshakes},
  };
  for (const Family& family : families) {
    out.family(family.name, "counter", family.help);
    for_workers(out, workers,
                [&](const WorkerMetrics& worker) { return worker.sfu.*family.value; });
  }
  out.family("liaison_receive_messages_total", "counter",
             "Messages that the kernel gave; one may be a run of datagrams");
  for_workers(out, workers, [](const WorkerMetrics& worker) { return worker.loop.messages_in; });
  out.family("liaison_send_runs_divided_total", "counter",
             "Runs of datagrams that the kernel refused, so that each was sent alone");
  for_workers(out, workers, [](const WorkerMetrics& worker) { return worker.loop.runs_divided; });
  out.family("liaison_send_messages_total", "counter",
             "Messages given to the kernel; one may be a run of datagrams");
  for_workers(out, workers, [](const WorkerMetrics& worker) { return worker.loop.messages_out; });

  out.family("liaison_endpoints", "gauge", "Media connections of clients");
  for_workers(out, workers,
              [](const WorkerMetrics& worker) { return std::uint64_t{worker.sfu.endpoints}; });
  out.family("liaison_worker_calls", "gauge", "Calls that a worker forwards for");
  for_workers(out, workers,
              [](const WorkerMetrics& worker) { return std::uint64_t{worker.sfu.calls}; });
  out.family("liaison_packet_pool_free", "gauge", "Blocks for datagrams that are free");
  for_workers(out, workers,
              [](const WorkerMetrics& worker) { return std::uint64_t{worker.loop.pool_free}; });
  out.family("liaison_mailbox_waiting", "gauge", "Orders that found no room in a worker's mailbox");
  for_workers(out, workers,
              [](const WorkerMetrics& worker) { return std::uint64_t{worker.orders_waiting}; });

  out.family("liaison_drops_total", "counter", "Packets that went no further, by reason");
  for (std::size_t reason = 0; reason < drop_count; ++reason) {
    for (std::size_t i = 0; i < workers.size(); ++i) {
      out.sample({{"worker", std::to_string(i)}, {"reason", drop_name(static_cast<Drop>(reason))}},
                 workers[i].sfu.drops.counts[reason]);
    }
  }
}

void write_node(MetricsWriter& out, const node::NodeStats& node) {
  out.gauge("liaison_rooms", "Rooms with somebody in them", node.rooms);
  out.gauge("liaison_people", "People in rooms", node.people);
  out.gauge("liaison_viewers", "Viewers of rooms, by WHEP", node.viewers);
  out.gauge("liaison_sessions", "Sessions that can be resumed, living ones included",
            node.sessions);
  out.gauge("liaison_signaling_connections", "Signaling connections", node.connections);
  out.counter("liaison_joins_total", "Joins completed", node.joins);
  out.counter("liaison_resumes_total", "Sessions resumed", node.resumes);
  out.counter("liaison_calls_total", "Calls begun", node.calls);
  out.counter("liaison_messages_in_total", "Signaling messages received", node.messages_in);
  out.counter("liaison_requests_in_total", "WHIP and WHEP requests received", node.requests_in);
  out.counter("liaison_publications_total", "WHIP sessions begun", node.publications);
  out.counter("liaison_viewings_total", "WHEP sessions begun", node.viewings);
  out.family("liaison_errors_total", "counter", "Errors sent to clients, by code");
  for (const auto& [code, count] : node.errors) out.sample({{"code", code}}, count);
}

void write_connections(MetricsWriter& out, const HttpStats& http, const TcpAcceptorStats& tcp) {
  out.gauge("liaison_http_connections", "Connections to the web server, WebSockets included",
            http.connections);
  out.gauge("liaison_web_sockets", "WebSockets that are open", http.web_sockets);
  out.counter("liaison_http_accepted_total", "Connections accepted", http.accepted);
  out.counter("liaison_http_refused_total", "Connections refused over a limit", http.refused);
  out.family("liaison_http_responses_total", "counter", "HTTP responses, by class of status");
  for (std::size_t i = 2; i < http.responses.size(); ++i)
    out.sample({{"status", fmt::format("{}xx", i)}}, http.responses[i]);
  out.gauge("liaison_media_tcp_connections", "Media connections over TCP", tcp.connections);
  out.gauge("liaison_media_tcp_pending", "TCP connections that have not said whom they are for",
            tcp.pending);
  out.counter("liaison_media_tcp_accepted_total", "TCP connections accepted for media",
              tcp.accepted);
  out.counter("liaison_media_tcp_refused_total", "TCP connections refused over a limit",
              tcp.refused);
  out.counter("liaison_media_tcp_rejected_total",
              "TCP connections that did not begin as media does", tcp.rejected);
}

void write_storage(MetricsWriter& out, const StorageStats& storage) {
  out.counter("liaison_store_requests_total", "Requests to the store", storage.requests);
  out.gauge("liaison_store_queue", "Requests that the store has not done yet",
            storage.requests - std::min(storage.requests, storage.done));
  out.counter("liaison_store_lost_total", "Requests lost because too many were waiting",
              storage.lost);
  out.gauge("liaison_store_failing", "1 while the store cannot be written",
            storage.failing ? 1 : 0);
  out.family("liaison_store_slowest_batch_seconds", "gauge", "The slowest write so far");
  out.sample({}, in_seconds(storage.slowest_batch));
}

void write_process(MetricsWriter& out, const ProcessMetrics& process) {
  out.gauge("process_resident_memory_bytes", "Resident memory", process.resident_bytes);
  out.gauge("process_open_fds", "Open file descriptors", process.open_files);
  out.gauge("process_max_fds", "Limit of open file descriptors", process.max_files);
  out.family("process_cpu_seconds_total", "counter", "User and system time spent");
  out.sample({}, process.cpu_seconds);
  out.family("process_start_time_seconds", "gauge", "When the process began, since 1970");
  out.sample({}, process.start_seconds);
}

}  // namespace

void MetricsWriter::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void MetricsWriter::sample_name(Labels labels) {
  text_ += name_;
  char before = '{';
  for (const auto& [name, value] : labels) {
    text_ += fmt::format("{}{}=\"{}\"", before, name, escaped(value));
    before = ',';
  }
  text_ += before == ',' ? "} " : " ";
}

void MetricsWriter::sample(Labels labels, std::uint64_t value) {
  sample_name(labels);
  text_ += fmt::format("{}\n", value);
}

void MetricsWriter::sample(Labels labels, double value) {
  sample_name(labels);
  text_ += fmt::format("{}\n", value);
}

void MetricsWriter::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "counter", help);
  sample(value);
}

void MetricsWriter::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, "gauge", help);
  sample(value);
}

void WorstLag::add(Duration lag, Instant now) {
  if (now - window_began_ >= window) {
    previous_ = now - window_began_ < 2 * window ? current_ : Duration::zero();
    current_ = {};
    window_began_ = now;
  }
  current_ = std::max(current_, lag);
}

Duration WorstLag::worst(Instant now) const {
  if (now - window_began_ >= 2 * window) return {};
  if (now - window_began_ >= window) return current_;
  return std::max(current_, previous_);
}

ProcessMetrics read_process_metrics() {
  static const double started = static_cast<double>(unix_now().time_since_epoch().count()) / 1e6;
  ProcessMetrics metrics;
  metrics.start_seconds = started;
  if (const auto pages = resident_pages())
    metrics.resident_bytes = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (DIR* folder = opendir("/proc/self/fd")) {
    while (readdir(folder) != nullptr) ++metrics.open_files;
    closedir(folder);
    metrics.open_files -= std::min<std::uint64_t>(metrics.open_files, 3);  // "." ".." and itself
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metrics.max_files = limit.rlim_cur;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    metrics.cpu_seconds = in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
  return metrics;
}

std::string write_metrics(const MetricsSnapshot& snapshot) {
  MetricsWriter out;
  out.family("liaison_info", "gauge", "Always 1");
  out.sample({{"version", snapshot.version}, {"srtp", snapshot.srtp}}, std::uint64_t{1});
  write_node(out, snapshot.node);
  write_workers(out, snapshot.workers);
  write_connections(out, snapshot.http, snapshot.tcp);
  write_storage(out, snapshot.storage);
  out.family("liaison_loop_lag_seconds", "gauge",
             "By how much an event loop was late at worst in the last 15 to 30 seconds");
  out.sample({{"loop", "control"}}, in_seconds(snapshot.control_lag));
  for (std::size_t i = 0; i < snapshot.workers.size(); ++i)
    out.sample({{"loop", fmt::format("worker-{}", i)}}, in_seconds(snapshot.workers[i].lag));
  write_process(out, snapshot.process);
  return out.take();
}

}  // namespace liaison::io
