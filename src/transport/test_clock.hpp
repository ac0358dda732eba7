// The clock that OpenSSL's DTLS reads in a test program.
#pragma once

#include "base/clock.hpp"

namespace liaison::transport {

// From now on gettimeofday() and time() give this time, in whole of the process, and stand still
// until the next call. Before the first call they stand at Instant().
void set_test_clock(Instant now);

}  // namespace liaison::transport
