// What an Sfu has to say after it was called: datagrams to send and events for the control plane.
#pragma once

#include <vector>

#include "sfu/event.hpp"
#include "transport/path.hpp"

namespace liaison::sfu {

// The caller clears and reuses it.
struct Output {
  // Room for what comes at once, so that what a worker holds does not depend on chance.
  Output() { events.reserve(16); }

  transport::Output transport;
  std::vector<Event> events;

  void clear() {
    transport.clear();
    events.clear();
  }
};

}  // namespace liaison::sfu
