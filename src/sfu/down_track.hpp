// One forwarded track, as one subscriber gets it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/sequence.hpp"
#include "rtcp/report.hpp"
#include "rtp/codec.hpp"
#include "sfu/command.hpp"
#include "sfu/packet_history.hpp"
#include "sfu/sender_clock.hpp"
#include "sfu/seq_map.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

// A slot of a subscriber: it carries whichever track is assigned to it under SSRCs that never
// change, with sequence numbers, timestamps and VP8 picture ids that run on across tracks, mutes
// and restarts, so that nobody renegotiates (RFC 7667 section 3.7, selective forwarding). It knows
// nothing of who publishes; what it lost it finds again in the publisher's PacketHistory. A video
// track begins with a key frame.
class DownTrack {
 public:
  DownTrack(const DownMedia& media, std::span<const rtp::Codec> codecs,
            const rtp::ExtensionIds& extensions);

  const DownMedia& media() const { return media_; }
  TrackId track() const { return track_; }
  // Carries `track`, published with `codecs`, from its next packet (audio) or key frame (video) on.
  void assign(TrackId track, std::span<const rtp::Codec> codecs);
  void unassign() { assign({}, {}); }
  // The source stops for now, and begins again as a new source does.
  void interrupt() { started_ = false; }
  bool started() const { return started_; }
  bool waits_for_key_frame() const {
    return track_ && media_.kind == rtp::MediaKind::video && !started_;
  }

  // Sends `packet`, of the assigned track, or says why not.
  std::optional<Drop> forward(const ReceivedPacket& packet, Instant now,
                              transport::Transport& transport, transport::Output& out);

  // Answers a NACK for the number `seq` (RFC 4585 section 6.2.1) by RTX (RFC 4588). True if
  // something was sent.
  bool retransmit(std::uint16_t seq, const PacketHistory& history, Duration rtt, Instant now,
                  transport::Transport& transport, transport::Output& out);

  // What a sender report (RFC 3550 section 6.4.1) says of this track now; none if nothing was sent
  // yet or the publisher has not reported.
  std::optional<rtcp::SenderInfo> sender_info(const CaptureTime& capture, const SenderClock& clock,
                                              std::uint32_t publisher_clock_rate,
                                              Instant now) const;

  std::uint32_t packets_sent() const { return packets_sent_; }

 private:
  // How a payload type of the publisher goes out.
  struct Mapping {
    enum class Mode : std::uint8_t { none, as_is, vp8, red_to_opus };
    Mode mode = Mode::none;
    std::uint8_t payload_type = 0;
    std::uint8_t rtx_payload_type = 0;  // 0 = none
    std::uint32_t clock_rate = 0;
  };
  // A payload as it goes out: `prefix` replaces the first `skip` bytes.
  struct Payload {
    std::array<std::uint8_t, 8> prefix{};
    std::size_t prefix_size = 0;
    Bytes rest;
  };
  struct Resent {
    std::uint16_t seq = 0;
    std::uint8_t times = 0;
    Instant last;
  };

  Mapping map(std::span<const rtp::Codec> published, const rtp::Codec& codec) const;
  void start(const ReceivedPacket& packet, const Mapping& mapping);
  std::optional<Payload> translate(const ReceivedPacket& packet, const Mapping& mapping);
  std::optional<Drop> send(const ReceivedPacket& packet, const Mapping& mapping, std::uint16_t seq,
                           bool rtx, Instant now, transport::Transport& transport,
                           transport::Output& out);

  DownMedia media_;
  std::vector<rtp::Codec> codecs_;
  rtp::ExtensionIds extensions_;

  TrackId track_;
  std::array<Mapping, 128> mappings_{};
  bool started_ = false;

  SeqMap seq_map_;
  std::uint16_t rtx_seq_;
  std::uint64_t key_frame_out_ =
      0;  // where the newest key frame begins: nobody needs what is before it
  std::uint32_t timestamp_offset_ = 0;
  std::uint32_t last_timestamp_;
  std::optional<Instant> last_arrival_;
  bool last_marker_ = true;
  std::uint16_t picture_id_offset_ = 0;
  std::uint8_t tl0_picture_index_offset_ = 0;
  std::uint16_t last_picture_id_ = 0;
  std::uint8_t last_tl0_picture_index_ = 0;

  std::array<Resent, 128> resent_{};
  std::int64_t resend_budget_ = 64 * 1024;  // bytes
  std::uint32_t packets_sent_ = 0;
  std::uint32_t octets_sent_ = 0;
};

}  // namespace liaison::sfu
