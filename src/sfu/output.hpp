// What an Sfu has to say after it was called: datagrams to send and events for the control plane.
#pragma once

#include <vector>

#include "sfu/event.hpp"
#include "transport/path.hpp"

namespace liaison::sfu {

// The caller clears and reuses it.
struct Output {
  transport::Output transport;
  std::vector<Event> events;

  void clear() {
    transport.clear();
    events.clear();
  }
};

}  // namespace liaison::sfu
