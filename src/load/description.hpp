// What a client of a load test offers, and what it reads out of the answer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "rtp/codec.hpp"
#include "transport/credentials.hpp"

namespace liaison::load {

struct OfferOptions {
  bool sends = false;  // WHIP; else it receives (WHEP)
  bool audio = true;
  bool video = true;
  // That each packet's arrival is reported, from which a server estimates the path.
  bool transport_cc = true;
  transport::IceCredentials local;
  transport::Fingerprint fingerprint;
  // Where it is, if it knows: servers that are not ICE-lite, and libnice even then, ask for it.
  std::optional<SocketAddress> candidate;
  // Of what it sends: audio, video.
  std::array<std::uint32_t, 2> ssrcs{};
};

// The m-lines that are wanted, audio first: Opus, and VP8 with RTX.
std::string write_offer(const OfferOptions& options);

struct AnsweredLine {
  rtp::MediaKind kind = rtp::MediaKind::audio;
  std::string mid;
  std::uint8_t payload_type = 0;
  std::uint8_t rtx_payload_type = 0;  // 0 = none
  // Of what is received; 0 where the answer does not say it.
  std::uint32_t ssrc = 0;
  std::uint32_t rtx_ssrc = 0;
  rtp::ExtensionIds extensions;
};
struct Answer {
  static constexpr std::size_t max_candidates = 8;
  transport::IceCredentials remote;
  transport::Fingerprint fingerprint;
  std::vector<SocketAddress> candidates;  // UDP; the first max_candidates
  std::vector<AnsweredLine> lines;
};
// Error: "bad_answer", saying what is missing.
Result<Answer> read_answer(std::string_view text);

}  // namespace liaison::load
