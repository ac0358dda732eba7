#include "rtp/dependency_descriptor.hpp"

#include <algorithm>
#include <bit>

#include "rtp/bit_reader.hpp"

namespace liaison::rtp {
namespace {

using Dti = DecodeTargetIndication;

constexpr std::size_t mandatory_size = 3;

class BitWriter {
 public:
  explicit BitWriter(MutableBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  // In bytes; the last one ends with zeros.
  std::size_t size() const { return (at_ + 7) / 8; }

  void bits(std::size_t count, std::uint32_t value) {
    if (!ok_ || bytes_.size() * 8 - at_ < count) {
      ok_ = false;
      return;
    }
    for (; count > 0; --count, ++at_) {
      std::uint8_t& byte = bytes_[at_ / 8];
      if (at_ % 8 == 0) byte = 0;
      const std::uint32_t bit = value >> (count - 1) & 1U;
      byte = static_cast<std::uint8_t>(byte | bit << (7 - at_ % 8));
    }
  }
  void flag(bool value) { bits(1, value ? 1 : 0); }
  void choice(std::uint32_t count, std::uint32_t value) {
    const auto width = static_cast<std::size_t>(std::bit_width(count));
    const std::uint32_t shorter = (1U << width) - count;
    if (value < shorter) {
      bits(width - 1, value);
    } else {
      bits(width, value + shorter);
    }
  }

 private:
  MutableBytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// next_layer_idc of A.8.2.
enum class NextLayer : std::uint8_t { same, next_temporal, next_spatial, none };

bool read_template_layers(BitReader& reader, DependencyStructure& structure) {
  DependencyStructure::Layer layer;
  for (;;) {
    if (!reader.ok() || structure.template_count == max_dependency_templates) return false;
    FrameDependencies& added = structure.templates[structure.template_count++];
    added.spatial_id = layer.spatial_id;
    added.temporal_id = layer.temporal_id;
    switch (static_cast<NextLayer>(reader.bits(2))) {
      case NextLayer::same:
        break;
      case NextLayer::next_temporal:
        if (++layer.temporal_id == max_temporal_layers) return false;
        break;
      case NextLayer::next_spatial:
        layer.temporal_id = 0;
        if (++layer.spatial_id == max_spatial_layers) return false;
        break;
      case NextLayer::none:
        return true;
    }
  }
}

void read_dtis(BitReader& reader, std::size_t count, FrameDependencies& frame) {
  for (std::size_t i = 0; i < count; ++i) frame.dtis[i] = static_cast<Dti>(reader.bits(2));
}

bool add_reference(FrameDependencies& frame, std::uint32_t fdiff) {
  if (frame.fdiff_count == max_frame_references) return false;
  frame.fdiffs[frame.fdiff_count++] = static_cast<std::uint16_t>(fdiff);
  return true;
}

bool read_structure(BitReader& reader, DependencyStructure& structure) {
  structure.template_id_offset = static_cast<std::uint8_t>(reader.bits(6));
  structure.decode_target_count = static_cast<std::uint8_t>(reader.bits(5) + 1);
  const std::size_t targets = structure.decode_target_count;
  if (!read_template_layers(reader, structure)) return false;
  const auto templates = std::span(structure.templates).first(structure.template_count);
  for (FrameDependencies& one : templates) read_dtis(reader, targets, one);
  for (FrameDependencies& one : templates) {
    while (reader.flag()) {
      if (!add_reference(one, reader.bits(4) + 1)) return false;
    }
  }
  structure.chain_count = reader.choice(structure.decode_target_count + 1U);
  if (structure.chain_count != 0) {
    for (std::size_t i = 0; i < targets; ++i)
      structure.protected_by[i] = reader.choice(structure.chain_count);
    for (FrameDependencies& one : templates) {
      for (std::size_t i = 0; i < structure.chain_count; ++i)
        one.chain_fdiffs[i] = static_cast<std::uint8_t>(reader.bits(4));
    }
  }
  structure.find_decode_target_layers();
  if (reader.flag()) {
    structure.resolution_count = static_cast<std::uint8_t>(templates.back().spatial_id + 1);
    for (std::size_t i = 0; i < structure.resolution_count; ++i) {
      const std::uint32_t width = reader.bits(16) + 1;
      structure.resolutions[i] = {width, reader.bits(16) + 1};
    }
  }
  return reader.ok();
}

// frame_fdiffs of A.8.2.
bool read_references(BitReader& reader, FrameDependencies& frame) {
  frame.fdiff_count = 0;
  frame.fdiffs = {};
  while (const std::uint32_t size = reader.bits(2)) {
    if (!add_reference(frame, reader.bits(4 * size) + 1)) return false;
  }
  return true;
}

Dti own_indication(const DependencyStructure& structure, const FrameDependencies& frame) {
  const DependencyStructure::Layer own{frame.spatial_id, frame.temporal_id};
  for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
    if (structure.decode_targets[target] == own) return frame.dtis[target];
  }
  return Dti::not_present;
}

// Nothing says which frames are of one picture. But the chain that protects a lower spatial layer
// ends, in a picture into which it may be entered, with the frame of that layer in this picture;
// elsewhere a frame refers to an older one of its own layer. Without chains, it is taken for
// granted that all the lower layers are there.
bool refers_within_picture(const DependencyStructure& structure, const FrameDependencies& frame) {
  const auto within = [&](std::uint16_t fdiff) {
    if (structure.chain_count == 0) return fdiff <= frame.spatial_id;
    for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
      const std::size_t chain = structure.protected_by[target];
      if (structure.decode_targets[target].spatial_id < frame.spatial_id &&
          frame.chain_fdiffs[chain] == fdiff)
        return true;
    }
    return false;
  };
  return std::ranges::all_of(frame.references(), within);
}

// That what is to be written is what the format can say.
bool can_be_written(const DependencyStructure& structure) {
  if (structure.template_id_offset >= max_dependency_templates || structure.template_count == 0 ||
      structure.template_count > max_dependency_templates || structure.decode_target_count == 0 ||
      structure.decode_target_count > max_decode_targets ||
      structure.chain_count > structure.decode_target_count)
    return false;
  DependencyStructure::Layer before;
  for (std::size_t i = 0; i < structure.template_count; ++i) {
    const FrameDependencies& one = structure.templates[i];
    const bool same_spatial = one.spatial_id == before.spatial_id &&
                              (one.temporal_id == before.temporal_id ||
                               (i > 0 && one.temporal_id == before.temporal_id + 1));
    const bool next_spatial =
        i > 0 && one.spatial_id == before.spatial_id + 1 && one.temporal_id == 0;
    if (!same_spatial && !next_spatial) return false;
    if (one.spatial_id >= max_spatial_layers || one.temporal_id >= max_temporal_layers ||
        one.fdiff_count > max_frame_references)
      return false;
    before = {one.spatial_id, one.temporal_id};
    if (!std::ranges::all_of(one.references(), [](auto fdiff) { return fdiff - 1U < 16; }))
      return false;
    if (!std::ranges::all_of(one.chain_fdiffs, [](auto fdiff) { return fdiff < 16; })) return false;
  }
  return structure.resolution_count == 0 || structure.resolution_count == before.spatial_id + 1;
}

void write_template_layers(BitWriter& writer, std::span<const FrameDependencies> templates) {
  for (std::size_t i = 0; i < templates.size(); ++i) {
    NextLayer next = NextLayer::none;
    if (i + 1 < templates.size()) {
      next = NextLayer::same;
      if (templates[i + 1].temporal_id != templates[i].temporal_id) next = NextLayer::next_temporal;
      if (templates[i + 1].spatial_id != templates[i].spatial_id) next = NextLayer::next_spatial;
    }
    writer.bits(2, static_cast<std::uint32_t>(next));
  }
}

void write_dtis(BitWriter& writer, std::size_t count, const FrameDependencies& frame) {
  for (std::size_t i = 0; i < count; ++i) writer.bits(2, static_cast<std::uint32_t>(frame.dtis[i]));
}

void write_structure(BitWriter& writer, const DependencyStructure& structure) {
  writer.bits(6, structure.template_id_offset);
  writer.bits(5, structure.decode_target_count - 1U);
  const auto templates = std::span(structure.templates).first(structure.template_count);
  write_template_layers(writer, templates);
  for (const FrameDependencies& one : templates)
    write_dtis(writer, structure.decode_target_count, one);
  for (const FrameDependencies& one : templates) {
    for (const std::uint16_t fdiff : one.references()) {
      writer.flag(true);
      writer.bits(4, fdiff - 1U);
    }
    writer.flag(false);
  }
  writer.choice(structure.decode_target_count + 1U, structure.chain_count);
  if (structure.chain_count != 0) {
    for (std::size_t i = 0; i < structure.decode_target_count; ++i)
      writer.choice(structure.chain_count, structure.protected_by[i]);
    for (const FrameDependencies& one : templates) {
      for (std::size_t i = 0; i < structure.chain_count; ++i) writer.bits(4, one.chain_fdiffs[i]);
    }
  }
  writer.flag(structure.resolution_count != 0);
  for (std::size_t i = 0; i < structure.resolution_count; ++i) {
    writer.bits(16, structure.resolutions[i].width - 1);
    writer.bits(16, structure.resolutions[i].height - 1);
  }
}

// The width of a reference of its own, in steps of four bits; 0 if it is none.
std::uint32_t reference_size(std::uint16_t fdiff) {
  if (fdiff == 0 || fdiff > 1U << 12) return 0;
  if (fdiff <= 1U << 4) return 1;
  return fdiff <= 1U << 8 ? 2 : 3;
}

struct Difference {
  bool dtis = false;
  bool fdiffs = false;
  bool chains = false;
  bool any() const { return dtis || fdiffs || chains; }
};

Difference compare(const FrameDependencies& frame, const FrameDependencies& one) {
  return {.dtis = frame.dtis != one.dtis,
          .fdiffs = !std::ranges::equal(frame.references(), one.references()),
          .chains = frame.chain_fdiffs != one.chain_fdiffs};
}

}  // namespace

void DependencyStructure::find_decode_target_layers() {
  decode_targets = {};
  for (std::size_t target = 0; target < decode_target_count; ++target) {
    Layer& layer = decode_targets[target];
    for (std::size_t i = 0; i < template_count; ++i) {
      if (templates[i].dtis[target] == Dti::not_present) continue;
      layer.spatial_id = std::max(layer.spatial_id, templates[i].spatial_id);
      layer.temporal_id = std::max(layer.temporal_id, templates[i].temporal_id);
    }
  }
}

const FrameDependencies* DependencyStructure::find(std::uint8_t template_id) const {
  const std::size_t index =
      (template_id + max_dependency_templates - template_id_offset) % max_dependency_templates;
  return index < template_count ? &templates[index] : nullptr;
}

std::optional<std::uint8_t> DependencyStructure::nearest(const FrameDependencies& frame) const {
  std::optional<std::uint8_t> best;
  std::size_t least = 0;
  for (std::size_t i = 0; i < template_count; ++i) {
    const FrameDependencies& one = templates[i];
    if (one.spatial_id != frame.spatial_id || one.temporal_id != frame.temporal_id) continue;
    const Difference difference = compare(frame, one);
    std::size_t bits = 0;
    if (difference.dtis) bits += 2 * std::size_t{decode_target_count};
    if (difference.fdiffs) {
      bits += 2;
      for (const std::uint16_t fdiff : frame.references()) bits += 2 + 4 * reference_size(fdiff);
    }
    if (difference.chains) bits += 8 * std::size_t{chain_count};
    if (best && bits >= least) continue;
    best = static_cast<std::uint8_t>((template_id_offset + i) % max_dependency_templates);
    least = bits;
  }
  return best;
}

std::optional<DependencyDescriptor> parse_dependency_descriptor(
    Bytes value, const DependencyStructure* current) {
  BitReader reader(value);
  DependencyDescriptor descriptor;
  descriptor.starts_frame = reader.flag();
  descriptor.ends_frame = reader.flag();
  descriptor.template_id = static_cast<std::uint8_t>(reader.bits(6));
  descriptor.frame_number = static_cast<std::uint16_t>(reader.bits(16));
  Difference custom;
  if (value.size() > mandatory_size) {
    const bool has_structure = reader.flag();
    const bool has_active = reader.flag();
    custom.dtis = reader.flag();
    custom.fdiffs = reader.flag();
    custom.chains = reader.flag();
    if (has_structure) {
      descriptor.structure = std::make_unique<DependencyStructure>();
      if (!read_structure(reader, *descriptor.structure)) return std::nullopt;
      current = descriptor.structure.get();
      descriptor.active_decode_targets = current->all_decode_targets();
    }
    if (has_active && current != nullptr)
      descriptor.active_decode_targets = reader.bits(current->decode_target_count);
  }
  const FrameDependencies* found =
      current == nullptr ? nullptr : current->find(descriptor.template_id);
  if (found == nullptr) return std::nullopt;
  descriptor.frame = *found;
  if (custom.dtis) read_dtis(reader, current->decode_target_count, descriptor.frame);
  if (custom.fdiffs && !read_references(reader, descriptor.frame)) return std::nullopt;
  if (custom.chains) {
    for (std::size_t i = 0; i < current->chain_count; ++i)
      descriptor.frame.chain_fdiffs[i] = static_cast<std::uint8_t>(reader.bits(8));
  }
  if (!reader.ok()) return std::nullopt;
  descriptor.own_indication = own_indication(*current, descriptor.frame);
  descriptor.within_picture = refers_within_picture(*current, descriptor.frame);
  return descriptor;
}

std::size_t write_dependency_descriptor(MutableBytes out, const DependencyDescriptor& descriptor,
                                        const DependencyStructure* current) {
  if (descriptor.structure) {
    current = descriptor.structure.get();
    if (!can_be_written(*current)) return 0;
  }
  const FrameDependencies& frame = descriptor.frame;
  const FrameDependencies* found =
      current == nullptr ? nullptr : current->find(descriptor.template_id);
  if (found == nullptr || found->spatial_id != frame.spatial_id ||
      found->temporal_id != frame.temporal_id)
    return 0;
  const Difference custom = compare(frame, *found);
  // Those that a structure begins with need not be said.
  const bool says_active =
      descriptor.active_decode_targets &&
      !(descriptor.structure && descriptor.active_decode_targets == current->all_decode_targets());

  BitWriter writer(out);
  writer.flag(descriptor.starts_frame);
  writer.flag(descriptor.ends_frame);
  writer.bits(6, descriptor.template_id);
  writer.bits(16, descriptor.frame_number);
  if (descriptor.structure || says_active || custom.any()) {
    writer.flag(descriptor.structure != nullptr);
    writer.flag(says_active);
    writer.flag(custom.dtis);
    writer.flag(custom.fdiffs);
    writer.flag(custom.chains);
    if (descriptor.structure) write_structure(writer, *current);
    if (says_active) writer.bits(current->decode_target_count, *descriptor.active_decode_targets);
    if (custom.dtis) write_dtis(writer, current->decode_target_count, frame);
    if (custom.fdiffs) {
      for (const std::uint16_t fdiff : frame.references()) {
        const std::uint32_t size = reference_size(fdiff);
        if (size == 0) return 0;
        writer.bits(2, size);
        writer.bits(4 * std::size_t{size}, fdiff - 1U);
      }
      writer.bits(2, 0);
    }
    if (custom.chains) {
      for (std::size_t i = 0; i < current->chain_count; ++i) writer.bits(8, frame.chain_fdiffs[i]);
    }
  }
  return writer.ok() ? writer.size() : 0;
}

}  // namespace liaison::rtp
