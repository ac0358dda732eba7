// The IP addresses of this machine.
#pragma once

#include <vector>

#include "base/address.hpp"

namespace liaison::io {

// Of all interfaces that are up: IPv4 before IPv6, loopback last within each. Without link-local
// IPv6 addresses, which mean nothing without an interface and of which browsers offer none.
std::vector<IpAddress> local_addresses();

}  // namespace liaison::io
