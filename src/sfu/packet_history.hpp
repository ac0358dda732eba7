// The last packets of one encoding: the only memory of what was forwarded, shared by all its
// subscribers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/packet_pool.hpp"
#include "rtp/codec.hpp"
#include "rtp/frame_info.hpp"
#include "rtp/vp8.hpp"

namespace liaison::sfu {

// One received RTP packet, decrypted, with what its parsing found, so that nobody parses it again.
// An RTX packet stands here as the packet that it repeats (RFC 4588).
struct ReceivedPacket {
  // A header extension that subscribers get too, as a place in the block.
  struct PassedExtension {
    rtp::Extension extension{};
    std::uint8_t size = 0;
    std::uint16_t offset = 0;
  };
  static constexpr std::size_t passed_limit = 5;

  std::uint64_t seq = 0;  // extended
  std::uint32_t timestamp = 0;
  std::uint8_t payload_type = 0;  // of the publisher
  bool marker = false;
  std::uint8_t encoding = 0;  // of its track, from the smallest
  rtp::FrameInfo frame;       // of video
  std::optional<rtp::Vp8Descriptor> vp8;
  std::uint8_t passed_count = 0;
  std::uint16_t payload_offset = 0;
  std::uint16_t payload_size = 0;
  std::array<PassedExtension, passed_limit> passed{};
  Instant arrival;
  Packet block;

  Bytes payload() const { return block.bytes().subspan(payload_offset, payload_size); }
  Bytes value(const PassedExtension& extension) const {
    return block.bytes().subspan(extension.offset, extension.size);
  }
};

// A ring by sequence number. A packet stays until it is `max_age` old or its place is needed. Most
// encodings that are announced never send anything: there is a ring from the first packet on.
class PacketHistory {
 public:
  // `capacity` is a power of two.
  PacketHistory(std::size_t capacity, Duration max_age);

  // Null if the packet is a duplicate or older than the ring reaches; the packet is then untouched.
  const ReceivedPacket* insert(ReceivedPacket& packet);
  const ReceivedPacket* find(std::uint64_t seq) const;
  void clear();

 private:
  ReceivedPacket& slot(std::uint64_t seq) { return ring_[seq & (capacity_ - 1)]; }
  const ReceivedPacket& slot(std::uint64_t seq) const { return ring_[seq & (capacity_ - 1)]; }

  std::size_t capacity_;
  std::vector<ReceivedPacket> ring_;
  Duration max_age_;
  std::uint64_t oldest_ = 0;  // nothing before it is kept
  std::uint64_t newest_ = 0;
  bool empty_ = true;
};

}  // namespace liaison::sfu
