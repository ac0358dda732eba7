// What an Sfu has to say after it was called: datagrams to send, events for the
// control plane, and messages to other routers.
#pragma once

#include <vector>

#include "sfu/event.hpp"
#include "sfu/link.hpp"
#include "transport/path.hpp"

namespace liaison::sfu {

// The caller clears and reuses it.
struct Output {
  // Room for what comes at once, so that what a worker holds does not depend on chance.
  Output() { events.reserve(16); }

  transport::Output transport;
  std::vector<Event> events;
  std::vector<LinkTransmit> link;

  void clear() {
    transport.clear();
    events.clear();
    link.clear();
  }
};

}  // namespace liaison::sfu
