#include "sim/pcap.hpp"

#include <array>

namespace liaison::sim {
namespace {

constexpr std::uint32_t raw_ip = 101;  // LINKTYPE_RAW
constexpr std::uint32_t snapshot = 65'535;
constexpr std::size_t headers = 28;  // IPv4 and UDP

}  // namespace

std::vector<std::uint8_t> pcap_header() {
  std::array<std::uint8_t, 24> room;
  Writer writer(room);
  writer.u32(0xa1b2c3d4);  // microseconds, big-endian
  writer.u16(2);
  writer.u16(4);
  writer.u64(0);
  writer.u32(snapshot);
  writer.u32(raw_ip);
  return {room.begin(), room.end()};
}

std::vector<std::uint8_t> pcap_record(UnixTime at, const SocketAddress& from,
                                      const SocketAddress& to, Bytes datagram) {
  std::vector<std::uint8_t> record(16 + headers + datagram.size());
  Writer writer(record);
  const auto us = static_cast<std::uint64_t>(at.time_since_epoch().count());
  writer.u32(static_cast<std::uint32_t>(us / 1'000'000));
  writer.u32(static_cast<std::uint32_t>(us % 1'000'000));
  for (int i = 0; i < 2; ++i) writer.u32(static_cast<std::uint32_t>(headers + datagram.size()));
  // RFC 791 section 3.1.
  writer.u8(0x45);
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(headers + datagram.size()));
  writer.u32(0);
  writer.u8(64);
  writer.u8(17);
  writer.u16(0);
  writer.bytes(Bytes(from.ip.bytes).last(4));
  writer.bytes(Bytes(to.ip.bytes).last(4));
  // RFC 768.
  writer.u16(from.port);
  writer.u16(to.port);
  writer.u16(static_cast<std::uint16_t>(8 + datagram.size()));
  writer.u16(0);
  writer.bytes(datagram);
  return record;
}

}  // namespace liaison::sim
