#include "io/socket_address.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace liaison::io {

KernelAddress to_sockaddr(const SocketAddress& address, int family) {
  KernelAddress result;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.bytes.data() + 12, 4);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.bytes.data(), 16);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

SocketAddress from_sockaddr(const sockaddr& address) {
  SocketAddress result;
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    std::array<std::uint8_t, 4> quad{};
    std::memcpy(quad.data(), &v4.sin_addr, 4);
    result = {IpAddress::v4(quad[0], quad[1], quad[2], quad[3]), ntohs(v4.sin_port)};
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(result.ip.bytes.data(), &v6.sin6_addr, 16);
    result.port = ntohs(v6.sin6_port);
  }
  return result;
}

}  // namespace liaison::io
