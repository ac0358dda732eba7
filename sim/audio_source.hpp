// A microphone with an Opus encoder behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "rtp/extension.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

struct AudioOptions {
  // Mean lengths of what is said and of what lies between, each drawn exponentially; the defaults
  // are those of a conversation (ITU-T P.59: 1.0 s and 1.6 s).
  Duration spurt = milliseconds(1000);
  Duration pause = milliseconds(1600);
  // Discontinuous transmission: in a pause one frame in 400 ms. Without it one in 20 ms.
  bool dtx = true;
};

struct AudioFrame {
  std::uint32_t frame = 0;      // counts those that were sent
  std::uint32_t timestamp = 0;  // 48 kHz
  std::size_t size = 0;
  bool marker = false;  // first of a talk spurt after DTX (RFC 3551 section 4.1)
  rtp::AudioLevel level;
  Instant captured;
};

// Frames of 20 ms, large while somebody talks; in a pause, ten more (as Opus does before it trusts
// the silence), and then DTX. Frames of silence have the size of the smallest stamp, which real
// ones stay below. It knows neither packets nor RED; packetizer.hpp makes those.
class AudioSource {
 public:
  static constexpr Duration frame_length = milliseconds(20);
  static constexpr std::uint32_t frame_samples = 960;
  static constexpr Duration dtx_interval = milliseconds(400);

  AudioSource(const AudioOptions& options, Random random, Instant begin);

  // Talks, or is silent, until told otherwise; nothing = as drawn.
  void force(std::optional<bool> talking) { forced_ = talking; }
  // The frame that is due, if one is; one that is asked for late is the frame of then.
  std::optional<AudioFrame> next(Instant now);
  Instant deadline() const;

 private:
  Instant time_of(std::int64_t slot) const { return begin_ + slot * frame_length; }
  rtp::AudioLevel draw_level(bool talking);

  AudioOptions options_;
  Random random_;
  Instant begin_;
  std::uint32_t timestamp_offset_ = 0;
  std::optional<bool> forced_;
  bool talks_ = false;         // as drawn
  Instant turns_{};            // when that changes
  std::int64_t slot_ = -1;     // of the last frame, in frame lengths since the beginning
  std::int64_t hangover_ = 0;  // frames of silence still to be sent before DTX
  bool paused_ = true;         // in DTX
  std::uint32_t frame_ = 0;
  double loudness_ = 30;  // -dBov; wanders while somebody talks
};

}  // namespace liaison::sim
