#include "load/media_source.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::load {
namespace {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t video_clock = 90'000;
constexpr std::int64_t audio_clock = 48'000;
// RFC 7741 section 4.2 with a picture id of 15 bits; then, in the first packet of a frame, the
// frame header of RFC 6386 section 9.1.
constexpr std::size_t descriptor_size = 4;
constexpr std::size_t frame_header_size = 10;
constexpr std::size_t least_payload = descriptor_size + frame_header_size + stamp_size;
// Many who ask at once are answered once.
constexpr Duration key_frame_interval = milliseconds(300);

}  // namespace

MediaSource::MediaSource(const Options& options, Instant begin)
    : options_(options),
      rate_(options.video ? video_rate : audio_rate),
      begin_(begin),
      next_(begin),
      last_key_(begin - key_frame_interval) {
  if (!options_.video) {
    options_.payload_size = static_cast<std::size_t>(options_.bits_per_second / (8 * audio_rate));
  }
  options_.payload_size = std::clamp(options_.payload_size, least_payload, largest_payload);
}

// Rounded up, so that it lies in its frame.
Instant MediaSource::time_of(std::int64_t frame) const {
  return begin_ + Duration((frame * nanoseconds_per_second + rate_ - 1) / rate_);
}

bool MediaSource::begin_frame(Instant now) {
  if (now < next_) return false;
  const std::int64_t frame = (now - begin_).count() * rate_ / nanoseconds_per_second;
  skipped_ += static_cast<std::uint64_t>(frame - frame_ - 1);
  frame_ = frame;
  next_ = time_of(frame_ + 1);
  timestamp_ =
      static_cast<std::uint32_t>(frame_ * (options_.video ? video_clock : audio_clock) / rate_);
  packets_ = 1;
  if (!options_.video) return true;
  // Packets until the end of this frame, less those until the end of the one before.
  const auto until = [&](std::int64_t frames) {
    return frames * static_cast<std::int64_t>(options_.bits_per_second) /
           (video_rate * 8 * static_cast<std::int64_t>(options_.payload_size));
  };
  packets_ = static_cast<std::size_t>(std::max<std::int64_t>(until(frame_ + 1) - until(frame_), 1));
  key_ = key_wanted_ && now - last_key_ >= key_frame_interval;
  if (key_) {
    key_wanted_ = false;
    last_key_ = now;
    ++key_frames_;
  }
  return true;
}

MutableBytes MediaSource::make_payload(std::size_t index, Instant sent) {
  const MutableBytes payload = MutableBytes(payload_).first(options_.payload_size);
  if (options_.video) {
    Writer out(payload);
    out.u8(index == 0 ? 0x90 : 0x80);  // X, and S where the frame begins
    out.u8(0x80);                      // I
    out.u16(static_cast<std::uint16_t>(0x8000 | (frame_ & 0x7fff)));
    if (index == 0) {
      out.u8(key_ ? 0x10 : 0x11);  // show_frame; the lowest bit is clear in key frames
      out.u16(0);
      // Start code and size, 1280 x 720; no picture follows.
      out.u24(key_ ? 0x9d012a : 0);
      out.u32(key_ ? 0x0005d002 : 0);
    }
  }
  write_stamp({options_.source, number_, sent}, payload);
  return payload;
}

rtp::HeaderFields MediaSource::fields(std::size_t index) const {
  rtp::HeaderFields fields;
  fields.marker = options_.video && index + 1 == packets_;
  fields.sequence = static_cast<std::uint16_t>(options_.first_sequence + number_);
  fields.timestamp = timestamp_;
  return fields;
}

}  // namespace liaison::load
