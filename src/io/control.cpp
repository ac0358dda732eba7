#include "io/control.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

#include "io/clock.hpp"
#include "node/wall_clock.hpp"
#include "transport/srtp_cipher.hpp"

namespace liaison::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr Duration retry_interval = milliseconds(1);
constexpr Duration beat_interval = milliseconds(250);
// How much news of one worker is taken before the others have their turn.
constexpr int news_batch = 1'024;

std::chrono::steady_clock::time_point to_steady(Instant instant) {
  return std::chrono::steady_clock::time_point(
      duration_cast<std::chrono::steady_clock::duration>(instant.time_since_epoch()));
}

// A mailbox as something that Asio waits for. The descriptor stays the mailbox's.
class Inbox {
 public:
  Inbox(asio::io_context& context, int fd) : descriptor_(context, fd) {}
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() { descriptor_.release(); }

  template <typename Function>
  void wait(Function function) {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [function = std::move(function)](error_code error) {
                             if (!error) function();
                           });
  }

 private:
  asio::posix::stream_descriptor descriptor_;
};

}  // namespace

class Control::State {
 public:
  State(asio::io_context& context, ControlParts parts);

  using Answer = std::function<void(signaling::whip::Response)>;

  ConnectionId open(std::shared_ptr<SignalingConnection> connection, std::string remote);
  void request(signaling::whip::Request content, std::string remote, Answer answer);
  void receive(const node::Input& input);
  void close(ConnectionId id);
  void hand_over(WorkerIndex worker, TcpHandover handover);
  std::string metrics() const;
  std::string health() const;
  void log(node::LogLevel level, std::string event, std::vector<node::LogField> fields) const {
    log_.write({level, std::move(event), {}, std::move(fields)});
  }

  std::size_t connections() const { return connections_.size(); }
  const HttpServer* http = nullptr;
  TcpAcceptor* tcp = nullptr;

 private:
  struct WorkerPlace {
    std::unique_ptr<Worker> worker;
    std::unique_ptr<Inbox> inbox;
    WorkerMetrics metrics;
    WorstLag lag;
  };

  void wait_for_worker(WorkerPlace& place);
  void take_news(WorkerPlace& place);
  void take_news(WorkerPlace& place, const WorkerNews& news, Instant now);
  void wait_for_storage();
  void take_storage_news();
  void take_storage_news(StorageNews news, Instant now);
  // Does what the node has said, and sees to its next deadline.
  void act();
  // Sees to it that two workers can hear each other.
  void connect(WorkerIndex one, WorkerIndex other);
  void store(node::StoreRequest request);
  void flush_orders();
  void wait_for_deadline();
  void beat();
  void check_clock(Instant now);

  asio::io_context& context_;
  Log log_;
  std::string_view version_;
  node::Node node_;
  node::Output out_;
  std::unordered_map<ConnectionId, std::shared_ptr<SignalingConnection>> connections_;
  std::unordered_map<ConnectionId, Answer> requests_;
  std::uint64_t last_connection_ = 0;  // or request
  std::vector<std::unique_ptr<WorkerPlace>> workers_;
  std::set<std::pair<WorkerIndex, WorkerIndex>> connected_;  // the lower one first
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Inbox> storage_inbox_;
  StorageStats storage_stats_;
  asio::steady_timer timer_;
  Instant timer_at_ = never;
  asio::steady_timer retry_timer_;
  bool retrying_ = false;
  asio::steady_timer beat_timer_;
  Instant next_beat_;
  Instant next_clock_check_;
  node::WallClock wall_clock_;
  WorstLag lag_;
};

Control::State::State(asio::io_context& context, ControlParts parts)
    : context_(context),
      log_(parts.log),
      version_(parts.version),
      node_(std::move(parts.config)),
      storage_(std::move(parts.storage)),
      storage_inbox_(std::make_unique<Inbox>(context, storage_->news().fd())),
      timer_(context),
      retry_timer_(context),
      beat_timer_(context) {
  const Instant now = monotonic_now();
  check_clock(now);
  node_.receive(parts.loaded, now, out_);
  for (std::unique_ptr<Worker>& worker : parts.workers) {
    auto place = std::make_unique<WorkerPlace>();
    place->worker = std::move(worker);
    place->inbox = std::make_unique<Inbox>(context, place->worker->news().fd());
    wait_for_worker(*place);
    workers_.push_back(std::move(place));
  }
  wait_for_storage();
  next_beat_ = now;
  beat();
  act();
}

ConnectionId Control::State::open(std::shared_ptr<SignalingConnection> connection,
                                  std::string remote) {
  const ConnectionId id{++last_connection_};
  connections_.emplace(id, std::move(connection));
  receive(node::ConnectionOpened{id, std::move(remote)});
  return id;
}

void Control::State::request(signaling::whip::Request content, std::string remote, Answer answer) {
  const ConnectionId id{++last_connection_};
  requests_.emplace(id, std::move(answer));
  receive(node::RequestReceived{id, std::move(remote), std::move(content)});
}

