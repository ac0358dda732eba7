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
      rtcp_ssrc_(random_u32()),
      feedback_(rtcp_ssrc_),
      opened_(now),
      next_receiver_report_(now + first_report_interval),
      next_sender_report_(now + first_report_interval),
      next_quality_(now + seconds(1)) {
  totals_.endpoint = id_;
  update(open.media);
}

void Endpoint::update(const MediaDescription& media) {
  media_ = media;
  index_payload_types();
  for (std::size_t i = up_tracks_.size(); i < media_.up.size(); ++i)
    up_tracks_.emplace_back(media_.up[i]);
  for (std::size_t i = down_tracks_.size(); i < media_.down.size(); ++i) {
    const DownMedia& down = media_.down[i];
    down_tracks_.emplace_back(down, codecs(down.kind), extensions(down.kind));
  }
  reported_highest_.resize(down_tracks_.size());
}

void Endpoint::index_payload_types() {
  payload_types_.fill({});
  for (const auto kind : {rtp::MediaKind::audio, rtp::MediaKind::video}) {
    for (const rtp::Codec& codec : codecs(kind)) {
      payload_types_[codec.payload_type & 0x7f] = {&codec, kind, false};
      if (codec.rtx_payload_type)
        payload_types_[*codec.rtx_payload_type & 0x7f] = {&codec, kind, true};
    }
  }
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

DownTrack* Endpoint::down_track_of_ssrc(std::uint32_t ssrc) {
  const auto found = std::ranges::find(down_tracks_, ssrc,
                                       [](const DownTrack& down) { return down.media().ssrc; });
  return found == down_tracks_.end() ? nullptr : &*found;
}

std::expected<Endpoint::Ssrc, Drop> Endpoint::find_or_learn(const rtp::PacketView& view,
                                                            const PayloadType& type) {
  const auto known = std::ranges::find(ssrcs_, view.ssrc(), &Ssrc::ssrc);
  if (known != ssrcs_.end()) return *known;
  const auto value = rtp::find_extension(view, extensions(type.kind)[rtp::Extension::mid]);
  const auto mid = value ? rtp::read_sdes_text(*value) : std::nullopt;
  if (!mid) return std::unexpected(Drop::unknown_ssrc);
  const auto up =
      std::ranges::find(up_tracks_, *mid, [](const UpTrack& track) { return track.media().mid; });
  if (up == up_tracks_.end() || up->media().kind != type.kind)
    return std::unexpected(Drop::unknown_ssrc);
  const Ssrc learnt{view.ssrc(), static_cast<std::uint16_t>(up - up_tracks_.begin()), type.rtx};
  // A stream that begins anew under another SSRC takes the place of the one before.
  std::erase_if(ssrcs_, [&](const Ssrc& old) {
    return old.up_track == learnt.up_track && old.rtx == learnt.rtx;
  });
  if (ssrcs_.size() == ssrc_limit) return std::unexpected(Drop::ssrc_limit);
  ssrcs_.push_back(learnt);
  if (!type.rtx) up->learn_ssrc(view.ssrc());
  return learnt;
}

std::expected<Endpoint::Accepted, Drop> Endpoint::accept(Packet datagram, Instant now) {
  auto view = rtp::PacketView::parse(datagram.bytes());
  if (!view) return std::unexpected(Drop::rtp_malformed);
  const PayloadType& type = payload_types_[view->payload_type()];
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
    if (view->payload().empty()) return std::unexpected(Drop::padding_only);
    if (!track.ssrc()) return std::unexpected(Drop::unknown_ssrc);
    const auto size =
        rtp::unwrap_rtx(datagram.bytes(), *view, type.codec->payload_type, *track.ssrc());
    if (!size) return std::unexpected(Drop::rtx_malformed);
    datagram.resize(*size);
    view = rtp::PacketView::parse(datagram.bytes());
    if (!view) return std::unexpected(Drop::rtx_malformed);
  }
  Accepted accepted{.track = &track, .packet = nullptr, .audio_level = std::nullopt};
  if (const auto value = rtp::find_extension(*view, ids[rtp::Extension::audio_level])) {
    if (const auto level = rtp::read_audio_level(*value)) accepted.audio_level = level->level;
  }
  const auto packet = track.accept(*view, std::move(datagram), type.rtx, *type.codec, ids, now);
  if (!packet) return std::unexpected(packet.error());
  accepted.packet = *packet;
  return accepted;
}

