// The text of the script that sim/client_script.cpp runs.
#pragma once

#include <string_view>

namespace liaison::sim {

// sim/client/client.ts and what it imports of client/sdk, as one script that defines the global
// `client`. Made by cmake/bundle_client.cmake when the simulator is built.
std::string_view client_code();

}  // namespace liaison::sim
