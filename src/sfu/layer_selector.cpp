#include "sfu/layer_selector.hpp"

#include <algorithm>

namespace liaison::sfu {

void LayerSelector::set_target(std::optional<Layer> target) {
  target_ = target;
  if (!target) current_.reset();
}

std::optional<std::uint8_t> LayerSelector::waits_for_key_frame() const {
  if (!target_) return std::nullopt;
  const bool there =
      current_ && current_->encoding == target_->encoding && current_->spatial >= target_->spatial;
  return there ? std::nullopt : std::optional(target_->encoding);
}

LayerSelector::Verdict LayerSelector::select(const ReceivedPacket& packet) {
  if (!target_) return Verdict::unwanted;
  const rtp::FrameInfo& frame = packet.frame;
  if (!current_ || packet.encoding != current_->encoding) {
    if (packet.encoding != target_->encoding) return Verdict::unwanted;
    if (!frame.key_frame) return current_ ? Verdict::unwanted : Verdict::wait;
    current_ = target_;
    newest_ = packet.seq;
    return Verdict::start;
  }
  // What comes late, a repetition among others, belongs to what was decided then.
  const bool late = packet.seq <= newest_;
  newest_ = std::max(newest_, packet.seq);
  const bool same = current_->encoding == target_->encoding;
  if (same && !late) {
    if (frame.starts_frame && frame.spatial_id == 0) {
      if (frame.key_picture) *current_ = *target_;
      current_->spatial = std::min(current_->spatial, target_->spatial);
    }
    // Of a frame that has begun the rest passes, too: without it, and without a gap in its place, a
    // receiver that knows nothing but numbers takes the next frame for one that does not follow.
    if (frame.starts_frame) current_->temporal = std::min(current_->temporal, target_->temporal);
    // One layer at a time: that a frame depends on the lowest alone says nothing of those between.
    if (frame.starts_frame && frame.switch_up && frame.temporal_id == current_->temporal + 1 &&
        frame.temporal_id <= target_->temporal)
      current_->temporal = frame.temporal_id;
  }
  return frame.spatial_id > current_->spatial || frame.temporal_id > current_->temporal
             ? Verdict::leave
             : Verdict::pass;
}

bool LayerSelector::ends_picture(const ReceivedPacket& packet) const {
  return packet.marker ||
         (current_ && packet.frame.ends_frame && packet.frame.spatial_id == current_->spatial);
}

}  // namespace liaison::sfu
