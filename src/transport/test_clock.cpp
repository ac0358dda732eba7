#include "transport/test_clock.hpp"

#include <sys/time.h>

#include <ctime>

namespace {

// 2026-01-01 00:00:00 UTC at Instant().
constexpr time_t epoch = 1'767'225'600;
liaison::Duration since_epoch{};

}  // namespace

namespace liaison::transport {

void set_test_clock(Instant now) { since_epoch = now.time_since_epoch(); }

}  // namespace liaison::transport

// The program's definitions come before those of the C library, for libssl and libcrypto too.
extern "C" int gettimeofday(timeval* __restrict now, void* __restrict) noexcept {
  const auto whole = liaison::duration_cast<liaison::seconds>(since_epoch);
  now->tv_sec = epoch + whole.count();
  now->tv_usec = liaison::duration_cast<liaison::microseconds>(since_epoch - whole).count();
  return 0;
}

extern "C" time_t time(time_t* now) noexcept {
  const time_t value = epoch + liaison::duration_cast<liaison::seconds>(since_epoch).count();
  if (now != nullptr) *now = value;
  return value;
}
