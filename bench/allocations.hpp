// How often a program that links this has called operator new.
#pragma once

#include <cstdint>

namespace liaison::bench {

std::uint64_t allocations();

}  // namespace liaison::bench
