#include "rtp/frame_info.hpp"

#include "base/ensure.hpp"
#include "rtp/av1.hpp"
#include "rtp/h264.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"

namespace liaison::rtp {
namespace {

std::optional<FrameInfo> read_vp8(Bytes payload, bool marker) {
  const auto descriptor = parse_vp8(payload);
  if (!descriptor) return std::nullopt;
  return FrameInfo{.starts_frame = descriptor->starts_frame,
                   .ends_frame = marker,
                   .ends_picture = marker,
                   .key_frame = descriptor->key_frame,
                   .key_picture = descriptor->key_frame,
                   .temporal_id = descriptor->temporal_id,
                   .switch_up = descriptor->layer_sync};
}

std::optional<FrameInfo> read_vp9(Bytes payload, bool marker) {
  const auto descriptor = parse_vp9(payload);
  if (!descriptor) return std::nullopt;
  // U is about the layers above this frame's own (RFC 9628 section 4.2). Encoders of browsers set
  // it where a frame refers to lower layers only, as everybody who forwards their streams relies
  // on.
  return FrameInfo{.starts_frame = descriptor->starts_frame,
                   .ends_frame = descriptor->ends_frame,
                   .ends_picture = marker,
                   .key_frame = descriptor->key_frame(),
                   .key_picture = !descriptor->inter_predicted,
                   .spatial_id = descriptor->spatial_id,
                   .temporal_id = descriptor->temporal_id,
                   .switch_up = descriptor->switching_up};
}

std::optional<FrameInfo> read_av1(Bytes payload, bool marker) {
  const auto header = parse_av1(payload);
  if (!header) return std::nullopt;
  return FrameInfo{.starts_frame = header->starts_frame,
                   .ends_frame = marker,
                   .ends_picture = marker,
                   .key_frame = header->starts_sequence,
                   .key_picture = header->starts_sequence};
}

std::optional<FrameInfo> read_h264(Bytes bytes, bool marker) {
  const auto payload = parse_h264(bytes);
  if (!payload) return std::nullopt;
  return FrameInfo{.starts_frame = payload->starts_frame,
                   .ends_frame = marker,
                   .ends_picture = marker,
                   .key_frame = payload->starts_key_frame,
                   .key_picture = payload->starts_key_frame};
}

FrameInfo read_descriptor(const DependencyDescriptor& descriptor, bool marker) {
  using Dti = DecodeTargetIndication;
  const FrameDependencies& frame = descriptor.frame;
  // A structure comes with key frames only (A.8.3 says with the first packet of a coded video
  // sequence).
  const bool key = descriptor.starts_frame && descriptor.structure && frame.fdiff_count == 0;
  // A discardable frame does not promise, as a switch point does, that the later frames of its
  // layer can be decoded. In the patterns that are in use they can, since its layer refers to lower
  // ones only.
  const bool switch_up = descriptor.own_indication == Dti::switch_point ||
                         descriptor.own_indication == Dti::discardable;
  return {.starts_frame = descriptor.starts_frame,
          .ends_frame = descriptor.ends_frame,
          .ends_picture = marker,
          .key_frame = key,
          .key_picture = descriptor.within_picture,
          .spatial_id = frame.spatial_id,
          .temporal_id = frame.temporal_id,
          .switch_up = switch_up};
}

}  // namespace

std::optional<FrameInfo> frame_info(CodecName codec, Bytes payload, bool marker,
                                    const DependencyDescriptor* descriptor) {
  if (descriptor != nullptr) return read_descriptor(*descriptor, marker);
  switch (codec) {
    case CodecName::opus:
    case CodecName::red:
      return FrameInfo{.starts_frame = true,
                       .ends_frame = true,
                       .ends_picture = true,
                       .key_frame = true,
                       .key_picture = true};
    case CodecName::vp8:
      return read_vp8(payload, marker);
    case CodecName::vp9:
      return read_vp9(payload, marker);
    case CodecName::av1:
      return read_av1(payload, marker);
    case CodecName::h264:
      return read_h264(payload, marker);
  }
  ENSURE(false);
  return std::nullopt;
}

}  // namespace liaison::rtp
