// What TCP may hold and how long it may be silent where it carries media (RFC 6544).
#pragma once

#include <cstddef>

#include "base/clock.hpp"

namespace liaison::transport {

// Of what the far end does not take: about 200 ms of a good picture. More would only be delay.
inline constexpr std::size_t tcp_queue_bytes = 128 * 1024;
// Until the first datagram, which says whose it is.
inline constexpr Duration tcp_first_frame_timeout = seconds(5);
// Without any datagram: RFC 7675 ends consent by then.
inline constexpr Duration tcp_idle_limit = seconds(30);
// What was sent and is not acknowledged for so long (RFC 5482) ends the connection.
inline constexpr milliseconds tcp_user_timeout = seconds(10);

}  // namespace liaison::transport
