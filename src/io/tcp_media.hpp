// Media over TCP, where a network lets no UDP through: the connections of one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/packet_pool.hpp"
#include "io/descriptor.hpp"
#include "io/tcp_framing.hpp"
#include "io/udp.hpp"
#include "transport/path.hpp"
#include "transport/tcp_limits.hpp"

namespace liaison::io {

// A connection on its way from the acceptor, which has seen a STUN request for this worker on it,
// to the worker. `received` is what was read so far, from the first byte.
struct TcpHandover {
  Descriptor socket;
  transport::Path path;
  std::vector<std::uint8_t> received;
};

// RFC 6544 connections, framed by RFC 4571. What the far end does not take waits in a bounded
// queue; when that is full, whole datagrams are dropped: late media is worth nothing. A connection
// that breaks the framing, is closed by the far end, or brings nothing for too long, goes
// (transport/tcp_limits.hpp).
class TcpMedia {
 public:
  // Registers each connection with this epoll instance, under its number.
  explicit TcpMedia(int epoll) : epoll_(epoll) {}

  // Appends what the acceptor has already read.
  void add(TcpHandover connection, PacketPool& pool, Instant now,
           std::vector<transport::Datagram>& out);
  // The epoll instance says that something can be done. Unknown numbers are ignored.
  void ready(std::uint32_t number, PacketPool& pool, Instant now,
             std::vector<transport::Datagram>& out);
  // Queues all of `output` that goes over TCP and sends what can be sent.
  void send_batch(const transport::Output& output);
  void close_idle(Instant now);

  std::size_t size() const { return connections_.size(); }
  // Numbers that are gone, and what was dropped, since the last call of each.
  std::vector<std::uint32_t> take_closed() { return std::exchange(closed_, {}); }
  DropCounters take_drops() { return std::exchange(drops_, {}); }

 private:
  struct Connection {
    Descriptor socket;
    transport::Path path;
    FrameReader reader;
    FrameWriter writer{transport::tcp_queue_bytes};
    Instant last_read;
    bool wants_write = false;
    bool touched = false;
  };

  void take_frames(Connection& connection, PacketPool& pool, std::vector<transport::Datagram>& out);
  // False if the connection is over.
  bool read_some(Connection& connection, PacketPool& pool, Instant now,
                 std::vector<transport::Datagram>& out);
  bool write_some(Connection& connection);
  void close(std::uint32_t number);

  int epoll_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::uint32_t> touched_;
  std::vector<std::uint32_t> closed_;
  DropCounters drops_;
};

}  // namespace liaison::io
