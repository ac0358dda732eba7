#include "rtp/vp8.hpp"

#include "base/ensure.hpp"

namespace liaison::rtp {

std::optional<Vp8Descriptor> parse_vp8(Bytes payload) {
  Reader reader(payload);
  const auto here = [&reader] { return static_cast<std::uint8_t>(reader.position()); };
  Vp8Descriptor descriptor;

  const std::uint8_t first = reader.u8();  // X|R|N|S|R|PID(3)
  descriptor.starts_frame = (first & 0x17) == 0x10;
  if ((first & 0x80) != 0) {
    const std::uint8_t present = reader.u8();  // I|L|T|K|RSV(4)
    if ((present & 0x80) != 0) {
      descriptor.picture_id_offset = here();
      descriptor.picture_id = reader.u8();
      descriptor.long_picture_id = (descriptor.picture_id & 0x80) != 0;
      if (descriptor.long_picture_id) {
        descriptor.picture_id =
            static_cast<std::uint16_t>((descriptor.picture_id & 0x7f) << 8 | reader.u8());
      }
    }
    if ((present & 0x40) != 0) {
      descriptor.tl0_index_offset = here();
      descriptor.tl0_index = reader.u8();
    }
    if ((present & 0x30) != 0) {
      const std::uint8_t offset = here();
      const std::uint8_t layer = reader.u8();  // TID(2)|Y|KEYIDX(5)
      if ((present & 0x20) != 0) {
        descriptor.temporal_id = layer >> 6;
        descriptor.layer_sync = (layer & 0x20) != 0;
      }
      if ((present & 0x10) != 0) {
        descriptor.key_index_offset = offset;
        descriptor.key_index = layer & 0x1f;
      }
    }
  }
  if (!reader.ok() || reader.remaining() == 0) return std::nullopt;
  descriptor.size = here();
  descriptor.key_frame = descriptor.starts_frame && (payload[descriptor.size] & 0x01) == 0;
  return descriptor;
}

void rewrite_vp8(MutableBytes payload, const Vp8Descriptor& descriptor, std::uint16_t picture_id,
                 std::uint8_t tl0_index) {
  ENSURE(payload.size() >= descriptor.size);
  if (descriptor.picture_id_offset != 0) {
    if (descriptor.long_picture_id) {
      store_u16(&payload[descriptor.picture_id_offset],
                static_cast<std::uint16_t>(0x8000 | picture_id));
    } else {
      payload[descriptor.picture_id_offset] = picture_id & 0x7f;
    }
  }
  if (descriptor.tl0_index_offset != 0) payload[descriptor.tl0_index_offset] = tl0_index;
}

}  // namespace liaison::rtp
