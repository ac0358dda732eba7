// RTCP datagrams (RFC 3550 section 6.1): the walk over the packets in one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtcp {

enum class PacketType : std::uint8_t {
  sender_report = 200,
  receiver_report = 201,
  source_description = 202,
  bye = 203,
  application = 204,
  transport_feedback = 205,  // RFC 4585 section 6.2
  payload_feedback = 206,    // RFC 4585 section 6.3
  extended_report = 207,
};

inline constexpr std::size_t header_size = 4;

// One packet of a compound, without its header and padding.
struct PacketView {
  PacketType type{};
  std::uint8_t count = 0;  // report count, source count, or feedback message type (FMT)
  Bytes body;
};

// The packets of one datagram, after SRTCP is undone. Reduced-size datagrams, which begin with any
// type, are as good as full ones (RFC 5506). Packets of unknown types are given like all others.
class Compound {
 public:
  // Nothing unless packets of version 2 fill the datagram exactly (RFC 3550 section A.2) and each
  // padding fits its packet.
  static std::optional<Compound> parse(Bytes bytes);

  class Iterator {
   public:
    explicit Iterator(Bytes rest) : rest_(rest) {}
    PacketView operator*() const;
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    Bytes rest_;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(Bytes{}); }

 private:
  explicit Compound(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
};

// Writes the header of a packet with `words` 32-bit words of body after it.
inline void write_header(Writer& out, PacketType type, std::uint8_t count, std::size_t words,
                         bool padding = false) {
  out.u8(static_cast<std::uint8_t>(0x80 | (padding ? 0x20 : 0) | (count & 0x1f)));
  out.u8(static_cast<std::uint8_t>(type));
  out.u16(static_cast<std::uint16_t>(words));
}

}  // namespace liaison::rtcp
