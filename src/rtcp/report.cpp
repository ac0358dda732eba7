#include "rtcp/report.hpp"

#include "base/ensure.hpp"

namespace liaison::rtcp {
namespace {

constexpr std::uint8_t sdes_end = 0;  // RFC 3550 section 6.5
constexpr std::uint8_t sdes_cname = 1;

void write_blocks(Writer& out, std::span<const ReportBlock> blocks) {
  for (const ReportBlock& block : blocks) {
    out.u32(block.ssrc);
    out.u8(block.fraction_lost);
    out.u24(static_cast<std::uint32_t>(block.cumulative_lost) & 0xffffff);
    out.u32(block.highest_sequence);
    out.u32(block.jitter);
    out.u32(block.last_sr);
    out.u32(block.delay_since_last_sr);
  }
}

}  // namespace

ReportBlock ReportBlocks::operator[](std::size_t index) const {
  Reader reader(bytes_.subspan(index * block_size, block_size));
  ReportBlock block;
  block.ssrc = reader.u32();
  block.fraction_lost = reader.u8();
  const std::uint32_t lost = reader.u24();
  // Sign extension from 24 bits.
  block.cumulative_lost = static_cast<std::int32_t>(lost << 8) >> 8;
  block.highest_sequence = reader.u32();
  block.jitter = reader.u32();
  block.last_sr = reader.u32();
  block.delay_since_last_sr = reader.u32();
  return block;
}

std::optional<SenderReport> parse_sender_report(const PacketView& packet) {
  if (packet.type != PacketType::sender_report) return std::nullopt;
  Reader reader(packet.body);
  SenderReport report;
  report.ssrc = reader.u32();
  report.info.ntp = reader.u64();
  report.info.rtp_timestamp = reader.u32();
  report.info.packets = reader.u32();
  report.info.octets = reader.u32();
  report.blocks = ReportBlocks(reader.take(packet.count * ReportBlocks::block_size));
  if (!reader.ok()) return std::nullopt;
  return report;
}

std::optional<ReceiverReport> parse_receiver_report(const PacketView& packet) {
  if (packet.type != PacketType::receiver_report) return std::nullopt;
  Reader reader(packet.body);
  ReceiverReport report;
  report.ssrc = reader.u32();
  report.blocks = ReportBlocks(reader.take(packet.count * ReportBlocks::block_size));
  if (!reader.ok()) return std::nullopt;
  return report;
}

void write_sender_report(Writer& out, std::uint32_t ssrc, const SenderInfo& info,
                         std::span<const ReportBlock> blocks) {
  ENSURE(blocks.size() <= max_report_blocks);
  write_header(out, PacketType::sender_report, static_cast<std::uint8_t>(blocks.size()),
               6 + 6 * blocks.size());
  out.u32(ssrc);
  out.u64(info.ntp);
  out.u32(info.rtp_timestamp);
  out.u32(info.packets);
  out.u32(info.octets);
  write_blocks(out, blocks);
}

void write_receiver_report(Writer& out, std::uint32_t ssrc, std::span<const ReportBlock> blocks) {
  ENSURE(blocks.size() <= max_report_blocks);
  write_header(out, PacketType::receiver_report, static_cast<std::uint8_t>(blocks.size()),
               1 + 6 * blocks.size());
  out.u32(ssrc);
  write_blocks(out, blocks);
}

std::optional<std::string_view> find_cname(const PacketView& packet, std::uint32_t ssrc) {
  if (packet.type != PacketType::source_description) return std::nullopt;
  Reader reader(packet.body);
  for (std::uint8_t chunk = 0; chunk < packet.count; ++chunk) {
    const bool wanted = reader.u32() == ssrc;
    for (std::uint8_t item = reader.u8(); item != sdes_end; item = reader.u8()) {
      const Bytes value = reader.take(reader.u8());
      if (!reader.ok()) return std::nullopt;
      if (wanted && item == sdes_cname) return as_text(value);
    }
    // Each chunk ends with one to four zeros on a word boundary; the first is read already.
    reader.skip((4 - reader.position() % 4) % 4);
    if (!reader.ok()) return std::nullopt;
  }
  return std::nullopt;
}

void write_cname(Writer& out, std::uint32_t ssrc, std::string_view cname) {
  ENSURE(cname.size() <= 255);
  // SSRC, item type and length, the text, at least one zero.
  const std::size_t words = (4 + 2 + cname.size() + 1 + 3) / 4;
  write_header(out, PacketType::source_description, 1, words);
  out.u32(ssrc);
  out.u8(sdes_cname);
  out.u8(static_cast<std::uint8_t>(cname.size()));
  out.bytes(as_bytes(cname));
  out.zeros(words * 4 - 6 - cname.size());
}

std::optional<ByeSources> parse_bye(const PacketView& packet) {
  if (packet.type != PacketType::bye) return std::nullopt;
  Reader reader(packet.body);
  const ByeSources sources(reader.take(packet.count * std::size_t{4}));
  if (!reader.ok()) return std::nullopt;
  return sources;
}

void write_bye(Writer& out, std::uint32_t ssrc) {
  write_header(out, PacketType::bye, 1, 1);
  out.u32(ssrc);
}

}  // namespace liaison::rtcp
