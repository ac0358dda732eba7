#include "sim/arrivals.hpp"

#include "rtp/extension.hpp"

namespace liaison::sim {
namespace {

std::uint8_t id_of(std::span<const AnsweredLine> lines, std::optional<std::size_t> line) {
  constexpr auto extension = rtp::Extension::transport_cc;
  if (line) return lines[*line].extensions[extension];
  for (const AnsweredLine& one : lines) {
    if (one.extensions[extension] != 0) return one.extensions[extension];
  }
  return 0;
}

}  // namespace

void ArrivalReporter::receive(const rtp::PacketView& packet, std::span<const AnsweredLine> lines,
                              std::optional<std::size_t> line, Instant now) {
  const auto value = rtp::find_extension(packet, id_of(lines, line));
  const auto sequence = value ? rtp::read_transport_sequence(*value) : std::nullopt;
  if (sequence) feedback_.received(packet.ssrc(), *sequence, packet.bytes().size(), now);
}

}  // namespace liaison::sim
