#include "bwe/acknowledged_rate.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace liaison::bwe {

namespace {

double rate_of(std::uint64_t bytes, Duration duration) {
  const std::chrono::duration<double> at_least = std::max<Duration>(duration, milliseconds(1));
  return static_cast<double>(bytes) * 8 / at_least.count();
}

}  // namespace

bool AcknowledgedRate::outside() const {
  const std::size_t count = packets_.size() - begin_;
  const Duration window = packets_.back().arrived - packets_[begin_].arrived;
  return count > max_packets || window > max_window ||
         (count > least_packets && window > least_window);
}

void AcknowledgedRate::received(Instant sent, Instant arrived, std::uint32_t bytes) {
  auto at = packets_.end();
  const auto begin = packets_.begin() + static_cast<std::ptrdiff_t>(begin_);
  while (at != begin && std::prev(at)->arrived > arrived) --at;
  packets_.insert(at, {sent, arrived, bytes});
  while (outside()) {
    discarded_ = std::max(discarded_, packets_[begin_].sent);
    ++begin_;
  }
  if (begin_ > packets_.size() / 2) {
    packets_.erase(packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

std::optional<double> AcknowledgedRate::rate() const {
  const auto packets = std::span(packets_).subspan(begin_);
  if (packets.size() < required_packets) return std::nullopt;
  // The longest silence is taken for a pause of the sender, and made as long as the next longest.
  Duration longest{};
  Duration second{};
  std::uint64_t arrived_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::size_t sent_count = 0;
  Instant first_sent = Instant::max();
  Instant last_sent = Instant::min();
  std::uint32_t last_bytes = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Packet& packet = packets[i];
    if (i > 0) {
      arrived_bytes += packet.bytes;
      const Duration gap = packet.arrived - packets[i - 1].arrived;
      if (gap > longest) {
        second = std::exchange(longest, gap);
      } else {
        second = std::max(second, gap);
      }
    }
    if (packet.sent < discarded_) continue;
    ++sent_count;
    sent_bytes += packet.bytes;
    first_sent = std::min(first_sent, packet.sent);
    if (packet.sent >= last_sent) {
      last_sent = packet.sent;
      last_bytes = packet.bytes;
    }
  }
  const Duration window = packets.back().arrived - packets.front().arrived;
  const double arriving = rate_of(arrived_bytes, window - longest + second);
  sent_bytes -= last_bytes;
  if (sent_count < 2 || sent_bytes == 0) return arriving;
  return std::min(arriving, rate_of(sent_bytes, last_sent - first_sent));
}

std::optional<double> AcknowledgedRate::newest(Duration span) const {
  constexpr std::size_t least = 6;
  const auto packets = std::span(packets_).subspan(begin_);
  if (packets.size() < least) return std::nullopt;
  const Instant end = packets.back().arrived;
  std::uint64_t bytes = 0;
  std::size_t i = packets.size() - 1;
  while (i > 0 && (end - packets[i - 1].arrived <= span || packets.size() - i < least)) {
    bytes += packets[i].bytes;
    --i;
  }
  return rate_of(bytes, end - packets[i].arrived);
}

void AcknowledgedRate::reset() {
  packets_.clear();
  begin_ = 0;
  discarded_ = Instant::min();
}

}  // namespace liaison::bwe
