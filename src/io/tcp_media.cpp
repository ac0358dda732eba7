#include "io/tcp_media.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace liaison::io {
namespace {

// How much the kernel may hold that it has not sent yet: beyond it we can still drop.
constexpr int unsent_bytes = 16 * 1024;
constexpr int user_timeout_ms = static_cast<int>(transport::tcp_user_timeout.count());

void set_options(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof unsent_bytes);
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

}  // namespace

void TcpMedia::add(TcpHandover handover, PacketPool& pool, Instant now,
                   std::vector<transport::Datagram>& out) {
  const std::uint32_t number = handover.path.tcp_connection;
  auto connection = std::make_unique<Connection>();
  connection->socket = std::move(handover.socket);
  connection->path = handover.path;
  connection->last_read = now;
  set_options(connection->socket.get());
  epoll_event event{EPOLLIN, {.u64 = number}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->socket.get(), &event) != 0) {
    closed_.push_back(number);
    return;
  }
  for (Bytes rest = handover.received; !rest.empty() && !connection->reader.broken();) {
    const MutableBytes room = connection->reader.room();
    const std::size_t count = std::min(room.size(), rest.size());
    std::copy_n(rest.begin(), count, room.begin());
    connection->reader.arrived(count);
    rest = rest.subspan(count);
    take_frames(*connection, pool, out);
  }
  const bool broken = connection->reader.broken();
  connections_.insert_or_assign(number, std::move(connection));
  if (broken) close(number);
}

void TcpMedia::take_frames(Connection& connection, PacketPool& pool,
                           std::vector<transport::Datagram>& out) {
  while (const auto datagram = connection.reader.next()) {
    Packet packet = pool.take(*datagram);
    if (!packet) {
      drops_.add(Drop::pool_empty);
      continue;
    }
    out.push_back({connection.path, std::move(packet)});
  }
  if (connection.reader.broken()) drops_.add(Drop::oversize);
}

void TcpMedia::ready(std::uint32_t number, PacketPool& pool, Instant now,
                     std::vector<transport::Datagram>& out) {
  const auto found = connections_.find(number);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (!read_some(connection, pool, now, out) || !write_some(connection)) close(number);
}

bool TcpMedia::read_some(Connection& connection, PacketPool& pool, Instant now,
                         std::vector<transport::Datagram>& out) {
  // One read for each time round the loop: a fast sender does not keep the others waiting.
  const MutableBytes room = connection.reader.room();
  const ssize_t got = recv(connection.socket.get(), room.data(), room.size(), 0);
  if (got == 0) return false;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  connection.last_read = now;
  connection.reader.arrived(static_cast<std::size_t>(got));
  take_frames(connection, pool, out);
  return !connection.reader.broken();
}

bool TcpMedia::write_some(Connection& connection) {
  const Bytes pending = connection.writer.pending();
  if (!pending.empty()) {
    const ssize_t sent =
        send(connection.socket.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) connection.writer.sent(static_cast<std::size_t>(sent));
  }
  const bool wants_write = !connection.writer.pending().empty();
  if (wants_write == connection.wants_write) return true;
  connection.wants_write = wants_write;
  epoll_event event{EPOLLIN | (wants_write ? EPOLLOUT : 0U),
                    {.u64 = connection.path.tcp_connection}};
  return epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket.get(), &event) == 0;
}

void TcpMedia::send_batch(const transport::Output& output) {
  for (const transport::Transmit& transmit : output.transmits) {
    if (!transmit.path.is_tcp()) continue;
    const auto found = connections_.find(transmit.path.tcp_connection);
    if (found == connections_.end()) {
      drops_.add(Drop::no_path);
      continue;
    }
    Connection& connection = *found->second;
    if (!connection.writer.push(output.bytes(transmit))) {
      drops_.add(Drop::tcp_queue_full);
      continue;
    }
    if (!std::exchange(connection.touched, true)) touched_.push_back(transmit.path.tcp_connection);
  }
  for (const std::uint32_t number : touched_) {
    Connection& connection = *connections_.find(number)->second;
    connection.touched = false;
    if (!write_some(connection)) close(number);
  }
  touched_.clear();
}

void TcpMedia::close_idle(Instant now) {
  std::vector<std::uint32_t> idle;
  for (const auto& [number, connection] : connections_) {
    if (now - connection->last_read >= transport::tcp_idle_limit) idle.push_back(number);
  }
  for (const std::uint32_t number : idle) close(number);
}

void TcpMedia::close(std::uint32_t number) {
  connections_.erase(number);
  closed_.push_back(number);
}

}  // namespace liaison::io
