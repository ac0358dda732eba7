// Capture files that Wireshark opens.
#pragma once

#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace liaison::sim {

// The beginning of a file in the format of libpcap 2.4, of raw IP packets.
std::vector<std::uint8_t> pcap_header();
// One UDP datagram between IPv4 addresses, as a record of it. Checksums are left out.
std::vector<std::uint8_t> pcap_record(UnixTime at, const SocketAddress& from,
                                      const SocketAddress& to, Bytes datagram);

}  // namespace liaison::sim
