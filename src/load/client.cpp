#include "load/client.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "rtcp/feedback.hpp"
#include "rtp/extension.hpp"
#include "rtp/frame_info.hpp"
#include "rtp/rtx.hpp"
#include "sfu/sender_clock.hpp"

namespace liaison::load {
namespace {

// A server that knows them all takes the first, as it is the cheapest; and one that prefers another
// order takes it too, as the only one of its kind: so all servers are measured with the same
// cipher.
constexpr std::string_view srtp_profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
constexpr Duration report_interval = seconds(1);
// As long as a viewer waits for a key frame until it asks; each time twice as long, so that one to
// whom nothing comes is no load.
constexpr Duration key_frame_wait = milliseconds(500);
constexpr Duration longest_key_frame_wait = seconds(60);
// Until an answer to a NACK can be here; load tests are run on short paths.
constexpr Duration round_trip = milliseconds(50);
constexpr std::size_t rtcp_room = 1'200;
// Somebody who talks: -20 dBov.
constexpr rtp::AudioLevel talking = {20, true};

}  // namespace

void Tally::add(const Tally& other) {
  packets_sent += other.packets_sent;
  packets += other.packets;
  bytes += other.bytes;
  lost += other.lost;
  late += other.late;
  repeated += other.repeated;
  damaged += other.damaged;
  nacks += other.nacks;
  key_frame_requests += other.key_frame_requests;
  audio.add(other.audio);
  video.add(other.video);
}

Client::Client(const ClientOptions& options, const transport::Certificate& certificate)
    : options_(options),
      certificate_(certificate),
      local_{random_ice_chars(8), random_ice_chars(24)},
      ssrcs_{random_u32() | 1, random_u32() & ~1U},
      arrivals_(ssrcs_[0]) {}

std::string Client::offer(std::optional<SocketAddress> candidate) const {
  return write_offer({.sends = options_.publishes,
                      .audio = options_.audio_bits_per_second > 0,
                      .video = options_.video_bits_per_second > 0,
                      .transport_cc = options_.transport_cc,
                      .local = local_,
                      .fingerprint = certificate_.fingerprint,
                      .candidate = candidate,
                      .ssrcs = ssrcs_});
}

Result<void> Client::answer(std::string_view text, Instant now) {
  auto answer = read_answer(text);
  if (!answer) return std::unexpected(answer.error());
  answer_ = std::move(*answer);
  connector_.emplace(transport::ConnectorOptions{.local = local_,
                                                 .remote = answer_->remote,
                                                 .remote_fingerprint = answer_->fingerprint,
                                                 .srtp_profiles = std::string(srtp_profiles)},
                     certificate_);
  for (const SocketAddress& address : answer_->candidates) connector_->add_path(path(address), now);
  return {};
}

Client::State Client::state() const {
  if (!connector_) return State::offering;
  if (connector_->failed() || connector_->closed_by_server()) return State::failed;
  return connector_->connected() ? State::connected : State::connecting;
}

std::uint64_t Client::skipped() const {
  std::uint64_t frames = 0;
  for (const Up& up : up_) frames += up.source.skipped();
  return frames;
}

bool Client::take_complete() {
  bool complete = !down_.empty();
  for (Down& down : down_) complete = std::exchange(down.arrived, false) && complete;
  return complete;
}

void Client::receive(const SocketAddress& from, Bytes datagram, Instant now, Output& out) {
  if (!connector_) return;
  connector_->receive(path(from), datagram, now, out.transport);
  if (!chosen_ && connector_->nominated()) choose_path();
  if (!begun_ && connector_->connected()) begin(now);
  for (auto& packet : connector_->take_rtp()) take_rtp(packet, now, out);
  for (const auto& compound : connector_->take_rtcp()) take_rtcp(compound, now);
}

// The other candidates need no checks any more.
void Client::choose_path() {
  chosen_ = true;
  for (const SocketAddress& address : answer_->candidates) {
    if (path(address) != *connector_->selected()) connector_->remove_path(path(address));
  }
}

void Client::begin(Instant now) {
  begun_ = true;
  // Not all clients in the same instant.
  next_report_ = now + report_interval * (random_u32() % 1'000) / 1'000;
  for (const AnsweredLine& line : answer_->lines) {
    const bool video = line.kind == rtp::MediaKind::video;
    if (!options_.publishes) {
      down_.emplace_back(line, key_frame_wait).next_request = now + key_frame_wait;
      continue;
    }
    const MediaSource::Options source{
        .video = video,
        .bits_per_second = video ? options_.video_bits_per_second : options_.audio_bits_per_second,
        .source = 2 * options_.number + (video ? 1 : 0),
        .first_sequence = static_cast<std::uint16_t>(random_u32())};
    up_.push_back({line, MediaSource(source, now), ssrcs_[video ? 1 : 0]});
  }
}

void Client::tick(Instant now, Output& out) {
  if (!connector_) return;
  if (now >= connector_->deadline()) connector_->tick(now, out.transport);
  if (state() != State::connected) return;
  for (Up& up : up_) {
    if (now >= up.source.deadline()) send(up, now, out);
  }
  for (Down& down : down_) send_wishes(down, now, out);
  if (now >= arrivals_.deadline()) send_feedback(now, out);
  if (now >= next_report_) send_reports(now, out);
}

Instant Client::deadline() const {
  if (!connector_) return never;
  // What is due of media has no time where there is no path, or none any more: tick() leaves it.
  if (state() != State::connected) return connector_->deadline();
  Instant next = std::min({connector_->deadline(), next_report_, arrivals_.deadline()});
  for (const Up& up : up_) next = std::min(next, up.source.deadline());
  for (const Down& down : down_) {
    next = std::min(next, down.nack.deadline());
    if (!down.began) next = std::min(next, down.next_request);
  }
  return next;
}

void Client::close(Output& out) {
  if (connector_) connector_->close(out.transport);
}

// ── A publisher ──

void Client::send(Up& up, Instant now, Output& out) {
  const std::array<std::uint8_t, 1> level = rtp::write_audio_level(talking);
  up.source.tick(now, now, [&](rtp::HeaderFields fields, Bytes payload) {
    fields.payload_type = up.line.payload_type;
    fields.ssrc = up.ssrc;
    const std::array<std::uint8_t, 2> number = rtp::write_transport_sequence(transport_sequence_++);
    const rtp::ExtensionIds& ids = up.line.extensions;
    const bool audio = up.line.kind == rtp::MediaKind::audio;
    const std::array<rtp::ExtensionElement, 3> elements = {
        {{ids[rtp::Extension::mid], as_bytes(up.line.mid)},
         {ids[rtp::Extension::transport_cc], number},
         {audio ? ids[rtp::Extension::audio_level] : std::uint8_t{0}, level}}};
    std::array<std::uint8_t, 64> header;
    const std::size_t size = rtp::write_header(header, fields, elements);
    if (connector_->seal_rtp(Bytes(header).first(size), payload, out.transport)) return;
    up.octets += static_cast<std::uint32_t>(payload.size());
    ++out.tally.packets_sent;
  });
}

// ── A viewer ──

void Client::take_rtp(std::vector<std::uint8_t>& bytes, Instant now, Output& out) {
  auto packet = rtp::PacketView::parse(bytes);
  if (!packet) {
    ++out.tally.damaged;
    return;
  }
  // By SSRC where the answer says it, else by payload type: there is one m-line of a kind.
  const auto is_media = [&](const Down& down) {
    return down.line.ssrc != 0 ? down.line.ssrc == packet->ssrc()
                               : down.line.payload_type == packet->payload_type();
  };
  const auto is_repeated = [&](const Down& down) {
    return down.line.rtx_payload_type != 0 && down.line.rtx_payload_type == packet->payload_type();
  };
  auto down = std::ranges::find_if(down_, is_media);
  const bool repaired = down == down_.end();
  if (repaired) down = std::ranges::find_if(down_, is_repeated);
  if (down == down_.end()) {
    ++out.tally.damaged;
    return;
  }
  if (const auto number =
          rtp::find_extension(*packet, down->line.extensions[rtp::Extension::transport_cc])) {
    if (const auto sequence = rtp::read_transport_sequence(*number))
      arrivals_.received(packet->ssrc(), *sequence, bytes.size(), now);
  }
  if (packet->payload().empty()) return;  // a probe
  if (repaired) {
    const auto size = rtp::unwrap_rtx(bytes, *packet, down->line.payload_type, down->line.ssrc);
    packet = size ? rtp::PacketView::parse(Bytes(bytes).first(*size)) : std::nullopt;
    if (!packet) {
      ++out.tally.damaged;
      return;
    }
  }
  take_media(*down, *packet, repaired, now, out);
}

void Client::take_media(Down& down, const rtp::PacketView& packet, bool repaired, Instant now,
                        Output& out) {
  const bool video = down.line.kind == rtp::MediaKind::video;
  const std::uint64_t sequence = down.unwrapper.unwrap(packet.sequence());
  if (!repaired) down.reception.received(sequence, packet.timestamp(), now);
  if (video) down.nack.received(sequence, now);
  // Of Janus and others the SSRC is known only now.
  if (down.line.ssrc == 0) down.line.ssrc = packet.ssrc();
  if (video && !down.began) {
    const auto frame =
        rtp::frame_info(rtp::CodecName::vp8, packet.payload(), packet.marker(), nullptr);
    down.began = frame && frame->key_frame;
  } else {
    down.began = true;
  }
  const auto stamp = read_stamp(packet.payload());
  Tally& tally = out.tally;
  if (!stamp) {
    ++tally.damaged;
    return;
  }
  receives_ = down.arrived = true;
  const auto lost_before = static_cast<std::int64_t>(down.check.lost());
  const auto arrival = down.check.received(*stamp);
  tally.lost += static_cast<std::int64_t>(down.check.lost()) - lost_before;
  if (arrival == ArrivalCheck::Arrival::again) {
    ++tally.repeated;
    return;
  }
  if (arrival == ArrivalCheck::Arrival::late) ++tally.late;
  ++tally.packets;
  tally.bytes += packet.bytes().size();
  (video ? tally.video : tally.audio).add(now - stamp->sent);
}

void Client::take_rtcp(Bytes bytes, Instant now) {
  const auto compound = rtcp::Compound::parse(bytes);
  if (!compound) return;
  for (const rtcp::PacketView& packet : *compound) {
    if (const auto report = rtcp::parse_sender_report(packet)) {
      for (Down& down : down_) {
        if (down.line.ssrc == report->ssrc) down.reception.sender_report(report->info.ntp, now);
      }
    }
    const bool wish = rtcp::parse_pli(packet).has_value() || rtcp::Fir::parse(packet).has_value();
    for (Up& up : up_) {
      if (wish) up.source.request_key_frame();
    }
  }
}

void Client::send_wishes(Down& down, Instant now, Output& out) {
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  bool key_frame = !down.began && down.line.kind == rtp::MediaKind::video && down.line.ssrc != 0 &&
                   now >= down.next_request;
  if (!down.began && now >= down.next_request) {
    down.next_request = now + down.patience;
    down.patience = std::min(2 * down.patience, longest_key_frame_wait);
  }
  if (now >= down.nack.deadline()) {
    sequences_.clear();
    const auto wish = down.nack.collect(now, round_trip, sequences_);
    if (wish == sfu::NackGenerator::Wish::key_frame) key_frame = true;
    if (!sequences_.empty()) {
      rtcp::write_nack(writer, ssrcs_[0], down.line.ssrc, sequences_);
      ++out.tally.nacks;
    }
  }
  if (key_frame) {
    rtcp::write_pli(writer, ssrcs_[0], down.line.ssrc);
    ++out.tally.key_frame_requests;
  }
  send_rtcp(writer.written(), out);
}

// ── Both ──

// RFC 3550 section 6.4.
void Client::send_reports(Instant now, Output& out) {
  next_report_ = std::max(next_report_ + report_interval, now);
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  for (const Up& up : up_) {
    rtcp::write_sender_report(writer, up.ssrc,
                              {.ntp = sfu::ntp_of(now),
                               .rtp_timestamp = up.source.timestamp(),
                               .packets = static_cast<std::uint32_t>(up.source.packets()),
                               .octets = up.octets});
    rtcp::write_cname(writer, up.ssrc, "load");
  }
  if (!options_.publishes) {
    std::vector<rtcp::ReportBlock> blocks;
    for (Down& down : down_) {
      if (const auto block = down.reception.report(down.line.ssrc, now)) blocks.push_back(*block);
    }
    rtcp::write_receiver_report(writer, ssrcs_[0], blocks);
    rtcp::write_cname(writer, ssrcs_[0], "load");
  }
  send_rtcp(writer.written(), out);
}

void Client::send_feedback(Instant now, Output& out) {
  for (bool more = true; more;) {
    std::array<std::uint8_t, rtcp_room> room;
    Writer writer(room);
    more = arrivals_.write(writer, now);
    if (more) send_rtcp(writer.written(), out);
  }
}

void Client::send_rtcp(Bytes compound, Output& out) {
  // Refused only before DTLS and after its end, when nobody waits for it.
  if (!compound.empty()) (void)connector_->seal_rtcp(compound, out.transport);
}

}  // namespace liaison::load
