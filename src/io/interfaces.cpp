#include "io/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

#include "io/socket_address.hpp"

namespace liaison::io {

std::vector<IpAddress> local_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::vector<IpAddress> addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const IpAddress ip = from_sockaddr(*entry->ifa_addr).ip;
    const bool link_local = !ip.is_v4() && ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
    if (!link_local && std::ranges::find(addresses, ip) == addresses.end()) addresses.push_back(ip);
  }
  std::ranges::stable_sort(
      addresses, {}, [](const IpAddress& ip) { return std::pair(!ip.is_v4(), ip.is_loopback()); });
  return addresses;
}

}  // namespace liaison::io
