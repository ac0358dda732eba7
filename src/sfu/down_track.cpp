#include "sfu/down_track.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "rtp/extension.hpp"
#include "rtp/packet.hpp"
#include "rtp/red.hpp"
#include "rtp/rtx.hpp"
#include "rtp/vp8.hpp"

namespace liaison::sfu {
namespace {

// Of the payload of a packet of RED: fits any path.
constexpr std::size_t most_red = 1'100;

constexpr std::uint8_t resend_limit = 6;
constexpr Duration resend_spacing_least = milliseconds(10);
// Resent bytes are at most this share of the forwarded ones, above an allowance to start with: a
// NACK storm must not become a flood.
constexpr std::int64_t resend_share = 2;  // one in two
constexpr std::int64_t resend_allowance = 64 * 1024;

// IP, UDP and the tag of SRTP, which the estimator counts with the rest. An IPv6 header is longer
// by 20: so little that nobody needs to know.
constexpr std::size_t overhead = 20 + 8 + 16;

// The number of a packet for transport-wide feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2). It must be the first extension,
// so that its place is known when the size of the whole is.
class TransportNumber {
 public:
  TransportNumber(const rtp::ExtensionIds& ids, const DownTrack::Outlet& outlet)
      : id_(outlet.estimator == nullptr ? std::uint8_t{0} : ids[rtp::Extension::transport_cc]) {}
  rtp::ExtensionElement element() const { return {id_, empty}; }
  // `size` is that of the RTP packet.
  void write(MutableBytes header, std::size_t size, Instant now,
             const DownTrack::Outlet& outlet) const {
    if (id_ == 0) return;
    const std::uint16_t number = outlet.estimator->sent(size + overhead, now, outlet.probe);
    const bool one_byte = load_u16(&header[12]) == rtp::one_byte_profile;
    std::ranges::copy(rtp::write_transport_sequence(number),
                      header.subspan(one_byte ? 17 : 18).begin());
  }

