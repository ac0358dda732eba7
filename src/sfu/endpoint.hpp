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
#include "sfu/command.hpp"
#include "sfu/downlink.hpp"
#include "sfu/output.hpp"
#include "sfu/twcc_feedback.hpp"
#include "sfu/uplink.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

// What one client sends and what it is sent over its one Transport, and the reports and feedback
// that it gets. It does not know where a packet goes next: that is the Router's.
class Endpoint {
 public:
  Endpoint(const OpenEndpoint& open, transport::DtlsServer& server, Instant now);

  EndpointId id() const { return id_; }
  CallId call() const { return call_; }
  transport::Transport& transport() { return transport_; }
  const transport::Transport& transport() const { return transport_; }

  // Takes over m-lines that were added; those that are there stay as they are.
  void update(const MediaDescription& media, Instant now);

  Uplink& up() { return up_; }
  const Uplink& up() const { return up_; }
  Downlink& down() { return down_; }
  const Downlink& down() const { return down_; }
  Duration rtt() const { return up_.rtt(); }

  // One decrypted RTP packet.
  std::expected<Uplink::Accepted, Drop> accept(Packet datagram, Instant now) {
    return up_.accept(std::move(datagram), feedback_, now);
  }
  // What the client's RTCP says of the tracks that it receives.
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
  void seal_rtcp(Bytes compound, Instant now, Output& out);
  void send_receiver_report(Instant now, Output& out);
  void ask_for_redundancy(Instant now, Output& out);
  void send_nacks(UpEncoding& encoding, Instant now, Output& out);
  void report_quality(Instant now, Output& out);

  EndpointId id_;
  CallId call_;
  transport::Transport transport_;
  Uplink up_;
  Downlink down_;
  std::uint32_t rtcp_ssrc_;

  FeedbackSender feedback_;
  std::optional<Duration> rtt_;

  Instant opened_;
  Instant next_receiver_report_;
  Instant next_sender_report_;
  Instant quality_since_;
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
