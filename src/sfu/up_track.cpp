#include "sfu/up_track.hpp"

#include <utility>

#include "rtp/extension.hpp"
#include "rtp/key_frame.hpp"

namespace liaison::sfu {
namespace {

// Two seconds of a 5 Mbit/s picture; of audio, 128 packets of 20 ms.
constexpr std::size_t video_history = 1024;
constexpr std::size_t audio_history = 128;
constexpr Duration history_age = seconds(3);

bool passes_on(rtp::Extension extension) {
  switch (extension) {
    case rtp::Extension::audio_level:
    case rtp::Extension::abs_capture_time:
    case rtp::Extension::video_orientation:
    case rtp::Extension::playout_delay:
    case rtp::Extension::content_type:
      return true;
    default:
      return false;  // they speak of this hop alone, or are written anew
  }
}

}  // namespace

UpTrack::UpTrack(const UpMedia& media)
    : media_(media),
      history_(media.kind == rtp::MediaKind::video ? video_history : audio_history, history_age) {}

void UpTrack::learn_ssrc(std::uint32_t ssrc) {
  if (ssrc_ == ssrc) return;
  ssrc_ = ssrc;
  seq_ = {};
  history_.clear();
  reception_.reset();
  nack_ = {};
  key_frames_ = {};
  capture_time_ = {};
  newest_last_second_.reset();
  newest_second_before_.reset();
}

std::expected<const ReceivedPacket*, Drop> UpTrack::accept(const rtp::PacketView& view,
                                                           Packet block, bool rtx,
                                                           const rtp::Codec& codec,
                                                           const rtp::ExtensionIds& extensions,
                                                           Instant now) {
  ReceivedPacket packet;
  packet.seq = rtx ? seq_.peek(view.sequence()) : seq_.unwrap(view.sequence());
  packet.timestamp = view.timestamp();
  packet.payload_type = codec.payload_type;
  packet.marker = view.marker();
  packet.payload_offset = static_cast<std::uint16_t>(view.header_size());
  packet.payload_size = static_cast<std::uint16_t>(view.payload().size());
  packet.arrival = now;
  packet.key_frame =
      media_.kind == rtp::MediaKind::video && rtp::starts_key_frame(codec.key.name, view.payload());
  rtp::ExtensionReader reader(view);
  while (const auto element = reader.next()) {
    const auto extension = extensions.find(element->id);
    if (!extension || !passes_on(*extension) || packet.passed_count == packet.passed.size())
      continue;
    packet.passed[packet.passed_count++] = {
        *extension, static_cast<std::uint8_t>(element->value.size()),
        static_cast<std::uint16_t>(element->value.data() - view.bytes().data())};
  }
  packet.block = std::move(block);
  clock_rate_ = codec.clock_rate;

  const std::uint64_t seq = packet.seq;
  const bool key_frame = packet.key_frame;
  if (!rtx) {
    if (!reception_) reception_.emplace(clock_rate_);
    reception_->received(seq, packet.timestamp, now);
  }
  const ReceivedPacket* stored = history_.insert(packet);
  if (stored == nullptr) return std::unexpected(Drop::duplicate);
  nack_.received(seq, now);
  if (key_frame) {
    key_frames_.key_frame_started(now);
    nack_.forget_before(seq);
  }
  return stored;
}

void UpTrack::sender_report(const rtcp::SenderInfo& info, Instant now) {
  if (reception_) reception_->sender_report(info.ntp, now);
  capture_time_.sender_report(info.ntp, info.rtp_timestamp);
}

UpTrack::Loss UpTrack::take_loss() {
  Loss loss;
  if (newest_second_before_ && newest_last_second_) {
    loss.expected = static_cast<std::uint32_t>(*newest_last_second_ - *newest_second_before_);
    // What the history no longer reaches cannot be judged.
    for (std::uint64_t seq = *newest_second_before_ + 1; seq <= *newest_last_second_; ++seq) {
      if (history_.find(seq) == nullptr) ++loss.lost;
    }
  }
  newest_second_before_ = newest_last_second_;
  newest_last_second_ = seq_.last();
  return loss;
}

}  // namespace liaison::sfu
