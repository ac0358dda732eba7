// RTP packets (RFC 3550 section 5.1): a view to read one, a function to write a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace liaison::rtp {

inline constexpr std::size_t fixed_header_size = 12;

// The header extension block of a packet: the "defined by profile" field and the words after it.
// RFC 8285 says what is in them; extension.hpp reads it.
struct ExtensionBlock {
  std::uint16_t profile = 0;
  Bytes data;
};

// One RTP packet in memory that somebody else owns. Everything was checked by parse(): the
// accessors read without further tests. It knows nothing of streams, codecs or SRTP (which is
// undone in place before).
class PacketView {
 public:
  // Nothing if the bytes are not a whole RTP packet: wrong version, a header that reaches beyond
  // the end, or a padding count that does (RFC 3550 section A.1).
  static std::optional<PacketView> parse(Bytes bytes);

  bool marker() const { return (bytes_[1] & 0x80) != 0; }
  std::uint8_t payload_type() const { return bytes_[1] & 0x7f; }
  std::uint16_t sequence() const { return load_u16(&bytes_[2]); }
  std::uint32_t timestamp() const { return load_u32(&bytes_[4]); }
  std::uint32_t ssrc() const { return load_u32(&bytes_[8]); }

  std::size_t csrc_count() const { return bytes_[0] & 0x0f; }
  std::uint32_t csrc(std::size_t index) const {
    return load_u32(&bytes_[fixed_header_size + 4 * index]);
  }
  const std::optional<ExtensionBlock>& extension() const { return extension_; }

  std::size_t header_size() const { return header_size_; }
  // Without padding; empty in packets that only pad.
  Bytes payload() const {
    return bytes_.subspan(header_size_, bytes_.size() - header_size_ - padding_size_);
  }
  std::size_t padding_size() const { return padding_size_; }
  Bytes bytes() const { return bytes_; }

 private:
  explicit PacketView(Bytes bytes) : bytes_(bytes) {}

  Bytes bytes_;
  std::optional<ExtensionBlock> extension_;
  std::uint32_t header_size_ = fixed_header_size;
  std::uint8_t padding_size_ = 0;
};

struct HeaderFields {
  bool marker = false;
  std::uint8_t payload_type = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
};

struct ExtensionElement {
  std::uint8_t id = 0;  // the local id of a=extmap; 0 = not negotiated, left out
  Bytes value;
};

// Writes the fixed header and one extension block (none if no element has an id) to the front of
// `out`; no CSRCs, no padding. Returns the size of the header; 0 if it does not fit or a value is
// longer than 255 bytes. The block has the one-byte form when all its elements can have it, else
// the two-byte form (RFC 8285 section 4.1.2), for which the receiver must have agreed to
// a=extmap-allow-mixed.
std::size_t write_header(MutableBytes out, const HeaderFields& fields,
                         std::span<const ExtensionElement> elements = {});

}  // namespace liaison::rtp
