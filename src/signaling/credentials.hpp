// ICE credentials of our side, which say at which worker an endpoint lives: what arrives on the one
// TCP port begins with a STUN request to a ufrag, and that is all one needs to pass it on.
#pragma once

#include <optional>
#include <string_view>

#include "base/id.hpp"
#include "transport/credentials.hpp"

namespace liaison::signaling {

// 16 ice-chars (the first two for the worker, 84 bits drawn) and a password of 32 (192 bits).
transport::IceCredentials draw_credentials(WorkerIndex worker);

// Nothing if the ufrag cannot be one of ours.
std::optional<WorkerIndex> worker_of_ufrag(std::string_view ufrag);

}  // namespace liaison::signaling
