#include "io/server.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "base/random.hpp"
#include "io/assets.hpp"
#include "io/clock.hpp"
#include "io/control.hpp"
#include "io/file_limit.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"
#include "io/setup.hpp"
#include "io/store_sqlite.hpp"
#include "transport/certificate.hpp"
#include "transport/srtp_cipher.hpp"

namespace liaison::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// How long clients may take to hear that the server ends.
constexpr Duration shutdown_limit = seconds(2);
constexpr Duration shutdown_check = milliseconds(10);
// Below it, a burst of a large call may be lost.
constexpr int good_buffer = 1 << 20;
// A clock of a client or of another server may be behind.
constexpr Duration token_slack = minutes(1);

// The processors this process may use.
std::vector<unsigned> processors() {
  std::vector<unsigned> list;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return list;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) list.push_back(i);
  }
  return list;
}

// One address is bound alone, so that several servers can share a machine; several share a socket.
IpAddress bind_address(const Config& config) {
  return config.media_addresses.size() == 1 ? config.media_addresses.front() : IpAddress{};
}

Result<std::vector<UdpSocket>> open_media(const Config& config) {
  std::vector<UdpSocket> sockets;
  for (unsigned i = 0; i < config.workers; ++i) {
    const auto port =
        static_cast<std::uint16_t>(config.media_port == 0 ? 0 : config.media_port + i);
    auto socket = UdpSocket::open({bind_address(config), port});
    if (!socket) {
      return fail(
          socket.error().code,
          fmt::format("media-port: {}; stop the program that has it, or choose other ports with "
                      "--media-port (each worker has one, from it on)",
                      socket.error().message));
    }
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

Result<signaling::PublicKey> load_public_key(const Config& config) {
  const auto key = load_invite_key(config.data / "invite.key");
  if (key) return key->public_key();
  if (key.error().code != "no_file") return std::unexpected(key.error());
  if (config.rooms == node::Access::open) return signaling::PublicKey{};
  return fail(
      "no_key",
      fmt::format("rooms: invite needs a key, and {} is missing; make one with `liaison init "
                  "--data DIR` in an empty folder and copy invite.key here, or say rooms = "
                  "\"open\"",
                  (config.data / "invite.key").string()));
}

std::vector<SocketAddress> at_port(const std::vector<IpAddress>& addresses, std::uint16_t port) {
  std::vector<SocketAddress> all;
  all.reserve(addresses.size());
  for (const IpAddress& ip : addresses) all.push_back({ip, port});
  return all;
}

}  // namespace

class Server::State {
 public:
  Result<void> open(const Config& config, std::string_view version);
  void run();
  void stop() {
    asio::post(context_, [this] { shut_down(); });
  }

  const std::string& link() const { return link_; }
  std::uint16_t port() const { return http_->port(); }

 private:
  Result<void> open_servers(const Config& config, ControlParts parts);
  void say_started(const Config& config, std::string_view version, int smallest_buffer) const;
  void wait_for_signal();
  void shut_down();
  void wait_for_clients();

  asio::io_context context_{1};
  asio::signal_set signals_{context_};
  asio::steady_timer shutdown_timer_{context_};
  Instant shutdown_began_;
  bool shutting_down_ = false;
  std::string link_;
  // In the order in which they need each other; the last goes first.
  transport::Certificate certificate_;
  std::unique_ptr<Control> control_;
  std::unique_ptr<TcpAcceptor> tcp_;
  std::unique_ptr<HttpServer> http_;
};

Result<void> Server::State::open(const Config& config, std::string_view version) {
  raise_file_limit();
  read_process_metrics();  // notes when it started
  if (auto made = make_data_folder(config.data); !made) return made;
  auto store = open_sqlite_store(config.data);
  if (!store) return std::unexpected(store.error());
  const UnixTime now = unix_now();
  auto loaded = (*store)->load(now);
  if (!loaded) return std::unexpected(loaded.error());
  const auto invite_key = load_public_key(config);
  if (!invite_key) return std::unexpected(invite_key.error());
  auto sockets = open_media(config);
  if (!sockets) return std::unexpected(sockets.error());

  certificate_ = transport::generate_certificate(now);
  ControlParts parts;
  parts.config.fingerprint = certificate_.fingerprint;
  parts.config.access = config.rooms;
  parts.config.limits.requests_per_second = config.requests_per_address;
  parts.config.limits.request_burst = 2 * config.requests_per_address;
  parts.config.invite_key = *invite_key;
  parts.loaded = std::move(*loaded);
  parts.log = Log(config.log_level);
  parts.version = version;
  // Pinned only where each worker has a processor of its own: two servers that both took the first
  // would be worse than none.
  const auto cpus = processors();
  int smallest_buffer = good_buffer;
  for (unsigned i = 0; i < config.workers; ++i) {
    UdpSocket& socket = (*sockets)[i];
    smallest_buffer = std::min({smallest_buffer, socket.receive_buffer(), socket.send_buffer()});
    parts.config.workers.push_back(at_port(config.media_addresses, socket.port()));
    const bool pin = config.workers == cpus.size();
    parts.workers.push_back(std::make_unique<Worker>(static_cast<WorkerIndex>(i), std::move(socket),
                                                     certificate_,
                                                     pin ? std::optional(cpus[i]) : std::nullopt));
  }
  parts.storage = std::make_unique<Storage>(std::move(*store));
  if (auto done = open_servers(config, std::move(parts)); !done) return done;
  say_started(config, version, smallest_buffer);
  return {};
}

Result<void> Server::State::open_servers(const Config& config, ControlParts parts) {
  // The TCP port is part of the node's settings, but what it accepts needs the control: the hooks
  // look for it when they are called, which is only in run().
  if (config.media_tcp) {
    TcpAcceptorOptions options;
    options.listen = {bind_address(config), *config.media_tcp_port};
    TcpAcceptorHooks hooks{.worker_of = worker_of_stun,
                           .hand_over = [this](WorkerIndex worker, TcpHandover handover) {
                             control_->hand_over(worker, std::move(handover));
                           }};
    auto tcp = TcpAcceptor::open(context_, options, std::move(hooks));
    if (!tcp) return std::unexpected(tcp.error());
    tcp_ = std::move(*tcp);
    parts.config.tcp = at_port(config.media_addresses, tcp_->port());
  }
  control_ = std::make_unique<Control>(context_, std::move(parts));

  HttpOptions options;
  options.listen = config.listen;
  options.tls_certificate = config.tls_certificate;
  options.tls_key = config.tls_key;
  options.assets = embedded_assets();
  auto http = HttpServer::open(context_, std::move(options), control_->http_hooks());
  if (!http) return std::unexpected(http.error());
  http_ = std::move(*http);
  control_->watch(http_.get(), tcp_.get());
  Config actual = config;
  actual.listen.port = http_->port();
  link_ = base_url(actual, local_addresses()) + "/";
  return {};
}

void Server::State::say_started(const Config& config, std::string_view version,
                                int smallest_buffer) const {
  std::string media;
  for (const IpAddress& ip : config.media_addresses)
    media += (media.empty() ? "" : " ") + ip.to_string();
  control_->log(node::LogLevel::info, "started",
                {{"version", std::string(version)},
                 {"listen", SocketAddress{config.listen.ip, http_->port()}.to_string()},
                 {"tls", config.tls() ? "yes" : "no"},
                 {"media_addresses", media},
                 {"media_port", std::to_string(config.media_port)},
                 {"media_tcp_port", tcp_ ? std::to_string(tcp_->port()) : "none"},
                 {"workers", std::to_string(config.workers)},
                 {"srtp", std::string(describe(transport::fastest_srtp_engine()))}});
  if (smallest_buffer >= good_buffer) return;
  control_->log(node::LogLevel::warning, "socket_buffers_small",
                {{"bytes", std::to_string(smallest_buffer)},
                 {"advice",
                  "large calls may lose packets; set net.core.rmem_max and "
                  "net.core.wmem_max to 4194304"}});
}

void Server::State::run() {
  (void)std::signal(SIGPIPE, SIG_IGN);  // what it was before does not matter
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  wait_for_signal();
  context_.run();
  http_.reset();
  control_->watch(nullptr, nullptr);
  tcp_.reset();
  control_.reset();
}

void Server::State::wait_for_signal() {
  signals_.async_wait([this](error_code error, int) {
    if (error) return;
    // Whoever asks twice does not want to wait.
    signals_.clear();
    shut_down();
  });
}

void Server::State::shut_down() {
  if (std::exchange(shutting_down_, true)) return;
  http_->stop();
  control_->shut_down();
  shutdown_began_ = monotonic_now();
  wait_for_clients();
}

// Until every WebSocket has closed, or time is up.
void Server::State::wait_for_clients() {
  if (http_->stats().web_sockets == 0 || monotonic_now() - shutdown_began_ >= shutdown_limit) {
    control_->log(node::LogLevel::info, "stopped", {});
    context_.stop();
    return;
  }
  shutdown_timer_.expires_after(shutdown_check);
  shutdown_timer_.async_wait([this](error_code error) {
    if (!error) wait_for_clients();
  });
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const Config& config, std::string_view version) {
  auto state = std::make_unique<State>();
  if (auto done = state->open(config, version); !done) return std::unexpected(done.error());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

const std::string& Server::link() const { return state_->link(); }
std::uint16_t Server::port() const { return state_->port(); }
void Server::run() { state_->run(); }
void Server::stop() { state_->stop(); }

Result<std::string> invitation(const Config& config, std::string_view room, std::string_view name,
                               seconds valid) {
  const auto key = load_invite_key(config.data / "invite.key");
  if (!key) {
    if (key.error().code != "no_file") return std::unexpected(key.error());
    return fail("no_key",
                fmt::format("--data: {} is missing; make it with `liaison init`, or name the "
                            "folder that has it",
                            (config.data / "invite.key").string()));
  }
  const UnixTime now = unix_now();
  signaling::TokenClaims claims;
  claims.room = room;
  if (!name.empty()) claims.name = name;
  claims.id = random_hex(16);
  claims.not_before = now - duration_cast<microseconds>(token_slack);
  claims.expires = now + duration_cast<microseconds>(valid);
  return fmt::format("{}/r/{}#{}", base_url(config, local_addresses()), room,
                     signaling::mint_token(*key, claims));
}

}  // namespace liaison::io
