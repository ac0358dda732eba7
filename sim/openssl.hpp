// Makes OpenSSL a part of the simulation.
#pragma once

#include <cstdint>

namespace liaison::sim {

// All that OpenSSL draws from now on follows from `seed`: keys, DTLS randoms, signatures, and what
// base/random.hpp gives. For the whole process.
void seed_openssl(std::uint64_t seed);

}  // namespace liaison::sim