void Control::State::close(ConnectionId id) {
  // The node has forgotten those that it closed itself.
  if (connections_.erase(id) != 0) receive(node::ConnectionClosed{id});
}

void Control::State::receive(const node::Input& input) {
  node_.receive(input, monotonic_now(), out_);
  act();
}

void Control::State::hand_over(WorkerIndex worker, TcpHandover handover) {
  const auto index = static_cast<std::size_t>(worker);
  if (index >= workers_.size()) {
    if (tcp != nullptr) {
      asio::post(context_, [this, number = handover.path.tcp_connection] { tcp->closed(number); });
    }
    return;
  }
  workers_[index]->worker->orders().post(std::move(handover));
  flush_orders();
}

void Control::State::wait_for_worker(WorkerPlace& place) {
  place.inbox->wait([this, &place] {
    take_news(place);
    wait_for_worker(place);
  });
}

void Control::State::take_news(WorkerPlace& place) {
  Mailbox<WorkerNews>& news = place.worker->news();
  news.acknowledge();
  const Instant now = monotonic_now();
  for (int taken = 0; auto one = news.take(); ++taken) {
    take_news(place, *one, now);
    if (taken == news_batch) {
      asio::post(context_, [this, &place] { take_news(place); });
      break;
    }
  }
  act();
}

void Control::State::take_news(WorkerPlace& place, const WorkerNews& news, Instant now) {
  if (const auto* event = std::get_if<sfu::Event>(&news)) {
    if (const auto* stats = std::get_if<sfu::WorkerStats>(event)) place.metrics.sfu = *stats;
    node_.receive(node::WorkerEvent{place.worker->index(), *event}, now, out_);
  } else if (const auto* report = std::get_if<LoopReport>(&news)) {
    place.metrics.loop = *report;
    place.lag.add(report->worst_lag, now);
  } else if (const auto* closed = std::get_if<TcpClosed>(&news)) {
    if (tcp != nullptr) tcp->closed(closed->connection);
  }
}

void Control::State::wait_for_storage() {
  storage_inbox_->wait([this] {
    take_storage_news();
    wait_for_storage();
  });
}

void Control::State::take_storage_news() {
  storage_->news().acknowledge();
  const Instant now = monotonic_now();
  while (auto news = storage_->news().take()) take_storage_news(std::move(*news), now);
  act();
}

void Control::State::take_storage_news(StorageNews news, Instant now) {
  if (const auto* checked = std::get_if<node::TokenChecked>(&news)) {
    node_.receive(*checked, now, out_);
  } else if (const auto* done = std::get_if<StorageDone>(&news)) {
    storage_stats_.done += done->requests;
    storage_stats_.slowest_batch = std::max(storage_stats_.slowest_batch, done->took);
  } else if (const auto* fails = std::get_if<StorageFails>(&news)) {
    storage_stats_.failing = true;
    log(node::LogLevel::error, "store_failing",
        {{"code", std::string(fails->error.code)}, {"message", fails->error.message}});
  } else if (std::holds_alternative<StorageWorks>(news)) {
    storage_stats_.failing = false;
    log(node::LogLevel::info, "store_works_again", {});
  }
}

void Control::State::connect(WorkerIndex one, WorkerIndex other) {
  if (!connected_.insert(std::minmax(one, other)).second) return;
  const auto there = std::make_shared<Mailbox<LinkMail>>(Worker::link_room);
  const auto back = std::make_shared<Mailbox<LinkMail>>(Worker::link_room);
  const auto orders = [&](WorkerIndex worker) -> Mailbox<WorkerOrder>& {
    return workers_[static_cast<std::size_t>(worker)]->worker->orders();
  };
  orders(one).post(LinkMailboxes{sfu::link_to(other), back, there});
  orders(other).post(LinkMailboxes{sfu::link_to(one), there, back});
}

void Control::State::act() {
  for (node::SendCommand& command : out_.commands) {
    const auto index = static_cast<std::size_t>(command.worker);
    ENSURE(index < workers_.size());
    if (const auto* link = std::get_if<sfu::OpenLink>(&command.command))
      connect(command.worker, sfu::worker_of(link->link));
    workers_[index]->worker->orders().post(std::move(command.command));
  }
  for (node::SendMessage& message : out_.messages) {
    const auto found = connections_.find(message.connection);
    if (found != connections_.end()) found->second->send(std::move(message.text));
  }
  for (node::CloseConnection& close : out_.closes) {
    const auto found = connections_.find(close.connection);
    if (found == connections_.end()) continue;
    found->second->close(close.code, std::move(close.reason));
    connections_.erase(found);
  }
  for (node::Respond& response : out_.responses) {
    const auto found = requests_.find(response.request);
    if (found == requests_.end()) continue;
    const Answer answer = std::move(found->second);
    requests_.erase(found);
    answer(std::move(response.content));
  }
  for (node::StoreRequest& request : out_.store) store(std::move(request));
  for (const node::LogLine& line : out_.log) log_.write(line);
  out_.clear();
  flush_orders();
  wait_for_deadline();
}

