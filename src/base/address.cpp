#include "base/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace liaison {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> quad{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const std::string_view part = text.substr(0, dot);
    // A leading zero means octal to some and decimal to others: refused (RFC 6943 section 3.1.1).
    if (part.size() > 1 && part.front() == '0') return std::nullopt;
    const auto value = number<std::uint8_t>(part, 10);
    if (!value) return std::nullopt;
    quad[i] = *value;
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return quad;
}

// The groups of one side of "::", or nothing if they are wrong.
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text, bool last) {
  std::vector<std::uint16_t> groups;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (last && colon == std::string_view::npos && part.contains('.')) {
      const auto quad = parse_v4(part);
      if (!quad) return std::nullopt;
      groups.push_back(static_cast<std::uint16_t>((*quad)[0] << 8 | (*quad)[1]));
      groups.push_back(static_cast<std::uint16_t>((*quad)[2] << 8 | (*quad)[3]));
    } else {
      const auto value = number<std::uint16_t>(part, 16);
      if (!value || part.size() > 4) return std::nullopt;
      groups.push_back(*value);
    }
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return groups;
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  IpAddress address;
  std::ranges::copy(mapped_prefix, address.bytes.begin());
  std::ranges::copy(std::array{a, b, c, d}, address.bytes.begin() + 12);
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (!text.contains(':')) {
    const auto quad = parse_v4(text);
    if (!quad) return fail("bad_address", fmt::format("'{}' is not an IP address", text));
    return v4((*quad)[0], (*quad)[1], (*quad)[2], (*quad)[3]);
  }
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto head = parse_groups(text.substr(0, gap), !has_gap);
  const auto tail = parse_groups(has_gap ? text.substr(gap + 2) : std::string_view{}, true);
  const auto error = [&] {
    return fail("bad_address", fmt::format("'{}' is not an IP address", text));
  };
  if (!head || !tail) return error();
  const std::size_t count = head->size() + tail->size();
  if (has_gap ? count > 7 : count != 8) return error();
  IpAddress address;
  const auto put = [&](std::size_t group, std::uint16_t value) {
    address.bytes[2 * group] = static_cast<std::uint8_t>(value >> 8);
    address.bytes[2 * group + 1] = static_cast<std::uint8_t>(value);
  };
  for (std::size_t i = 0; i < head->size(); ++i) put(i, (*head)[i]);
  for (std::size_t i = 0; i < tail->size(); ++i) put(8 - tail->size() + i, (*tail)[i]);
  return address;
}

bool IpAddress::is_v4() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[12] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](auto byte) { return byte == 0; }) &&
         bytes[15] == 1;
}

bool IpAddress::is_any() const {
  return std::all_of(bytes.begin() + (is_v4() ? 12 : 0), bytes.end(),
                     [](auto byte) { return byte == 0; });
}

std::string IpAddress::to_string() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
  std::array<std::uint16_t, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i)
    groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  // RFC 5952 section 4.2: the longest run of two or more zero groups, the first of equals, becomes
  // "::".
  std::size_t best = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = end == i ? i + 1 : end;
  }
  std::string text;
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      text += "::";
      i += best_length;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    text += fmt::format("{:x}", groups[i++]);
  }
  return text;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const auto error = [&] {
    return fail("bad_address",
                fmt::format("'{}' is not ADDRESS:PORT (write IPv6 as [::1]:8080)", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error();
  std::string_view host = text.substr(0, colon);
  const auto port = number<std::uint16_t>(text.substr(colon + 1), 10);
  if (!port) return error();
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return error();
  }
  const auto ip = IpAddress::parse(host);
  if (!ip) return error();
  return SocketAddress{*ip, *port};
}

std::string SocketAddress::to_string() const {
  return ip.is_v4() ? fmt::format("{}:{}", ip.to_string(), port)
                    : fmt::format("[{}]:{}", ip.to_string(), port);
}

}  // namespace liaison
