#include "rtp/packet.hpp"

#include "rtp/extension.hpp"

namespace liaison::rtp {

std::optional<PacketView> PacketView::parse(Bytes bytes) {
  if (bytes.size() < fixed_header_size) return std::nullopt;
  if (bytes[0] >> 6 != 2) return std::nullopt;
  PacketView view(bytes);

  std::size_t header_size = fixed_header_size + 4 * view.csrc_count();
  if ((bytes[0] & 0x10) != 0) {
    if (bytes.size() < header_size + 4) return std::nullopt;
    const std::size_t length = std::size_t{4} * load_u16(&bytes[header_size + 2]);
    if (bytes.size() < header_size + 4 + length) return std::nullopt;
    view.extension_ =
        ExtensionBlock{load_u16(&bytes[header_size]), bytes.subspan(header_size + 4, length)};
    header_size += 4 + length;
  }
  if (bytes.size() < header_size) return std::nullopt;
  view.header_size_ = static_cast<std::uint32_t>(header_size);

  if ((bytes[0] & 0x20) != 0) {
    // The last byte counts the padding, itself included.
    const std::uint8_t padding = bytes.back();
    if (padding == 0 || padding > bytes.size() - header_size) return std::nullopt;
    view.padding_size_ = padding;
  }
  return view;
}

std::size_t write_header(MutableBytes out, const HeaderFields& fields,
                         std::span<const ExtensionElement> elements) {
  bool any = false;
  bool one_byte = true;
  for (const ExtensionElement& element : elements) {
    if (element.id == 0) continue;
    if (element.value.size() > 255) return 0;
    any = true;
    if (element.id > 14 || element.value.empty() || element.value.size() > 16) one_byte = false;
  }

  Writer writer(out);
  writer.u8(any ? 0x90 : 0x80);
  writer.u8(static_cast<std::uint8_t>((fields.marker ? 0x80 : 0) | (fields.payload_type & 0x7f)));
  writer.u16(fields.sequence);
  writer.u32(fields.timestamp);
  writer.u32(fields.ssrc);
  if (any) {
    writer.u16(one_byte ? one_byte_profile : two_byte_profile);
    writer.u16(0);
    const std::size_t start = writer.size();
    for (const ExtensionElement& element : elements) {
      if (element.id == 0) continue;
      const std::size_t size = element.value.size();
      if (one_byte) {
        writer.u8(static_cast<std::uint8_t>(element.id << 4 | (size - 1)));
      } else {
        writer.u8(element.id);
        writer.u8(static_cast<std::uint8_t>(size));
      }
      writer.bytes(element.value);
    }
    writer.zeros((4 - (writer.size() - start) % 4) % 4);
    const std::size_t words = (writer.size() - start) / 4;
    if (words > UINT16_MAX) return 0;
    writer.patch_u16(start - 2, static_cast<std::uint16_t>(words));
  }
  return writer.ok() ? writer.size() : 0;
}

}  // namespace liaison::rtp
