// What a publisher of a load test sends: packets like those of an encoder, without a picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "load/stamp.hpp"
#include "rtp/packet.hpp"

namespace liaison::load {

// One track. Video: 30 frames a second, each of whole packets of `packet_size` bytes that leave
// together, as many as the bit rate asks for on average; VP8 (RFC 7741), one layer. A key frame is
// as large as any other, so that the load is even. Audio: 50 packets a second of one size, as Opus
// makes them at a constant rate. The far end's packets are numbered from a number drawn by the
// owner. It knows neither header extensions nor RTCP.
class MediaSource {
 public:
  struct Options {
    bool video = true;
    std::uint64_t bits_per_second = 2'500'000;
    // Of video; that of audio follows from the rate. With headers, extensions and SRTP it makes
    // datagrams of about 1,200 bytes, as browsers send them.
    std::size_t payload_size = 1'160;
    std::uint32_t source = 0;  // in the stamps
    std::uint16_t first_sequence = 0;
  };
  static constexpr std::int64_t video_rate = 30;  // frames a second
  static constexpr std::int64_t audio_rate = 50;

  MediaSource(const Options& options, Instant begin);

  Instant deadline() const { return next_; }
  // The next frame is a key frame; one that was sent less than 300 ms ago answers too.
  void request_key_frame() { key_wanted_ = true; }

  // Makes the frame that is due, if one is: visit(fields, payload) for each of its packets, whose
  // payload is valid until the next. Frames whose time passed unused are left out. `sent` is what
  // the stamps say.
  template <typename Visit>
  void tick(Instant now, Instant sent, Visit&& visit) {
    if (!begin_frame(now)) return;
    for (std::size_t i = 0; i < packets_; ++i) {
      const MutableBytes payload = make_payload(i, sent);
      visit(fields(i), Bytes(payload));
      ++number_;
    }
  }

  std::uint64_t packets() const { return number_; }
  // Frames that were left out: the machine that makes the load is too slow for it.
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t key_frames() const { return key_frames_; }
  std::uint32_t timestamp() const { return timestamp_; }

 private:
  static constexpr std::size_t largest_payload = 1'400;

  Instant time_of(std::int64_t frame) const;
  bool begin_frame(Instant now);
  MutableBytes make_payload(std::size_t index, Instant sent);
  rtp::HeaderFields fields(std::size_t index) const;

  Options options_;
  std::int64_t rate_;
  Instant begin_;
  Instant next_;
  std::int64_t frame_ = -1;
  std::uint32_t timestamp_ = 0;
  std::size_t packets_ = 1;  // of this frame
  std::uint64_t number_ = 0;
  bool key_ = false;
  bool key_wanted_ = true;
  Instant last_key_;
  std::uint64_t key_frames_ = 0;
  std::uint64_t skipped_ = 0;
  std::array<std::uint8_t, largest_payload> payload_{};
};

}  // namespace liaison::load
