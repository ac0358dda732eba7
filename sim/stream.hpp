// A connection that keeps order and loses nothing while it lives: what TCP makes of a bad link.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "sim/link.hpp"

namespace liaison::sim {

// What goes through a WebSocket, or through TCP that carries media.
struct Frame {
  enum class Kind : std::uint8_t { connect, accept, text, datagram, close, reset };
  Kind kind = Kind::text;
  std::string text = {};   // or the bytes of the datagram
  std::uint16_t code = 0;  // of close
  std::string rtcp = {};   // of a datagram: its plaintext, if it is RTCP; this is not sent

  // RFC 4571: a datagram has its length before it.
  std::size_t size() const { return text.size() + (kind == Kind::datagram ? 2 : 0); }
};

// One direction. Frames go in segments; what the link loses is sent again after a timeout that
// doubles (RFC 6298), and all behind it waits. It holds what was not sent yet; what is under way
// belongs to the caller.
class Stream {
 public:
  struct Departure {
    Frame frame;
    Instant arrives;
  };

  void send(Frame frame) {
    bytes_waiting_ += frame.size();
    waiting_.push_back(std::move(frame));
  }
  // The next frame that gets through `link` now; nothing if none waits, or the link lost it: then
  // retry() is set.
  std::optional<Departure> take(Link& link, Instant now) {
    if (waiting_.empty() || now < retry_) return std::nullopt;
    const std::size_t size = waiting_.front().size();
    do {
      const std::size_t segment = std::min(size - sent_, longest_segment);
      const auto arrivals = link.carry(segment + header, now);
      if (arrivals.count == 0) {
        retry_ = now + timeout_;
        if (!stuck_since_) stuck_since_ = now;
        timeout_ = std::min<Duration>(timeout_ * 2, longest_timeout);
        return std::nullopt;
      }
      sent_ += segment;
      timeout_ = first_timeout;
      stuck_since_.reset();
      last_arrival_ = std::max(last_arrival_, arrivals.at[0]);
    } while (sent_ < size);
    sent_ = 0;
    retry_ = Instant::min();
    Departure departure{std::move(waiting_.front()), last_arrival_};
    waiting_.pop_front();
    bytes_waiting_ -= size;
    return departure;
  }
  bool waits() const { return !waiting_.empty(); }
  std::size_t bytes_waiting() const { return bytes_waiting_; }
  // When the link last began to let nothing through, unless it does.
  std::optional<Instant> stuck_since() const { return stuck_since_; }
  // Gives up what waits.
  void clear() {
    waiting_.clear();
    bytes_waiting_ = sent_ = 0;
    stuck_since_.reset();
  }
  Instant retry() const { return retry_; }
  // Whether the owner has not planned the retry yet, which it does now; planned() says that it
  // came.
  bool take_unplanned() { return !std::exchange(planned_, true); }
  void planned() { planned_ = false; }

 private:
  static constexpr std::size_t header = 80;
  static constexpr std::size_t longest_segment = 1'200;
  static constexpr Duration first_timeout = milliseconds(250);
  static constexpr Duration longest_timeout = seconds(2);

  std::deque<Frame> waiting_;
  std::size_t bytes_waiting_ = 0;  // the first counts until all of it is sent
  std::size_t sent_ = 0;           // of the first
  bool planned_ = false;
  Duration timeout_ = first_timeout;
  Instant retry_ = Instant::min();
  std::optional<Instant> stuck_since_;
  Instant last_arrival_ = Instant::min();
};

}  // namespace liaison::sim
