// The settings of one server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "node/node.hpp"

namespace liaison::io {

// What the operator wants, from liaison.toml and from flags, which override it. It is a value:
// reading it opens nothing and changes nothing. A wrong value is an Error whose message names the
// key or flag, the value and what is allowed.
struct Config {
  std::filesystem::path data = "data";
  SocketAddress listen{IpAddress::v4(127, 0, 0, 1), 8000};
  std::string public_url;  // empty: made from `listen`
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  std::vector<IpAddress> media_addresses;  // empty: all addresses of this machine
  std::uint16_t media_port = 40'000;       // of the first worker; 0 = any free ports
  bool media_tcp = true;
  std::optional<std::uint16_t> media_tcp_port;  // none: the number of media_port; 0 = any free port
  unsigned workers = 0;                         // 0 = one per processor
  node::Access rooms = node::Access::open;
  // A second; twice as many at once.
  std::uint32_t requests_per_address = signaling::Limits().requests_per_second;
  node::LogLevel log_level = node::LogLevel::info;

  bool tls() const { return !tls_certificate.empty(); }
};

// One setting, under one name: the key in liaison.toml, and with two dashes before it the flag.
struct Setting {
  enum class Kind : std::uint8_t { text, number, list };
  std::string_view name;
  Kind kind;
  std::string_view argument;  // what the help calls its value
  std::string_view example;   // a TOML value: the default where there is one
  std::string_view allowed;
  std::string_view help;
  // False if the value is not allowed. A list is set by one call for each element.
  bool (*set)(Config& config, std::string_view value);
  void (*clear)(Config& config);  // before the first element of a list
};
std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);
// The known name nearest to a wrong one, or empty if none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known);

// Applies the text of a liaison.toml. `where` names the file in errors; relative paths in it are
// relative to `folder`. Limit: 1 MiB.
Result<void> read_config(std::string_view text, std::string_view where,
                         const std::filesystem::path& folder, Config& config);
// The same for one flag with its values.
Result<void> apply_flag(std::string_view name, std::span<const std::string> values, Config& config);

// What can only be judged when all is read. `here` are the addresses of this machine; `processors`
// how many it has. Fills in what was left open, so that afterwards every member says what will be
// done.
Result<void> complete(Config& config, std::span<const IpAddress> here, unsigned processors);

// The text of the liaison.toml that `liaison init` writes: every setting with its meaning and
// default; those of `set` (name, TOML value) in force, the others as comments.
struct SettingText {
  std::string_view name;
  std::string value;
};
std::string config_template(std::span<const SettingText> set);

// The address that people open, without a path: "https://call.example.org".
std::string base_url(const Config& config, std::span<const IpAddress> here);

}  // namespace liaison::io
