// What a virtual browser sends on one m-line.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "rtcp/report.hpp"
#include "rtp/packet.hpp"
#include "sim/audio_source.hpp"
#include "sim/frame_describer.hpp"
#include "sim/offer.hpp"
#include "sim/packetizer.hpp"
#include "sim/random.hpp"
#include "sim/video_source.hpp"

namespace liaison::sim {

// How a browser's camera, screen and microphone are.
struct MediaOptions {
  // What it would rather send than the first that the answer allows.
  std::optional<rtp::CodecName> codec = {};
  std::uint8_t temporal_layers = 2;
  bool key_svc = false;             // with VP9
  std::uint8_t spatial_layers = 3;  // with key_svc
  std::int64_t fps = 30;
  std::uint32_t camera_bitrate = 1'200'000;
  std::uint32_t screen_bitrate = 1'500'000;
  AudioOptions audio = {};
  std::size_t redundancy = 1;  // blocks of RED before the primary one
  // Otherwise it is drawn.
  std::optional<std::uint16_t> first_sequence = {};
};

// The senders of one m-line, one for each encoding: they number, keep what may be asked for again,
// and slow down when the server reports loss. It does not know whether anything may be sent now.
class UpStream {
 public:
  struct Identity {
    std::uint32_t room = 0;
    std::uint32_t person = 0;
    Source source = Source::microphone;
  };
  // Takes what is to be sent.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void send_rtp(Bytes header, Bytes payload) = 0;
    // The next number of the transport (transport-cc).
    virtual std::uint16_t next_transport_sequence() = 0;
  };

  UpStream(const Identity& identity, const AnsweredLine& line, const MediaOptions& options,
           Random random, Instant now);

  Source source() const { return identity_.source; }
  bool video() const { return video_.has_value(); }
  bool on() const { return on_; }
  // Sends these encodings, as bits. One that was not sent begins with a key frame.
  void send(std::uint32_t encodings);
  // A later answer: whether sound is to be sent redundantly may have changed.
  void answered(const AnsweredLine& line);
  // Forces a microphone to talk or to be silent; nothing = as drawn.
  void talk(std::optional<bool> talking);

  void tick(Instant now, Sink& sink);
  Instant deadline() const;

  bool is_media(std::uint32_t ssrc) const;
  // The sequence number with which the latest key frame of an encoding begins.
  std::uint16_t last_key(std::uint32_t ssrc) const;
  void nacked(std::uint32_t ssrc, std::span<const std::uint16_t> sequences, Sink& sink);
  void key_frame_wanted(std::uint32_t ssrc);
  // A receiver report names this SSRC: the server knows it, and the mid need not be sent any more.
  void reported(std::uint32_t ssrc);
  // The share of all packets of the last second that did not arrive.
  void adapt(double loss);

  // Sender reports of what has been sent, one for each encoding. `ntp` is now by the clock of the
  // day.
  struct Report {
    std::uint32_t ssrc = 0;
    rtcp::SenderInfo info;
  };
  void reports(std::uint64_t ntp, Instant now, std::vector<Report>& out) const;

 private:
  static constexpr std::size_t history = 512;
  struct Kept {
    std::uint64_t number = 0;
    std::uint32_t timestamp = 0;
    bool marker = false;
    std::vector<std::uint8_t> descriptor;  // dependency descriptor, if it has one
    std::vector<std::uint8_t> payload;
  };
  struct Encoding {
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint64_t next = 0;  // extended sequence number
    std::uint64_t key = 0;   // with which the latest key frame begins
    std::uint16_t next_rtx = 0;
    std::uint32_t packets = 0;
    std::uint32_t octets = 0;
    std::uint32_t last_timestamp = 0;
    Instant last_captured;
    bool known = false;  // reported() has named it
    bool rtx_known = false;
    std::optional<FrameDescriber> describer;
    std::vector<Kept> kept;  // by number modulo `history`
  };

  void send(std::size_t index, std::uint8_t payload_type, std::uint32_t timestamp, Sink& sink);
  std::size_t header(std::size_t index, bool rtx, const rtp::HeaderFields& fields, Bytes descriptor,
                     Sink& sink);
  Stamp base(std::size_t index) const;

  Identity identity_;
  AnsweredLine line_;
  rtp::CodecName codec_ = rtp::CodecName::opus;
  std::uint8_t payload_type_ = 0;
  std::uint8_t rtx_payload_type_ = 0;
  bool red_ = false;
  std::optional<AudioSource> audio_;
  std::optional<AudioPacketizer> audio_packets_;
  std::optional<VideoSource> video_;
  PacketizerOptions packetizer_;
  std::vector<Encoding> encodings_;
  bool on_ = false;
  double rate_ = 1;  // share of the most that it would send
  std::uint32_t most_ = 0;
  rtp::AudioLevel level_;
  Instant now_;  // of the latest tick

  // Reused.
  Payloads payloads_;
  std::vector<EncodedFrame> captured_;
  std::array<std::uint8_t, 512> header_{};
};

}  // namespace liaison::sim
