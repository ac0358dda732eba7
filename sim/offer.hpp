// What a virtual browser offers, and what it reads out of the answer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "rtp/codec.hpp"
#include "rtp/extension.hpp"
#include "transport/credentials.hpp"

namespace liaison::sim {

// Which numbers a browser gives to what.
enum class Flavour : std::uint8_t { chromium, firefox };

// Those of the first offer, and those that later ones have added behind the screen slot.
struct PersonSlots {
  std::uint16_t first = 0;
  std::uint16_t added = 0;

  std::size_t count() const { return std::size_t{first} + added; }
  // The m-line of a slot's first half.
  std::size_t line(std::size_t slot) const { return 4 + 2 * slot + (slot < first ? 0 : 2); }
  std::size_t screen_line() const { return 4 + 2 * std::size_t{first}; }
  bool is_screen(std::size_t line) const {
    return line == screen_line() || line == screen_line() + 1;
  }
};

struct OfferOptions {
  Flavour flavour = Flavour::chromium;
  // In the browser's order of preference.
  std::vector<rtp::CodecName> video = {rtp::CodecName::vp8, rtp::CodecName::vp9,
                                       rtp::CodecName::h264, rtp::CodecName::av1};
  bool red = true;
  std::uint32_t redundant = 0;  // the m-lines that put it before Opus, as bits
  // Three encodings of the camera, by RID (RFC 8853).
  bool simulcast = false;
  PersonSlots person_slots = {4, 0};
  std::uint64_t session = 1;
  std::uint64_t version = 1;
  transport::IceCredentials local = {};
  transport::Fingerprint fingerprint = {};
};

// As Chromium and Firefox write it, as far as anybody reads it.
std::string write_offer(const OfferOptions& options);

// What an answer says of one m-line.
struct AnsweredLine {
  struct Format {
    std::uint8_t payload_type = 0;
    rtp::CodecName codec = rtp::CodecName::opus;
    std::uint8_t rtx_payload_type = 0;  // 0 = none
  };
  std::string mid;
  std::vector<Format> formats;  // in the order of preference
  std::uint32_t ssrc = 0;       // what we will receive
  std::uint32_t rtx_ssrc = 0;
  rtp::ExtensionIds extensions;
  bool mixed_extensions = false;  // values that need the two-byte form may be sent (RFC 8285)
  bool simulcast = false;

  const Format* find(std::uint8_t payload_type) const;
};
struct Answer {
  transport::IceCredentials remote;
  transport::Fingerprint fingerprint = {};
  std::vector<SocketAddress> candidates;  // UDP
  std::vector<SocketAddress> tcp_candidates;
  std::vector<AnsweredLine> lines;
};
// Written apart from src/sdp, so that one judges the other. Nothing if a browser would refuse it.
std::optional<Answer> read_answer(std::string_view sdp);

}  // namespace liaison::sim
