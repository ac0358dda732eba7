// Retransmission payloads (RFC 4588 section 4): the original sequence number (OSN), then the
// original payload.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "rtp/packet.hpp"

namespace liaison::rtp {

// Turns an RTX packet in place into the packet that was lost. `view` is the parse of `packet`.
// Returns the new size of the packet, which is then to be parsed again; nothing if it carries no
// OSN. A packet with an empty payload is no retransmission but a probe of padding: ask
// view.payload().empty() first.
std::optional<std::size_t> unwrap_rtx(MutableBytes packet, const PacketView& view,
                                      std::uint8_t original_payload_type,
                                      std::uint32_t original_ssrc);

// Writes OSN and original payload; the RTX header is written before it like any other. Returns the
// size written, 0 if it does not fit.
std::size_t write_rtx_payload(MutableBytes out, std::uint16_t original_sequence, Bytes payload);

}  // namespace liaison::rtp
