// Feedback messages: NACK and PLI (RFC 4585), FIR (RFC 5104). Transport-wide feedback has a header
// of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "rtcp/compound.hpp"

namespace liaison::rtcp {

// RFC 4585 section 6.2.1.
class Nack {
 public:
  static std::optional<Nack> parse(const PacketView& packet);

  std::uint32_t media_ssrc() const { return media_ssrc_; }

  // visit(std::uint16_t) for each sequence number asked for, in the order of the packet: at most 17
  // for each 4 bytes.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t at = 0; at + 4 <= items_.size(); at += 4) {
      const std::uint16_t first = load_u16(&items_[at]);
      visit(first);
      std::uint16_t following = load_u16(&items_[at + 2]);
      for (std::uint16_t next = first; following != 0; following >>= 1) {
        ++next;
        if ((following & 1) != 0) visit(next);
      }
    }
  }

 private:
  std::uint32_t media_ssrc_ = 0;
  Bytes items_;
};

// Asks for sequence numbers given in rising (wrapping) order. Writes one packet with as many as
// there is room for and returns how many those are; 0, and nothing written, if not even one.
std::size_t write_nack(Writer& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc,
                       std::span<const std::uint16_t> sequences);

// Picture loss indication, RFC 4585 section 6.3.1.
struct Pli {
  std::uint32_t media_ssrc = 0;
};
std::optional<Pli> parse_pli(const PacketView& packet);
void write_pli(Writer& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc);

// Full intra request, RFC 5104 section 4.3.1.
class Fir {
 public:
  struct Entry {
    std::uint32_t ssrc = 0;
    std::uint8_t sequence = 0;  // a repetition of the same request has the same number
  };
  static std::optional<Fir> parse(const PacketView& packet);
  std::size_t size() const { return entries_.size() / 8; }
  Entry operator[](std::size_t index) const {
    return {load_u32(&entries_[8 * index]), entries_[8 * index + 4]};
  }

 private:
  Bytes entries_;
};
void write_fir(Writer& out, std::uint32_t sender_ssrc, Fir::Entry entry);

}  // namespace liaison::rtcp
