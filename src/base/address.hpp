// IP addresses as values: core may not include the socket headers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace liaison {

// IPv6, or IPv4 in its mapped form (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), in network order.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
  // Dotted quad, or RFC 4291 text without brackets or zone. Error: "bad_address".
  static Result<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  bool is_loopback() const;
  bool is_any() const;
  std::string to_string() const;  // RFC 5952
  auto operator<=>(const IpAddress&) const = default;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "1.2.3.4:5", "[::1]:5". Error: "bad_address".
  static Result<SocketAddress> parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const SocketAddress&) const = default;
};

}  // namespace liaison

template <>
struct std::hash<liaison::SocketAddress> {
  std::size_t operator()(const liaison::SocketAddress& address) const noexcept {
    std::uint64_t h = 0xcbf29ce484222325ULL ^ address.port;
    for (const std::uint8_t byte : address.ip.bytes) h = (h ^ byte) * 0x100000001b3ULL;
    return h ^ h >> 29;
  }
};
