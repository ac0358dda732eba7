#include "io/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/ensure.hpp"
#include "io/clock.hpp"

namespace liaison::io {

void watch(int epoll, int fd, std::uint64_t key) {
  epoll_event event{EPOLLIN, {.u64 = key}};
  ENSURE(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

std::span<const epoll_event> wait_until(int epoll, std::span<epoll_event> events,
                                        Instant deadline) {
  const Duration left = std::max(deadline - monotonic_now(), Duration::zero());
  const timespec timeout{duration_cast<seconds>(left).count(), (left % seconds(1)).count()};
  const int room = static_cast<int>(events.size());
  int count = epoll_pwait2(epoll, events.data(), room, &timeout, nullptr);
  if (count < 0 && errno != EINTR) {
    // Sandboxes that do not know epoll_pwait2 (Linux 5.11).
    const auto timeout_ms = std::chrono::ceil<milliseconds>(left).count();
    count = epoll_wait(epoll, events.data(), room, static_cast<int>(timeout_ms));
  }
  return events.first(static_cast<std::size_t>(std::max(count, 0)));
}

}  // namespace liaison::io
