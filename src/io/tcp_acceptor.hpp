// The one TCP port for media: finds the worker that each connection is for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "io/tcp_media.hpp"
#include "transport/tcp_limits.hpp"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Asio's name
}

namespace liaison::io {

struct TcpAcceptorOptions {
  SocketAddress listen;
  std::size_t connections = 5'000;
  std::size_t connections_per_address = 500;
  std::size_t pending = 256;  // that have not said yet whom they are for
  Duration first_frame_timeout = transport::tcp_first_frame_timeout;
};

struct TcpAcceptorHooks {
  // The worker that a first datagram is for.
  std::function<std::optional<WorkerIndex>(Bytes datagram)> worker_of;
  std::function<void(WorkerIndex, TcpHandover)> hand_over;
};

struct TcpAcceptorStats {
  std::size_t pending = 0;
  std::size_t connections = 0;  // handed over and not closed yet
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;   // over a limit
  std::uint64_t rejected = 0;  // silent, or not for any of our workers
};

// Passive side of ICE-TCP (RFC 6544). A connection must begin with one whole frame (RFC 4571) that
// hooks.worker_of can place, within 5 s; it is then handed over with all that was read of it, and
// only counted here until closed() says that it is gone.
class TcpAcceptor {
 public:
  // Codes: "port_in_use", "no_permission", "no_socket".
  static Result<std::unique_ptr<TcpAcceptor>> open(boost::asio::io_context& context,
                                                   TcpAcceptorOptions options,
                                                   TcpAcceptorHooks hooks);
  ~TcpAcceptor();
  TcpAcceptor(const TcpAcceptor&) = delete;
  TcpAcceptor& operator=(const TcpAcceptor&) = delete;

  std::uint16_t port() const;
  void closed(std::uint32_t connection);
  const TcpAcceptorStats& stats() const;

  class State;

 private:
  explicit TcpAcceptor(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// By the ufrag in the USERNAME of a STUN Binding request, which says at which worker its endpoint
// lives.
std::optional<WorkerIndex> worker_of_stun(Bytes datagram);

}  // namespace liaison::io
