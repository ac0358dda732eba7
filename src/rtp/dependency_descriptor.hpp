// The dependency descriptor, a header extension that says of each frame which layer it is and what
// it needs, whatever the codec and even if the payload is encrypted ("RTP Payload Format For AV1",
// appendix A).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace liaison::rtp {

// What the format can say (A.8.3), but for references and layers: frames of AV1 have seven
// references at most, and its layers are counted in three and two bits.
inline constexpr std::size_t max_dependency_templates = 64;
inline constexpr std::size_t max_decode_targets = 32;
inline constexpr std::size_t max_chains = 32;
inline constexpr std::size_t max_frame_references = 8;
inline constexpr std::size_t max_temporal_layers = 8;
inline constexpr std::size_t max_spatial_layers = 4;

// What a frame is to a decode target, which is what a receiver may be sent: a spatial and a
// temporal layer with what they need (A.8.3).
enum class DecodeTargetIndication : std::uint8_t {
  not_present,   // no part of it
  discardable,   // of it, but nothing else in it depends on the frame
  switch_point,  // with this frame, everything of the target that follows can be decoded
  required,
};

// One frame, or a template for many.
struct FrameDependencies {
  std::uint8_t spatial_id = 0;
  std::uint8_t temporal_id = 0;
  std::array<DecodeTargetIndication, max_decode_targets> dtis{};  // by decode target
  std::uint8_t fdiff_count = 0;
  std::array<std::uint16_t, max_frame_references> fdiffs{};  // frames back to those it refers to
  // By chain: frames back to the last one of the chain; 0 = the chain begins here.
  std::array<std::uint8_t, max_chains> chain_fdiffs{};

  std::span<const std::uint16_t> references() const { return std::span(fdiffs).first(fdiff_count); }
  bool operator==(const FrameDependencies&) const = default;
};

// What holds from a key frame to the next. In all arrays, what is beyond the count is zero.
struct DependencyStructure {
  struct Layer {
    std::uint8_t spatial_id = 0;
    std::uint8_t temporal_id = 0;
    bool operator==(const Layer&) const = default;
  };
  struct Resolution {
    std::uint32_t width = 0;  // 1 to 65,536
    std::uint32_t height = 0;
    bool operator==(const Resolution&) const = default;
  };

  std::uint8_t template_id_offset = 0;  // 0 to 63: the id of the first template
  std::uint8_t template_count = 0;
  std::uint8_t decode_target_count = 0;
  std::uint8_t chain_count = 0;
  std::uint8_t resolution_count = 0;  // one for each spatial layer, or none
  // In the order of the layers: each has that of the one before, or the next temporal layer of it,
  // or is the first of the next spatial layer.
  std::array<FrameDependencies, max_dependency_templates> templates{};
  // The chain which says, as long as it is unbroken, that nothing of the decode target is missing.
  std::array<std::uint8_t, max_decode_targets> protected_by{};
  std::array<Resolution, max_spatial_layers> resolutions{};
  // Follows from the templates; not transmitted.
  std::array<Layer, max_decode_targets> decode_targets{};

  // The highest layers among the frames of each decode target.
  void find_decode_target_layers();
  // Nothing if this structure has no template of this id.
  const FrameDependencies* find(std::uint8_t template_id) const;
  // The id of the template that is nearest to a frame of its layer: the others would need more
  // bits. Nothing if there is none of its layer.
  std::optional<std::uint8_t> nearest(const FrameDependencies& frame) const;
  // One bit for each decode target.
  std::uint32_t all_decode_targets() const {
    return static_cast<std::uint32_t>((std::uint64_t{1} << decode_target_count) - 1);
  }
  bool operator==(const DependencyStructure&) const = default;
};

// What one packet says.
struct DependencyDescriptor {
  bool starts_frame = false;
  bool ends_frame = false;
  std::uint8_t template_id = 0;
  std::uint16_t frame_number = 0;  // rises by one with each frame in coding order
  FrameDependencies frame;         // the template with what the packet says instead
  // What the frame is to the decode target of its own layer. This and the next follow from the
  // structure; not transmitted.
  DecodeTargetIndication own_indication = DecodeTargetIndication::not_present;
  bool within_picture = false;  // it refers to nothing but lower spatial layers of its picture
  // Bit i: decode target i is still being sent. Holds until the next that is there; nothing in
  // packets that do not say it.
  std::optional<std::uint32_t> active_decode_targets;
  // In the first packet of a key frame, and then `frame` is already of this one. On the heap
  // because it is large and rare.
  std::unique_ptr<DependencyStructure> structure;
};

// `current` is the structure that arrived last, null if none did. Nothing if the value is
// malformed, exceeds a limit above, or names a template that the structure does not have: then the
// packet with the structure was lost, or this one is older than it.
std::optional<DependencyDescriptor> parse_dependency_descriptor(Bytes value,
                                                                const DependencyStructure* current);

// Writes a descriptor to the front of `out`: of the structure in it if it has one, else of
// `current`. Where the frame differs from its template, it says so. Returns the size; 0 if it does
// not fit, if there is no such template, or if the template is of another layer. With more than 16
// bytes it needs the two-byte form of header extensions.
std::size_t write_dependency_descriptor(MutableBytes out, const DependencyDescriptor& descriptor,
                                        const DependencyStructure* current);

}  // namespace liaison::rtp
