// When what a virtual browser receives arrives, told to the server.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "rtp/packet.hpp"
#include "sfu/twcc_feedback.hpp"
#include "sim/offer.hpp"

namespace liaison::sim {

// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) of one peer
// connection, as Chromium gives it: of every packet that carries the transport's number under the
// id of an answered m-line, be it audio or video, a repetition, or nothing but padding. Packets
// that do not carry it do not count. What the feedback looks like and when it is due, it leaves to
// the server's own sender of it, which does the same for the other direction.
class ArrivalReporter {
 public:
  explicit ArrivalReporter(std::uint32_t sender_ssrc) : feedback_(sender_ssrc) {}

  // `line` is that of the packet's SSRC among `lines`; nothing = none, and then the id is taken for
  // that of any: in a bundle, an id means the same everywhere (RFC 9143 section 12).
  void receive(const rtp::PacketView& packet, std::span<const AnsweredLine> lines,
               std::optional<std::size_t> line, Instant now);

  Instant deadline() const { return feedback_.deadline(); }
  // Writes one feedback packet if one is due. To be called again, with room for another, until it
  // is false.
  bool write(Writer& out, Instant now) { return feedback_.write(out, now); }

 private:
  sfu::FeedbackSender feedback_;
};

}  // namespace liaison::sim
