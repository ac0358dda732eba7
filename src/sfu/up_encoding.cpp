#include "sfu/up_encoding.hpp"

#include <utility>

#include "rtp/extension.hpp"
#include "rtp/frame_info.hpp"

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

UpEncoding::UpEncoding(rtp::MediaKind kind, std::uint8_t number)
    : kind_(kind),
      number_(number),
      history_(kind == rtp::MediaKind::video ? video_history : audio_history, history_age) {}

void UpEncoding::learn_ssrc(std::uint32_t ssrc) {
  if (ssrc_ == ssrc) return;
  ssrc_ = ssrc;
  seq_ = {};
  history_.clear();
  reception_.reset();
  nack_ = {};
  key_frames_ = {};
  rates_ = {};
  key_frame_.reset();
  structure_.reset();
  capture_time_ = {};
  picture_size_.reset();
  newest_last_second_.reset();
  newest_second_before_.reset();
}

void UpEncoding::renumber(std::uint8_t number) {
  if (number == number_) return;
  number_ = number;
  history_.clear();
  key_frame_.reset();
  // What is not remembered is not lost.
  newest_last_second_.reset();
  newest_second_before_.reset();
}

std::expected<const ReceivedPacket*, Drop> UpEncoding::accept(const rtp::PacketView& view,
                                                              Packet block, bool again,
                                                              const rtp::Codec& codec,
                                                              const rtp::ExtensionIds& extensions,
                                                              Instant now) {
  ReceivedPacket packet;
  packet.seq = again ? seq_.peek(view.sequence()) : seq_.unwrap(view.sequence());
  packet.timestamp = view.timestamp();
  packet.payload_type = codec.payload_type;
  packet.marker = view.marker();
  packet.payload_offset = static_cast<std::uint16_t>(view.header_size());
  packet.payload_size = static_cast<std::uint16_t>(view.payload().size());
  packet.arrival = now;
  packet.encoding = number_;
  if (kind_ == rtp::MediaKind::video) {
    if (const auto frame = read_frame(view, codec.key.name, extensions, packet.seq))
      packet.frame = *frame;
    if (codec.key.name == rtp::CodecName::vp8) packet.vp8 = rtp::parse_vp8(view.payload());
  }
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
  const bool key_frame = packet.frame.key_frame;
  if (kind_ == rtp::MediaKind::video)
    rates_.received(packet.frame.spatial_id, packet.frame.temporal_id, view.bytes().size(), now);
  if (!again) {
    if (!reception_) reception_.emplace(clock_rate_);
    reception_->received(seq, packet.timestamp, now);
  }
  const ReceivedPacket* stored = history_.insert(packet);
  if (stored == nullptr) return std::unexpected(Drop::duplicate);
  // Sound has no RTX.
  if (kind_ == rtp::MediaKind::video) nack_.received(seq, now);
  if (key_frame) {
    key_frames_.key_frame_started(now);
    if (!key_frame_ || seq > *key_frame_) key_frame_ = seq;
    nack_.forget_before(seq);
  }
  return stored;
}

std::optional<rtp::FrameInfo> UpEncoding::read_frame(const rtp::PacketView& view,
                                                     rtp::CodecName codec,
                                                     const rtp::ExtensionIds& extensions,
                                                     std::uint64_t seq) {
  const auto value = rtp::find_extension(view, extensions[rtp::Extension::dependency_descriptor]);
  auto descriptor =
      value ? rtp::parse_dependency_descriptor(*value, structure_.get()) : std::nullopt;
  if (!descriptor) return rtp::frame_info(codec, view.payload(), view.marker(), nullptr);
  const auto frame = rtp::frame_info(codec, view.payload(), view.marker(), &*descriptor);
  // One that comes late, repeated, is over.
  if (descriptor->structure && (!structure_ || seq > structure_seq_)) {
    structure_ = std::move(descriptor->structure);
    structure_seq_ = seq;
  }
  return frame;
}

void UpEncoding::sender_report(const rtcp::SenderInfo& info, Instant now) {
  if (reception_) reception_->sender_report(info.ntp, now);
  capture_time_.sender_report(info.ntp, info.rtp_timestamp);
}

std::optional<UpEncoding::Picture> UpEncoding::picture_since(Instant oldest) const {
  const ReceivedPacket* first = key_frame_ ? history_.find(*key_frame_) : nullptr;
  if (first == nullptr || first->arrival < oldest) return std::nullopt;
  Picture picture{.first = *key_frame_, .last = *seq_.last(), .bytes = 0};
  for (std::uint64_t seq = picture.first; seq <= picture.last; ++seq) {
    const ReceivedPacket* packet = history_.find(seq);
    if (packet == nullptr) return std::nullopt;
    picture.bytes += packet->block.size();
  }
  return picture;
}

UpEncoding::Loss UpEncoding::take_loss() {
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
