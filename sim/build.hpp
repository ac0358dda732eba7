// What this program was made of.
#pragma once

#include <string_view>

namespace liaison::sim {

// As `git describe` says it.
extern const std::string_view commit;

}  // namespace liaison::sim
