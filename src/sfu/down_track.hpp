// One forwarded track, as one subscriber gets it.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "base/sequence.hpp"
#include "bwe/estimator.hpp"
#include "rtcp/report.hpp"
#include "rtp/codec.hpp"
#include "sfu/command.hpp"
#include "sfu/layer_demand.hpp"
#include "sfu/layer_selector.hpp"
#include "sfu/packet_history.hpp"
#include "sfu/sender_clock.hpp"
#include "sfu/seq_map.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

// A slot of a subscriber: it carries whichever track is assigned to it, in whichever encoding fits,
// under SSRCs that never change, with sequence numbers, timestamps and VP8 picture ids that run on
// across tracks, encodings, mutes and restarts, so that nobody renegotiates (RFC 7667 section 3.7,
// selective forwarding). It knows nothing of who publishes; what it lost it finds again in the
// publisher's PacketHistory. A video track begins with a key frame.
class DownTrack {
 public:
  // Where packets go: all of them are counted and numbered by the estimator, if the client sends
  // transport-wide feedback.
  struct Outlet {
    transport::Transport& transport;
    transport::Output& out;
    bwe::Estimator* estimator = nullptr;
    bwe::ProbeId probe = bwe::no_probe;  // the cluster that the packet belongs to
  };

  DownTrack(const DownMedia& media, std::span<const rtp::Codec> codecs,
            const rtp::ExtensionIds& extensions);

  const DownMedia& media() const { return media_; }
  bool video() const { return media_.kind == rtp::MediaKind::video; }
  TrackId track() const { return track_; }
  // Carries `track`, published with `codecs`, from its next packet (audio) or key frame (video) on.
  void assign(TrackId track, std::span<const rtp::Codec> codecs);
  void unassign() { assign({}, {}); }
  // The source stops for now, and begins again as a new source does.
  void interrupt();
  bool started() const { return started_; }

  // Up to which layer it may have the track, and up to which it is to pass now: less, while the
  // former does not come; nothing = it is paused. Audio has no layers.
  void set_granted(std::optional<Layer> granted) { granted_ = granted; }
  std::optional<Layer> granted() const { return granted_; }
  void set_target(std::optional<Layer> target) { selector_.set_target(target); }
  std::optional<Layer> target() const { return selector_.target(); }
  std::optional<Layer> current() const { return selector_.current(); }
  // What its publisher is to send for it: the layer that is still shown until a better one begins
  // counts too.
  LayerDemand::Wanted demand() const;
  // Whether that is other than when it was last asked, or assigned since.
  bool take_demand_changed();
  // One is being sent, or may not have come out of a narrow path yet: it answers whoever asks now.
  bool key_frame_under_way(Duration rtt, Instant now) const {
    constexpr Duration passage = milliseconds(250);
    return key_frame_waits_ || (key_frame_sent_ && now - *key_frame_sent_ < rtt + passage);
  }
  // Of the encoding that it would go to with one.
  std::optional<std::uint8_t> waits_for_key_frame() const {
    return track_ && video() ? selector_.waits_for_key_frame() : std::nullopt;
  }

  // Whether a packet of the assigned track goes out, under which number, or why not. What is
  // accepted must then be sent, or taken back.
  std::expected<SeqMap::Number, Drop> accept(const ReceivedPacket& packet);
  // Accepts the newest picture of an encoding that waits for a key frame, from its first packet on,
  // out of the past: what it took until now to show is shown as fast as it arrives. `live` is the
  // newest packet there is. To be called before the first accept() of it.
  // False if there is no room between what was sent last and now.
  bool replay(const ReceivedPacket& first, const ReceivedPacket& live, Instant now);

  std::optional<Drop> send(const ReceivedPacket& packet, const SeqMap::Number& number, Instant now,
                           const Outlet& outlet);
  // So many frames of sound are sent again with each (RED, RFC 2198), at most
  // rtp::max_redundant_blocks; none to whoever has not negotiated it.
  void set_redundancy(std::size_t frames);
  // What was accepted and has not been sent will not be: its numbers are free, and it begins anew.
  void take_back();
  // Which packet was accepted as `seq`, and with which offsets.
  std::optional<SeqMap::Number> find(std::uint16_t seq) const { return seq_map_.reverse(seq); }

