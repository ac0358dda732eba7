#include "rtp/rtx.hpp"

namespace liaison::rtp {

std::optional<std::size_t> unwrap_rtx(MutableBytes packet, const PacketView& view,
                                      std::uint8_t original_payload_type,
                                      std::uint32_t original_ssrc) {
  if (view.payload().size() < 2) return std::nullopt;
  const std::size_t header = view.header_size();
  packet[1] = static_cast<std::uint8_t>((packet[1] & 0x80) | (original_payload_type & 0x7f));
  std::memcpy(&packet[2], &packet[header], 2);
  store_u32(&packet[8], original_ssrc);
  const std::size_t rest = packet.size() - header - 2;
  std::memmove(packet.data() + header, packet.data() + header + 2, rest);
  return header + rest;
}

std::size_t write_rtx_payload(MutableBytes out, std::uint16_t original_sequence, Bytes payload) {
  Writer writer(out);
  writer.u16(original_sequence);
  writer.bytes(payload);
  return writer.ok() ? writer.size() : 0;
}

}  // namespace liaison::rtp
