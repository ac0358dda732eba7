#include "rtp/vp9.hpp"

namespace liaison::rtp {
namespace {

void skip_scalability_structure(Reader& reader) {
  const std::uint8_t first = reader.u8();  // N_S(3)|Y|G|RSV(3)
  if ((first & 0x10) != 0) {
    const std::size_t layers = (first >> 5) + std::size_t{1};
    reader.skip(layers * 4);  // width and height
  }
  if ((first & 0x08) == 0) return;
  const std::size_t pictures = reader.u8();
  for (std::size_t i = 0; i < pictures && reader.ok(); ++i) {
    reader.skip((reader.u8() >> 2) & 0x03);  // TID(3)|U|R(2)|RSV(2), then R times P_DIFF(8)
  }
}

}  // namespace

std::optional<Vp9Descriptor> parse_vp9(Bytes payload) {
  Reader reader(payload);
  const auto here = [&reader] { return static_cast<std::uint8_t>(reader.position()); };
  Vp9Descriptor descriptor;

  const std::uint8_t first = reader.u8();  // I|P|L|F|B|E|V|Z
  descriptor.flexible = (first & 0x10) != 0;
  descriptor.inter_predicted = (first & 0x40) != 0;
  descriptor.starts_frame = (first & 0x08) != 0;
  descriptor.ends_frame = (first & 0x04) != 0;
  if ((first & 0x80) != 0) {
    descriptor.picture_id_offset = here();
    std::uint16_t id = reader.u8();
    descriptor.long_picture_id = (id & 0x80) != 0;
    if (descriptor.long_picture_id) id = static_cast<std::uint16_t>((id & 0x7f) << 8 | reader.u8());
    descriptor.picture_id = id;
  }
  if ((first & 0x20) != 0) {
    const std::uint8_t layer = reader.u8();  // TID(3)|U|SID(3)|D
    descriptor.temporal_id = layer >> 5;
    descriptor.switching_up = (layer & 0x10) != 0;
    descriptor.spatial_id = (layer >> 1) & 0x07;
    descriptor.inter_layer = (layer & 0x01) != 0;
    if (!descriptor.flexible) {
      descriptor.tl0_index_offset = here();
      descriptor.tl0_index = reader.u8();
    }
  }
  if (descriptor.flexible && descriptor.inter_predicted) {
    // P_DIFF(7)|N: at most three, N says that another follows.
    for (int i = 0; (reader.u8() & 0x01) != 0; ++i) {
      if (i == 2) return std::nullopt;
    }
  }
  if ((first & 0x02) != 0) skip_scalability_structure(reader);

  if (!reader.ok() || reader.remaining() == 0) return std::nullopt;
  descriptor.size = reader.position();
  return descriptor;
}

}  // namespace liaison::rtp
