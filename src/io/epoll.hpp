// Waiting for many descriptors, until an instant.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "base/clock.hpp"

namespace liaison::io {

// From now on reading from `fd` is reported as `key`, until it is closed.
void watch(int epoll, int fd, std::uint64_t key);
// How many of `events` are there; none at `deadline`, or when a signal came.
std::span<const epoll_event> wait_until(int epoll, std::span<epoll_event> events, Instant deadline);

}  // namespace liaison::io
