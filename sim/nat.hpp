// A network address translator between a client and the server.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/address.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

// Endpoint-independent mapping (RFC 4787 section 4.1): one outside port for each inside address,
// until it forgets it.
class Nat {
 public:
  Nat(IpAddress outside, Random random) : outside_(outside), random_(random) {}

  IpAddress ip() const { return outside_; }
  // As which address what `inside` sends is seen.
  SocketAddress outward(const SocketAddress& inside);
  // For whom what comes to `outside` is; nobody, if that mapping is gone.
  std::optional<SocketAddress> inward(const SocketAddress& outside) const;
  // Forgets all mappings: whoever sends next is seen as another.
  void rebind();
  // Another network: all mappings are gone, and the address is another too.
  void move(IpAddress outside);

 private:
  IpAddress outside_;
  Random random_;
  std::map<SocketAddress, std::uint16_t> ports_;
  std::map<std::uint16_t, SocketAddress> owners_;
};

}  // namespace liaison::sim
