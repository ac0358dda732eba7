// Datagrams over a byte stream (RFC 4571): two bytes of length, then the datagram.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/packet_pool.hpp"

namespace liaison::io {

// Cuts what a stream brought into datagrams. It knows nothing of sockets. A frame longer than a
// Packet breaks it for good: after it nothing can be trusted to be a boundary.
class FrameReader {
 public:
  FrameReader() : buffer_(size) {}

  // Where to read into, never empty unless broken; then arrived() says how much came. Both
  // invalidate what next() gave.
  MutableBytes room();
  void arrived(std::size_t count);
  // The next whole datagram. Empty ones, which RFC 4571 section 2 allows, are skipped.
  std::optional<Bytes> next();
  bool broken() const { return broken_; }

 private:
  static constexpr std::size_t size = 4 * (Packet::capacity + 2);

  std::vector<std::uint8_t> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool broken_ = false;
};

// What waits until a stream takes it: whole frames, or a frame whose beginning is already gone.
class FrameWriter {
 public:
  // Memory is touched only as far as frames have waited.
  explicit FrameWriter(std::size_t limit)
      : buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(limit)), limit_(limit) {}

  // False if there is no room for the whole frame; then none of it is taken.
  bool push(Bytes datagram);
  Bytes pending() const { return {&buffer_[begin_], end_ - begin_}; }
  void sent(std::size_t count);

 private:
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t limit_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace liaison::io
