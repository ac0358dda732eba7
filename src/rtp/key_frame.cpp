#include "rtp/key_frame.hpp"

#include "base/ensure.hpp"
#include "rtp/av1.hpp"
#include "rtp/h264.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"

namespace liaison::rtp {

bool starts_key_frame(CodecName codec, Bytes payload) {
  switch (codec) {
    case CodecName::opus:
    case CodecName::red:
      return true;
    case CodecName::vp8: {
      const auto descriptor = parse_vp8(payload);
      return descriptor && descriptor->key_frame;
    }
    case CodecName::vp9: {
      const auto descriptor = parse_vp9(payload);
      return descriptor && descriptor->key_frame();
    }
    case CodecName::av1: {
      const auto header = parse_av1(payload);
      return header && header->starts_sequence;
    }
    case CodecName::h264:
      return h264_starts_key_frame(payload);
  }
  ENSURE(false);
  return false;
}

}  // namespace liaison::rtp
