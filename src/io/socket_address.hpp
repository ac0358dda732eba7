// Our addresses as the kernel's, and back.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.hpp"

namespace liaison::io {

struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// For a socket of this family: AF_INET6 takes IPv4 in its mapped form, AF_INET takes IPv4 alone.
KernelAddress to_sockaddr(const SocketAddress& address, int family);
// AF_INET or AF_INET6; the unspecified address for anything else.
SocketAddress from_sockaddr(const sockaddr& address);

}  // namespace liaison::io
