#include "sim/frame_describer.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/ensure.hpp"

namespace liaison::sim {
namespace {

using Dti = rtp::DecodeTargetIndication;

// After these pictures, a pattern of up to four only repeats itself.
constexpr int pattern_pictures = 9;

Dti indication(const EncodedFrame& frame, std::uint8_t spatial, std::uint8_t temporal) {
  // In a key picture, the spatial layers above begin with this frame too.
  const bool of_it = frame.temporal <= temporal &&
                     (frame.spatial == spatial || (frame.spatial < spatial && frame.key));
  if (!of_it) return Dti::not_present;
  const bool own = frame.spatial == spatial && frame.temporal == temporal;
  return own && temporal > 0 ? Dti::discardable : Dti::switch_point;
}

}  // namespace

FrameDescriber::FrameDescriber(const VideoOptions& options, const Beginning& beginning)
    : first_number_(beginning.frame_number) {
  VideoOptions pattern = options;
  if (pattern.layering == Layering::simulcast) pattern.layering = Layering::single;
  pattern.unasked_key_frames = Duration::max();
  VideoSource source(pattern, Random(0), Instant{});
  std::vector<EncodedFrame> frames;
  for (int i = 0; i < pattern_pictures; ++i) source.capture(source.deadline(), frames);

  const std::uint8_t spatial_layers = frames.front().spatial_layers;
  structure_.template_id_offset = beginning.template_id_offset;
  structure_.decode_target_count =
      static_cast<std::uint8_t>(spatial_layers * options.temporal_layers);
  structure_.chain_count = spatial_layers;
  structure_.resolution_count = spatial_layers;
  for (std::uint8_t target = 0; target < structure_.decode_target_count; ++target)
    structure_.protected_by[target] = target / options.temporal_layers;

  std::vector<rtp::FrameDependencies> templates;
  for (const EncodedFrame& frame : frames) {
    const rtp::FrameDependencies one = describe(frame);
    if (std::ranges::find(templates, one) == templates.end()) templates.push_back(one);
  }
  std::ranges::stable_sort(templates, {}, [](const rtp::FrameDependencies& one) {
    return std::pair(one.spatial_id, one.temporal_id);
  });
  ENSURE(templates.size() <= structure_.templates.size());
  std::ranges::copy(templates, structure_.templates.begin());
  structure_.template_count = static_cast<std::uint8_t>(templates.size());
  structure_.find_decode_target_layers();
}

rtp::FrameDependencies FrameDescriber::describe(const EncodedFrame& frame) {
  rtp::FrameDependencies made;
  made.spatial_id = frame.spatial;
  made.temporal_id = frame.temporal;
  for (std::uint8_t target = 0; target < structure_.decode_target_count; ++target) {
    made.dtis[target] =
        indication(frame, target / frame.temporal_layers, target % frame.temporal_layers);
  }
  for (const std::uint16_t back : frame.references) {
    if (back != 0) made.fdiffs[made.fdiff_count++] = back;
  }
  const auto chains = std::span(chain_ends_).first(structure_.chain_count);
  // A key picture begins all chains anew, and each of its frames is in those of the layers above.
  if (frame.key && frame.spatial == 0) std::ranges::fill(chains, std::nullopt);
  for (std::size_t chain = 0; chain < chains.size(); ++chain) {
    if (chains[chain])
      made.chain_fdiffs[chain] = static_cast<std::uint8_t>(frame.frame - *chains[chain]);
    const bool in_chain =
        frame.temporal == 0 && (chain == frame.spatial || (chain > frame.spatial && frame.key));
    if (in_chain) chains[chain] = frame.frame;
  }
  return made;
}

void FrameDescriber::next(const EncodedFrame& frame) {
  descriptor_.frame = describe(frame);
  descriptor_.frame_number = static_cast<std::uint16_t>(first_number_ + frame.frame);
  const auto found = structure_.nearest(descriptor_.frame);
  ENSURE(found.has_value());
  descriptor_.template_id = *found;
  begins_sequence_ = frame.key && frame.spatial == 0;
  if (!begins_sequence_) return;
  for (int layer = 0; layer < structure_.resolution_count; ++layer) {
    const int halvings = structure_.resolution_count - 1 - layer;
    structure_.resolutions[static_cast<std::size_t>(layer)] = {
        static_cast<std::uint32_t>(frame.width >> halvings),
        static_cast<std::uint32_t>(frame.height >> halvings)};
  }
}

Bytes FrameDescriber::value(bool first, bool last) {
  descriptor_.starts_frame = first;
  descriptor_.ends_frame = last;
  if (first && begins_sequence_)
    descriptor_.structure = std::make_unique<rtp::DependencyStructure>(structure_);
  const std::size_t size = rtp::write_dependency_descriptor(value_, descriptor_, &structure_);
  descriptor_.structure.reset();
  ENSURE(size != 0);
  return Bytes(value_).first(size);
}

}  // namespace liaison::sim
