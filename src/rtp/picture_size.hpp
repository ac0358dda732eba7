// How large the picture is that a packet begins.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "rtp/codec.hpp"

namespace liaison::rtp {

struct PictureSize {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  bool operator==(const PictureSize&) const = default;
};

// As the stream itself says it: in the first packet of a key frame (VP8, RFC 6386 section 9.1; VP9
// section 6.2), or with the sequence header (AV1 section 5.5) or sequence parameter set (H.264
// section 7.3.2.1.1). Nothing in any other packet, and where it is malformed.
std::optional<PictureSize> picture_size(CodecName codec, Bytes payload);

}  // namespace liaison::rtp