  // Whether a NACK for the number `seq` (RFC 4585 section 6.2.1) is to be answered, and with which
  // packet of which encoding.
  std::optional<SeqMap::Number> to_repeat(std::uint16_t seq, Duration rtt, Instant now);
  // By RTX (RFC 4588). `number` is the one that it had.
  std::optional<Drop> repeat(const ReceivedPacket& packet, const SeqMap::Number& number,
                             std::uint16_t seq, Instant now, const Outlet& outlet);
  // Its packets carry numbers for transport-wide feedback.
  bool numbered() const { return extensions_[rtp::Extension::transport_cc] != 0; }
  bool has_rtx() const { return media_.rtx_ssrc != 0 && rtx_payload_type_ != 0; }
  // Fills the path without saying anything: an RTX packet of padding alone (RFC 3550 section 5.1),
  // of 1 to 255 bytes.
  std::optional<Drop> pad(std::uint8_t size, Instant now, const Outlet& outlet);

  // What a sender report (RFC 3550 section 6.4.1) says of this track now; none if nothing was sent
  // yet or the publisher has not reported.
  std::optional<rtcp::SenderInfo> sender_info(const CaptureTime& capture, const SenderClock& clock,
                                              std::uint32_t publisher_clock_rate,
                                              Instant now) const;

  std::uint32_t packets_sent() const { return packets_sent_; }

 private:
  // How a payload type of the publisher goes out.
  struct Mapping {
    enum class Mode : std::uint8_t { none, as_is, vp8 };
    Mode mode = Mode::none;
    std::uint8_t from = 0;
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

  // A frame of sound that was sent.
  struct Frame {
    std::uint64_t seq = 0;
    std::uint32_t timestamp = 0;
    std::vector<std::uint8_t> payload;
  };

  Mapping map(const rtp::Codec& codec) const;
  const Mapping& mapping_of(std::uint8_t payload_type) const;
  Resent& resent(std::uint16_t seq);
  void start(const ReceivedPacket& packet, const Mapping& mapping);
  void leave_out(const ReceivedPacket& packet, const Mapping& mapping);
  static std::uint32_t out_timestamp(const ReceivedPacket& packet, const SeqMap::Offsets& offsets);
  std::optional<Payload> translate(const ReceivedPacket& packet, const Mapping& mapping,
                                   const SeqMap::Offsets& offsets) const;
  // `payload` with the frames before it, if there are any.
  Bytes with_redundancy(Bytes payload, const SeqMap::Number& number, std::uint32_t timestamp,
                        std::uint8_t payload_type);
  std::optional<Drop> seal(const ReceivedPacket& packet, const Mapping& mapping,
                           const SeqMap::Number& number, bool rtx, Instant now,
                           const Outlet& outlet);

  DownMedia media_;
  std::vector<rtp::Codec> codecs_;
  rtp::ExtensionIds extensions_;
  std::uint8_t rtx_payload_type_ = 0;  // any: padding has no codec
  std::uint8_t red_payload_type_ = 0;

  TrackId track_;
  std::vector<Mapping> mappings_;  // of all that it can carry
  LayerSelector selector_;
  std::optional<Layer> granted_;
  std::optional<LayerDemand::Wanted> told_demand_;
  bool started_ = false;

  SeqMap seq_map_;
  std::uint16_t rtx_seq_;
  // Nobody needs what is before it: the newest key frame that was sent begins there, or is to.
  std::uint64_t needed_from_ = 0;
  std::optional<std::uint64_t> key_frame_waits_;  // was accepted, and not sent yet: where it begins
  std::optional<Instant> key_frame_sent_;
  std::uint64_t highest_sent_ = 0;
  std::uint32_t last_timestamp_;
  std::optional<Instant> last_arrival_;
  bool last_marker_ = true;
  bool sent_marker_ = true;  // of the highest that was sent
  // A replay to come: where it begins, and what then becomes of timestamps.
  struct Replay {
    std::uint8_t encoding = 0;
    std::uint64_t first = 0;
    SeqMap::Offsets offsets;
  };
  std::optional<Replay> replay_;
  std::uint16_t last_picture_id_ = 0;
  std::uint8_t last_tl0_picture_index_ = 0;
  std::optional<std::uint16_t> left_picture_id_;  // of the newest picture that was left out

  std::size_t redundancy_ = 0;
  std::vector<Frame> frames_;      // to be sent again, oldest first
  std::vector<std::uint8_t> red_;  // reused

  static constexpr std::size_t resent_limit = 128;
  std::vector<Resent> resent_;              // by number; none before the first is asked for
  std::int64_t resend_budget_ = 64 * 1024;  // bytes
  std::uint32_t packets_sent_ = 0;
  std::uint32_t octets_sent_ = 0;
};

}  // namespace liaison::sfu
