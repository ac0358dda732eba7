// A bounded queue between exactly two threads that loses nothing it was made to keep.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/ensure.hpp"
#include "base/spsc_ring.hpp"

namespace liaison {

// One thread posts, one other takes. A full ring loses nothing that is posted: it waits on the
// posting side and moves on with the next flush(), in order. What may be lost is offered instead.
// It does not know how the reader learns that there is something (io::Mailbox wakes a thread, the
// simulator plans an event); it says when that is due. No locks, no waiting.
template <typename T>
class MailQueue {
 public:
  // How much may wait beyond the ring. A reader that is so far behind is stuck for good, and the
  // process with it.
  static constexpr std::size_t max_waiting = 65'536;

  explicit MailQueue(std::size_t capacity) : ring_(capacity) {}

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
  // Moves what waits into the ring. False if something still waits for room: call again soon.
  bool flush() {
    while (!waiting_.empty() && ring_.push(std::move(waiting_.front()))) {
      waiting_.pop_front();
      posted_ = true;
    }
    return waiting_.empty();
  }
  // After flush(), whether the reader must be woken: something is new since this was last asked.
  bool take_posted() { return std::exchange(posted_, false); }
  std::size_t waiting() const { return waiting_.size(); }

  // The reading thread.
  std::optional<T> take() { return ring_.pop(); }

 private:
  // Takes `value`, or leaves it as it is: the ring is full, or others wait before it.
  bool push(T& value) { return waiting_.empty() && ring_.push(std::move(value)); }

  SpscRing<T> ring_;
  std::deque<T> waiting_;
  bool posted_ = false;
};

}  // namespace liaison
