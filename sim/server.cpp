#include "sim/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"
#include "base/mail_queue.hpp"
#include "base/packet_pool.hpp"
#include "io/storage_batches.hpp"
#include "io/store_sqlite.hpp"
#include "node/wall_clock.hpp"
#include "sfu/sfu.hpp"
#include "signaling/credentials.hpp"
#include "sim/heap.hpp"
#include "sim/world.hpp"
#include "stun/message.hpp"

namespace liaison::sim {
namespace {

constexpr std::uint16_t first_port = 40'000;
constexpr Duration retry = milliseconds(1);  // of a mailbox that was full
constexpr Duration restart_wait = seconds(1);
constexpr std::size_t socket_buffer = 4 * 1024 * 1024;  // bytes, as io/udp.cpp asks for

}  // namespace

// ── The process ──

class Server::Process {
 public:
  Process(Server& server, std::unique_ptr<io::Store> store, const node::StoreLoaded& loaded);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool datagram(const SocketAddress& from, std::uint16_t port, Bytes bytes);
  bool tcp_datagram(const transport::Path& from, Bytes bytes);
  void tcp_closed(std::uint32_t connection) { tcp_.erase(connection); }
  bool takes(std::uint16_t port) const {
    return port >= first_port && port < first_port + workers_.size();
  }
  void receive(const node::Input& input);
  void stall(std::size_t worker, Duration how_long);
  Load load(std::size_t worker) const;
  std::optional<std::uint64_t> estimate(EndpointId endpoint) const;
  std::size_t store_requests_waiting() const { return store_requests_; }
  const node::NodeStats& stats() const { return node_.stats(); }

 private:
  // What goes through the mailboxes, numbered: they may lose nothing and change no order.
  struct Order {
    std::uint64_t serial = 0;
    sfu::Command command;
  };
  struct LinkMail {
    sfu::LinkMessage message;
    std::vector<std::uint8_t> packet;
  };
  struct News {
    std::uint64_t serial = 0;  // 0 for what may be lost
    sfu::Event event;
  };

  class Worker : public Actor {
   public:
    Worker(Process& process, std::size_t index);
    void wake() override;
    Instant next() const override;
    bool datagram(const transport::Path& from, Bytes bytes);
    const sfu::Sfu& sfu() const { return sfu_; }

    MailQueue<Order> orders;
    MailQueue<News> news;
    std::vector<std::unique_ptr<MailQueue<LinkMail>>> links;  // from each worker
    Instant links_at = never;                                 // when it looks
    std::uint64_t orders_posted = 0;
    Instant orders_at = never;  // when it looks
    Instant stalled_until = Instant::min();
    sfu::WorkerStats stats;
    PacketPool pool;

   private:
    struct Waiting {
      transport::Path from;
      std::vector<std::uint8_t> bytes;
    };
    void run();
    void receive_links(Instant now);
    void hear(Instant now);
    void send();
    void send_links();
    void flush();

    Process& process_;
    std::size_t index_;
    std::uint64_t orders_taken_ = 0;
    std::uint64_t news_posted_ = 0;
    Instant retry_at_ = never;
    std::deque<Waiting> socket_;
    std::size_t socket_bytes_ = 0;
    sfu::Sfu sfu_;
    sfu::Output out_;
    std::vector<transport::Datagram> received_;
    std::vector<sfu::LinkReceived> heard_;
  };

  // The control thread.
  class Control : public Actor {
   public:
    explicit Control(Process& process) : process_(process) {}
    void wake() override { process_.control(); }
    Instant next() const override { return process_.control_next(); }

   private:
    Process& process_;
  };

  Instant local() const { return server_.clock_.local(server_.world_.now()); }
  Instant soon() {
    return server_.world_.now() + server_.random_.between(Duration{}, server_.options_.mail);
  }
  void control();
  Instant control_next() const;
  void take_news(std::size_t worker);
  void trace_drops(std::size_t worker, const DropCounters& drops);
  void take_storage_news();
  void run_storage();
  void act();
  void store(node::StoreRequest request);
  void check_clock();

