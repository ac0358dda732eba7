// The VP8 payload descriptor (RFC 7741 section 4.2).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtp {

// Read once per packet; the offsets let every copy that is sent on get numbers of its own.
struct Vp8Descriptor {
  bool starts_frame = false;  // first packet of the first partition: S = 1, PID = 0
  bool key_frame = false;   // only in packets that start a frame: the P bit of the VP8 header is 0
  bool layer_sync = false;  // Y: depends on temporal layer 0 only
  std::uint8_t temporal_id = 0;
  std::uint8_t size = 0;  // of the descriptor; the VP8 data follow it
  // Where these stand in the payload; 0 if they are absent (the first byte is never one of them).
  std::uint8_t picture_id_offset = 0;
  std::uint8_t tl0_index_offset = 0;
  std::uint8_t key_index_offset = 0;  // of the byte TID|Y|KEYIDX, if K
  bool long_picture_id = false;       // 15 bits, else 7
  std::uint16_t picture_id = 0;
  std::uint8_t tl0_index = 0;
  std::uint8_t key_index = 0;
};

// Nothing if the descriptor reaches beyond the end or no VP8 data follow.
std::optional<Vp8Descriptor> parse_vp8(Bytes payload);

// Gives a payload with this descriptor another picture id and TL0PICIDX, where it has them. The
// width stays: of a 7-bit picture id the low 7 bits are written.
void rewrite_vp8(MutableBytes payload, const Vp8Descriptor& descriptor, std::uint16_t picture_id,
                 std::uint8_t tl0_index);

}  // namespace liaison::rtp
