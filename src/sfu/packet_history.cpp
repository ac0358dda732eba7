#include "sfu/packet_history.hpp"

#include <utility>

#include "base/ensure.hpp"

namespace liaison::sfu {

PacketHistory::PacketHistory(std::size_t capacity, Duration max_age)
    : capacity_(capacity), max_age_(max_age) {
  ENSURE(capacity != 0 && (capacity & (capacity - 1)) == 0);
}

const ReceivedPacket* PacketHistory::insert(ReceivedPacket& packet) {
  const std::uint64_t seq = packet.seq;
  if (ring_.empty()) ring_.resize(capacity_);
  if (!empty_ && seq + capacity_ <= newest_) return nullptr;
  if (!empty_ && seq >= newest_ + capacity_) clear();
  if (empty_) {
    empty_ = false;
    oldest_ = newest_ = seq;
  }
  if (seq < oldest_) oldest_ = seq;
  if (find(seq) != nullptr) return nullptr;
  if (seq > newest_) newest_ = seq;
  // What was in a place that the window has passed is gone, and so is what is too old.
  while (oldest_ + capacity_ <= newest_ || oldest_ < newest_) {
    ReceivedPacket& old = slot(oldest_);
    const bool mine = old.block && old.seq == oldest_;
    if (oldest_ + capacity_ > newest_ && mine && old.arrival + max_age_ >= packet.arrival) break;
    if (oldest_ == seq) break;
    if (mine) old.block = {};
    ++oldest_;
  }
  ReceivedPacket& place = slot(seq);
  place = std::move(packet);
  return &place;
}

const ReceivedPacket* PacketHistory::find(std::uint64_t seq) const {
  if (empty_ || seq < oldest_ || seq > newest_) return nullptr;
  const ReceivedPacket& found = slot(seq);
  return found.block && found.seq == seq ? &found : nullptr;
}

void PacketHistory::clear() {
  for (ReceivedPacket& packet : ring_) packet.block = {};
  empty_ = true;
}

}  // namespace liaison::sfu
