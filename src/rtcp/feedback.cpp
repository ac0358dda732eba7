#include "rtcp/feedback.hpp"

namespace liaison::rtcp {
namespace {

// Feedback message types: IANA registry "FMT values for RTPFB / PSFB payload types".
constexpr std::uint8_t fmt_nack = 1;
constexpr std::uint8_t fmt_pli = 1;
constexpr std::uint8_t fmt_fir = 4;

bool is(const PacketView& packet, PacketType type, std::uint8_t fmt) {
  return packet.type == type && packet.count == fmt;
}

}  // namespace

std::optional<Nack> Nack::parse(const PacketView& packet) {
  if (!is(packet, PacketType::transport_feedback, fmt_nack)) return std::nullopt;
  Reader reader(packet.body);
  Nack nack;
  reader.u32();  // sender
  nack.media_ssrc_ = reader.u32();
  nack.items_ = reader.rest();
  if (!reader.ok() || nack.items_.empty() || nack.items_.size() % 4 != 0) return std::nullopt;
  return nack;
}

std::size_t write_nack(Writer& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc,
                       std::span<const std::uint16_t> sequences) {
  constexpr std::size_t fixed = header_size + 8;
  if (sequences.empty() || !out.ok() || out.remaining() < fixed + 4) return 0;

  const std::size_t start = out.size();
  write_header(out, PacketType::transport_feedback, fmt_nack, 0);
  out.u32(sender_ssrc);
  out.u32(media_ssrc);
  std::size_t written = 0;
  while (written < sequences.size() && out.remaining() >= 4) {
    const std::uint16_t first = sequences[written++];
    std::uint16_t following = 0;
    for (; written < sequences.size(); ++written) {
      const auto ahead = static_cast<std::uint16_t>(sequences[written] - first);
      if (ahead == 0) continue;  // said twice
      if (ahead > 16) break;
      following = static_cast<std::uint16_t>(following | 1U << (ahead - 1));
    }
    out.u16(first);
    out.u16(following);
  }
  out.patch_u16(start + 2, static_cast<std::uint16_t>((out.size() - start) / 4 - 1));
  return written;
}

std::optional<Pli> parse_pli(const PacketView& packet) {
  if (!is(packet, PacketType::payload_feedback, fmt_pli)) return std::nullopt;
  Reader reader(packet.body);
  reader.u32();  // sender
  const Pli pli{reader.u32()};
  if (!reader.ok()) return std::nullopt;
  return pli;
}

void write_pli(Writer& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc) {
  write_header(out, PacketType::payload_feedback, fmt_pli, 2);
  out.u32(sender_ssrc);
  out.u32(media_ssrc);
}

std::optional<Fir> Fir::parse(const PacketView& packet) {
  if (!is(packet, PacketType::payload_feedback, fmt_fir)) return std::nullopt;
  Reader reader(packet.body);
  reader.skip(8);  // sender; the media SSRC is not used, RFC 5104 section 4.3.1.2
  Fir fir;
  fir.entries_ = reader.rest();
  if (!reader.ok() || fir.entries_.empty() || fir.entries_.size() % 8 != 0) return std::nullopt;
  return fir;
}

void write_fir(Writer& out, std::uint32_t sender_ssrc, Fir::Entry entry) {
  write_header(out, PacketType::payload_feedback, fmt_fir, 4);
  out.u32(sender_ssrc);
  out.u32(0);
  out.u32(entry.ssrc);
  out.u8(entry.sequence);
  out.u24(0);
}

}  // namespace liaison::rtcp
