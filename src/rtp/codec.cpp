#include "rtp/codec.hpp"

namespace liaison::rtp {
namespace {

constexpr std::array<std::string_view, extension_count> uris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
};

}  // namespace

std::string_view extension_uri(Extension extension) {
  return uris[static_cast<std::size_t>(extension)];
}

std::optional<Extension> extension_from_uri(std::string_view uri) {
  for (std::size_t i = 0; i < extension_count; ++i) {
    if (uris[i] == uri) return static_cast<Extension>(i);
  }
  return std::nullopt;
}

}  // namespace liaison::rtp
