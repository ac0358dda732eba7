// Numbers that differ have types that differ.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace liaison {

// A number that names one thing of kind Tag within this process. Zero names nothing.
template <typename Tag>
struct Id {
  std::uint64_t value = 0;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Id&) const = default;
};

using CallId = Id<struct CallTag>;  // one occurrence in a room
using ParticipantId = Id<struct ParticipantTag>;
using EndpointId = Id<struct EndpointTag>;      // one addressable RTP entity (RFC 7656)
using TrackId = Id<struct TrackTag>;            // one published track
using ConnectionId = Id<struct ConnectionTag>;  // one signaling connection (WebSocket)

using LinkId = Id<struct LinkTag>;  // another router that has part of the same calls

// Index of a worker thread of this node, from 0.
enum class WorkerIndex : std::uint8_t {};

}  // namespace liaison

template <typename Tag>
struct std::hash<liaison::Id<Tag>> {
  std::size_t operator()(liaison::Id<Tag> id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
