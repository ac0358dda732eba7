// Forwarding on one core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "sfu/command.hpp"
#include "sfu/link.hpp"
#include "sfu/output.hpp"
#include "transport/path.hpp"

namespace liaison::transport {
struct Certificate;
}

namespace liaison::sfu {

// The machine of one worker: finds the endpoint of each datagram, runs the commands of the control
// plane, and keeps the routers of its calls. It knows nothing of rooms, names or tokens, and reads
// no clock.
//
// Limits: 4,096 endpoints, 1,024 calls; beyond them OpenEndpoint is answered by EndpointClosed.
class Sfu {
 public:
  // The certificate must outlive it.
  Sfu(const transport::Certificate& certificate, Instant now);
  ~Sfu();
  Sfu(const Sfu&) = delete;
  Sfu& operator=(const Sfu&) = delete;

  // Datagrams that came together, or what the router at the other end of a link says: taken off the
  // front. Packets of video that follow one another are forwarded together: whoever gets them gets
  // all of them before the next one gets any. So what is known of a subscriber is fetched once for
  // a frame, and its datagrams lie side by side. True if there is more to do and `out` has as much
  // as is to be sent at a time: then it is to be called again with the rest, perhaps nothing,
  // before anything else.
  bool receive(std::span<transport::Datagram>& datagrams, Instant now, Output& out);
  bool receive(std::span<LinkReceived>& messages, Instant now, Output& out);
  // One of them, with all that follows from it.
  void receive(transport::Datagram datagram, Instant now, Output& out);
  void receive(LinkReceived message, Instant now, Output& out);
  void receive(Command command, Instant now, Output& out);
  // What the shell dropped, so that all reasons are counted in one place.
  void count(Drop drop);
  void tick(Instant now, Output& out);
  Instant deadline() const;
  // Bit/s that the way to an endpoint is believed to carry, for whoever measures more often than
  // EndpointQuality comes; nothing if it is not known.
  std::optional<std::uint64_t> estimate(EndpointId endpoint) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace liaison::sfu
