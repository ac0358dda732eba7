// What a virtual browser says of its frames in dependency descriptors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "rtp/dependency_descriptor.hpp"
#include "sim/video_source.hpp"

namespace liaison::sim {

// The dependency descriptors of one encoding ("RTP Payload Format For AV1", appendix A) as
// libwebrtc writes them: a decode target for each pair of a spatial and a temporal layer, a chain
// for each spatial layer through its frames of temporal layer 0, and a template for each frame of a
// key picture and of the pictures that follow it in the pattern of the source. It numbers frames as
// the source does, and knows nothing of packets but which are the first and the last.
class FrameDescriber {
 public:
  // Which numbers it begins with is left to chance: libwebrtc has low ones.
  struct Beginning {
    std::uint8_t template_id_offset = 0;
    std::uint16_t frame_number = 0;
  };
  // `options` are those of the source.
  FrameDescriber(const VideoOptions& options, const Beginning& beginning);

  // What the next values are about: the next frame of the encoding.
  void next(const EncodedFrame& frame);
  // The value for a packet of it. Valid until the next call.
  Bytes value(bool first, bool last);

 private:
  rtp::FrameDependencies describe(const EncodedFrame& frame);

  std::uint16_t first_number_;
  rtp::DependencyStructure structure_;
  std::array<std::optional<std::uint32_t>, rtp::max_spatial_layers> chain_ends_;  // frames
  rtp::DependencyDescriptor descriptor_;  // of the frame; its structure is left empty
  bool begins_sequence_ = false;
  std::array<std::uint8_t, 255> value_{};
};

}  // namespace liaison::sim
