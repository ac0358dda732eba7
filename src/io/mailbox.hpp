// A bounded queue between exactly two threads, with a file descriptor that wakes the one that
// reads.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "base/ensure.hpp"
#include "base/mail_queue.hpp"
#include "io/descriptor.hpp"

namespace liaison::io {

// A MailQueue, which says what is kept and what may be lost, and an eventfd, which wakes the
// reader. No locks, no waiting.
template <typename T>
class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity)
      : queue_(capacity), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    ENSURE(wake_);
  }

  // The posting thread. Nothing is seen on the other side for certain before flush().
  void post(T value) { queue_.post(std::move(value)); }
  // False if there was no room, and the value is lost.
  bool offer(T value) { return queue_.offer(std::move(value)); }
  // Wakes the reader if there is anything new. False if something still waits for room: call again
  // soon.
  bool flush() {
    const bool delivered = queue_.flush();
    if (queue_.take_posted()) {
      const std::uint64_t one = 1;
      // It fails only when the counter is at its limit, and then the reader is awake anyway.
      [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
    }
    return delivered;
  }
  std::size_t waiting() const { return queue_.waiting(); }

  // The reading thread: poll fd() for reading, then call acknowledge(), then take() until it gives
  // nothing.
  int fd() const { return wake_.get(); }
  void acknowledge() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
  }
  std::optional<T> take() { return queue_.take(); }

 private:
  MailQueue<T> queue_;
  Descriptor wake_;
};

}  // namespace liaison::io
