#include "io/tcp_acceptor.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "base/packet_pool.hpp"
#include "io/asio_address.hpp"
#include "signaling/credentials.hpp"
#include "stun/message.hpp"

namespace liaison::io {
namespace {

namespace asio = boost::asio;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;

// What a first frame can be at least: a STUN header.
constexpr std::size_t min_first_frame = 20;

}  // namespace

class TcpAcceptor::State {
 public:
  State(asio::io_context& io, TcpAcceptorOptions acceptor_options, TcpAcceptorHooks acceptor_hooks)
      : context(io),
        options(acceptor_options),
        hooks(std::move(acceptor_hooks)),
        acceptor(io),
        retry(io) {}

  bool has_room(const IpAddress& ip) const {
    if (stats.pending >= options.pending) return false;
    if (stats.pending + stats.connections >= options.connections) return false;
    const auto found = per_address.find(neighbourhood(ip));
    return found == per_address.end() || found->second < options.connections_per_address;
  }
  void add(const IpAddress& ip) { ++per_address[neighbourhood(ip)]; }
  void remove(const IpAddress& ip) {
    const auto found = per_address.find(neighbourhood(ip));
    if (found != per_address.end() && --found->second == 0) per_address.erase(found);
  }

  // Reads the first frame and hands the connection over, or gives up.
  asio::awaitable<bool> place(std::shared_ptr<tcp::socket> socket, transport::Path path);
  asio::awaitable<void> take(std::shared_ptr<State> self, std::shared_ptr<tcp::socket> socket,
                             tcp::endpoint remote);
  asio::awaitable<void> accept_all(std::shared_ptr<State> self);

  asio::io_context& context;
  TcpAcceptorOptions options;
  TcpAcceptorHooks hooks;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  TcpAcceptorStats stats;
  std::map<IpAddress, std::size_t> per_address;
  std::map<std::uint32_t, IpAddress> connections;
  std::uint32_t last_number = 0;
};

asio::awaitable<bool> TcpAcceptor::State::place(std::shared_ptr<tcp::socket> socket,
                                                transport::Path path) {
  std::vector<std::uint8_t> received(2 + Packet::capacity);
  std::size_t size = 0;
  // The analyser does not know that a coroutine of Asio has a context whenever it runs. What it
  // finds is in a header of Asio, but its first note is on this line.
  for (;;) {  // NOLINT(clang-analyzer-core.NullDereference)
    error_code error;
    const std::size_t got = co_await socket->async_read_some(
        asio::buffer(received.data() + size, received.size() - size),
        redirect_error(use_awaitable, error));
    if (error) co_return false;
    size += got;
    if (size < 2) continue;
    const std::size_t length = load_u16(received.data());
    if (length < min_first_frame || length > Packet::capacity) co_return false;
    if (size < 2 + length) continue;
    const auto worker = hooks.worker_of(Bytes(received).subspan(2, length));
    if (!worker) co_return false;
    received.resize(size);
    if (socket->native_non_blocking(true, error)) co_return false;
    Descriptor descriptor(socket->release(error));
    if (error || !descriptor) co_return false;
    hooks.hand_over(*worker, {std::move(descriptor), path, std::move(received)});
    co_return true;
  }
}

asio::awaitable<void> TcpAcceptor::State::take(std::shared_ptr<State> self,
                                               std::shared_ptr<tcp::socket> socket,
                                               tcp::endpoint remote) {
  error_code error;
  const tcp::endpoint local = socket->local_endpoint(error);
  const transport::Path path{
      {to_ip(remote.address()), remote.port()}, to_ip(local.address()), ++self->last_number};
  ++stats.pending;
  add(path.remote.ip);
  asio::steady_timer limit(context, options.first_frame_timeout);
  limit.async_wait([socket](error_code cancelled) {
    error_code ignored;
    if (!cancelled) (void)socket->close(ignored);  // it is given up in any case
  });
  const bool placed = co_await place(socket, path);
  limit.cancel();
  --stats.pending;
  if (placed) {
    ++stats.connections;
    connections[path.tcp_connection] = path.remote.ip;
  } else {
    ++stats.rejected;
    remove(path.remote.ip);
  }
}

asio::awaitable<void> TcpAcceptor::State::accept_all(std::shared_ptr<State> self) {
  while (acceptor.is_open()) {
    error_code error;
    tcp::endpoint remote;
    tcp::socket socket =
        co_await acceptor.async_accept(remote, redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors or memory: those who are here finish first.
      retry.expires_after(milliseconds(100));
      co_await retry.async_wait(redirect_error(use_awaitable, error));
      continue;
    }
    ++stats.accepted;
    if (!has_room(to_ip(remote.address()))) {
      ++stats.refused;
      continue;
    }
    asio::co_spawn(context, take(self, std::make_shared<tcp::socket>(std::move(socket)), remote),
                   asio::detached);
  }
}

Result<std::unique_ptr<TcpAcceptor>> TcpAcceptor::open(asio::io_context& context,
                                                       TcpAcceptorOptions options,
                                                       TcpAcceptorHooks hooks) {
  auto state = std::make_shared<State>(context, options, std::move(hooks));
  if (auto done = listen_on(state->acceptor, options.listen, "media-tcp-port"); !done)
    return std::unexpected(done.error());
  asio::co_spawn(context, state->accept_all(state), asio::detached);
  return std::unique_ptr<TcpAcceptor>(new TcpAcceptor(std::move(state)));
}

TcpAcceptor::TcpAcceptor(std::shared_ptr<State> state) : state_(std::move(state)) {}

TcpAcceptor::~TcpAcceptor() {
  error_code ignored;
  (void)state_->acceptor.close(ignored);  // nobody is left who could mend it
  state_->retry.cancel();
}

std::uint16_t TcpAcceptor::port() const { return state_->acceptor.local_endpoint().port(); }
const TcpAcceptorStats& TcpAcceptor::stats() const { return state_->stats; }

void TcpAcceptor::closed(std::uint32_t connection) {
  const auto found = state_->connections.find(connection);
  if (found == state_->connections.end()) return;
  state_->remove(found->second);
  state_->connections.erase(found);
  --state_->stats.connections;
}

std::optional<WorkerIndex> worker_of_stun(Bytes datagram) {
  const auto ufrag = stun::username_ufrag(datagram);
  if (!ufrag) return std::nullopt;
  return signaling::worker_of_ufrag(*ufrag);
}

}  // namespace liaison::io
