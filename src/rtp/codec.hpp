// The codecs and header extensions that pass through, as negotiated in SDP.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace liaison::rtp {

enum class MediaKind : std::uint8_t { audio, video };

enum class CodecName : std::uint8_t { opus, red, vp8, vp9, av1, h264 };

// What must be equal for a packet of one endpoint to be decodable by another. `profile` is 0 for
// Opus, RED and VP8; the profile-id for VP9 (RFC 9628) and the profile for AV1; for H.264
// profile_idc << 16 | profile_iop << 8 | packetization-mode (RFC 6184 section 8.1; the level does
// not matter, receivers take what they can).
struct CodecKey {
  CodecName name = CodecName::opus;
  std::uint32_t profile = 0;
  bool operator==(const CodecKey&) const = default;
};

// A codec under the payload types that one endpoint gave it. Payload types are 0..127
// without 64..95 (RFC 5761).
struct Codec {
  CodecKey key;
  std::uint8_t payload_type = 0;
  std::optional<std::uint8_t> rtx_payload_type;  // RFC 4588
  std::uint32_t clock_rate = 90'000;             // Hz
  bool operator==(const Codec&) const = default;
};

enum class Extension : std::uint8_t {
  mid,           // RFC 9143
  rid,           // RFC 8852
  repaired_rid,  // RFC 8852
  transport_cc,  // draft-holmer-rmcat-transport-wide-cc-extensions-01
  audio_level,   // RFC 6464
  abs_send_time,
  abs_capture_time,
  video_orientation,  // 3GPP TS 26.114
  playout_delay,
  content_type,
  dependency_descriptor,  // AV1 RTP specification, appendix A
  count_,
};
inline constexpr std::size_t extension_count = static_cast<std::size_t>(Extension::count_);

std::string_view extension_uri(Extension extension);
std::optional<Extension> extension_from_uri(std::string_view uri);

// The local ids (1..255, 0 = not negotiated) that an endpoint gave the extensions (a=extmap, RFC
// 8285).
struct ExtensionIds {
  std::array<std::uint8_t, extension_count> ids{};
  std::uint8_t& operator[](Extension extension) { return ids[static_cast<std::size_t>(extension)]; }
  std::uint8_t operator[](Extension extension) const {
    return ids[static_cast<std::size_t>(extension)];
  }
  std::optional<Extension> find(std::uint8_t id) const {
    for (std::size_t i = 0; i < extension_count; ++i) {
      if (id != 0 && ids[i] == id) return static_cast<Extension>(i);
    }
    return std::nullopt;
  }
  bool operator==(const ExtensionIds&) const = default;
};

}  // namespace liaison::rtp
