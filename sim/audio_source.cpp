#include "sim/audio_source.hpp"

#include <algorithm>

#include "sim/stamp.hpp"

namespace liaison::sim {
namespace {

constexpr std::int64_t hangover_frames = 10;
constexpr std::int64_t dtx_slots = AudioSource::dtx_interval / AudioSource::frame_length;
// Opus at 32 to 40 kbit/s with a variable rate.
constexpr std::int64_t least_size = 60;
constexpr std::int64_t most_size = 160;

}  // namespace

AudioSource::AudioSource(const AudioOptions& options, Random random, Instant begin)
    : options_(options), random_(random), begin_(begin) {
  timestamp_offset_ = static_cast<std::uint32_t>(random_.next());
  turns_ = begin + random_.exponential(options_.pause);
}

rtp::AudioLevel AudioSource::draw_level(bool talking) {
  if (!talking) {
    // The noise of a room.
    const auto level = random_.between(std::int64_t{75}, std::int64_t{90});
    return {static_cast<std::uint8_t>(level), false};
  }
  loudness_ = std::clamp(loudness_ + random_.unit() * 8 - 4, 15.0, 45.0);
  return {static_cast<std::uint8_t>(loudness_), true};
}

std::optional<AudioFrame> AudioSource::next(Instant now) {
  if (now < deadline()) return std::nullopt;
  const std::int64_t slot = (now - begin_) / frame_length;
  const Instant captured = time_of(slot);
  while (turns_ <= captured) {
    talks_ = !talks_;
    turns_ += std::max(frame_length, random_.exponential(talks_ ? options_.spurt : options_.pause));
  }
  const bool talking = forced_.value_or(talks_);
  // The deadline may have been that of a turn which, by now, has come and gone.
  if (!talking && paused_ && options_.dtx && frame_ > 0 && slot < slot_ + dtx_slots)
    return std::nullopt;

  AudioFrame frame;
  frame.frame = frame_++;
  frame.timestamp = timestamp_offset_ + static_cast<std::uint32_t>(slot) * frame_samples;
  frame.captured = captured;
  frame.level = draw_level(talking);
  frame.marker = talking && paused_;
  if (talking) {
    // The mean of two draws: the middle is likelier than the ends.
    const std::int64_t sum =
        random_.between(least_size, most_size) + random_.between(least_size, most_size);
    frame.size = static_cast<std::size_t>(sum / 2);
    hangover_ = hangover_frames;
    paused_ = false;
  } else {
    frame.size = stamp_size;
    if (hangover_ > 0) --hangover_;
    paused_ = hangover_ == 0;
  }
  slot_ = slot;
  return frame;
}

Instant AudioSource::deadline() const {
  const Instant soonest = time_of(slot_ + 1);
  if (slot_ < 0 || !paused_ || !options_.dtx || forced_.value_or(false)) return soonest;
  const Instant update = time_of(slot_ + dtx_slots);
  if (forced_) return update;
  // The frame of the turn is the first at or after it.
  const Duration from_begin = turns_ - begin_ + frame_length - Duration(1);
  return std::clamp(time_of(from_begin / frame_length), soonest, update);
}

}  // namespace liaison::sim
