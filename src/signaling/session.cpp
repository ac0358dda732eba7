#include "signaling/session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace liaison::signaling {

std::uint16_t close_code(std::string_view error_code) {
  if (error_code == "message_too_large") return 1009;
  if (error_code == "shutting_down") return 1012;
  if (error_code == "room_full" || error_code == "server_full") return 1013;
  return 1008;
}

Session::Session(const Limits& limits, Instant now)
    : limits_(limits),
      rate_(limits.messages_per_second, limits.message_burst, now),
      opened_at_(now),
      heard_at_(now) {}

void Session::receive(std::string_view text, Instant now, Output& out) {
  heard_at_ = now;
  asked_ = false;
  if (!rate_.take(now)) {
    const Error error{"rate_limited",
                      fmt::format("More than {} messages a second. Connect again more slowly.",
                                  limits_.messages_per_second)};
    return refuse(error, true, seconds(5), out);
  }
  if (text.size() > limits_.message_bytes) {
    const Error error{"message_too_large",
                      fmt::format("A message may have {} bytes.", limits_.message_bytes)};
    return refuse(error, true, std::nullopt, out);
  }
  auto message = read_client_message(text);
  if (!message) return refuse(message.error(), out);
  take(std::move(*message), out);
}

void Session::take(ClientMessage message, Output& out) {
  if (const auto* ping = std::get_if<message::Ping>(&message)) {
    out.replies.emplace_back(message::Pong{ping->id});
    return;
  }
  if (std::holds_alternative<message::Pong>(message)) return;
  const bool is_join = std::holds_alternative<message::Join>(message);
  if (is_join && state_ != State::opened)
    return refuse({"already_joined", "This connection has joined a room. Open another one."}, out);
  if (!is_join && state_ != State::joined)
    return refuse({"not_joined", "Send join first and wait for joined."}, out);
  if (is_join) state_ = State::joining;
  out.request = std::move(message);
}

void Session::tick(Instant now, Output& out) {
  if (state_ != State::joined && now >= opened_at_ + limits_.join_timeout)
    return refuse({"join_timeout", "Nobody joined on this connection. Connect again."}, true,
                  std::nullopt, out);
  if (now >= heard_at_ + limits_.silence_close) {
    out.close = Close{1001, "silent"};
    return;
  }
  if (!asked_ && now >= heard_at_ + limits_.silence_ping) {
    asked_ = true;
    out.replies.emplace_back(message::Ping{next_ping_++});
  }
}

Instant Session::deadline() const {
  const Instant silence = heard_at_ + (asked_ ? limits_.silence_close : limits_.silence_ping);
  if (state_ == State::joined) return silence;
  return std::min(silence, opened_at_ + limits_.join_timeout);
}

void Session::refuse(const Error& error, Output& out) const {
  refuse(error, state_ != State::joined, std::nullopt, out);
}

void Session::refuse(const Error& error, bool fatal, std::optional<Duration> retry_after,
                     Output& out) {
  message::Error reply{std::string(error.code), error.message, fatal, std::nullopt};
  if (retry_after)
    reply.retry_after_ms =
        static_cast<std::uint64_t>(duration_cast<milliseconds>(*retry_after).count());
  out.replies.emplace_back(std::move(reply));
  if (fatal) out.close = Close{close_code(error.code), std::string(error.code)};
}

}  // namespace liaison::signaling
