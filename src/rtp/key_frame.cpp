#include "rtp/key_frame.hpp"

#include "rtp/frame_info.hpp"

namespace liaison::rtp {

bool starts_key_frame(CodecName codec, Bytes payload) {
  const auto info = frame_info(codec, payload, false, nullptr);
  return info && info->key_frame;
}

}  // namespace liaison::rtp
