#include "rtcp/compound.hpp"

namespace liaison::rtcp {
namespace {

std::size_t packet_size(Bytes rest) { return header_size + std::size_t{4} * load_u16(&rest[2]); }

std::size_t padding_size(Bytes packet) {
  return (packet[0] & 0x20) != 0 ? packet.back() : std::size_t{0};
}

}  // namespace

std::optional<Compound> Compound::parse(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  for (Bytes rest = bytes; !rest.empty();) {
    if (rest.size() < header_size || rest[0] >> 6 != 2) return std::nullopt;
    const std::size_t size = packet_size(rest);
    if (size > rest.size()) return std::nullopt;
    // RFC 3550 wants padding in the last packet only, but libwebrtc pads each transport-cc
    // feedback.
    if ((rest[0] & 0x20) != 0) {
      const std::size_t padding = padding_size(rest.first(size));
      if (size == header_size || padding == 0 || padding > size - header_size) return std::nullopt;
    }
    rest = rest.subspan(size);
  }
  return Compound(bytes);
}

PacketView Compound::Iterator::operator*() const {
  const Bytes packet = rest_.first(packet_size(rest_));
  return {static_cast<PacketType>(packet[1]), static_cast<std::uint8_t>(packet[0] & 0x1f),
          packet.subspan(header_size, packet.size() - header_size - padding_size(packet))};
}

Compound::Iterator& Compound::Iterator::operator++() {
  rest_ = rest_.subspan(packet_size(rest_));
  return *this;
}

}  // namespace liaison::rtcp