void Endpoint::sender_report(const rtcp::SenderReport& report, Instant now) {
  for (UpTrack& track : up_tracks_) {
    if (track.ssrc() != report.ssrc) continue;
    sender_clock_.sender_report(report.info.ntp, now);
    track.sender_report(report.info, now);
  }
}

void Endpoint::report_block(const rtcp::ReportBlock& block, Instant now) {
  const DownTrack* track = down_track_of_ssrc(block.ssrc);
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

std::optional<Drop> Endpoint::forward(DownTrack& track, const ReceivedPacket& packet, Instant now,
                                      Output& out) {
  const auto drop = track.forward(packet, now, transport_, out.transport);
  if (!drop) {
    ++totals_.packets_out;
    totals_.bytes_out += out.transport.transmits.back().size;
  }
  return drop;
}

void Endpoint::seal_rtcp(Bytes compound, Instant now, Output& out) {
  if (transport_.seal_rtcp(compound, now, out.transport))
    return;  // no path: the next report says the same
  ++totals_.packets_out;
  totals_.bytes_out += out.transport.transmits.back().size;
}

void Endpoint::send_sender_report(DownTrack& track, const UpTrack& source, const SenderClock& clock,
                                  Instant now, Output& out) {
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
    if (count == blocks.size()) break;
    if (const auto block = track.report_block(now)) blocks[count++] = *block;
  }
  if (count == 0) return;
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  rtcp::write_receiver_report(writer, rtcp_ssrc_, std::span(blocks).first(count));
  rtcp::write_cname(writer, rtcp_ssrc_, media_.cname);
  if (writer.ok()) seal_rtcp(writer.written(), now, out);
}

void Endpoint::send_nacks(UpTrack& track, Instant now, Output& out) {
  nack_batch_.clear();
  if (track.nack().collect(now, rtt(), nack_batch_) == NackGenerator::Wish::key_frame)
    track.key_frames().request(now);
  std::span<const std::uint16_t> rest(nack_batch_);
  while (!rest.empty()) {
    std::array<std::uint8_t, rtcp_room> room;
    Writer writer(room);
    const std::size_t taken = rtcp::write_nack(writer, rtcp_ssrc_, *track.ssrc(), rest);
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
    if (!track.ssrc()) continue;
    if (track.nack().deadline() <= now) send_nacks(track, now, out);
    if (track.key_frames().deadline() <= now && track.key_frames().tick(now, rtt())) {
      Writer writer(room);
      rtcp::write_pli(writer, rtcp_ssrc_, *track.ssrc());
      seal_rtcp(writer.written(), now, out);
      ++counters_.plis_out;
    }
  }
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
    const UpTrack::Loss loss = track.take_loss();
    expected += loss.expected;
    lost += loss.lost;
  }
  const EndpointClosed before = std::exchange(totals_at_last_quality_, totals_);
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
      .bitrate_in = rate(totals_.bytes_in - before.bytes_in),
      .bitrate_out = rate(totals_.bytes_out - before.bytes_out),
      .over_tcp = transport_.selected() != nullptr && transport_.selected()->is_tcp()});
}

Instant Endpoint::deadline() const {
  Instant at = std::min({transport_.deadline(), feedback_.deadline(), next_receiver_report_,
                         next_sender_report_, next_quality_});
  for (const UpTrack& track : up_tracks_) {
    if (track.ssrc()) at = std::min({at, track.nack().deadline(), track.key_frames().deadline()});
  }
  return at;
}

}  // namespace liaison::sfu
