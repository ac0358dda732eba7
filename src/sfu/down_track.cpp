#include "sfu/down_track.hpp"

#include <algorithm>

#include "base/random.hpp"
#include "rtp/packet.hpp"
#include "rtp/red.hpp"
#include "rtp/rtx.hpp"
#include "rtp/vp8.hpp"

namespace liaison::sfu {
namespace {

constexpr std::uint8_t resend_limit = 6;
constexpr Duration resend_spacing_least = milliseconds(10);
// Resent bytes are at most this share of the forwarded ones, above an allowance to start with: a
// NACK storm must not become a flood.
constexpr std::int64_t resend_share = 2;  // one in two
constexpr std::int64_t resend_allowance = 64 * 1024;

const rtp::Codec* find(std::span<const rtp::Codec> codecs, const rtp::CodecKey& key) {
  const auto found = std::ranges::find(codecs, key, &rtp::Codec::key);
  return found == codecs.end() ? nullptr : &*found;
}

}  // namespace

DownTrack::DownTrack(const DownMedia& media, std::span<const rtp::Codec> codecs,
                     const rtp::ExtensionIds& extensions)
    : media_(media),
      codecs_(codecs.begin(), codecs.end()),
      extensions_(extensions),
      // RFC 3550 section 5.1: numbers start at random, here in the lower half so that 16 bits do
      // not wrap at once.
      seq_map_(static_cast<std::uint16_t>(random_u32() & 0x7fff)),
      rtx_seq_(static_cast<std::uint16_t>(random_u32() & 0x7fff)),
      last_timestamp_(random_u32()) {}

DownTrack::Mapping DownTrack::map(std::span<const rtp::Codec> published,
                                  const rtp::Codec& codec) const {
  using enum Mapping::Mode;
  const auto as = [](Mapping::Mode mode, const rtp::Codec& target) {
    return Mapping{mode, target.payload_type, target.rtx_payload_type.value_or(0),
                   target.clock_rate};
  };
  const rtp::Codec* same = find(codecs_, codec.key);
  if (codec.key.name == rtp::CodecName::red) {
    // The blocks inside name the publisher's payload type for Opus: they pass only where it means
    // the same here.
    const rtp::CodecKey opus{rtp::CodecName::opus, 0};
    const rtp::Codec* theirs = find(published, opus);
    const rtp::Codec* ours = find(codecs_, opus);
    if (ours == nullptr || theirs == nullptr) return {};
    if (same == nullptr || theirs->payload_type != ours->payload_type)
      return as(red_to_opus, *ours);
  }
  if (same == nullptr) return {};
  return as(codec.key.name == rtp::CodecName::vp8 ? vp8 : as_is, *same);
}

void DownTrack::assign(TrackId track, std::span<const rtp::Codec> codecs) {
  track_ = track;
  started_ = false;
  mappings_.fill({});
  for (const rtp::Codec& codec : codecs) mappings_[codec.payload_type & 0x7f] = map(codecs, codec);
}

void DownTrack::start(const ReceivedPacket& packet, const Mapping& mapping) {
  // A frame cut off in the middle must look incomplete to the receiver: one number stays free.
  seq_map_.start(packet.seq, media_.kind == rtp::MediaKind::video && !last_marker_ ? 1 : 0);
  // The arrival clock decides how far the timestamp moves, so that no source has to wait for a
  // sender report.
  std::uint32_t next = last_timestamp_;
  if (last_arrival_) {
    const std::int64_t elapsed_us =
        duration_cast<microseconds>(packet.arrival - *last_arrival_).count();
    next += static_cast<std::uint32_t>(
        std::max<std::int64_t>(1, elapsed_us * mapping.clock_rate / 1'000'000));
  }
  timestamp_offset_ = next - packet.timestamp;
  if (mapping.mode == Mapping::Mode::vp8) {
    if (const auto descriptor = rtp::parse_vp8(packet.payload())) {
      picture_id_offset_ =
          static_cast<std::uint16_t>(last_picture_id_ + 1 - descriptor->picture_id);
      tl0_picture_index_offset_ =
          static_cast<std::uint8_t>(last_tl0_picture_index_ + 1 - descriptor->tl0_index);
    }
  }
  started_ = true;
}

std::optional<DownTrack::Payload> DownTrack::translate(const ReceivedPacket& packet,
                                                       const Mapping& mapping) {
  Payload payload{.rest = packet.payload()};
  if (mapping.mode == Mapping::Mode::red_to_opus) {
    const auto primary = rtp::red_primary(packet.payload());
    if (!primary) return std::nullopt;
    payload.rest = primary->payload;
  } else if (mapping.mode == Mapping::Mode::vp8) {
    const auto descriptor = rtp::parse_vp8(packet.payload());
    if (!descriptor || descriptor->size > payload.prefix.size()) return std::nullopt;
    payload.prefix_size = descriptor->size;
    std::ranges::copy(payload.rest.first(descriptor->size), payload.prefix.begin());
    payload.rest = payload.rest.subspan(descriptor->size);
    const auto picture_id = static_cast<std::uint16_t>(descriptor->picture_id + picture_id_offset_);
    const auto tl0_index =
        static_cast<std::uint8_t>(descriptor->tl0_index + tl0_picture_index_offset_);
    rtp::rewrite_vp8(MutableBytes(payload.prefix).first(payload.prefix_size), *descriptor,
                     picture_id, tl0_index);
    if (newer<std::uint16_t>(static_cast<std::uint16_t>(picture_id << 1),
                             static_cast<std::uint16_t>(last_picture_id_ << 1))) {
      last_picture_id_ = picture_id & 0x7fff;
      last_tl0_picture_index_ = tl0_index;
    }
  }
  return payload;
}

std::optional<Drop> DownTrack::forward(const ReceivedPacket& packet, Instant now,
                                       transport::Transport& transport, transport::Output& out) {
  const Mapping& mapping = mappings_[packet.payload_type & 0x7f];
  if (mapping.mode == Mapping::Mode::none) return Drop::codec_unsupported;
  if (packet.payload_size == 0) {
    if (started_) seq_map_.leave_out(packet.seq);
    return Drop::padding_only;
  }
  if (!started_) {
    if (media_.kind == rtp::MediaKind::video && !packet.key_frame) return Drop::waiting_key_frame;
    start(packet, mapping);
  }
  const std::uint64_t before = seq_map_.last_out();
  const auto seq = seq_map_.translate(packet.seq);
  if (!seq) return Drop::too_old;
  if (packet.key_frame && *seq > key_frame_out_) key_frame_out_ = *seq;
  const auto drop =
      send(packet, mapping, static_cast<std::uint16_t>(*seq), false, now, transport, out);
  if (*seq > before) {
    last_timestamp_ = packet.timestamp + timestamp_offset_;
    last_arrival_ = packet.arrival;
    last_marker_ = packet.marker;
  }
  if (!drop) {
    ++packets_sent_;
    octets_sent_ += packet.payload_size;
    resend_budget_ =
        std::min(resend_allowance, resend_budget_ + packet.payload_size / resend_share);
  }
  return drop;
}

std::optional<Drop> DownTrack::send(const ReceivedPacket& packet, const Mapping& mapping,
                                    std::uint16_t seq, bool rtx, Instant now,
                                    transport::Transport& transport, transport::Output& out) {
  std::array<rtp::ExtensionElement, ReceivedPacket::passed_limit> elements;
  std::size_t count = 0;
  for (std::size_t i = 0; i < packet.passed_count; ++i) {
    elements[count++] = {extensions_[packet.passed[i].extension], packet.value(packet.passed[i])};
  }
  rtp::HeaderFields fields{.marker = packet.marker,
                           .payload_type = mapping.payload_type,
                           .sequence = seq,
                           .timestamp = packet.timestamp + timestamp_offset_,
                           .ssrc = media_.ssrc};
  if (rtx) {
    fields.payload_type = mapping.rtx_payload_type;
    fields.sequence = ++rtx_seq_;
    fields.ssrc = media_.rtx_ssrc;
  }
  const auto payload = translate(packet, mapping);
  if (!payload) return Drop::rtp_malformed;

  // RTP header, then the beginning of the payload that differs from the publisher's.
  std::array<std::uint8_t, 160> head;
  const std::size_t header_size = rtp::write_header(head, fields, std::span(elements).first(count));
  if (header_size == 0) return Drop::oversize;
  Writer writer(MutableBytes(head).subspan(header_size));
  if (rtx) writer.u16(seq);  // the original sequence number (RFC 4588 section 4)
  writer.bytes(Bytes(payload->prefix).first(payload->prefix_size));
  if (!writer.ok()) return Drop::oversize;
  return transport.seal_rtp(Bytes(head).first(header_size + writer.size()), payload->rest, now,
                            out);
}

bool DownTrack::retransmit(std::uint16_t seq, const PacketHistory& history, Duration rtt,
                           Instant now, transport::Transport& transport, transport::Output& out) {
  if (!started_ || media_.rtx_ssrc == 0) return false;
  const auto in = seq_map_.reverse(seq);
  if (!in) return false;
  if (key_frame_out_ != 0 && newer(static_cast<std::uint16_t>(key_frame_out_), seq)) return false;
  const ReceivedPacket* packet = history.find(*in);
  if (packet == nullptr || packet->payload_size == 0) return false;
  const Mapping& mapping = mappings_[packet->payload_type & 0x7f];
  if (mapping.mode == Mapping::Mode::none || mapping.rtx_payload_type == 0) return false;

  Resent& resent = resent_[seq % resent_.size()];
  if (resent.times == 0 || resent.seq != seq) {
    resent = {.seq = seq, .times = 0, .last = {}};
  } else if (resent.times >= resend_limit ||
             now - resent.last < std::max(rtt, resend_spacing_least)) {
    return false;
  }
  if (resend_budget_ < packet->payload_size) return false;
  if (send(*packet, mapping, seq, true, now, transport, out)) return false;
  resent.last = now;
  ++resent.times;
  resend_budget_ -= packet->payload_size;
  return true;
}

std::optional<rtcp::SenderInfo> DownTrack::sender_info(const CaptureTime& capture,
                                                       const SenderClock& clock,
                                                       std::uint32_t publisher_clock_rate,
                                                       Instant now) const {
  if (!started_ || packets_sent_ == 0) return std::nullopt;
  const auto timestamp = capture.rtp_timestamp_at(now, clock, publisher_clock_rate);
  if (!timestamp) return std::nullopt;
  return rtcp::SenderInfo{.ntp = ntp_of(now),
                          .rtp_timestamp = *timestamp + timestamp_offset_,
                          .packets = packets_sent_,
                          .octets = octets_sent_};
}

}  // namespace liaison::sfu
