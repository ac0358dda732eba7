// From frames to RTP payloads, and back from payloads to what they say of themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "rtp/codec.hpp"
#include "sim/audio_source.hpp"
#include "sim/stamp.hpp"
#include "sim/video_source.hpp"

namespace liaison::sim {

// The payloads of some packets, one after the other in memory that is used again after clear().
class Payloads {
 public:
  void clear();
  std::size_t size() const { return entries_.size(); }
  Bytes operator[](std::size_t index) const;
  // The last packet of a picture.
  bool marker(std::size_t index) const { return entries_[index].marker; }

  // Appends a payload of this size; what it returns is valid until the next one.
  MutableBytes add(std::size_t size, bool marker);

 private:
  struct Entry {
    std::size_t offset = 0;
    std::size_t size = 0;
    bool marker = false;
  };

  std::vector<std::uint8_t> bytes_;  // only ever grows
  std::size_t used_ = 0;
  std::vector<Entry> entries_;
};

struct PacketizerOptions {
  rtp::CodecName codec = rtp::CodecName::vp8;
  // At least 256. Browsers leave room for extensions, SRTP and RTX in 1,200 bytes.
  std::size_t max_payload = 1160;
  // Of VP9: references in each packet, or (as Firefox) once in the scalability structure, which
  // allows for one spatial layer only.
  bool flexible = true;
};

// Appends the payloads of a frame: the descriptor and the headers of its codec (RFC 7741, RFC 9628,
// "RTP Payload Format For AV1", RFC 6184), then a stamp to the end (in the parameter sets of H.264,
// to the end of an SEI message). Of `base` it keeps room, person, source and number, which is that
// of the first packet; the rest follows from the frame.
void packetize(const EncodedFrame& frame, const PacketizerOptions& options, const Stamp& base,
               Payloads& out);

// What a payload says: by its stamp, and by the descriptor of its codec, as far as that can.
struct PayloadReading {
  Stamp stamp;
  bool starts_frame = false;
  // VP8 has no bit for this: the stamp says it.
  bool ends_frame = false;
  bool key = false;  // the first packet of a key picture
  std::optional<std::uint16_t> picture_id;
  std::optional<std::uint8_t> tl0;  // TL0PICIDX
  std::optional<std::uint8_t> spatial;
  std::optional<std::uint8_t> temporal;
  // Of RED, the frames that come again, oldest first.
  std::array<Stamp, 4> redundant{};
  std::size_t redundant_count = 0;
};

// Reads what packetize() wrote, wherever it went since. It is written from the specifications and
// apart from rtp/, which it checks. Nothing if the payload is damaged, or if the descriptor and the
// stamp contradict each other. Picture id and TL0PICIDX, which servers number anew, are not
// compared. Of RED, the primary block; the others must be of their age.
std::optional<PayloadReading> read_payload(rtp::CodecName codec, Bytes payload);

// Opus payloads, alone or in RED (RFC 2198) behind the ones before.
class AudioPacketizer {
 public:
  // With `redundancy` payloads before the primary one, 0 to 2; `opus` is the payload type of the
  // blocks.
  AudioPacketizer(std::uint8_t opus, std::size_t redundancy)
      : opus_(opus), redundancy_(redundancy) {}

  // Appends a plain payload if `red` is false, else one in RED. Of `base` as packetize().
  void packetize(const AudioFrame& frame, bool red, const Stamp& base, Payloads& out);

 private:
  struct Sent {
    std::uint32_t timestamp = 0;
    std::vector<std::uint8_t> payload;
  };

  std::uint8_t opus_;
  std::size_t redundancy_;
  std::vector<Sent> sent_;  // the latest, oldest first; not more than redundancy_
};

struct RedReading {
  Stamp primary;
  std::array<Stamp, 4> redundant{};  // oldest first
  std::size_t redundant_count = 0;
};

// Nothing if a block is damaged, is not Opus of this payload type, or has another age than its
// stamp says.
std::optional<RedReading> read_red(Bytes payload, std::uint8_t opus);

}  // namespace liaison::sim
