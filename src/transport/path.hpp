// Where a datagram came from or goes to, and batches of them.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/packet_pool.hpp"

namespace liaison::transport {

// One way to a far end. UDP: the remote address; the local address, so that a host with several
// answers from the one that was asked. TCP (RFC 6544, framed by RFC 4571): a number that the shell
// gave the connection.
struct Path {
  SocketAddress remote;
  IpAddress local;                   // unspecified (::) lets the kernel choose
  std::uint32_t tcp_connection = 0;  // 0 = UDP

  bool is_tcp() const { return tcp_connection != 0; }
  bool operator==(const Path&) const = default;
};

// What a connectivity check changed in the set of paths that lead to one far end.
struct PathChange {
  std::optional<Path> added;
  std::optional<Path> removed;
};

// One that has arrived.
struct Datagram {
  Path path;
  Packet packet;
};

struct Transmit {
  Path path;
  std::uint32_t offset = 0;  // in Output::arena
  std::uint32_t size = 0;
};

// Datagrams to send, in order. The caller clears and reuses it, so that nothing is allocated in the
// long run.
struct Output {
  std::vector<std::uint8_t> arena;
  std::vector<Transmit> transmits;

  // Room for a datagram of at most `size` bytes at the end of the arena. Valid until the next call;
  // then either commit() or nothing.
  MutableBytes reserve(std::size_t size) {
    if (arena.size() < used_ + size) arena.resize(used_ + size + 64 * 1024);
    return MutableBytes(arena).subspan(used_, size);
  }
  // Sends the first `size` bytes of what reserve() gave.
  void commit(const Path& path, std::size_t size) {
    transmits.push_back(
        {path, static_cast<std::uint32_t>(used_), static_cast<std::uint32_t>(size)});
    used_ += size;
  }
  void send(const Path& path, Bytes datagram) {
    const MutableBytes room = reserve(datagram.size());
    if (!datagram.empty()) std::memcpy(room.data(), datagram.data(), datagram.size());
    commit(path, datagram.size());
  }
  // Where a copy of `bytes` lies that goes another way than by a path; bytes() finds it.
  std::uint32_t keep(Bytes bytes) {
    const MutableBytes room = reserve(bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    used_ += bytes.size();
    return static_cast<std::uint32_t>(used_ - bytes.size());
  }
  Bytes bytes(std::uint32_t offset, std::uint32_t size) const {
    return Bytes(arena).subspan(offset, size);
  }
  Bytes bytes(const Transmit& transmit) const { return bytes(transmit.offset, transmit.size); }
  void clear() {
    transmits.clear();
    used_ = 0;
  }

 private:
  std::size_t used_ = 0;
};

}  // namespace liaison::transport

template <>
struct std::hash<liaison::transport::Path> {
  std::size_t operator()(const liaison::transport::Path& path) const noexcept {
    return std::hash<liaison::SocketAddress>{}(path.remote) ^
           (std::size_t{path.tcp_connection} << 17);
  }
};
