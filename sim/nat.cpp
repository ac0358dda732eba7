#include "sim/nat.hpp"

#include <limits>

namespace liaison::sim {

SocketAddress Nat::outward(const SocketAddress& inside) {
  const auto known = ports_.find(inside);
  if (known != ports_.end()) return {outside_, known->second};
  for (;;) {
    const auto port = static_cast<std::uint16_t>(
        random_.between(std::int64_t{1024}, std::numeric_limits<std::uint16_t>::max()));
    if (!owners_.try_emplace(port, inside).second) continue;
    ports_.emplace(inside, port);
    return {outside_, port};
  }
}

std::optional<SocketAddress> Nat::inward(const SocketAddress& outside) const {
  if (outside.ip != outside_) return std::nullopt;
  const auto owner = owners_.find(outside.port);
  if (owner == owners_.end()) return std::nullopt;
  return owner->second;
}

void Nat::rebind() {
  ports_.clear();
  owners_.clear();
}

void Nat::move(IpAddress outside) {
  rebind();
  outside_ = outside;
}

}  // namespace liaison::sim
