#include "sfu/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "rtcp/feedback.hpp"
#include "rtp/extension.hpp"
#include "rtp/rtx.hpp"

namespace liaison::sfu {
namespace {

// Of one RTCP datagram before encryption: fits any path (RFC 8085 section 3.2).
constexpr std::size_t rtcp_room = 1150;
constexpr Duration report_interval = seconds(1);
constexpr Duration first_report_interval = milliseconds(500);
constexpr Duration first_phase = seconds(10);

}  // namespace

Endpoint::Endpoint(const OpenEndpoint& open, transport::DtlsServer& server, Instant now)
    : id_(open.endpoint),
      call_(open.call),
      transport_(server, {open.local, open.remote_ufrag, open.remote_fingerprint}, now),
      down_(transport_, now),
      rtcp_ssrc_(random_u32()),
      feedback_(rtcp_ssrc_),
      opened_(now),
      next_receiver_report_(now + first_report_interval),
      next_sender_report_(now + first_report_interval),
      next_quality_(now + seconds(1)) {
  totals_.endpoint = id_;
  update(open.media, now);
}

void Endpoint::update(const MediaDescription& media, Instant now) {
  media_ = media;
  index_payload_types();
  for (std::size_t i = up_tracks_.size(); i < media_.up.size(); ++i)
    up_tracks_.emplace_back(media_.up[i]);
  down_.update(media_, now);
  reported_highest_.resize(down_.tracks().size());
}

void Endpoint::index_payload_types() {
  payload_types_.clear();
  for (const auto kind : {rtp::MediaKind::audio, rtp::MediaKind::video}) {
    for (const rtp::Codec& codec : codecs(kind)) {
      payload_types_.push_back({&codec, kind, false, codec.payload_type});
      if (codec.rtx_payload_type)
        payload_types_.push_back({&codec, kind, true, *codec.rtx_payload_type});
    }
  }
}

const Endpoint::PayloadType& Endpoint::meaning_of(std::uint8_t payload_type) const {
  static constexpr PayloadType nothing;
  const auto found = std::ranges::find(payload_types_, payload_type, &PayloadType::payload_type);
  return found == payload_types_.end() ? nothing : *found;
}

const std::vector<rtp::Codec>& Endpoint::codecs(rtp::MediaKind kind) const {
  return kind == rtp::MediaKind::audio ? media_.audio_codecs : media_.video_codecs;
}

const rtp::ExtensionIds& Endpoint::extensions(rtp::MediaKind kind) const {
  return kind == rtp::MediaKind::audio ? media_.audio_extensions : media_.video_extensions;
}

UpTrack* Endpoint::up_track(TrackId track) {
  const auto found =
      std::ranges::find(up_tracks_, track, [](const UpTrack& up) { return up.media().track; });
  return found == up_tracks_.end() ? nullptr : &*found;
}

EndpointClosed Endpoint::totals() const {
  EndpointClosed totals = totals_;
  totals.packets_out = down_.totals().packets;
  totals.bytes_out = down_.totals().bytes;
  return totals;
}

// RFC 9143 section 9.2: by the mid; encoders that send none have one m-line of a kind, and payload
// types of its own.
UpTrack* Endpoint::track_of(const rtp::PacketView& view, const PayloadType& type) {
  const auto value = rtp::find_extension(view, extensions(type.kind)[rtp::Extension::mid]);
  const auto mid = value ? rtp::read_sdes_text(*value) : std::nullopt;
  UpTrack* only = nullptr;
  for (UpTrack& track : up_tracks_) {
    if (track.media().kind != type.kind) continue;
    if (mid && track.media().mid == *mid) return &track;
    if (!mid && only != nullptr) return nullptr;
    if (!mid) only = &track;
  }
  return only;
}

std::expected<Endpoint::Ssrc, Drop> Endpoint::find_or_learn(const rtp::PacketView& view,
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
  const Ssrc learnt{view.ssrc(), static_cast<std::uint16_t>(up - up_tracks_.data()), *rid,
                    type.rtx};
  // A stream that begins anew under another SSRC takes the place of the one before.
  std::erase_if(ssrcs_, [&](const Ssrc& old) {
    return old.up_track == learnt.up_track && old.rid == learnt.rid && old.rtx == learnt.rtx;
  });
  if (ssrcs_.size() == ssrc_limit) return std::unexpected(Drop::ssrc_limit);
  ssrcs_.push_back(learnt);
  if (!type.rtx) up->encodings()[up->place(*rid)].learn_ssrc(view.ssrc());
  return learnt;
}

std::expected<Endpoint::Accepted, Drop> Endpoint::accept(Packet datagram, Instant now) {
  auto view = rtp::PacketView::parse(datagram.bytes());
  if (!view) return std::unexpected(Drop::rtp_malformed);
  const PayloadType& type = meaning_of(view->payload_type());
  if (type.codec == nullptr) return std::unexpected(Drop::unknown_payload_type);
  const rtp::ExtensionIds& ids = extensions(type.kind);
  if (const auto value = rtp::find_extension(*view, ids[rtp::Extension::transport_cc])) {
    if (const auto sequence = rtp::read_transport_sequence(*value))
      feedback_.received(view->ssrc(), *sequence, datagram.size(), now);
  }
  const auto ssrc = find_or_learn(*view, type);
  if (!ssrc) return std::unexpected(ssrc.error());
  UpTrack& track = up_tracks_[ssrc->up_track];

  if (type.rtx) {
    const auto media = track.encodings()[track.place(ssrc->rid)].ssrc();
    if (view->payload().empty()) return std::unexpected(Drop::padding_only);
    if (!media) return std::unexpected(Drop::unknown_ssrc);
    const auto size = rtp::unwrap_rtx(datagram.bytes(), *view, type.codec->payload_type, *media);
    if (!size) return std::unexpected(Drop::rtx_malformed);
    datagram.resize(*size);
    view = rtp::PacketView::parse(datagram.bytes());
    if (!view) return std::unexpected(Drop::rtx_malformed);
  }
  Accepted accepted;
  accepted.reordered = measure(track, track.place(ssrc->rid), *view, *type.codec);
  UpEncoding& encoding = track.encodings()[track.place(ssrc->rid)];
  accepted.track = &track;
  accepted.encoding = &encoding;
  accepted.begins = track.media().kind == rtp::MediaKind::video && !encoding.rates().flows(now);
  if (const auto value = rtp::find_extension(*view, ids[rtp::Extension::audio_level])) {
    if (const auto level = rtp::read_audio_level(*value)) accepted.audio_level = level->level;
  }
  const rtp::Codec* codec = type.codec;
  if (codec->key.name == rtp::CodecName::red) {
    const auto primary = unwrap_red(datagram, encoding, accepted, now);
    if (!primary) return std::unexpected(primary.error());
    codec = *primary;
    view = rtp::PacketView::parse(datagram.bytes());
  }
  const auto packet = encoding.accept(*view, std::move(datagram), type.rtx, *codec, ids, now);
  if (packet)
    accepted.packets[accepted.count++] = *packet;
  else if (accepted.count == 0)
    return std::unexpected(packet.error());
  return accepted;
}

// Of several encodings the pictures say which is the smallest, not the names: encoders give these
// in any order. With a dependency descriptor the payload may be encrypted; whoever sends one is a
// browser, and gives the smallest first.
bool Endpoint::measure(UpTrack& track, std::uint8_t place, const rtp::PacketView& view,
                       const rtp::Codec& codec) const {
  if (track.encodings().size() < 2 || track.media().kind != rtp::MediaKind::video) return false;
  const std::uint8_t descriptor = media_.video_extensions[rtp::Extension::dependency_descriptor];
  if (rtp::find_extension(view, descriptor)) return false;
  const auto size = rtp::picture_size(codec.key.name, view.payload());
  return size && track.resized(place, *size);
}

std::expected<const rtp::Codec*, Drop> Endpoint::unwrap_red(Packet& datagram, UpEncoding& encoding,
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

void Endpoint::sender_report(const rtcp::SenderReport& report, Instant now) {
  for (UpTrack& track : up_tracks_) {
    UpEncoding* encoding = track.encoding_of_ssrc(report.ssrc);
    if (encoding == nullptr) continue;
    sender_clock_.sender_report(report.info.ntp, now);
    encoding->sender_report(report.info, now);
  }
}

void Endpoint::report_block(const rtcp::ReportBlock& block, Instant now) {
  const DownTrack* track = down_.track_of_ssrc(block.ssrc);
  if (track == nullptr) return;
  if (block.last_sr != 0) {
    // RFC 3550 section 6.4.1: all in units of 1/65536 s, modulo 2^32.
    const auto middle = static_cast<std::uint32_t>(ntp_of(now) >> 16);
    const std::uint32_t elapsed = middle - block.last_sr - block.delay_since_last_sr;
    // Clocks that run apart can make it slightly negative; more than a minute is nonsense.
    if (elapsed < 60 * 65536) {
      const Duration sample(static_cast<std::int64_t>(elapsed) * 1'000'000'000 / 65536);
      rtt_ = rtt_ ? (*rtt_ * 7 + sample) / 8 : sample;
    }
  }
  std::uint32_t& highest = reported_highest_[track->media().slot];
  if (highest != 0 && newer(block.highest_sequence, highest)) {
    const double expected = block.highest_sequence - highest;
    down_loss_.expected += expected;
    down_loss_.lost += expected * block.fraction_lost / 256;
  }
  highest = block.highest_sequence;
}

void Endpoint::seal_rtcp(Bytes compound, Instant now, Output& out) {
  if (transport_.seal_rtcp(compound, now, out.transport))
    return;  // no path: the next report says the same
  down_.count_sent(out, now);
}

void Endpoint::send_sender_report(DownTrack& track, const UpTrack& up, const SenderClock& clock,
                                  Instant now, Output& out) {
  const std::size_t number = track.current() ? track.current()->encoding : 0;
  if (number >= up.encodings().size()) return;
  const UpEncoding& source = up.encodings()[number];
  const auto info = track.sender_info(source.capture_time(), clock, source.clock_rate(), now);
  if (!info) return;
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  rtcp::write_sender_report(writer, track.media().ssrc, *info);
  rtcp::write_cname(writer, track.media().ssrc, media_.cname);
  if (writer.ok()) seal_rtcp(writer.written(), now, out);
}

void Endpoint::send_receiver_report(Instant now, Output& out) {
  std::array<rtcp::ReportBlock, rtcp::max_report_blocks> blocks;
  std::size_t count = 0;
  for (UpTrack& track : up_tracks_) {
    for (UpEncoding& encoding : track.encodings()) {
      if (count == blocks.size()) break;
      if (const auto block = encoding.report_block(now)) blocks[count++] = *block;
    }
  }
  if (count == 0) return;
  ask_for_redundancy(now, out);
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  rtcp::write_receiver_report(writer, rtcp_ssrc_, std::span(blocks).first(count));
  rtcp::write_cname(writer, rtcp_ssrc_, media_.cname);
  if (writer.ok()) seal_rtcp(writer.written(), now, out);
}

void Endpoint::ask_for_redundancy(Instant now, Output& out) {
  if (std::ranges::none_of(media_.audio_codecs, [](const rtp::Codec& codec) {
        return codec.key.name == rtp::CodecName::red;
      }))
    return;
  for (UpTrack& track : up_tracks_) {
    if (const auto wanted = track.take_redundancy_changed(now))
      out.events.push_back(RedundancyWanted{id_, track.media().track, *wanted});
  }
}

void Endpoint::send_nacks(UpEncoding& encoding, Instant now, Output& out) {
  nack_batch_.clear();
  if (encoding.nack().collect(now, rtt(), nack_batch_) == NackGenerator::Wish::key_frame)
    encoding.key_frames().request(now);
  std::span<const std::uint16_t> rest(nack_batch_);
  while (!rest.empty()) {
    std::array<std::uint8_t, rtcp_room> room;
    Writer writer(room);
    const std::size_t taken = rtcp::write_nack(writer, rtcp_ssrc_, *encoding.ssrc(), rest);
    if (taken == 0) return;
    seal_rtcp(writer.written(), now, out);
    ++counters_.nacks_out;
    rest = rest.subspan(taken);
  }
}

void Endpoint::tick(Instant now, Output& out) {
  transport_.tick(now, out.transport);
  std::array<std::uint8_t, rtcp_room> room;
  while (feedback_.deadline() <= now) {
    Writer writer(room);
    if (!feedback_.write(writer, now)) break;
    seal_rtcp(writer.written(), now, out);
  }
  for (UpTrack& track : up_tracks_) {
    for (UpEncoding& encoding : track.encodings()) {
      if (!encoding.ssrc()) continue;
      if (encoding.nack().deadline() <= now) send_nacks(encoding, now, out);
      if (encoding.key_frames().deadline() <= now && encoding.key_frames().tick(now, rtt())) {
        Writer writer(room);
        rtcp::write_pli(writer, rtcp_ssrc_, *encoding.ssrc());
        seal_rtcp(writer.written(), now, out);
        ++counters_.plis_out;
      }
    }
  }
  down_.tick(now);
  if (next_receiver_report_ <= now) {
    send_receiver_report(now, out);
    next_receiver_report_ =
        now + (now - opened_ < first_phase ? first_report_interval : report_interval);
  }
  if (next_quality_ <= now) report_quality(now, out);
}

bool Endpoint::take_reports_due(Instant now) {
  if (next_sender_report_ > now) return false;
  next_sender_report_ =
      now + (now - opened_ < first_phase ? first_report_interval : report_interval);
  return true;
}

void Endpoint::report_quality(Instant now, Output& out) {
  const double elapsed = std::chrono::duration<double>(now - next_quality_ + seconds(1)).count();
  next_quality_ = now + seconds(1);
  std::uint32_t expected = 0;
  std::uint32_t lost = 0;
  for (UpTrack& track : up_tracks_) {
    const UpEncoding::Loss loss = track.take_loss();
    expected += loss.expected;
    lost += loss.lost;
  }
  const EndpointClosed all = totals();
  const EndpointClosed before = std::exchange(totals_at_last_quality_, all);
  const DownLoss down = std::exchange(down_loss_, {});
  if (transport_.state() != transport::TransportState::connected) return;
  const auto rate = [&](std::uint64_t bytes) {
    return static_cast<std::uint32_t>(static_cast<double>(bytes) * 8 / elapsed);
  };
  out.events.push_back(EndpointQuality{
      .endpoint = id_,
      .rtt_us = static_cast<std::uint32_t>(
          duration_cast<microseconds>(rtt_.value_or(Duration{})).count()),
      .loss_up = expected == 0 ? 0.0F : static_cast<float>(lost) / static_cast<float>(expected),
      .loss_down = down.expected == 0 ? 0.0F : static_cast<float>(down.lost / down.expected),
      .bitrate_in = rate(all.bytes_in - before.bytes_in),
      .bitrate_out = rate(all.bytes_out - before.bytes_out),
      .over_tcp = transport_.selected() != nullptr && transport_.selected()->is_tcp(),
      .estimate = down_.estimate().value_or(0),
      .wanted = down_.wanted(),
      .limited = down_.limited()});
}

Instant Endpoint::deadline() const {
  Instant at = std::min({transport_.deadline(), feedback_.deadline(), next_receiver_report_,
                         next_sender_report_, next_quality_, down_.deadline()});
  for (const UpTrack& track : up_tracks_) {
    at = std::min(at, track.demand().deadline());
    for (const UpEncoding& encoding : track.encodings()) {
      if (encoding.ssrc())
        at = std::min({at, encoding.nack().deadline(), encoding.key_frames().deadline()});
    }
  }
  return at;
}

}  // namespace liaison::sfu