  Server& server_;
  World& world_;
  node::Node node_;
  node::Output out_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::uint64_t> news_taken_;
  std::unordered_map<std::uint32_t, std::size_t> tcp_;  // the worker of each connection
  io::StorageBatches storage_;
  MailQueue<node::StoreRequest> store_orders_{io::StorageBatches::queue_limit};
  std::size_t store_requests_ = 0;  // in store_orders_
  std::vector<io::StorageNews> storage_news_;
  std::vector<node::TokenChecked> refused_;
  Instant storage_at_ = never;       // when the storage thread looks for requests
  Instant storage_news_at_ = never;  // when the disk is done
  Instant news_at_ = never;
  Instant retry_at_ = never;
  Instant next_clock_check_;
  node::WallClock wall_clock_;
  Control control_;
};

Server::Process::Worker::Worker(Process& process, std::size_t index)
    : orders(process.server_.options_.mailbox),
      news(process.server_.options_.mailbox),
      pool(process.server_.options_.pool_blocks),
      process_(process),
      index_(index),
      sfu_(process.server_.certificate_, process.local()) {
  for (std::size_t i = 0; i < process.server_.options_.workers; ++i)
    links.push_back(std::make_unique<MailQueue<LinkMail>>(process.server_.options_.mailbox));
}

Instant Server::Process::Worker::next() const {
  Instant at =
      std::min({orders_at, links_at, retry_at_, process_.server_.clock_.world(sfu_.deadline())});
  if (!socket_.empty()) at = Instant::min();
  return std::max(at, stalled_until);
}

void Server::Process::Worker::wake() {
  if (process_.world_.now() >= stalled_until) run();
}

bool Server::Process::Worker::datagram(const transport::Path& from, Bytes bytes) {
  // As the system does; what comes over TCP would be held back where it comes from.
  if (!from.is_tcp() && socket_bytes_ + bytes.size() > socket_buffer) return false;
  socket_.push_back({from, {bytes.begin(), bytes.end()}});
  socket_bytes_ += bytes.size();
  if (process_.world_.now() < stalled_until) return false;
  run();
  return true;
}

// One round, as io/worker.cpp goes it.
void Server::Process::Worker::run() {
  const HeapOwner owner(process_.server_.heap_owner());
  const World& world = process_.world_;
  Server& server = process_.server_;
  const Instant now = process_.local();
  World::set_clock(now);
  orders_at = never;
  while (auto order = orders.take()) {
    if (order->serial != ++orders_taken_)
      world.fail("mailbox", fmt::format("worker {} of server {} takes order {} where {} is next",
                                        index_, server.number_, order->serial, orders_taken_));
    send();  // what an order has let out was right before the next one
    server.note(index_, order->command);
    sfu_.receive(std::move(order->command), now, out_);
  }
  receive_links(now);
  for (; !socket_.empty(); socket_.pop_front()) {
    Waiting& datagram = socket_.front();
    socket_bytes_ -= datagram.bytes.size();
    Packet packet = pool.take(datagram.bytes);
    if (!packet) {
      sfu_.count(Drop::pool_empty);
      continue;
    }
    received_.push_back({datagram.from, std::move(packet)});
  }
  std::span<transport::Datagram> rest = received_;
  while (sfu_.receive(rest, now, out_)) send();
  received_.clear();
  if (sfu_.deadline() <= now) sfu_.tick(now, out_);
  flush();
}

void Server::Process::Worker::receive_links(Instant now) {
  links_at = never;
  for (std::size_t from = 0; from < links.size(); ++from) {
    while (auto mail = links[from]->take()) {
      Packet packet;
      if (!mail->packet.empty()) {
        packet = pool.take(mail->packet);
        if (!packet) {
          sfu_.count(Drop::pool_empty);
          continue;
        }
      }
      const LinkId link = sfu::link_to(WorkerIndex{static_cast<std::uint8_t>(from)});
      if (!sfu::may_be_lost(mail->message)) {
        hear(now);
        send();  // what came before it was right before it
        process_.server_.note(index_, link, mail->message);
      }
      heard_.push_back({link, std::move(mail->message), std::move(packet)});
    }
  }
  hear(now);
}

void Server::Process::Worker::hear(Instant now) {
  std::span<sfu::LinkReceived> rest = heard_;
  while (sfu_.receive(rest, now, out_)) send();
  heard_.clear();
}

void Server::Process::Worker::send_links() {
  for (sfu::LinkTransmit& transmit : out_.link) {
    Worker& other = *process_.workers_[std::to_underlying(sfu::worker_of(transmit.to))];
    MailQueue<LinkMail>& mail = *other.links[index_];
    const Bytes packet = out_.transport.bytes(transmit.offset, transmit.size);
    const bool may_be_lost = sfu::may_be_lost(transmit.message);
    LinkMail message{std::move(transmit.message), {packet.begin(), packet.end()}};
    if (!may_be_lost)
      mail.post(std::move(message));
    else if (!mail.offer(std::move(message)))
      sfu_.count(Drop::mailbox_full);
  }
  out_.link.clear();
}

void Server::Process::Worker::send() {
  send_links();
  World& world = process_.world_;
  for (const transport::Transmit& transmit : out_.transport.transmits) {
    const auto port =
        static_cast<std::uint16_t>(transmit.path.is_tcp() ? tcp_port : first_port + index_);
    const auto drop =
        world.send_to_client(process_.server_, port, transmit.path, out_.transport.bytes(transmit));
    if (drop) sfu_.count(*drop);
  }
  out_.transport.clear();
}

void Server::Process::Worker::flush() {
  World& world = process_.world_;
  send();
  for (const sfu::Event& event : out_.events) {
    process_.server_.note(event);
    if (sfu::may_be_lost(event)) {
      news.offer({0, event});
    } else {
      news.post({++news_posted_, event});
    }
  }
  const bool told = !out_.events.empty();
  out_.clear();
  bool delivered = news.flush();
  for (const auto& other : process_.workers_) {
    MailQueue<LinkMail>& mail = *other->links[index_];
    delivered &= mail.flush();
    if (!mail.take_posted()) continue;
    other->links_at = std::min(other->links_at, process_.soon());
    world.touch(*other);
  }
  retry_at_ = delivered ? never : world.now() + retry;
  if (told || news.waiting() != 0) {
    process_.news_at_ = std::min(process_.news_at_, process_.soon());
    world.touch(process_.control_);
  }
  world.touch(*this);
}

Server::Process::Process(Server& server, std::unique_ptr<io::Store> store,
                         const node::StoreLoaded& loaded)
    : server_(server),
      world_(server.world_),
      node_([&] {
        node::Config config;
        for (std::size_t i = 0; i < server.options_.workers; ++i)
          config.workers.push_back({{server.ip_, static_cast<std::uint16_t>(first_port + i)}});
        if (server.options_.tcp) config.tcp = {{server.ip_, tcp_port}};
        config.fingerprint = server.certificate_.fingerprint;
        config.access = server.options_.access;
        config.invite_key = server.invite_key_.public_key();
        config.video_codecs = server.options_.video_codecs;
        config.audio_red = server.options_.audio_red;
        config.limits = server.options_.limits;
        return config;
      }()),
      storage_(std::move(store), local()),
      control_(*this) {
  for (std::size_t i = 0; i < server.options_.workers; ++i)
    workers_.push_back(std::make_unique<Worker>(*this, i));
  news_taken_.resize(workers_.size());
  check_clock();
  node_.receive(loaded, local(), out_);
  world_.enlist(control_);
  for (const auto& worker : workers_) world_.enlist(*worker);
  act();
}

Server::Process::~Process() {
  world_.dismiss(control_);
  for (const auto& worker : workers_) world_.dismiss(*worker);
}

bool Server::Process::datagram(const SocketAddress& from, std::uint16_t port, Bytes bytes) {
  return workers_[port - first_port]->datagram({from, server_.ip_, 0}, bytes);
}

// As io/tcp_acceptor.cpp and Control::hand_over().
bool Server::Process::tcp_datagram(const transport::Path& from, Bytes bytes) {
  auto at = tcp_.find(from.tcp_connection);
  if (at == tcp_.end()) {
    const auto ufrag = stun::username_ufrag(bytes);
    const auto index = ufrag ? signaling::worker_of_ufrag(*ufrag) : std::nullopt;
    if (!index || std::to_underlying(*index) >= workers_.size()) {
      world_.refuse_tcp(from.tcp_connection);
      return false;
    }
    at = tcp_.emplace(from.tcp_connection, std::to_underlying(*index)).first;
  }
  return workers_[at->second]->datagram(from, bytes);
}

void Server::Process::stall(std::size_t worker, Duration how_long) {
  workers_[worker]->stalled_until =
      std::max(workers_[worker]->stalled_until, world_.now() + how_long);
  world_.touch(*workers_[worker]);
}

Server::Load Server::Process::load(std::size_t worker) const {
  const Worker& one = *workers_[worker];
  return {.orders_waiting = one.orders.waiting(),
          .news_waiting = one.news.waiting(),
          .endpoints = one.stats.endpoints,
          .calls = one.stats.calls,
          .blocks_used = one.pool.size() - one.pool.free_count()};
}

std::optional<std::uint64_t> Server::Process::estimate(EndpointId endpoint) const {
  for (const auto& worker : workers_) {
    if (const auto known = worker->sfu().estimate(endpoint)) return known;
  }
  return std::nullopt;
}

void Server::Process::receive(const node::Input& input) {
  const HeapOwner owner(server_.heap_owner());
  node_.receive(input, local(), out_);
  act();
}

Instant Server::Process::control_next() const {
  return std::min({server_.clock_.world(node_.deadline()), server_.clock_.world(next_clock_check_),
                   news_at_, retry_at_, storage_at_, storage_news_at_});
}

void Server::Process::control() {
  const HeapOwner owner(server_.heap_owner());
  const Instant now = world_.now();
  if (news_at_ <= now) {
    news_at_ = never;
    for (std::size_t i = 0; i < workers_.size(); ++i) take_news(i);
  }
  if (storage_news_at_ <= now) take_storage_news();
  if (storage_at_ <= now) run_storage();
  for (const node::TokenChecked& refused : std::exchange(refused_, {}))
    node_.receive(refused, local(), out_);
  if (next_clock_check_ <= local()) check_clock();
  if (node_.deadline() <= local()) node_.tick(local(), out_);
  act();
}

void Server::Process::take_news(std::size_t worker) {
  while (auto news = workers_[worker]->news.take()) {
    if (news->serial != 0 && news->serial != ++news_taken_[worker])
      world_.fail("mailbox",
                  fmt::format("news {} of worker {} of server {} came where {} is next",
                              news->serial, worker, server_.number_, news_taken_[worker]));
    if (const auto* stats = std::get_if<sfu::WorkerStats>(&news->event)) {
      if (world_.traced()) trace_drops(worker, stats->drops);
      workers_[worker]->stats = *stats;
    }
    node_.receive(node::WorkerEvent{WorkerIndex{static_cast<std::uint8_t>(worker)}, news->event},
                  local(), out_);
  }
}

// What was dropped since the statistics before.
void Server::Process::trace_drops(std::size_t worker, const DropCounters& drops) {
  std::string text;
  for (std::size_t i = 0; i < drop_count; ++i) {
    const std::uint64_t more = drops.counts[i] - workers_[worker]->stats.drops.counts[i];
    if (more != 0) text += fmt::format(" {} {}", drop_name(static_cast<Drop>(i)), more);
  }
  if (!text.empty())
    world_.trace("server {}: worker {} has dropped:{}", server_.number_, worker, text);
}

// The storage thread: takes what has come meanwhile, and is busy for as long as the disk is.
void Server::Process::run_storage() {
  storage_at_ = never;
  while (!storage_.full()) {
    auto request = store_orders_.take();
    if (!request) break;
    --store_requests_;
    storage_.add(std::move(*request), local());
  }
  server_.disk_->set_time(server_.wall());
  {
    // The files are the world's.
    const HeapOwner world(0);
    storage_.apply(local(), server_.wall());
  }
  storage_news_at_ = world_.now() + server_.disk_->take_time();
}

void Server::Process::take_storage_news() {
  storage_news_at_ = never;
  storage_.finish(local(), storage_news_);
  for (const io::StorageNews& news : std::exchange(storage_news_, {})) {
    if (const auto* checked = std::get_if<node::TokenChecked>(&news)) {
      node_.receive(*checked, local(), out_);
    } else if (const auto* fails = std::get_if<io::StorageFails>(&news)) {
      world_.trace("server {}: the store fails: {}", server_.number_, fails->error.message);
    } else if (std::holds_alternative<io::StorageWorks>(news)) {
      world_.trace("server {}: the store works again", server_.number_);
    }
  }
  storage_at_ = store_requests_ != 0 ? world_.now() : server_.clock_.world(storage_.deadline());
}

// As io/control.cpp.
void Server::Process::act() {
  for (node::SendCommand& command : out_.commands) {
    Worker& worker = *workers_[std::to_underlying(command.worker)];
    worker.orders.post({++worker.orders_posted, std::move(command.command)});
    worker.orders_at = std::min(worker.orders_at, soon());
  }
  for (node::SendMessage& message : out_.messages)
    world_.send_message(message.connection, std::move(message.text));
  for (const node::CloseConnection& close : out_.closes)
    world_.close_connection(close.connection, close.code);
  for (node::StoreRequest& request : out_.store) store(std::move(request));
  if (world_.traced()) {
    for (const node::LogLine& line : out_.log) {
      std::string fields;
      for (const auto& [key, value] : line.fields) fields += fmt::format(" {}={}", key, value);
      world_.trace("server {}: {} call={}{}", server_.number_, line.event, line.call, fields);
    }
  }
  out_.clear();
  retry_at_ = never;
  for (const auto& worker : workers_) {
    if (!worker->orders.flush()) retry_at_ = world_.now() + retry;
    world_.touch(*worker);
  }
  world_.touch(control_);
}

void Server::Process::store(node::StoreRequest request) {
  const auto* token = std::get_if<node::UseToken>(&request);
  node::TokenChecked refused;
  const bool is_token = token != nullptr;
  if (is_token) refused = {token->connection, token->token_id, false};
  if (store_orders_.offer(std::move(request))) {
    ++store_requests_;
    if (storage_news_at_ == never) storage_at_ = std::min(storage_at_, soon());
    return;
  }
  world_.trace("server {}: a store request is lost, too many wait", server_.number_);
  if (!is_token) return;
  refused_.push_back(refused);
  news_at_ = std::min(news_at_, soon());
}

void Server::Process::check_clock() {
  const Instant now = local();
  next_clock_check_ = now + node::WallClock::interval;
  const UnixTime wall = server_.wall();
  if (wall_clock_.look(wall, now)) node_.receive(node::WallClockSet{wall}, now, out_);
}

// ── The machine ──

// Tries to start a process until one runs.
class Server::Starter : public Actor {
 public:
  explicit Starter(Server& server) : server_(server) {}
  void wake() override {
    at_ = never;
    server_.start();
  }
  Instant next() const override { return at_; }
  void set(Instant at) { at_ = at; }

