// One addressable RTP entity (RFC 7656): a browser.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/id.hpp"
#include "base/packet_pool.hpp"
#include "rtcp/report.hpp"
#include "rtp/red.hpp"
#include "sfu/command.hpp"
#include "sfu/downlink.hpp"
#include "sfu/output.hpp"
#include "sfu/sender_clock.hpp"
#include "sfu/twcc_feedback.hpp"
#include "sfu/up_track.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

// The tracks of one client over its one Transport: finds the track of each packet by SSRC, learnt
// from the mid extension or the payload type (RFC 9143 section 9.2), and sends the client its
// reports and feedback. It does not know where a packet goes next: that is the Router's.
class Endpoint {
 public:
  Endpoint(const OpenEndpoint& open, transport::DtlsServer& server, Instant now);

  EndpointId id() const { return id_; }
  CallId call() const { return call_; }
  transport::Transport& transport() { return transport_; }
  const transport::Transport& transport() const { return transport_; }

  // Takes over m-lines that were added; those that are there stay as they are.
  void update(const MediaDescription& media, Instant now);

  std::vector<UpTrack>& up_tracks() { return up_tracks_; }
  UpTrack* up_track(TrackId track);
  Downlink& down() { return down_; }
  const Downlink& down() const { return down_; }
  // The codecs it publishes media of this kind with.
  const std::vector<rtp::Codec>& codecs(rtp::MediaKind kind) const;
  const SenderClock& sender_clock() const { return sender_clock_; }
  Duration rtt() const { return rtt_.value_or(milliseconds(100)); }

  struct Accepted {
    UpTrack* track = nullptr;
    UpEncoding* encoding = nullptr;
    // One, and before it those that it has brought back (RED, RFC 2198).
    std::array<const ReceivedPacket*, 1 + rtp::max_redundant_blocks> packets{};
    std::size_t count = 0;
    bool begins = false;     // the encoding has not flown for a second
    bool reordered = false;  // the encodings of the track have other places now
    std::optional<std::uint8_t> audio_level;
  };
  // One decrypted RTP packet.
  std::expected<Accepted, Drop> accept(Packet datagram, Instant now);

  // What the client's RTCP says of its own tracks and of those it receives.
  void sender_report(const rtcp::SenderReport& report, Instant now);
  void report_block(const rtcp::ReportBlock& block, Instant now);

  void send_sender_report(DownTrack& track, const UpTrack& source, const SenderClock& clock,
                          Instant now, Output& out);

  // Feedback, receiver reports, NACKs, PLIs: all but sender reports, which need the publishers.
  void tick(Instant now, Output& out);
  Instant deadline() const;
  // True once a second (twice in the first ten): sender reports are due. Ask at each tick.
  bool take_reports_due(Instant now);

  void count_received(std::size_t size) {
    ++totals_.packets_in;
    totals_.bytes_in += size;
  }
  EndpointClosed totals() const;

  // What was asked of the publisher and by the subscriber, for the worker's statistics.
  struct Counters {
    std::uint64_t nacks_out = 0;
    std::uint64_t plis_out = 0;
  };
  Counters take_counters() { return std::exchange(counters_, {}); }

 private:
  static constexpr std::size_t ssrc_limit = 32;
  struct Ssrc {
    std::uint32_t ssrc = 0;
    std::uint16_t up_track = 0;
    std::uint8_t rid = 0;  // its number
    bool rtx = false;
  };
  // What a payload type of this client means.
  struct PayloadType {
    const rtp::Codec* codec = nullptr;  // null: nothing
    rtp::MediaKind kind = rtp::MediaKind::audio;
    bool rtx = false;
    std::uint8_t payload_type = 0;
  };

  void index_payload_types();
  const PayloadType& meaning_of(std::uint8_t payload_type) const;
  const rtp::ExtensionIds& extensions(rtp::MediaKind kind) const;
  // Makes the packet of RED in `datagram` one of its primary block alone, and adds what else it
  // brings to `accepted`. The codec of the block.
  std::expected<const rtp::Codec*, Drop> unwrap_red(Packet& datagram, UpEncoding& encoding,
                                                    Accepted& accepted, Instant now);
  // True if the encodings have other places now.
  bool measure(UpTrack& track, std::uint8_t place, const rtp::PacketView& view,
               const rtp::Codec& codec) const;
  UpTrack* track_of(const rtp::PacketView& view, const PayloadType& type);
  std::expected<Ssrc, Drop> find_or_learn(const rtp::PacketView& view, const PayloadType& type);
  void seal_rtcp(Bytes compound, Instant now, Output& out);
  void send_receiver_report(Instant now, Output& out);
  void ask_for_redundancy(Instant now, Output& out);
  void send_nacks(UpEncoding& encoding, Instant now, Output& out);
  void report_quality(Instant now, Output& out);

  EndpointId id_;
  CallId call_;
  MediaDescription media_;
  transport::Transport transport_;
  std::vector<PayloadType> payload_types_;
  std::vector<UpTrack> up_tracks_;
  Downlink down_;
  std::vector<Ssrc> ssrcs_;
  std::uint32_t rtcp_ssrc_;

  FeedbackSender feedback_;
  SenderClock sender_clock_;
  std::optional<Duration> rtt_;
  std::vector<std::uint16_t> nack_batch_;

  Instant opened_;
  Instant next_receiver_report_;
  Instant next_sender_report_;
  Instant next_quality_;
  EndpointClosed totals_;  // without what was sent
  EndpointClosed totals_at_last_quality_;
  Counters counters_;
  // Of the receiver reports since the last quality event.
  struct DownLoss {
    double expected = 0;
    double lost = 0;
  };
  DownLoss down_loss_;
  std::vector<std::uint32_t> reported_highest_;  // by slot
};

}  // namespace liaison::sfu
