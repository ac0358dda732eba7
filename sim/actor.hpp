// Whatever waits for its time in a world.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace liaison::sim {

// Something with deadlines of its own: a browser, a worker, the control thread of a server. The
// world wakes it when next() has come, and asks again after every touch (World::touch).
class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  // Does what is due. The world's clock stands at `next()` or later.
  virtual void wake() = 0;
  // In the world's time; `never` for nothing.
  virtual Instant next() const = 0;

 private:
  friend class World;
  std::uint64_t number_ = 0;  // 0 = not in a world
  Instant planned_ = never;
};

}  // namespace liaison::sim
