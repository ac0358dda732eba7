// What a virtual browser receives on one m-line.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "base/sequence.hpp"
#include "rtcp/report.hpp"
#include "rtp/packet.hpp"
#include "sim/packetizer.hpp"

namespace liaison::sim {

// A receiver: puts frames together and knows which of them a decoder could show, asks again for
// what is missing (NACK) and for a key frame (PLI) when it cannot go on, and keeps what reports
// need. It is written apart from src/sfu, which does the same for the other direction.
class DownStream {
 public:
  DownStream(std::uint32_t ssrc, bool video) : ssrc_(ssrc), video_(video) {}

  std::uint32_t ssrc() const { return ssrc_; }
  bool video() const { return video_; }

  // One packet of it; `sequence` is the original one, if it is a repetition.
  void receive(std::uint16_t sequence, bool rtx, const PayloadReading& reading, Instant now);
  void sender_report(const rtcp::SenderInfo& info, Instant now);

  // What is to be asked for now.
  struct Wishes {
    std::vector<std::uint16_t> again;
    bool key_frame = false;
  };
  void collect(Instant now, Wishes& out);
  Instant deadline() const;

  // None before the first packet.
  std::optional<rtcp::ReportBlock> report(Instant now);

  // Who was last to be heard or seen, and when: of video, a frame that could be shown.
  struct Shown {
    Stamp stamp;
    Instant at;
  };
  const std::optional<Shown>& shown() const { return shown_; }
  std::uint64_t frames_shown() const { return frames_; }
  // Of sound: how many frames were due to be played, and how many of them were not there.
  struct Sound {
    std::uint64_t due = 0, concealed = 0;
  };
  const Sound& sound() const { return sound_; }

 private:
  static constexpr Duration reordering_wait = milliseconds(10);
  static constexpr Duration repeat = milliseconds(100);
  static constexpr int tries = 10;
  static constexpr Duration stuck_limit = milliseconds(300);
  static constexpr Duration key_frame_repeat = milliseconds(500);
  // As libwebrtc: of a stream that has stopped, nothing is asked.
  static constexpr Duration active = seconds(5);

  struct Missing {
    Instant due;
    int tries = 0;
  };
  // A frame that is being put together.
  struct Assembly {
    Stamp stamp;
    std::set<std::uint16_t> packets;
  };
  struct FrameKey {
    std::uint32_t person = 0;
    std::uint8_t source = 0;
    std::uint8_t encoding = 0;
    std::uint32_t frame = 0;
    auto operator<=>(const FrameKey&) const = default;
  };

  void hear(const Stamp& stamp);
  void take_frame(const Stamp& stamp, Instant now);
  void decode(Instant now);
  bool needs_met(const Stamp& stamp) const;

  std::uint32_t ssrc_;
  bool video_;
  Unwrapper<std::uint16_t> sequence_;
  std::optional<std::uint64_t> first_, highest_;
  std::map<std::uint64_t, Missing> missing_;
  std::uint64_t received_before_ = 0, expected_before_ = 0;
  std::uint64_t originals_ = 0;
  std::optional<std::uint64_t> last_sr_;  // its NTP time
  Instant last_sr_at_;

  std::map<FrameKey, Assembly> assemblies_;
  std::deque<FrameKey> decoded_;
  std::optional<Instant> stuck_since_;
  Instant last_packet_;
  Instant next_key_frame_ = Instant::min();
  std::optional<Shown> shown_;
  std::uint64_t frames_ = 0;

  // A jitter buffer of so many frames: 80 ms.
  static constexpr std::uint32_t buffered = 4;
  Sound sound_;
  std::uint32_t heard_from_ = 0;    // person
  std::uint32_t next_due_ = 0;      // frame
  std::set<std::uint32_t> buffer_;  // frames that are not due yet
};

}  // namespace liaison::sim