 private:
  static constexpr std::array<std::uint8_t, 2> empty{};
  std::uint8_t id_;
};

const rtp::Codec* find_codec(std::span<const rtp::Codec> codecs, const rtp::CodecKey& key) {
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
      last_timestamp_(random_u32()) {
  for (const rtp::Codec& codec : codecs_) {
    if (rtx_payload_type_ == 0) rtx_payload_type_ = codec.rtx_payload_type.value_or(0);
    if (codec.key.name == rtp::CodecName::red) red_payload_type_ = codec.payload_type;
  }
}

DownTrack::Mapping DownTrack::map(const rtp::Codec& codec) const {
  using enum Mapping::Mode;
  const rtp::Codec* same = find_codec(codecs_, codec.key);
  // RED is of one hop (Endpoint takes it apart), and never comes this far.
  if (same == nullptr || codec.key.name == rtp::CodecName::red) return {};
  return {codec.key.name == rtp::CodecName::vp8 ? vp8 : as_is, codec.payload_type,
          same->payload_type, same->rtx_payload_type.value_or(0), same->clock_rate};
}

const DownTrack::Mapping& DownTrack::mapping_of(std::uint8_t payload_type) const {
  static constexpr Mapping none;
  const auto found = std::ranges::find(mappings_, payload_type, &Mapping::from);
  return found == mappings_.end() ? none : *found;
}

DownTrack::Resent& DownTrack::resent(std::uint16_t seq) {
  if (resent_.empty()) resent_.resize(resent_limit);
  return resent_[seq % resent_limit];
}

void DownTrack::assign(TrackId track, std::span<const rtp::Codec> codecs) {
  interrupt();
  track_ = track;
  told_demand_.reset();
  seq_map_.forget();
  mappings_.clear();
  for (const rtp::Codec& codec : codecs) {
    const Mapping mapping = map(codec);
    if (mapping.mode != Mapping::Mode::none) mappings_.push_back(mapping);
  }
}

LayerDemand::Wanted DownTrack::demand() const {
  LayerDemand::Wanted wanted = LayerDemand::nothing;
  for (const auto& layer : {granted_, selector_.target(), selector_.current()}) {
    if (!layer) continue;
    wanted.encodings[layer->encoding] = true;
    wanted.spatial_layers =
        std::max(wanted.spatial_layers, static_cast<std::uint8_t>(layer->spatial + 1));
  }
  return wanted;
}

bool DownTrack::take_demand_changed() {
  const LayerDemand::Wanted now = demand();
  return std::exchange(told_demand_, now) != now;
}

void DownTrack::interrupt() {
  started_ = false;
  needed_from_ = highest_sent_ + 1;
  key_frame_waits_.reset();
  selector_.reset();
}

void DownTrack::set_redundancy(std::size_t frames) {
  redundancy_ = red_payload_type_ == 0 ? 0 : std::min(frames, rtp::max_redundant_blocks);
  if (frames_.size() > redundancy_)
    frames_.erase(frames_.begin(), frames_.end() - static_cast<std::ptrdiff_t>(redundancy_));
}

std::uint32_t DownTrack::out_timestamp(const ReceivedPacket& packet,
                                       const SeqMap::Offsets& offsets) {
  const std::uint32_t plain = packet.timestamp + offsets.timestamp;
  const auto before = static_cast<std::int32_t>(offsets.pressed_until - packet.timestamp);
  if (offsets.pressed == 1 || before <= 0) return plain;
  const auto distance = static_cast<std::uint32_t>(before);
  return plain + distance - distance / offsets.pressed;
}

bool DownTrack::replay(const ReceivedPacket& first, const ReceivedPacket& live, Instant now) {
  constexpr std::uint32_t usual = 32;  // a picture of 33 ms becomes one of 1 ms
  constexpr std::uint32_t most = 500;  // and even 6 ticks tell two pictures apart
  const Mapping& mapping = mapping_of(first.payload_type);
  if (mapping.mode == Mapping::Mode::none) return false;
  const std::uint32_t span = live.timestamp - first.timestamp;
  std::uint32_t room = std::max(1U, span);
  if (last_arrival_) {
    const std::int64_t elapsed_us = duration_cast<microseconds>(now - *last_arrival_).count();
    room = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(elapsed_us * mapping.clock_rate / 1'000'000, 1, 1 << 30));
  }
  const std::uint32_t divisor = std::max(usual, span / room + 1);
  if (divisor > most) return false;
  replay_ = Replay{.encoding = first.encoding,
                   .first = first.seq,
                   .offsets = {.timestamp = last_timestamp_ + room - live.timestamp,
                               .encoding = first.encoding,
                               .pressed = static_cast<std::uint16_t>(divisor),
                               .pressed_until = live.timestamp}};
  return true;
}

void DownTrack::start(const ReceivedPacket& packet, const Mapping& mapping) {
  SeqMap::Offsets offsets{.encoding = packet.encoding};
  frames_.clear();  // they were of another time
  // The arrival clock decides how far the timestamp moves, so that no source has to wait for a
  // sender report.
  std::uint32_t next = last_timestamp_;
  if (last_arrival_) {
    const std::int64_t elapsed_us =
        duration_cast<microseconds>(packet.arrival - *last_arrival_).count();
    next += static_cast<std::uint32_t>(
        std::max<std::int64_t>(1, elapsed_us * mapping.clock_rate / 1'000'000));
  }
  offsets.timestamp = next - packet.timestamp;
  const auto replay = std::exchange(replay_, std::nullopt);
  if (replay && replay->encoding == packet.encoding && replay->first == packet.seq)
    offsets = replay->offsets;
  if (mapping.mode == Mapping::Mode::vp8) {
    if (const auto& descriptor = packet.vp8) {
      offsets.picture_id =
          static_cast<std::uint16_t>(last_picture_id_ + 1 - descriptor->picture_id);
      offsets.tl0_index =
          static_cast<std::uint8_t>(last_tl0_picture_index_ + 1 - descriptor->tl0_index);
    }
  }
  // A frame cut off in the middle must look incomplete to the receiver: one number stays free.
  seq_map_.start(packet.seq, video() && !last_marker_ ? 1 : 0, offsets);
  left_picture_id_.reset();
  started_ = true;
}

// VP8 receivers wait for a picture whose id is missing (RFC 7741 section 4.2): ids close up too.
void DownTrack::leave_out(const ReceivedPacket& packet, const Mapping& mapping) {
  SeqMap::Offsets offsets = seq_map_.newest_offsets();
  if (mapping.mode == Mapping::Mode::vp8 && packet.payload_size != 0) {
    const auto& descriptor = packet.vp8;
    if (descriptor && left_picture_id_ != descriptor->picture_id) {
      left_picture_id_ = descriptor->picture_id;
      --offsets.picture_id;
    }
  }
  seq_map_.leave_out(packet.seq, offsets);
}

std::expected<SeqMap::Number, Drop> DownTrack::accept(const ReceivedPacket& packet) {
  const Mapping& mapping = mapping_of(packet.payload_type);
  if (mapping.mode == Mapping::Mode::none) return std::unexpected(Drop::codec_unsupported);
  if (packet.payload_size == 0) {
    const bool ours =
        !video() || (selector_.current() && selector_.current()->encoding == packet.encoding);
    if (started_ && ours) leave_out(packet, mapping);
    return std::unexpected(Drop::padding_only);
  }
  if (video()) {
    switch (selector_.select(packet)) {
      case LayerSelector::Verdict::pass:
        break;
      case LayerSelector::Verdict::start:
        start(packet, mapping);
        break;
      case LayerSelector::Verdict::leave:
        leave_out(packet, mapping);
        return std::unexpected(Drop::layer);
      case LayerSelector::Verdict::wait:
        return std::unexpected(Drop::waiting_key_frame);
      case LayerSelector::Verdict::unwanted:
        return std::unexpected(Drop::layer);
    }
  } else if (!started_) {
    start(packet, mapping);
  }
  const std::uint64_t before = seq_map_.last_out();
  const auto number = seq_map_.translate(packet.seq);
  if (!number) return std::unexpected(Drop::too_old);
  if (number->seq > before) {
    last_timestamp_ = out_timestamp(packet, number->offsets);
    last_arrival_ = packet.arrival;
    last_marker_ = packet.marker || (video() && selector_.ends_picture(packet));
    if (mapping.mode == Mapping::Mode::vp8) {
      if (const auto& descriptor = packet.vp8) {
        last_picture_id_ =
            static_cast<std::uint16_t>(descriptor->picture_id + number->offsets.picture_id);
        last_tl0_picture_index_ =
            static_cast<std::uint8_t>(descriptor->tl0_index + number->offsets.tl0_index);
      }
    }
  }
  if (packet.frame.key_frame) key_frame_waits_ = number->seq;
  return *number;
}

void DownTrack::take_back() {
  // What came late had its number below others that have been sent, and keeps it.
  seq_map_.take_back(highest_sent_ + 1);
  last_marker_ = sent_marker_;
  interrupt();
}

Bytes DownTrack::with_redundancy(Bytes payload, const SeqMap::Number& number,
                                 std::uint32_t timestamp, std::uint8_t payload_type) {
  // What comes late was sent again already, or not at all.
  if (!frames_.empty() && number.seq <= frames_.back().seq) return payload;
  std::array<rtp::RedBlock, rtp::max_redundant_blocks> blocks;
  std::size_t count = 0;
  std::size_t size = 1 + payload.size();
  // Receivers count back from the packet's number: what is missing in between ends it.
  std::size_t first = frames_.size();
  for (std::uint64_t seq = number.seq; first > 0 && frames_.size() - first < redundancy_; --first) {
    const Frame& frame = frames_[first - 1];
    const std::size_t larger = size + 4 + frame.payload.size();
    if (frame.seq != --seq || timestamp - frame.timestamp > rtp::max_red_age || larger > most_red)
      break;
    size = larger;
  }
  for (std::size_t i = first; i < frames_.size(); ++i)
    blocks[count++] = {payload_type, timestamp - frames_[i].timestamp, frames_[i].payload};
  Bytes whole = payload;
  if (count != 0) {
    red_.resize(size);
    Writer writer(red_);
    rtp::write_red(writer, std::span(blocks).first(count), payload_type, payload);
    whole = writer.written();
  }
  if (payload.size() > rtp::max_red_size) {
    frames_.clear();
    return whole;
  }
  // The oldest makes room, and lends its memory.
  if (frames_.size() < redundancy_)
    frames_.emplace_back();
  else
    std::ranges::rotate(frames_, frames_.begin() + 1);
  frames_.back().seq = number.seq;
  frames_.back().timestamp = timestamp;
  frames_.back().payload.assign(payload.begin(), payload.end());
  return whole;
}

std::optional<DownTrack::Payload> DownTrack::translate(const ReceivedPacket& packet,
                                                       const Mapping& mapping,
                                                       const SeqMap::Offsets& offsets) const {
  Payload payload{.rest = packet.payload()};
  if (mapping.mode == Mapping::Mode::vp8) {
    const auto& descriptor = packet.vp8;
    if (!descriptor || descriptor->size > payload.prefix.size()) return std::nullopt;
    payload.prefix_size = descriptor->size;
    std::ranges::copy(payload.rest.first(descriptor->size), payload.prefix.begin());
    payload.rest = payload.rest.subspan(descriptor->size);
    rtp::rewrite_vp8(MutableBytes(payload.prefix).first(payload.prefix_size), *descriptor,
                     static_cast<std::uint16_t>(descriptor->picture_id + offsets.picture_id),
                     static_cast<std::uint8_t>(descriptor->tl0_index + offsets.tl0_index));
  }
  return payload;
}

std::optional<Drop> DownTrack::send(const ReceivedPacket& packet, const SeqMap::Number& number,
                                    Instant now, const Outlet& outlet) {
  const Mapping& mapping = mapping_of(packet.payload_type);
  if (mapping.mode == Mapping::Mode::none) return Drop::codec_unsupported;
  if (const auto drop = seal(packet, mapping, number, false, now, outlet)) return drop;
  if (number.seq > highest_sent_) {
    highest_sent_ = number.seq;
    sent_marker_ = packet.marker || (video() && selector_.ends_picture(packet));
  }
  if (packet.frame.key_frame) {
    needed_from_ = std::max(needed_from_, number.seq);
    key_frame_sent_ = now;
    if (key_frame_waits_ == number.seq) key_frame_waits_.reset();
  }
  ++packets_sent_;
  octets_sent_ += packet.payload_size;
  resend_budget_ = std::min(resend_allowance, resend_budget_ + packet.payload_size / resend_share);
  return std::nullopt;
}

std::optional<Drop> DownTrack::seal(const ReceivedPacket& packet, const Mapping& mapping,
                                    const SeqMap::Number& number, bool rtx, Instant now,
                                    const Outlet& outlet) {
  std::array<rtp::ExtensionElement, ReceivedPacket::passed_limit + 1> elements;
  std::size_t count = 0;
  const TransportNumber transport_number(extensions_, outlet);
  elements[count++] = transport_number.element();
  for (std::size_t i = 0; i < packet.passed_count; ++i) {
    elements[count++] = {extensions_[packet.passed[i].extension], packet.value(packet.passed[i])};
  }
  const auto seq = static_cast<std::uint16_t>(number.seq);
  rtp::HeaderFields fields{.marker = packet.marker || (video() && selector_.ends_picture(packet)),
                           .payload_type = mapping.payload_type,
                           .sequence = seq,
                           .timestamp = out_timestamp(packet, number.offsets),
                           .ssrc = media_.ssrc};
  if (rtx) {
    fields.payload_type = mapping.rtx_payload_type;
    fields.sequence = ++rtx_seq_;
    fields.ssrc = media_.rtx_ssrc;
  }
  auto payload = translate(packet, mapping, number.offsets);
  if (!payload) return Drop::rtp_malformed;
  if (redundancy_ != 0) {
    const Bytes whole =
        with_redundancy(payload->rest, number, fields.timestamp, mapping.payload_type);
    if (whole.data() != payload->rest.data()) fields.payload_type = red_payload_type_;
    payload->rest = whole;
  }

  // RTP header, then the beginning of the payload that differs from the publisher's.
  std::array<std::uint8_t, 160> head;
  const std::size_t header_size = rtp::write_header(head, fields, std::span(elements).first(count));
  if (header_size == 0) return Drop::oversize;
  Writer writer(MutableBytes(head).subspan(header_size));
  if (rtx) writer.u16(seq);  // the original sequence number (RFC 4588 section 4)
  writer.bytes(Bytes(payload->prefix).first(payload->prefix_size));
  if (!writer.ok()) return Drop::oversize;
  const std::size_t head_size = header_size + writer.size();
  transport_number.write(head, head_size + payload->rest.size(), now, outlet);
  return outlet.transport.seal_rtp(Bytes(head).first(head_size), payload->rest, now, outlet.out);
}

std::optional<SeqMap::Number> DownTrack::to_repeat(std::uint16_t seq, Duration rtt, Instant now) {
  if (!started_ || !has_rtx()) return std::nullopt;
  const auto in = seq_map_.reverse(seq);
  if (!in) return std::nullopt;
  if (needed_from_ != 0 && newer(static_cast<std::uint16_t>(needed_from_), seq))
    return std::nullopt;
  Resent& before = resent(seq);
  if (before.times == 0 || before.seq != seq) {
    before = {.seq = seq, .times = 0, .last = {}};
  } else if (before.times >= resend_limit ||
             now - before.last < std::max(rtt, resend_spacing_least)) {
    return std::nullopt;
  }
  return in;
}

std::optional<Drop> DownTrack::repeat(const ReceivedPacket& packet, const SeqMap::Number& number,
                                      std::uint16_t seq, Instant now, const Outlet& outlet) {
  const Mapping& mapping = mapping_of(packet.payload_type);
  if (packet.payload_size == 0 || mapping.mode == Mapping::Mode::none ||
      mapping.rtx_payload_type == 0)
    return Drop::codec_unsupported;
  if (resend_budget_ < packet.payload_size) return Drop::repeat_limit;
  if (const auto drop = seal(packet, mapping, {seq, number.offsets}, true, now, outlet))
    return drop;
  Resent& before = resent(seq);
  if (before.seq == seq) {
    before.last = now;
    ++before.times;
  }
  resend_budget_ -= packet.payload_size;
  return std::nullopt;
}

std::optional<Drop> DownTrack::pad(std::uint8_t size, Instant now, const Outlet& outlet) {
  const TransportNumber transport_number(extensions_, outlet);
  const std::array elements = {transport_number.element()};
  std::array<std::uint8_t, 40> head;
  const std::size_t head_size = rtp::write_header(head,
                                                  {.marker = false,
                                                   .payload_type = rtx_payload_type_,
                                                   .sequence = ++rtx_seq_,
                                                   .timestamp = last_timestamp_,
                                                   .ssrc = media_.rtx_ssrc},
                                                  elements);
  if (head_size == 0) return Drop::oversize;
  head[0] |= 0x20;  // P
  std::array<std::uint8_t, 255> room{};
  const MutableBytes padding = MutableBytes(room).first(size);
  padding.back() = size;
  transport_number.write(head, head_size + size, now, outlet);
  return outlet.transport.seal_rtp(Bytes(head).first(head_size), padding, now, outlet.out);
}

std::optional<rtcp::SenderInfo> DownTrack::sender_info(const CaptureTime& capture,
                                                       const SenderClock& clock,
                                                       std::uint32_t publisher_clock_rate,
                                                       Instant now) const {
  if (!started_ || packets_sent_ == 0) return std::nullopt;
  const auto timestamp = capture.rtp_timestamp_at(now, clock, publisher_clock_rate);
  if (!timestamp) return std::nullopt;
  return rtcp::SenderInfo{.ntp = ntp_of(now),
                          .rtp_timestamp = *timestamp + seq_map_.newest_offsets().timestamp,
                          .packets = packets_sent_,
                          .octets = octets_sent_};
}

}  // namespace liaison::sfu
