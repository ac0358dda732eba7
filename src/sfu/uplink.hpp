// All that one publisher sends.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/id.hpp"
#include "base/packet_pool.hpp"
#include "rtcp/report.hpp"
#include "rtp/red.hpp"
#include "sfu/command.hpp"
#include "sfu/sender_clock.hpp"
#include "sfu/twcc_feedback.hpp"
#include "sfu/up_track.hpp"

namespace liaison::sfu {

// The tracks of one publisher: finds the track of each packet by SSRC, learnt from the mid
// extension or the payload type (RFC 9143 section 9.2), and unwraps RTX and RED. The publisher is a
// client of this worker or, mirrored, one of another router to which a link leads: then its packets
// come with their track named. It knows neither transports nor subscribers.
class Uplink {
 public:
  // `first_demand` is what the publisher takes as wanted before it is told anything.
  explicit Uplink(EndpointId publisher, const LayerDemand::Wanted& first_demand = {})
      : publisher_(publisher), first_demand_(first_demand) {}

  EndpointId publisher() const { return publisher_; }
  // Takes over m-lines that were added, at first all; those that are there stay as they are.
  void update(const MediaDescription& media);
  const MediaDescription& media() const { return media_; }

  std::vector<UpTrack>& tracks() { return tracks_; }
  const std::vector<UpTrack>& tracks() const { return tracks_; }
  UpTrack* track(TrackId track);
  // The codecs it publishes media of this kind with.
  const std::vector<rtp::Codec>& codecs(rtp::MediaKind kind) const;
  const SenderClock& sender_clock() const { return sender_clock_; }
  // To the publisher and back; 100 ms until it is known.
  Duration rtt() const { return rtt_; }
  void set_rtt(Duration rtt) { rtt_ = rtt; }

  struct Accepted {
    UpTrack* track = nullptr;
    UpEncoding* encoding = nullptr;
    std::uint8_t rid = 0;  // its number among the track's rids
    // One, and before it those that it has brought back (RED, RFC 2198).
    std::array<const ReceivedPacket*, 1 + rtp::max_redundant_blocks> packets{};
    std::size_t count = 0;
    bool begins = false;     // the encoding has not flown for a second
    bool reordered = false;  // the encodings of the track have other places now
    std::optional<std::uint8_t> audio_level;
  };
  // One decrypted RTP packet from the publisher itself, noted in `feedback` if it has a number for
  // transport-wide feedback.
  std::expected<Accepted, Drop> accept(Packet datagram, FeedbackSender& feedback, Instant now);
  // One that another router accepted at `arrival`, RTX and RED already unwrapped.
  std::expected<Accepted, Drop> accept(UpTrack& track, std::uint8_t rid, Packet packet,
                                       Instant arrival);

  // Of one encoding, by its SSRC. The track, if it is one of these.
  UpTrack* sender_report(std::uint32_t ssrc, const rtcp::SenderInfo& info, Instant now);

  // What is to be asked for of an encoding now, as RTP sequence numbers; valid until the next call.
  // Where too much is missing it asks for a key frame instead.
  std::span<const std::uint16_t> missing(UpEncoding& encoding, Instant now);
  // Of NACKs, key frame requests and demands.
  Instant deadline() const;

 private:
  static constexpr std::size_t ssrc_limit = 32;
  struct Ssrc {
    std::uint32_t ssrc = 0;
    std::uint16_t track = 0;
    std::uint8_t rid = 0;  // its number
    bool rtx = false;
  };
  // What a payload type of this publisher means.
  struct PayloadType {
    const rtp::Codec* codec = nullptr;  // null: nothing
    rtp::MediaKind kind = rtp::MediaKind::audio;
    bool rtx = false;
    std::uint8_t payload_type = 0;
  };

  void index_payload_types();
  const PayloadType& meaning_of(std::uint8_t payload_type) const;
  const rtp::ExtensionIds& extensions(rtp::MediaKind kind) const;
  UpTrack* track_of(const rtp::PacketView& view, const PayloadType& type);
  std::expected<Ssrc, Drop> find_or_learn(const rtp::PacketView& view, const PayloadType& type);
  std::expected<Accepted, Drop> accept_media(UpTrack& track, std::uint8_t rid,
                                             const PayloadType& type, bool again, Packet datagram,
                                             Instant arrival);
  // Makes the packet of RED in `datagram` one of its primary block alone, and adds what else it
  // brings to `accepted`. The codec of the block.
  std::expected<const rtp::Codec*, Drop> unwrap_red(Packet& datagram, UpEncoding& encoding,
                                                    Accepted& accepted, Instant now);
  // True if the encodings have other places now.
  bool measure(UpTrack& track, std::uint8_t place, const rtp::PacketView& view,
               const rtp::Codec& codec) const;

  EndpointId publisher_;
  LayerDemand::Wanted first_demand_;
  MediaDescription media_;
  std::vector<PayloadType> payload_types_;
  std::vector<UpTrack> tracks_;
  std::vector<Ssrc> ssrcs_;
  SenderClock sender_clock_;
  Duration rtt_ = milliseconds(100);
  std::vector<std::uint16_t> missing_;  // reused
};

}  // namespace liaison::sfu
