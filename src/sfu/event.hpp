// What a worker's Sfu tells the control plane. With command.hpp this is the whole vocabulary
// between them.
#pragma once

#include <cstdint>
#include <variant>

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
};
// Once a second for each worker; running totals since the start.
struct WorkerStats {
  std::uint64_t packets_in = 0, bytes_in = 0, packets_out = 0, bytes_out = 0;
  std::uint64_t nacks_in = 0, nacks_out = 0, retransmitted = 0;
  std::uint64_t plis_in = 0, plis_out = 0;
  std::uint64_t handshakes = 0;
  std::uint32_t endpoints = 0;
  std::uint32_t calls = 0;
  DropCounters drops;
};

using Event = std::variant<std::monostate, EndpointConnected, EndpointDisconnected, EndpointClosed,
                           SpeakerChanged, EndpointQuality, WorkerStats>;

}  // namespace liaison::sfu
