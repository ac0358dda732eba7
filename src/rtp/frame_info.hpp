// What a forwarder has to know of the frame that a packet belongs to, whatever the codec.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "rtp/codec.hpp"
#include "rtp/dependency_descriptor.hpp"

namespace liaison::rtp {

struct FrameInfo {
  bool starts_frame = false;  // first packet of a frame (of one spatial layer)
  bool ends_frame = false;    // last packet of it
  bool ends_picture = false;  // last packet of all its spatial layers
  // Only in packets that start a frame: a decoder can begin here.
  bool key_frame = false;
  // It refers to no earlier picture: at a frame of this kind its spatial layer may be entered by
  // whoever decodes the one below. Without a descriptor for all packets (of VP8, H.264, AV1) it is
  // known only in those that start a frame.
  bool key_picture = false;
  std::uint8_t spatial_id = 0;
  std::uint8_t temporal_id = 0;
  // From this frame on, whoever decodes all temporal layers below this one may take it too.
  bool switch_up = false;
};

// `marker` is that of the RTP header. With a dependency descriptor the payload is not looked at:
// it may be encrypted. Without one (null), what its own descriptor says (RFC 7741, RFC 9628, "RTP
// Payload Format For AV1", RFC 6184): of AV1 and H.264 that is one layer. Audio has nothing but key
// frames of one packet. Nothing if the payload is malformed.
std::optional<FrameInfo> frame_info(CodecName codec, Bytes payload, bool marker,
                                    const DependencyDescriptor* descriptor);

}  // namespace liaison::rtp
