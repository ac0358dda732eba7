// One encoding of a published track: what has arrived of it and what is still missing.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/sequence.hpp"
#include "rtcp/report.hpp"
#include "rtp/codec.hpp"
#include "rtp/packet.hpp"
#include "rtp/picture_size.hpp"
#include "sfu/key_frame.hpp"
#include "sfu/layer_rates.hpp"
#include "sfu/nack.hpp"
#include "sfu/packet_history.hpp"
#include "sfu/reception.hpp"
#include "sfu/sender_clock.hpp"

namespace liaison::sfu {

// One stream that an endpoint sends us (RFC 7656 section 2.1.10): extends its sequence numbers,
// remembers its packets, asks again for lost ones (NACK) and for key frames (PLI), and keeps what
// reports need. It knows nothing of subscribers, SRTP or addresses.
class UpEncoding {
 public:
  // `number` is its place among the encodings of its track, from the smallest.
  UpEncoding(rtp::MediaKind kind, std::uint8_t number);

  std::optional<std::uint32_t> ssrc() const { return ssrc_; }

  // The SSRC that its mid, and rid, was seen with. Another than before means a new stream: what was
  // remembered is dropped.
  void learn_ssrc(std::uint32_t ssrc);

  // How large its pictures are, as far as they have said so themselves.
  const std::optional<rtp::PictureSize>& picture_size() const { return picture_size_; }
  void set_picture_size(const rtp::PictureSize& size) { picture_size_ = size; }
  // Another place among the encodings of its track. What was remembered under the old one is
  // dropped.
  void renumber(std::uint8_t number);

  // One packet of it, `block` holding what `view` shows. `again` says that it brings back a lost
  // one, out of RTX or RED, and did not come on this SSRC itself. The result is valid until its
  // place in the history is needed.
  std::expected<const ReceivedPacket*, Drop> accept(const rtp::PacketView& view, Packet block,
                                                    bool again, const rtp::Codec& codec,
                                                    const rtp::ExtensionIds& extensions,
                                                    Instant now);

  // A packet of its time that has not come: whoever has it from elsewhere can bring it.
  bool misses(std::uint16_t seq) const {
    return seq_.last() && history_.find(seq_.peek(seq)) == nullptr;
  }

  // The one with this RTP sequence number; null if it is not remembered.
  const ReceivedPacket* find(std::uint16_t seq) const {
    return seq_.last() ? history_.find(seq_.peek(seq)) : nullptr;
  }

  void sender_report(const rtcp::SenderInfo& info, Instant now);
  const CaptureTime& capture_time() const { return capture_time_; }
  std::uint32_t clock_rate() const { return clock_rate_; }
  // None before the first packet.
  std::optional<rtcp::ReportBlock> report_block(Instant now) {
    return reception_ ? reception_->report(*ssrc_, now) : std::nullopt;
  }

  // The share of packets that did not come on this SSRC, over some seconds, 0 to 1.
  double path_loss() const { return reception_ ? reception_->recent_loss() : 0; }

  KeyFrameRequester& key_frames() { return key_frames_; }
  const KeyFrameRequester& key_frames() const { return key_frames_; }
  NackGenerator& nack() { return nack_; }
  const NackGenerator& nack() const { return nack_; }
  const PacketHistory& history() const { return history_; }
  const LayerRates& rates() const { return rates_; }

  // The first packet of the newest key frame, if from it on everything is here in one piece: what a
  // new subscriber can be given without asking the publisher. Nothing if it began before `oldest`.
  struct Picture {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::size_t bytes = 0;
  };
  std::optional<Picture> picture_since(Instant oldest) const;
  // What has come so far is not for anybody's eyes: picture_since() begins after it.
  void hide_past() { key_frame_.reset(); }

  // How many packets of the second before the last never came, not even repeated: a lost packet has
  // a second to be repaired. Call once a second.
  struct Loss {
    std::uint32_t expected = 0;
    std::uint32_t lost = 0;
  };
  Loss take_loss();

 private:
  std::optional<rtp::FrameInfo> read_frame(const rtp::PacketView& view, rtp::CodecName codec,
                                           const rtp::ExtensionIds& extensions, std::uint64_t seq);

  rtp::MediaKind kind_;
  std::uint8_t number_;
  std::optional<std::uint32_t> ssrc_;
  std::optional<rtp::PictureSize> picture_size_;
  std::uint32_t clock_rate_ = 90'000;
  Unwrapper<std::uint16_t> seq_;
  PacketHistory history_;
  std::optional<Reception> reception_;
  NackGenerator nack_;
  KeyFrameRequester key_frames_;
  LayerRates rates_;
  std::optional<std::uint64_t> key_frame_;  // the first packet of the newest
  CaptureTime capture_time_;
  // Of the dependency descriptors since the newest key frame, and where it came.
  std::unique_ptr<rtp::DependencyStructure> structure_;
  std::uint64_t structure_seq_ = 0;

  // Of take_loss(): the newest sequence numbers at its last calls.
  std::optional<std::uint64_t> newest_last_second_;
  std::optional<std::uint64_t> newest_second_before_;
};

}  // namespace liaison::sfu
