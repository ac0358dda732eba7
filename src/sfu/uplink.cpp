#include "sfu/uplink.hpp"

#include <algorithm>

#include "rtp/extension.hpp"
#include "rtp/rtx.hpp"

namespace liaison::sfu {

void Uplink::update(const MediaDescription& media) {
  media_ = media;
  index_payload_types();
  for (std::size_t i = tracks_.size(); i < media_.up.size(); ++i)
    tracks_.emplace_back(media_.up[i], first_demand_);
}

void Uplink::index_payload_types() {
  payload_types_.clear();
  for (const auto kind : {rtp::MediaKind::audio, rtp::MediaKind::video}) {
    for (const rtp::Codec& codec : codecs(kind)) {
      payload_types_.push_back({&codec, kind, false, codec.payload_type});
      if (codec.rtx_payload_type)
        payload_types_.push_back({&codec, kind, true, *codec.rtx_payload_type});
    }
  }
}

const Uplink::PayloadType& Uplink::meaning_of(std::uint8_t payload_type) const {
  static constexpr PayloadType nothing;
  const auto found = std::ranges::find(payload_types_, payload_type, &PayloadType::payload_type);
  return found == payload_types_.end() ? nothing : *found;
}

const std::vector<rtp::Codec>& Uplink::codecs(rtp::MediaKind kind) const {
  return kind == rtp::MediaKind::audio ? media_.audio_codecs : media_.video_codecs;
}

const rtp::ExtensionIds& Uplink::extensions(rtp::MediaKind kind) const {
  return kind == rtp::MediaKind::audio ? media_.audio_extensions : media_.video_extensions;
}

UpTrack* Uplink::track(TrackId track) {
  const auto found =
      std::ranges::find(tracks_, track, [](const UpTrack& up) { return up.media().track; });
  return found == tracks_.end() ? nullptr : &*found;
}

// RFC 9143 section 9.2: by the mid; encoders that send none have one m-line of a kind, and payload
// types of its own.
UpTrack* Uplink::track_of(const rtp::PacketView& view, const PayloadType& type) {
  const auto value = rtp::find_extension(view, extensions(type.kind)[rtp::Extension::mid]);
  const auto mid = value ? rtp::read_sdes_text(*value) : std::nullopt;
  UpTrack* only = nullptr;
  for (UpTrack& track : tracks_) {
    if (track.media().kind != type.kind) continue;
    if (mid && track.media().mid == *mid) return &track;
    if (!mid && only != nullptr) return nullptr;
    if (!mid) only = &track;
  }
  return only;
}

std::expected<Uplink::Ssrc, Drop> Uplink::find_or_learn(const rtp::PacketView& view,
                                                        const PayloadType& type) {
  const auto known = std::ranges::find(ssrcs_, view.ssrc(), &Ssrc::ssrc);
  if (known != ssrcs_.end()) return *known;
  UpTrack* up = track_of(view, type);
  if (up == nullptr) return std::unexpected(Drop::unknown_ssrc);
  const rtp::ExtensionIds& ids = extensions(type.kind);
  const auto rid_value =
      rtp::find_extension(view, ids[type.rtx ? rtp::Extension::repaired_rid : rtp::Extension::rid]);
  const auto rid = up->rid_number(rid_value ? rtp::read_sdes_text(*rid_value) : std::nullopt);
  if (!rid) return std::unexpected(Drop::unknown_ssrc);
  const Ssrc learnt{view.ssrc(), static_cast<std::uint16_t>(up - tracks_.data()), *rid, type.rtx};
  // A stream that begins anew under another SSRC takes the place of the one before.
  std::erase_if(ssrcs_, [&](const Ssrc& old) {
    return old.track == learnt.track && old.rid == learnt.rid && old.rtx == learnt.rtx;
  });
  if (ssrcs_.size() == ssrc_limit) return std::unexpected(Drop::ssrc_limit);
  ssrcs_.push_back(learnt);
  if (!type.rtx) up->encodings()[up->place(*rid)].learn_ssrc(view.ssrc());
  return learnt;
}

std::expected<Uplink::Accepted, Drop> Uplink::accept(Packet datagram, FeedbackSender& feedback,
                                                     Instant now) {
  const auto view = rtp::PacketView::parse(datagram.bytes());
  if (!view) return std::unexpected(Drop::rtp_malformed);
  const PayloadType& type = meaning_of(view->payload_type());
  if (type.codec == nullptr) return std::unexpected(Drop::unknown_payload_type);
  const rtp::ExtensionIds& ids = extensions(type.kind);
  if (const auto value = rtp::find_extension(*view, ids[rtp::Extension::transport_cc])) {
    if (const auto sequence = rtp::read_transport_sequence(*value))
      feedback.received(view->ssrc(), *sequence, datagram.size(), now);
  }
  const auto ssrc = find_or_learn(*view, type);
  if (!ssrc) return std::unexpected(ssrc.error());
  UpTrack& track = tracks_[ssrc->track];
  if (type.rtx) {
    const auto media = track.encodings()[track.place(ssrc->rid)].ssrc();
    if (view->payload().empty()) return std::unexpected(Drop::padding_only);
    if (!media) return std::unexpected(Drop::unknown_ssrc);
    const auto size = rtp::unwrap_rtx(datagram.bytes(), *view, type.codec->payload_type, *media);
    if (!size) return std::unexpected(Drop::rtx_malformed);
    datagram.resize(*size);
    if (!rtp::PacketView::parse(datagram.bytes())) return std::unexpected(Drop::rtx_malformed);
  }
  return accept_media(track, ssrc->rid, type, type.rtx, std::move(datagram), now);
}

std::expected<Uplink::Accepted, Drop> Uplink::accept(UpTrack& track, std::uint8_t rid,
                                                     Packet packet, Instant arrival) {
  const auto view = rtp::PacketView::parse(packet.bytes());
  if (!view) return std::unexpected(Drop::rtp_malformed);
  const PayloadType& type = meaning_of(view->payload_type());
  if (type.codec == nullptr || type.rtx || type.kind != track.media().kind)
    return std::unexpected(Drop::unknown_payload_type);
  if (rid >= track.encodings().size()) return std::unexpected(Drop::unknown_ssrc);
  track.encodings()[track.place(rid)].learn_ssrc(view->ssrc());
  return accept_media(track, rid, type, false, std::move(packet), arrival);
}

std::expected<Uplink::Accepted, Drop> Uplink::accept_media(UpTrack& track, std::uint8_t rid,
                                                           const PayloadType& type, bool again,
                                                           Packet datagram, Instant arrival) {
  auto view = rtp::PacketView::parse(datagram.bytes());
  const rtp::ExtensionIds& ids = extensions(type.kind);
  Accepted accepted;
  accepted.reordered = measure(track, track.place(rid), *view, *type.codec);
  UpEncoding& encoding = track.encodings()[track.place(rid)];
  accepted.track = &track;
  accepted.encoding = &encoding;
  accepted.rid = rid;
  accepted.begins = track.media().kind == rtp::MediaKind::video && !encoding.rates().flows(arrival);
  if (const auto value = rtp::find_extension(*view, ids[rtp::Extension::audio_level])) {
    if (const auto level = rtp::read_audio_level(*value)) accepted.audio_level = level->level;
  }
  const rtp::Codec* codec = type.codec;
  if (codec->key.name == rtp::CodecName::red) {
    const auto primary = unwrap_red(datagram, encoding, accepted, arrival);
    if (!primary) return std::unexpected(primary.error());
    codec = *primary;
    view = rtp::PacketView::parse(datagram.bytes());
  }
  const auto packet = encoding.accept(*view, std::move(datagram), again, *codec, ids, arrival);
  if (packet)
    accepted.packets[accepted.count++] = *packet;
  else if (accepted.count == 0)
    return std::unexpected(packet.error());
  return accepted;
}

// Of several encodings the pictures say which is the smallest, not the names: encoders give these
// in any order. With a dependency descriptor the payload may be encrypted; whoever sends one is a
// browser, and gives the smallest first.
bool Uplink::measure(UpTrack& track, std::uint8_t place, const rtp::PacketView& view,
                     const rtp::Codec& codec) const {
  if (track.encodings().size() < 2 || track.media().kind != rtp::MediaKind::video) return false;
  const std::uint8_t descriptor = media_.video_extensions[rtp::Extension::dependency_descriptor];
  if (rtp::find_extension(view, descriptor)) return false;
  const auto size = rtp::picture_size(codec.key.name, view.payload());
  return size && track.resized(place, *size);
}

std::expected<const rtp::Codec*, Drop> Uplink::unwrap_red(Packet& datagram, UpEncoding& encoding,
                                                          Accepted& accepted, Instant now) {
  const auto view = *rtp::PacketView::parse(datagram.bytes());
  const auto red = rtp::parse_red(view.payload());
  if (!red) return std::unexpected(Drop::red_malformed);
  const auto codec_of = [&](const rtp::RedBlock& block) -> const rtp::Codec* {
    const PayloadType& type = meaning_of(block.payload_type);
    const bool opus = type.codec != nullptr && type.codec->key.name == rtp::CodecName::opus;
    return opus ? type.codec : nullptr;
  };
  const rtp::Codec* codec = codec_of(red->primary);
  if (codec == nullptr) return std::unexpected(Drop::unknown_payload_type);
  std::size_t back = red->count;
  for (const rtp::RedBlock& block : red->redundant()) {
    const auto seq = static_cast<std::uint16_t>(view.sequence() - back--);
    const rtp::Codec* of_block = codec_of(block);
    if (of_block == nullptr || block.payload.empty() || !encoding.misses(seq)) continue;
    Packet packet = datagram.another(rtp::fixed_header_size + block.payload.size());
    if (!packet) continue;
    rtp::write_header(packet.bytes(),
                      {.marker = false,
                       .payload_type = block.payload_type,
                       .sequence = seq,
                       .timestamp = view.timestamp() - block.age,
                       .ssrc = view.ssrc()},
                      {});
    std::ranges::copy(block.payload, packet.bytes().subspan(rtp::fixed_header_size).begin());
    const auto found = *rtp::PacketView::parse(packet.bytes());
    const auto brought = encoding.accept(found, std::move(packet), true, *of_block,
                                         extensions(rtp::MediaKind::audio), now);
    if (brought) accepted.packets[accepted.count++] = *brought;
  }
  const std::size_t header = view.header_size();
  const std::size_t size = red->primary.payload.size();
  const MutableBytes bytes = datagram.bytes();
  std::ranges::copy(red->primary.payload, bytes.subspan(header).begin());  // to the front
  bytes[0] &= 0xdf;                                                        // P
  bytes[1] = static_cast<std::uint8_t>((bytes[1] & 0x80) | red->primary.payload_type);
  datagram.resize(header + size);
  return codec;
}

UpTrack* Uplink::sender_report(std::uint32_t ssrc, const rtcp::SenderInfo& info, Instant now) {
  for (UpTrack& track : tracks_) {
    UpEncoding* encoding = track.encoding_of_ssrc(ssrc);
    if (encoding == nullptr) continue;
    sender_clock_.sender_report(info.ntp, now);
    encoding->sender_report(info, now);
    return &track;
  }
  return nullptr;
}

std::span<const std::uint16_t> Uplink::missing(UpEncoding& encoding, Instant now) {
  missing_.clear();
  if (encoding.nack().collect(now, rtt_, missing_) == NackGenerator::Wish::key_frame)
    encoding.key_frames().request(now);
  return missing_;
}

Instant Uplink::deadline() const {
  Instant at = never;
  for (const UpTrack& track : tracks_) {
    at = std::min(at, track.demand().deadline());
    for (const UpEncoding& encoding : track.encodings()) {
      if (encoding.ssrc())
        at = std::min({at, encoding.nack().deadline(), encoding.key_frames().deadline()});
    }
  }
  return at;
}

}  // namespace liaison::sfu
