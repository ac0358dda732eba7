// Where a receiver can start to decode.
#pragma once

#include "base/bytes.hpp"
#include "rtp/codec.hpp"

namespace liaison::rtp {

// True if the payload is the first of a key frame. Audio has no other kind of frame: always true.
// Malformed payloads say false.
bool starts_key_frame(CodecName codec, Bytes payload);

}  // namespace liaison::rtp
