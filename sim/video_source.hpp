// A camera or a screen with a video encoder behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "rtp/codec.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

inline constexpr std::size_t encoding_limit = 3;

enum class Layering : std::uint8_t {
  single,     // one encoding
  simulcast,  // three, of a quarter, a half and the whole of the width
  key_svc,    // L3T3_KEY and its like: one encoding of several spatial layers, of which the upper
              // ones depend on the lower ones in key pictures only; VP9
};

struct VideoOptions {
  rtp::CodecName codec = rtp::CodecName::vp8;
  Layering layering = Layering::single;
  std::uint8_t temporal_layers = 1;  // 1 to 3
  std::uint8_t spatial_layers = 3;   // 1 to 3; with key_svc
  bool screen = false;
  std::int64_t fps = 30;
  std::uint16_t width = 1280;
  std::uint16_t height = 720;
  // Of each encoding, in bits per second; 0 = what is usual for its size.
  std::array<std::uint32_t, encoding_limit> max_bitrate{};
  // Mean time between the key frames that nobody asked for (encoders insert them where a scene
  // changes); Duration::max() = none.
  Duration unasked_key_frames = minutes(10);
};

// One frame of one spatial layer, without its content.
struct EncodedFrame {
  std::uint8_t encoding = 0;
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  std::uint8_t spatial_layers = 1;
  std::uint8_t temporal_layers = 1;
  bool key = false;              // of a key picture; its upper spatial layers are key as well
  bool discardable = false;      // no later picture depends on it
  bool layer_sync = false;       // above temporal layer 0, and depends on that alone
  bool ends_picture = true;      // the last of its picture
  std::uint32_t frame = 0;       // of the encoding, counted from 0
  std::uint32_t picture = 0;     // of the encoding, counted from where chance had it
  std::uint8_t tl0_picture = 0;  // how many pictures of temporal layer 0 there were, likewise
  std::uint8_t key_picture = 0;  // how many key pictures
  // As in Stamp: frames back to those that it needs, of an earlier picture and of the layer below.
  std::array<std::uint16_t, 2> references{};
  std::uint8_t pictures_back = 0;  // the first of these in pictures
  std::uint32_t timestamp = 0;     // 90 kHz
  std::size_t bytes = 0;           // at least stamp_size
  std::uint16_t width = 0;         // of the whole encoding, whichever layer this is
  std::uint16_t height = 0;
  Instant captured;
};

// Takes pictures at a steady rate and gives their frames sizes like those of a real-time encoder: a
// key frame is 5 to 10 times an ordinary one, the sizes vary log-normally, lower temporal layers
// are larger, and what was spent beyond the target is saved within about a second. A screen sends
// very little until something changes on it, so that for it the target is a limit and not a mean.
// Encodings do not know each other. No frame is smaller than a stamp: 30 a second are 13 kbit/s
// at least. It knows neither payloads nor packets.
class VideoSource {
 public:
  VideoSource(const VideoOptions& options, Random random, Instant begin);

  std::size_t encodings() const { return count_; }
  // Limited by the maximum of the encoding.
  void set_target(std::size_t encoding, std::uint32_t bits_per_second);
  std::uint32_t target(std::size_t encoding) const;
  // All are active at first. One that becomes active begins with a key frame.
  void set_active(std::size_t encoding, bool active);
  void request_key_frame(std::size_t encoding);

  // Appends the frames of the picture that is due, if one is, in the order in which they are sent.
  // A picture that is asked for late is the picture of then; those in between were not taken.
  void capture(Instant now, std::vector<EncodedFrame>& out);
  Instant deadline() const;

 private:
  enum class Scene : std::uint8_t { moves, still, changes };
  struct Encoding {
    bool active = true;
    bool key_wanted = true;
    std::uint32_t max = 0;
    std::uint32_t target = 0;
    double debt = 0;  // bytes spent beyond the target; below 0 saved
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    std::uint32_t frame = 0;
    std::uint32_t picture = 0;
    std::uint8_t tl0_picture = 0;
    std::uint8_t key_picture = 0;
    std::uint8_t phase = 0;  // of the pattern of temporal layers
    std::uint32_t timestamp_offset = 0;
    std::array<std::uint32_t, 8> first_frames{};  // of the latest pictures, by picture
  };

  double normal();
  Scene look(Instant now);
  double draw_size(Encoding& encoding, Scene scene, bool key, double weight);
  void encode(std::uint8_t index, Scene scene, Instant now, std::vector<EncodedFrame>& out);

  VideoOptions options_;
  Random random_;
  Instant begin_;
  std::size_t count_ = 1;
  std::array<Encoding, encoding_limit> encodings_;
  std::int64_t next_ = 0;  // picture of the camera's own count
  Instant changes_{};      // when something happens on the screen
  Instant moves_until_{};  // and how long it goes on
};

}  // namespace liaison::sim
