// What a worker's Sfu tells the control plane. With command.hpp this is the whole vocabulary
// between them.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/drop.hpp"
#include "base/id.hpp"

namespace liaison::sfu {

// Media can flow: ICE has a nominated path and DTLS is done.
struct EndpointConnected {
  EndpointId endpoint;
};
// Consent is lost (no authenticated packet for 10 s): the Sfu sends it nothing until
// EndpointConnected comes again.
struct EndpointDisconnected {
  EndpointId endpoint;
};
enum class CloseReason : std::uint8_t {
  commanded,
  handshake_failed,  // certificate does not match, or DTLS gave up
  closed_by_peer,    // DTLS close_notify
  consent_expired,   // nothing for 30 s
  refused,           // it was never opened: the worker is full
};
// The endpoint is gone; its id is not valid any more. Totals of its whole life.
struct EndpointClosed {
  EndpointId endpoint;
  CloseReason reason = CloseReason::commanded;
  std::uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;
};
// Who speaks in a call: the track of the dominant speaker, or none. At most every 300 ms.
struct SpeakerChanged {
  CallId call;
  EndpointId endpoint;
  TrackId track;
};
// Once a second for each connected endpoint.
struct EndpointQuality {
  EndpointId endpoint;
  std::uint32_t rtt_us = 0;  // of the media path; 0 = not known
  float loss_up =
      0;  // share of packets lost on the way to us over the last second, 0..1, after repair
  float loss_down = 0;            // the same on the way from us, as receiver reports say
  std::uint32_t bitrate_in = 0;   // bit/s
  std::uint32_t bitrate_out = 0;  // bit/s
  bool over_tcp = false;
  std::uint64_t estimate = 0;  // bit/s that the way from us carries; 0 = not known
  std::uint64_t wanted = 0;    // bit/s that all video it shows would take at its best
  bool limited = false;        // it gets less than that, for want of bandwidth
};
// Which encodings of a published video track somebody gets, and of a scalable one up to which
// spatial layer: its publisher need not send more. At once when there are more, after 5 s when
// there are less. Before the first, all are taken as wanted.
struct LayersWanted {
  EndpointId endpoint;  // the publisher
  TrackId track;
  std::vector<bool> encodings;  // in the order of its rids
  std::uint8_t spatial_layers = 1;
};
// Whether a published track of sound gets lost so much that its publisher is to send it redundantly
// (RED, RFC 2198). Before the first it is not.
struct RedundancyWanted {
  EndpointId endpoint;  // the publisher
  TrackId track;
  bool wanted = false;
};
// Which of the slots that a subscriber shows get no video because the path cannot carry it. Whole,
// whenever it changes.
struct SlotsPaused {
  EndpointId endpoint;
  std::vector<std::uint16_t> slots;
};
// Once a second for each worker; running totals since the start.
struct WorkerStats {
  std::uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;
  std::uint64_t nacks_in = 0, nacks_out = 0, retransmitted = 0;
  std::uint64_t plis_in = 0, plis_out = 0;
  std::uint64_t plis_passed_over = 0;  // of those that came: a key frame is under way, or will be
  std::uint64_t handshakes = 0;
  std::uint32_t endpoints = 0;
  std::uint32_t calls = 0;
  DropCounters drops;
};

using Event = std::variant<std::monostate, EndpointConnected, EndpointDisconnected, EndpointClosed,
                           SpeakerChanged, EndpointQuality, WorkerStats, LayersWanted,
                           RedundancyWanted, SlotsPaused>;

// Which endpoint an event, or a command, is about; empty for one about a call or a worker.
template <typename... Kinds>
EndpointId endpoint_of(const std::variant<Kinds...>& event_or_command) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.endpoint; })
          return one.endpoint;
        else
          return EndpointId{};
      },
      event_or_command);
}

// Whether it can go where there is no room for it: the next one of its kind says all that it did.
inline bool may_be_lost(const Event& event) {
  return std::holds_alternative<EndpointQuality>(event) ||
         std::holds_alternative<WorkerStats>(event);
}

}  // namespace liaison::sfu
