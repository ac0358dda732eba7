// What two routers that have part of the same call tell each other.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/packet_pool.hpp"
#include "rtcp/report.hpp"
#include "rtp/picture_size.hpp"
#include "sfu/command.hpp"

namespace liaison::sfu {

// A link carries publishers from one router to another, each as a mirror: the far router has all
// its packets of the encodings that it demands, decrypted, as they came, and serves its own
// subscribers from them as if the publisher were its own. What a router has from a link it never
// passes to another (split horizon), so there are no loops, and every two routers of a call have a
// link. How messages travel is the shell's to decide; those from one router arrive in their order,
// and none is lost but LinkPackets, which are asked for again.

// "I have part of this call. Forget what you had from me." Answered by the same, with `answer`, and
// by all announcements; a router that has no part of the call says nothing, and says its own when
// it gets one.
struct LinkHello {
  CallId call;
  bool answer = false;
};
// A publisher of mine: what it publishes and which of it is active. Whole, whenever it changes.
struct LinkAnnounce {
  CallId call;
  EndpointId publisher;
  MediaDescription media = {};  // `down` is empty
  std::vector<TrackId> active = {};
  // How large the pictures of each encoding are, as far as they have said so: which is the smallest
  // only who has all of them can tell.
  struct Size {
    TrackId track;
    std::uint8_t rid = 0;
    rtp::PictureSize picture;
  };
  std::vector<Size> sizes = {};
};
// It is gone.
struct LinkWithdraw {
  EndpointId publisher;
};
// Which encodings of a track are to come, by the numbers of its rids (of sound, number 0), and up
// to which spatial layer somebody needs them. Before the first, none.
struct LinkDemand {
  EndpointId publisher;
  TrackId track;
  std::array<bool, encoding_limit> rids{};
  std::uint8_t spatial_layers = 1;
};
// Somebody waits for a key frame of an encoding.
struct LinkKeyFrame {
  EndpointId publisher;
  TrackId track;
  std::uint8_t rid = 0;
};
// Packets of an encoding that have not come (their RTP sequence numbers).
struct LinkNack {
  EndpointId publisher;
  TrackId track;
  std::uint8_t rid = 0;
  std::vector<std::uint16_t> missing;
};
// What the publisher's sender report said of one of its SSRCs.
struct LinkReport {
  EndpointId publisher;
  std::uint32_t ssrc = 0;
  rtcp::SenderInfo info = {};
};
// One RTP packet, which travels beside it, with RTX and RED unwrapped.
struct LinkPacket {
  EndpointId publisher;
  TrackId track;
  std::uint8_t rid = 0;
  // What came before it was not demanded, and is not missing.
  bool begins = false;
  // Of the newest picture's past, for whoever comes late; the last such packet says that it is.
  enum class Time : std::uint8_t { live, past, end_of_past };
  Time time = Time::live;
  Duration age{};  // since it arrived from its publisher
};

using LinkMessage = std::variant<std::monostate, LinkHello, LinkAnnounce, LinkWithdraw, LinkDemand,
                                 LinkKeyFrame, LinkNack, LinkReport, LinkPacket>;

// The name of the link to another worker of this node, for all its workers, and back.
inline LinkId link_to(WorkerIndex worker) {
  return LinkId{std::uint64_t{std::to_underlying(worker)} + 1};
}
inline WorkerIndex worker_of(LinkId link) {
  return WorkerIndex{static_cast<std::uint8_t>(link.value - 1)};
}

// Whether it can go where there is no room for it.
inline bool may_be_lost(const LinkMessage& message) {
  return std::holds_alternative<LinkPacket>(message);
}

// A message from another router; `packet` belongs to a LinkPacket.
struct LinkReceived {
  LinkId from;
  LinkMessage message;
  Packet packet = {};
};

// A message to another router. The packet of a LinkPacket lies in Output::transport's arena.
struct LinkTransmit {
  LinkId to;
  LinkMessage message;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

}  // namespace liaison::sfu
