// A bounded queue between exactly two threads, with a file descriptor that wakes the one that
// reads.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/ensure.hpp"
#include "base/spsc_ring.hpp"
#include "io/descriptor.hpp"

namespace liaison::io {

// One thread posts, one other takes. A full ring loses nothing that is posted: it waits on the
// posting side and moves on with the next flush(), in order. What may be lost is offered instead.
// No locks, no waiting.
template <typename T>
class Mailbox {
 public:
  // How much may wait beyond the ring. A reader that is so far behind is stuck for good, and the
  // process with it.
  static constexpr std::size_t max_waiting = 65'536;

  explicit Mailbox(std::size_t capacity)
      : ring_(capacity), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    ENSURE(wake_);
  }

  // The posting thread. Nothing is seen on the other side for certain before flush().
  void post(T value) {
    posted_ = true;
    if (push(value)) return;
    ENSURE(waiting_.size() < max_waiting);
    waiting_.push_back(std::move(value));
  }
  // False if there was no room, and the value is lost.
  bool offer(T value) {
    if (!push(value)) return false;
    posted_ = true;
    return true;
  }
  // Wakes the reader if there is anything new. False if something still waits for room: call again
  // soon.
  bool flush() {
    while (!waiting_.empty() && ring_.push(std::move(waiting_.front()))) {
      waiting_.pop_front();
      posted_ = true;
    }
    if (std::exchange(posted_, false)) {
      const std::uint64_t one = 1;
      // It fails only when the counter is at its limit, and then the reader is awake anyway.
      [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
    }
    return waiting_.empty();
  }
  std::size_t waiting() const { return waiting_.size(); }

  // The reading thread: poll fd() for reading, then call acknowledge(), then take() until it gives
  // nothing.
  int fd() const { return wake_.get(); }
  void acknowledge() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
  }
  std::optional<T> take() { return ring_.pop(); }

 private:
  // Takes `value`, or leaves it as it is: the ring is full, or others wait before it.
  bool push(T& value) { return waiting_.empty() && ring_.push(std::move(value)); }

  SpscRing<T> ring_;
  Descriptor wake_;
  std::deque<T> waiting_;
  bool posted_ = false;
};

}  // namespace liaison::io
