// Which protocol a datagram of a media port belongs to: by its first byte (RFC 7983), RTCP by its
// second (RFC 5761 section 4).
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace liaison::transport {

enum class DatagramKind : std::uint8_t { unknown, stun, dtls, rtp, rtcp };

// Says nothing about whether the datagram is well formed beyond what tells the protocols apart.
inline DatagramKind classify(Bytes datagram) {
  constexpr std::uint32_t stun_magic = 0x2112A442;
  if (datagram.size() < 2) return DatagramKind::unknown;
  const std::uint8_t first = datagram[0];
  if (first <= 3) {
    // RFC 8489 section 6.3: the magic cookie, a length in whole words, and nothing after it.
    if (datagram.size() < 20 || load_u32(&datagram[4]) != stun_magic) return DatagramKind::unknown;
    const std::size_t length = load_u16(&datagram[2]);
    return length % 4 == 0 && length + 20 == datagram.size() ? DatagramKind::stun
                                                             : DatagramKind::unknown;
  }
  if (first >= 20 && first <= 63) return DatagramKind::dtls;
  if (first >= 128 && first <= 191) {
    return datagram[1] >= 192 && datagram[1] <= 223 ? DatagramKind::rtcp : DatagramKind::rtp;
  }
  return DatagramKind::unknown;
}

}  // namespace liaison::transport
