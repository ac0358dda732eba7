// One published track: what has arrived of it and what is still missing.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/sequence.hpp"
#include "rtcp/report.hpp"
#include "rtp/codec.hpp"
#include "rtp/packet.hpp"
#include "sfu/command.hpp"
#include "sfu/key_frame.hpp"
#include "sfu/nack.hpp"
#include "sfu/packet_history.hpp"
#include "sfu/reception.hpp"
#include "sfu/sender_clock.hpp"

namespace liaison::sfu {

// A track that an endpoint sends us, in one encoding: extends its sequence numbers, remembers its
// packets, asks again for lost ones (NACK) and for key frames (PLI), and keeps what reports need.
// It knows nothing of subscribers, SRTP or addresses.
class UpTrack {
 public:
  explicit UpTrack(const UpMedia& media);

  const UpMedia& media() const { return media_; }
  std::optional<std::uint32_t> ssrc() const { return ssrc_; }
  bool active() const { return active_; }
  void set_active(bool active) { active_ = active; }

  // The SSRC that its mid was seen with. Another than before means a new stream: what was
  // remembered is dropped.
  void learn_ssrc(std::uint32_t ssrc);

  // One packet of it, `block` holding what `view` shows. `rtx` says that it repeats a lost one;
  // then `view` and `block` are of the unwrapped packet. The result is valid until the next call.
  std::expected<const ReceivedPacket*, Drop> accept(const rtp::PacketView& view, Packet block,
                                                    bool rtx, const rtp::Codec& codec,
                                                    const rtp::ExtensionIds& extensions,
                                                    Instant now);

  void sender_report(const rtcp::SenderInfo& info, Instant now);
  const CaptureTime& capture_time() const { return capture_time_; }
  std::uint32_t clock_rate() const { return clock_rate_; }
  // None before the first packet.
  std::optional<rtcp::ReportBlock> report_block(Instant now) {
    return reception_ ? reception_->report(*ssrc_, now) : std::nullopt;
  }

  KeyFrameRequester& key_frames() { return key_frames_; }
  const KeyFrameRequester& key_frames() const { return key_frames_; }
  NackGenerator& nack() { return nack_; }
  const NackGenerator& nack() const { return nack_; }
  const PacketHistory& history() const { return history_; }

  // How many packets of the second before the last never came, not even repeated: a lost packet has
  // a second to be repaired. Call once a second.
  struct Loss {
    std::uint32_t expected = 0;
    std::uint32_t lost = 0;
  };
  Loss take_loss();

 private:
  UpMedia media_;
  bool active_ = false;
  std::optional<std::uint32_t> ssrc_;
  std::uint32_t clock_rate_ = 90'000;
  Unwrapper<std::uint16_t> seq_;
  PacketHistory history_;
  std::optional<Reception> reception_;
  NackGenerator nack_;
  KeyFrameRequester key_frames_;
  CaptureTime capture_time_;

  // Of take_loss(): the newest sequence numbers at its last calls.
  std::optional<std::uint64_t> newest_last_second_;
  std::optional<std::uint64_t> newest_second_before_;
};

}  // namespace liaison::sfu