void Control::State::store(node::StoreRequest request) {
  ++storage_stats_.requests;
  const auto* token = std::get_if<node::UseToken>(&request);
  const node::TokenChecked refused =
      token == nullptr ? node::TokenChecked{}
                       : node::TokenChecked{token->connection, token->token_id, false};
  const bool is_token = token != nullptr;
  if (storage_->request(std::move(request))) return;
  ++storage_stats_.done;
  if (storage_stats_.lost++ % 1'000 == 0)
    log(node::LogLevel::error, "store_request_lost", {{"reason", "too many are waiting"}});
  // What cannot be made to last counts as used: its bearer tries again later.
  if (is_token) asio::post(context_, [this, refused] { receive(refused); });
}

// A full mailbox is tried again until everything has moved on.
void Control::State::flush_orders() {
  bool waiting = false;
  for (const auto& place : workers_) waiting |= !place->worker->orders().flush();
  if (!waiting || std::exchange(retrying_, true)) return;
  retry_timer_.expires_after(retry_interval);
  retry_timer_.async_wait([this](error_code error) {
    retrying_ = false;
    if (!error) flush_orders();
  });
}

void Control::State::wait_for_deadline() {
  const Instant deadline = node_.deadline();
  if (deadline == timer_at_) return;
  timer_at_ = deadline;
  timer_.cancel();
  if (deadline == never) return;
  timer_.expires_at(to_steady(deadline));
  timer_.async_wait([this](error_code error) {
    if (error) return;
    const Instant now = monotonic_now();
    lag_.add(now - timer_at_, now);
    timer_at_ = never;
    node_.tick(now, out_);
    act();
  });
}

void Control::State::beat() {
  const Instant now = monotonic_now();
  lag_.add(now - next_beat_, now);
  if (now >= next_clock_check_) check_clock(now);
  act();
  next_beat_ = now + beat_interval;
  beat_timer_.expires_at(to_steady(next_beat_));
  beat_timer_.async_wait([this](error_code error) {
    if (!error) beat();
  });
}

void Control::State::check_clock(Instant now) {
  next_clock_check_ = now + node::WallClock::interval;
  const UnixTime wall = unix_now();
  const auto moved = wall_clock_.look(wall, now);
  if (!moved) return;
  if (*moved != microseconds{})
    log(node::LogLevel::warning, "wall_clock_moved",
        {{"by_ms", std::to_string(duration_cast<milliseconds>(*moved).count())}});
  node_.receive(node::WallClockSet{wall}, now, out_);
}

std::string Control::State::metrics() const {
  const Instant now = monotonic_now();
  MetricsSnapshot snapshot;
  snapshot.version = version_;
  snapshot.srtp = describe(transport::fastest_srtp_engine());
  snapshot.node = node_.stats();
  for (const auto& place : workers_) {
    WorkerMetrics metrics = place->metrics;
    metrics.lag = place->lag.worst(now);
    metrics.orders_waiting = place->worker->orders().waiting();
    snapshot.workers.push_back(metrics);
  }
  if (http != nullptr) snapshot.http = http->stats();
  if (tcp != nullptr) snapshot.tcp = tcp->stats();
  snapshot.storage = storage_stats_;
  snapshot.control_lag = lag_.worst(now);
  snapshot.process = read_process_metrics();
  return write_metrics(snapshot);
}

std::string Control::State::health() const {
  return storage_stats_.failing ? "{\"status\":\"ok\",\"store\":\"failing\"}\n"
                                : "{\"status\":\"ok\",\"store\":\"ok\"}\n";
}

Control::Control(asio::io_context& context, ControlParts parts)
    : state_(std::make_unique<State>(context, std::move(parts))) {}
Control::~Control() = default;

HttpHooks Control::http_hooks() {
  State* state = state_.get();
  return {
      .opened =
          [state](std::shared_ptr<SignalingConnection> connection, std::string remote) {
            return state->open(std::move(connection), std::move(remote));
          },
      .received =
          [state](ConnectionId id, std::string text) {
            state->receive(node::MessageReceived{id, std::move(text)});
          },
      .closed = [state](ConnectionId id) { state->close(id); },
      .request =
          [state](signaling::whip::Request content, std::string remote, State::Answer answer) {
            state->request(std::move(content), std::move(remote), std::move(answer));
          },
      .metrics = [state] { return state->metrics(); },
      .health = [state] { return state->health(); },
  };
}

void Control::hand_over(WorkerIndex worker, TcpHandover connection) {
  state_->hand_over(worker, std::move(connection));
}

void Control::watch(const HttpServer* http, TcpAcceptor* tcp) {
  state_->http = http;
  state_->tcp = tcp;
}

void Control::shut_down() { state_->receive(node::ShutDown{}); }
std::size_t Control::connections() const { return state_->connections(); }
void Control::log(node::LogLevel level, std::string event,
                  std::vector<node::LogField> fields) const {
  state_->log(level, std::move(event), std::move(fields));
}

}  // namespace liaison::io
