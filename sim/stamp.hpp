// What a packet says about itself, so that whoever receives it can check everything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace liaison::sim {

enum class Source : std::uint8_t { microphone, camera, screen, screen_audio };

// All of it is as published: whatever the server numbers anew can be compared with it.
struct Stamp {
  std::uint32_t room = 0;
  std::uint32_t person = 0;
  Source source = Source::microphone;
  std::uint8_t encoding = 0;  // of simulcast
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  bool key = false;  // belongs to a key picture
  // Of the encoding; each spatial layer of a picture is a frame of its own.
  std::uint32_t frame = 0;
  std::uint32_t picture = 0;
  std::uint16_t packet = 0;   // within the frame
  std::uint16_t packets = 1;  // of the frame
  // How many frames of the encoding lie between this one and those that decoding it needs: of an
  // earlier picture, and of the spatial layer below; 0 = needs none.
  std::array<std::uint16_t, 2> references{};
  std::uint32_t timestamp = 0;  // RTP
  std::uint64_t number = 0;     // the publisher's RTP sequence number, extended
  Instant captured{};
  bool operator==(const Stamp&) const = default;
};

inline constexpr std::size_t stamp_size = 56;
inline constexpr std::size_t stamped_limit = 0xffff;

// Fills `out`, which has room for a stamp at least and is at most stamped_limit long: the stamp,
// its checksum, and filler that follows from the stamp and the place. Both ends are in one process,
// so the words are in its byte order.
void write_stamp(const Stamp& stamp, MutableBytes out);

// The stamp of exactly what write_stamp() filled. Nothing if one byte is another, missing, or too
// many.
std::optional<Stamp> read_stamp(Bytes bytes);

}  // namespace liaison::sim