 private:
  Server& server_;
  Instant at_ = never;
};

Server::Server(World& world, std::uint8_t number, ServerOptions options, Random random)
    : world_(world),
      number_(number),
      options_(std::move(options)),
      random_(random),
      ip_(IpAddress::v4(198, 51, 100, static_cast<std::uint8_t>(1 + number))),
      clock_(options_.drift, world.now(), world.wall()),
      disk_(std::make_unique<Disk>(random_.fork())),
      invite_key_(signaling::SecretKey::draw()),
      certificate_(transport::generate_certificate(world.wall())),
      starter_(std::make_unique<Starter>(*this)) {
  world_.enlist(*starter_);
}

Server::~Server() {
  process_.reset();
  world_.dismiss(*starter_);
}

UnixTime Server::wall() const { return clock_.wall(world_.now()); }

void Server::start() {
  if (process_ != nullptr) return;
  disk_->set_time(wall());
  const auto again = [&](const Error& error) {
    world_.trace("server {} does not start: {}", number_, error.message);
    starter_->set(world_.now() + restart_wait);
    world_.touch(*starter_);
  };
  auto store = io::open_sqlite_store_on("liaison.db", disk_->vfs());
  if (!store) return again(store.error());
  const auto loaded = (*store)->load(wall());
  if (!loaded) return again(loaded.error());
  disk_->take_time();
  world_.trace("server {} starts, {} sessions", number_, loaded->sessions.size());
  const HeapOwner owner(heap_owner());
  process_ = std::make_unique<Process>(*this, std::move(*store), *loaded);
}

void Server::note(std::size_t worker, const sfu::Command& command) {
  const HeapOwner world(0);
  ledger_.take(worker, command);
  world_.check([&](Check& check) { check.commanded(world_, *this, worker, command); });
}

void Server::note(std::size_t worker, LinkId link, const sfu::LinkMessage& message) {
  const HeapOwner world(0);
  ledger_.take(worker, link, message);
}

void Server::note(const sfu::Event& event) {
  const HeapOwner world(0);
  ledger_.take(event);
}

std::int64_t Server::heap() const { return heap_held(heap_owner()); }

void Server::end_process() {
  disk_->crash();
  process_.reset();
  ledger_ = {};
  starter_->set(never);
  world_.check([&](Check& check) { check.killed(world_, *this); });
}

void Server::stop() {
  if (process_ == nullptr) return;
  world_.trace("server {} is told to stop", number_);
  process_->receive(node::ShutDown{});
  end_process();
  world_.drop_connections(*this, true);
}

void Server::kill() {
  starter_->set(never);
  if (process_ == nullptr) return;
  world_.trace("server {} is killed", number_);
  end_process();
  world_.drop_connections(*this, true);
}

void Server::cut_power() {
  starter_->set(never);
  world_.trace("server {} loses its power", number_);
  if (process_ != nullptr) end_process();
  disk_->power_cut(random_);
  world_.drop_connections(*this, false);
}

void Server::stall(std::size_t worker, Duration how_long) {
  if (process_ == nullptr) return;
  world_.trace("server {}: worker {} stands still", number_, worker % options_.workers);
  stood_still_until_ = std::max(stood_still_until_, world_.now() + how_long);
  process_->stall(worker % options_.workers, how_long);
}

std::string Server::invite(std::string_view room) {
  signaling::TokenClaims claims;
  claims.room = room;
  claims.id = fmt::format("invitation-{}-{}", number_, ++invitations_);
  claims.not_before = wall() - std::chrono::hours(1);
  claims.expires = wall() + std::chrono::hours(24);
  return signaling::mint_token(invite_key_, claims);
}

const node::NodeStats& Server::stats() const {
  ENSURE(process_ != nullptr);
  return process_->stats();
}
Server::Load Server::load(std::size_t worker) const {
  return process_ == nullptr ? Load{} : process_->load(worker);
}
std::optional<std::uint64_t> Server::estimate(EndpointId endpoint) const {
  return process_ == nullptr ? std::nullopt : process_->estimate(endpoint);
}
std::size_t Server::store_requests_waiting() const {
  return process_ == nullptr ? 0 : process_->store_requests_waiting();
}

bool Server::datagram(const SocketAddress& from, std::uint16_t port, Bytes bytes) {
  return process_ != nullptr && process_->takes(port) && process_->datagram(from, port, bytes);
}
bool Server::tcp_datagram(const transport::Path& from, Bytes bytes) {
  return process_ != nullptr && process_->tcp_datagram(from, bytes);
}
void Server::tcp_closed(std::uint32_t connection) {
  if (process_ != nullptr) process_->tcp_closed(connection);
}
void Server::connected(ConnectionId connection, std::string remote) {
  if (process_ != nullptr) process_->receive(node::ConnectionOpened{connection, std::move(remote)});
}
void Server::message(ConnectionId connection, std::string text) {
  if (process_ != nullptr) process_->receive(node::MessageReceived{connection, std::move(text)});
}
void Server::disconnected(ConnectionId connection) {
  if (process_ != nullptr) process_->receive(node::ConnectionClosed{connection});
}

}  // namespace liaison::sim
