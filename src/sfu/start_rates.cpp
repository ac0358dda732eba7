#include "sfu/start_rates.hpp"

#include <algorithm>

namespace liaison::sfu {
namespace {

IpAddress line_of(IpAddress address) {
  if (!address.is_v4()) std::fill(address.bytes.begin() + 8, address.bytes.end(), std::uint8_t{0});
  return address;
}

}  // namespace

void StartRates::remember(const IpAddress& address, std::uint64_t rate, Instant now) {
  const IpAddress line = line_of(address);
  if (lines_.size() >= limit && !lines_.contains(line)) {
    lines_.erase(
        std::ranges::min_element(lines_, {}, [](const auto& entry) { return entry.second.at; }));
  }
  lines_[line] = {rate, now};
}

std::optional<std::uint64_t> StartRates::start(const IpAddress& address, Instant now) const {
  const auto found = lines_.find(line_of(address));
  if (found == lines_.end() || now - found->second.at > kept) return std::nullopt;
  return std::clamp(static_cast<std::uint64_t>(share * static_cast<double>(found->second.rate)),
                    least, most);
}

}  // namespace liaison::sfu
