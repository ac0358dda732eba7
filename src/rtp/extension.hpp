// Header extensions (RFC 8285): walking the elements of a packet, and the values of those that the
// server itself reads or writes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "rtp/packet.hpp"

namespace liaison::rtp {

inline constexpr std::uint16_t one_byte_profile = 0xbede;  // RFC 8285 section 4.2
inline constexpr std::uint16_t two_byte_profile = 0x1000;  // section 4.3; the low 4 bits are free

// Gives the elements of one packet in order, whichever of the two forms it uses (both may occur in
// one stream). A malformed rest ends the walk: what came before it counts, as RFC 8285 section 4.2
// rules for id 15. Blocks of another profile have no elements.
class ExtensionReader {
 public:
  explicit ExtensionReader(const PacketView& packet);
  std::optional<ExtensionElement> next();

 private:
  std::optional<ExtensionElement> next_one_byte();
  std::optional<ExtensionElement> next_two_byte();

  Bytes data_;
  std::size_t at_ = 0;
  bool two_byte_ = false;
};

// The value of the first element with this id; nothing for id 0.
std::optional<Bytes> find_extension(const PacketView& packet, std::uint8_t id);

// RFC 6464: 0 is the loudest, 127 silence, in -dBov.
struct AudioLevel {
  std::uint8_t level = 127;
  bool voice = false;
  bool operator==(const AudioLevel&) const = default;
};
std::optional<AudioLevel> read_audio_level(Bytes value);
std::array<std::uint8_t, 1> write_audio_level(AudioLevel level);

// draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2.
std::optional<std::uint16_t> read_transport_sequence(Bytes value);
std::array<std::uint8_t, 2> write_transport_sequence(std::uint16_t sequence);

// abs-send-time: seconds as 6.18 fixed point; goes round every 64 s.
std::optional<Duration> read_abs_send_time(Bytes value);
std::array<std::uint8_t, 3> write_abs_send_time(Instant at);

// MID (RFC 9143), RID and repaired RID (RFC 8852): visible ASCII; trailing zeros, as some senders
// pad, are cut off. Nothing if it is empty or has another byte.
std::optional<std::string_view> read_sdes_text(Bytes value);

}  // namespace liaison::rtp
