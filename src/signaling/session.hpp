// One signaling connection: what may come when, how much and how often. It does not know what a
// request does; the room and the node do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "signaling/limits.hpp"
#include "signaling/message.hpp"

namespace liaison::signaling {

// Of a connection that ends (RFC 6455 section 7.4).
struct Close {
  std::uint16_t code = 1000;
  std::string reason;
};

// The close code that goes with a fatal error.
std::uint16_t close_code(std::string_view error_code);

// The machine of one WebSocket: decodes, answers pings, enforces rates and silence, and hands on
// what is for others. Once it has said `close` it is over.
class Session {
 public:
  struct Output {
    std::vector<ServerMessage> replies;
    std::optional<ClientMessage> request;  // join, offer, publish, view or leave
    std::optional<Close> close;

    void clear() {
      replies.clear();
      request.reset();
      close.reset();
    }
  };

  Session(const Limits& limits, Instant now);

  void receive(std::string_view text, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;

  // The join is done: from now on the client may do more, and errors are not the end.
  void joined() { state_ = State::joined; }

  // An error, and the end of the connection if it is `fatal`.
  static void refuse(const Error& error, bool fatal, std::optional<Duration> retry_after,
                     Output& out);

 private:
  enum class State : std::uint8_t { opened, joining, joined };

  void refuse(const Error& error, Output& out) const;
  void take(ClientMessage message, Output& out);

  const Limits& limits_;
  State state_ = State::opened;
  RateLimiter rate_;
  Instant opened_at_;
  Instant heard_at_;
  bool asked_ = false;  // for a sign of life since heard_at_
  std::uint64_t next_ping_ = 1;
};

}  // namespace liaison::signaling
