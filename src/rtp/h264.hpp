// H.264 payloads (RFC 6184), as far as forwarding needs them: the single NAL unit and
// non-interleaved packetization modes, which are all that browsers use.
#pragma once

#include "base/bytes.hpp"

namespace liaison::rtp {

// True if the payload begins a key frame: it has a sequence parameter set or the first slice of an
// IDR picture, alone, in a STAP-A, or as the first fragment of an FU-A. A key frame is a parameter
// set followed by a picture, so that two packets of one frame may both say true. Malformed payloads
// say false.
bool h264_starts_key_frame(Bytes payload);

}  // namespace liaison::rtp
