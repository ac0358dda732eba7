// Fixed blocks for datagrams, taken at the start: nothing on the media path allocates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ensure.hpp"

namespace liaison {

class PacketPool;

// One datagram in a block of a pool, owned by whoever holds it. Must not outlive its pool.
class Packet {
 public:
  // Larger than any datagram of a 1,500-byte network, with room for an SRTP tag.
  static constexpr std::size_t capacity = 2048;

  Packet() = default;
  Packet(Packet&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), data_(other.data_), size_(other.size_) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      data_ = other.data_;
      size_ = other.size_;
    }
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { release(); }

  explicit operator bool() const { return pool_ != nullptr; }
  std::size_t size() const { return size_; }
  void resize(std::size_t size) {
    ENSURE(size <= capacity);
    size_ = static_cast<std::uint16_t>(size);
  }
  Bytes bytes() const { return {data_, size_}; }
  MutableBytes bytes() { return {data_, size_}; }
  MutableBytes block() { return {data_, capacity}; }
  // Another block of the same pool, for `size` bytes; empty if the pool is used up.
  inline Packet another(std::size_t size) const;

 private:
  friend class PacketPool;
  Packet(PacketPool* pool, std::uint8_t* data) : pool_(pool), data_(data) {}
  inline void release();

  PacketPool* pool_ = nullptr;
  std::uint8_t* data_ = nullptr;
  std::uint16_t size_ = 0;
};

class PacketPool {
 public:
  explicit PacketPool(std::size_t count)
      : blocks_(std::make_unique_for_overwrite<std::uint8_t[]>(count * Packet::capacity)),
        count_(count) {
    free_.reserve(count);
    for (std::size_t i = count; i-- > 0;) free_.push_back(&blocks_[i * Packet::capacity]);
  }
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;
  ~PacketPool() { ENSURE(free_.size() == count_); }

  // An empty handle if the pool is used up.
  Packet take() {
    if (free_.empty()) return {};
    std::uint8_t* data = free_.back();
    free_.pop_back();
    return {this, data};
  }
  // One that holds a copy of `datagram`, at most Packet::capacity bytes; empty if the pool is used
  // up.
  Packet take(Bytes datagram) {
    Packet packet = take();
    if (packet) {
      packet.resize(datagram.size());
      std::ranges::copy(datagram, packet.bytes().begin());
    }
    return packet;
  }
  std::size_t free_count() const { return free_.size(); }
  std::size_t size() const { return count_; }

 private:
  friend class Packet;
  std::unique_ptr<std::uint8_t[]> blocks_;
  std::size_t count_;
  std::vector<std::uint8_t*> free_;
};

inline Packet Packet::another(std::size_t size) const {
  Packet packet = pool_->take();
  if (packet) packet.resize(size);
  return packet;
}

inline void Packet::release() {
  if (pool_ != nullptr) pool_->free_.push_back(data_);
  pool_ = nullptr;
}

}  // namespace liaison
