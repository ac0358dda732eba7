// A web client for tests, which sends exactly what it is told to.
#pragma once

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/ensure.hpp"
#include "io/descriptor.hpp"
#include "io/socket_address.hpp"

namespace liaison::io {

// HTTP and WebSocket over TCP or TLS, to 127.0.0.1.
class TestHttpClient {
 public:
  explicit TestHttpClient(std::uint16_t port, bool tls = false) {
    socket_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = to_sockaddr({IpAddress::v4(127, 0, 0, 1), port}, AF_INET);
    ENSURE(connect(socket_.get(), address.get(), address.size) == 0);
    if (!tls) return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    ENSURE(SSL_connect(ssl_.get()) == 1);
  }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ssl_ ? SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()))
                                : ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Reads until `done` says so, or the connection ends, or nothing came for 10 s.
  template <typename Done>
  bool read_until(Done done) {
    while (!done()) {
      pollfd entry{socket_.get(), POLLIN, 0};
      if ((!ssl_ || SSL_pending(ssl_.get()) == 0) && poll(&entry, 1, 10'000) != 1) return false;
      std::array<char, 65'536> piece;
      const ssize_t got = ssl_ ? SSL_read(ssl_.get(), piece.data(), piece.size())
                               : recv(socket_.get(), piece.data(), piece.size(), 0);
      if (got <= 0) return done() || (ended_ = true, false);
      received_.append(piece.data(), static_cast<std::size_t>(got));
    }
    return true;
  }

  // One whole HTTP response, with its body; empty if there was none.
  std::string response() {
    std::size_t end = 0;
    std::size_t body = 0;
    read_until([&] {
      end = received_.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      const std::size_t length = received_.find("Content-Length: ");
      body = length < end ? std::stoul(received_.substr(length + 16)) : 0;
      return head_ || received_.size() >= end + 4 + body;
    });
    if (end == std::string::npos) return std::exchange(received_, {});
    const std::size_t size = std::min(received_.size(), end + 4 + (head_ ? 0 : body));
    std::string whole = received_.substr(0, size);
    received_.erase(0, size);
    return whole;
  }
  std::string get(std::string_view target, std::string_view more = {}) {
    send(fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n{}\r\n", target, more));
    return response();
  }
  void expect_head() { head_ = true; }
  bool ended() {
    read_until([] { return false; });
    return ended_;
  }

  // WebSocket (RFC 6455).
  std::string upgrade(std::string_view more = {}) {
    return get("/ws", fmt::format("Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}",
                                  more));
  }
  void send_frame(std::uint8_t first_byte, std::string_view payload) {
    std::string frame(1, static_cast<char>(first_byte));
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65'536) {
      frame += {static_cast<char>(0xfe), static_cast<char>(payload.size() >> 8),
                static_cast<char>(payload.size())};
    } else {
      frame += static_cast<char>(0xff);
      for (int shift = 56; shift >= 0; shift -= 8)
        frame += static_cast<char>(payload.size() >> shift & 0xff);
    }
    frame += std::string(4, '\0');  // a mask that changes nothing
    send(frame + std::string(payload));
  }
  struct Frame {
    int opcode = -1;  // none came
    std::string payload;
    int close_code() const {
      return opcode == 8 && payload.size() >= 2 ? static_cast<unsigned char>(payload[0]) << 8 |
                                                      static_cast<unsigned char>(payload[1])
                                                : 0;
    }
  };
  Frame frame() {
    std::size_t start = 2;
    std::size_t size = 0;
    const bool whole = read_until([&] {
      if (received_.size() < 2) return false;
      size = static_cast<std::uint8_t>(received_[1]);
      start = size == 126 ? 4 : size == 127 ? 10 : 2;
      if (received_.size() < start) return false;
      if (start > 2) {
        size = 0;
        for (std::size_t i = 2; i < start; ++i)
          size = size << 8 | static_cast<std::uint8_t>(received_[i]);
      }
      return received_.size() >= start + size;
    });
    if (!whole) return {};
    Frame frame{received_[0] & 15, received_.substr(start, size)};
    received_.erase(0, start + size);
    return frame;
  }
  void shut() { shutdown(socket_.get(), SHUT_WR); }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  Descriptor socket_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string received_;
  bool head_ = false;
  bool ended_ = false;
};

}  // namespace liaison::io
