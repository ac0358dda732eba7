// Which layer of a video track passes to one subscriber.
#pragma once

#include <cstdint>
#include <optional>

#include "sfu/packet_history.hpp"

namespace liaison::sfu {

// Up to which layer: an encoding of simulcast, and of a scalable stream the highest spatial and
// temporal layer.
struct Layer {
  std::uint8_t encoding = 0;
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  bool operator==(const Layer&) const = default;
};

// Brings what passes to the wanted layer, and only where a decoder can follow: another encoding
// begins with a key frame, an upper spatial layer with a key picture (K-SVC), an upper temporal
// layer where the stream says that one may switch up; down goes at the next frame, of spatial
// layers at the next picture. Until then the layer of before goes on. It knows nothing of numbers
// or bandwidth.
class LayerSelector {
 public:
  // Nothing = nothing passes.
  void set_target(std::optional<Layer> target);
  std::optional<Layer> target() const { return target_; }
  // What passes now; nothing before the first key frame.
  std::optional<Layer> current() const { return current_; }
  // Begins anew, with a key frame.
  void reset() { current_.reset(); }

  // The encoding of which a key frame is needed to get where it is to go; nothing if none is.
  std::optional<std::uint8_t> waits_for_key_frame() const;

  enum class Verdict : std::uint8_t {
    pass,
    start,    // passes, and is the first packet of another encoding than before, or of the first
    leave,    // of the encoding that passes, but not of a wanted layer
    wait,     // nothing has begun yet: only a key frame can
    unwanted  // of another encoding, or nothing is wanted
  };
  Verdict select(const ReceivedPacket& packet);
  // Whether this packet, which passes, is the last of its picture for this subscriber: upper
  // spatial layers that are left out take the marker with them.
  bool ends_picture(const ReceivedPacket& packet) const;

 private:
  std::optional<Layer> target_;
  std::optional<Layer> current_;
  std::uint64_t newest_ = 0;  // number of its encoding
};

}  // namespace liaison::sfu
