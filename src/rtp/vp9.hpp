// The VP9 payload descriptor (RFC 9628 section 4.2).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtp {

struct Vp9Descriptor {
  bool starts_frame = false;     // B: first packet of a frame (of one spatial layer)
  bool ends_frame = false;       // E
  bool inter_predicted = false;  // P: depends on frames of earlier pictures
  bool flexible = false;         // F: each packet says which, else the scalability structure does
  bool switching_up = false;     // U
  bool inter_layer = false;      // D: depends on the spatial layer below
  std::uint8_t temporal_id = 0;
  std::uint8_t spatial_id = 0;
  std::optional<std::uint16_t> picture_id;
  bool long_picture_id = false;           // 15 bits, else 7
  std::optional<std::uint8_t> tl0_index;  // only in non-flexible mode
  // Where these stand in the payload; 0 if they are absent (the first byte is never one of them).
  std::uint8_t picture_id_offset = 0;
  std::uint8_t tl0_index_offset = 0;
  std::size_t size = 0;  // of the descriptor; the VP9 data follow it

  // The packet begins a key frame.
  bool key_frame() const { return starts_frame && !inter_predicted && spatial_id == 0; }
};

// Nothing if the descriptor reaches beyond the end or no VP9 data follow.
std::optional<Vp9Descriptor> parse_vp9(Bytes payload);

}  // namespace liaison::rtp
