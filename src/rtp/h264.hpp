// H.264 payloads (RFC 6184), as far as forwarding needs them: the single NAL unit and
// non-interleaved packetization modes, which are all that browsers use.
#pragma once

#include <optional>

#include "base/bytes.hpp"

namespace liaison::rtp {

struct H264Payload {
  // It has a sequence parameter set, alone, in a STAP-A, or as the first fragment of an FU-A. The
  // slices of an IDR picture do not begin a key frame, although the standard lets them: browsers
  // send the parameter sets with every key frame, and whoever begins at the slice cannot decode it.
  bool starts_key_frame = false;
  // That, or it begins the first slice of another picture. What may come before that slice, such as
  // a delimiter, is taken for the end of the picture before.
  bool starts_frame = false;
};

// Nothing if a unit reaches beyond the end or is of a type that these modes do not have.
std::optional<H264Payload> parse_h264(Bytes payload);

}  // namespace liaison::rtp
