// HTTP and WebSocket for the people of this server.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "io/assets.hpp"
#include "signaling/whip.hpp"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Asio's name
}

namespace liaison::io {

// One client's WebSocket, as the control thread sees it: plain or over TLS.
class SignalingConnection {
 public:
  virtual ~SignalingConnection() = default;
  virtual void send(std::string text) = 0;
  // After what was sent before. `code` as in RFC 6455 section 7.4.
  virtual void close(std::uint16_t code, std::string reason) = 0;
};

struct HttpOptions {
  SocketAddress listen;
  std::filesystem::path tls_certificate;  // PEM; empty: plain HTTP
  std::filesystem::path tls_key;
  std::span<const Asset> assets;

  // Above the node's own limits, which it explains to the client.
  std::size_t connections = 6'000;
  std::size_t connections_per_address = 600;
  std::size_t message_bytes = 512 * 1024;
  std::size_t queue_bytes = 1024 * 1024;  // to one client that does not read
  std::size_t body_bytes = 64 * 1024;     // of a request to /whip/ or /whep/
  Duration request_timeout =
      seconds(20);  // to shake hands, to send a request, and between two requests
  Duration answer_timeout = seconds(10);  // for the node to answer WHIP and WHEP
  Duration response_timeout = minutes(2);
  Duration close_timeout = seconds(5);  // for the far end to close as well
};

// What the server asks of the rest of the process. All are called on the thread that runs the
// io_context.
struct HttpHooks {
  // A WebSocket is open; `remote` is the client's address. The id goes with all that follows.
  std::function<ConnectionId(std::shared_ptr<SignalingConnection>, std::string remote)> opened;
  // One text message. If it is longer than message_bytes it is cut one byte later, and is the last.
  std::function<void(ConnectionId, std::string text)> received;
  std::function<void(ConnectionId)> closed;
  // A request to /whip/ or /whep/. The answer comes once, at once or later, or never.
  std::function<void(signaling::whip::Request, std::string remote,
                     std::function<void(signaling::whip::Response)> answer)>
      request;
  std::function<std::string()> metrics;
  std::function<std::string()> health;
};

struct HttpStats {
  std::size_t connections = 0;
  std::size_t web_sockets = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;                    // over a limit
  std::array<std::uint64_t, 6> responses = {};  // by the first digit of the status
};

// Serves the site, opens WebSockets at /ws and passes WHIP and WHEP on, over TLS or in the clear,
// on one port. It does not know what the messages mean. A port with TLS answers plain HTTP with a
// redirect.
class HttpServer {
 public:
  // Codes: "port_in_use", "no_permission", "no_socket", "bad_tls".
  static Result<std::unique_ptr<HttpServer>> open(boost::asio::io_context& context,
                                                  HttpOptions options, HttpHooks hooks);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  std::uint16_t port() const;
  const HttpStats& stats() const;
  // Takes no more connections. Those that are open go on.
  void stop();

  class State;

 private:
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace liaison::io
