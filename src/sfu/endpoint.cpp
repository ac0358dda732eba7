#include "sfu/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "rtcp/feedback.hpp"

namespace liaison::sfu {
namespace {

// Of one RTCP datagram before encryption: fits any path (RFC 8085 section 3.2).
constexpr std::size_t rtcp_room = 1150;
constexpr Duration report_interval = seconds(1);
constexpr Duration first_report_interval = milliseconds(500);
constexpr Duration first_phase = seconds(10);
constexpr Duration quality_interval = seconds(1);

}  // namespace

Endpoint::Endpoint(const OpenEndpoint& open, transport::DtlsServer& server, Instant now)
    : id_(open.endpoint),
      call_(open.call),
      transport_(server, {open.local, open.remote_ufrag, open.remote_fingerprint}, now),
      up_(open.endpoint),
      down_(transport_, now),
      rtcp_ssrc_(random_u32()),
      feedback_(rtcp_ssrc_),
      opened_(now),
      next_receiver_report_(on_beat(now + first_report_interval)),
      next_sender_report_(on_beat(now + first_report_interval)),
      quality_since_(now),
      next_quality_(on_beat(now + quality_interval)) {
  totals_.endpoint = id_;
  update(open.media, now);
}

void Endpoint::update(const MediaDescription& media, Instant now) {
  up_.update(media);
  down_.update(media, now);
  reported_highest_.resize(down_.tracks().size());
}

EndpointClosed Endpoint::totals() const {
  EndpointClosed totals = totals_;
  totals.packets_out = down_.totals().packets;
  totals.bytes_out = down_.totals().bytes;
  return totals;
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
      up_.set_rtt(*rtt_);
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
  rtcp::write_cname(writer, track.media().ssrc, up_.media().cname);
  if (writer.ok()) seal_rtcp(writer.written(), now, out);
}

void Endpoint::send_receiver_report(Instant now, Output& out) {
  std::array<rtcp::ReportBlock, rtcp::max_report_blocks> blocks;
  std::size_t count = 0;
  for (UpTrack& track : up_.tracks()) {
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
  rtcp::write_cname(writer, rtcp_ssrc_, up_.media().cname);
  if (writer.ok()) seal_rtcp(writer.written(), now, out);
}

void Endpoint::ask_for_redundancy(Instant now, Output& out) {
  if (std::ranges::none_of(up_.media().audio_codecs, [](const rtp::Codec& codec) {
        return codec.key.name == rtp::CodecName::red;
      }))
    return;
  for (UpTrack& track : up_.tracks()) {
    if (const auto wanted = track.take_redundancy_changed(now))
      out.events.push_back(RedundancyWanted{id_, track.media().track, *wanted});
  }
}

void Endpoint::send_nacks(UpEncoding& encoding, Instant now, Output& out) {
  std::span<const std::uint16_t> rest = up_.missing(encoding, now);
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
  for (UpTrack& track : up_.tracks()) {
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
        on_beat(now + (now - opened_ < first_phase ? first_report_interval : report_interval));
  }
  if (next_quality_ <= now) report_quality(now, out);
}

bool Endpoint::take_reports_due(Instant now) {
  if (next_sender_report_ > now) return false;
  next_sender_report_ =
      on_beat(now + (now - opened_ < first_phase ? first_report_interval : report_interval));
  return true;
}

void Endpoint::report_quality(Instant now, Output& out) {
  const double elapsed =
      std::chrono::duration<double>(now - std::exchange(quality_since_, now)).count();
  next_quality_ = on_beat(now + quality_interval);
  std::uint32_t expected = 0;
  std::uint32_t lost = 0;
  for (UpTrack& track : up_.tracks()) {
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
  return std::min({transport_.deadline(), feedback_.deadline(), next_receiver_report_,
                   next_sender_report_, next_quality_, down_.deadline(), up_.deadline()});
}

}  // namespace liaison::sfu
