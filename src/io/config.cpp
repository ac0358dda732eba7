#include "io/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace liaison::io {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr unsigned max_workers = 64;

bool has(std::span<const IpAddress> addresses, const IpAddress& address) {
  return std::ranges::find(addresses, address) != addresses.end();
}

template <typename T>
std::optional<T> number(std::string_view text, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value < low || value > high) return std::nullopt;
  return value;
}

bool set_path(std::filesystem::path& path, std::string_view text) {
  if (text.empty() || text.contains('\0')) return false;
  path = text;
  return true;
}

// scheme "://" host [":" port], nothing after it: rooms are at fixed paths.
bool is_base_url(std::string_view url) {
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return false;
  const std::string_view host = url.substr(secure ? 8 : 7);
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-.:[]").contains(c);
  });
}

using Kind = Setting::Kind;
constexpr auto no_clear = [](Config&) {};

constexpr std::array all_settings = {
    Setting{
        "listen", Kind::text, "ADDRESS:PORT", "\"127.0.0.1:8000\"",
        "an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000",
        "Where the web page and the signaling are served. Without TLS only a loopback address is "
        "allowed.",
        [](Config& config, std::string_view value) {
          const auto address = SocketAddress::parse(value);
          if (address) config.listen = *address;
          return address.has_value();
        },
        no_clear},
    Setting{"public-url", Kind::text, "URL", "\"https://call.example.org\"",
            "http:// or https:// and a host, with a port if need be and without a path, such as "
            "https://call.example.org",
            "The address that people open, where it differs from the one listened on.",
            [](Config& config, std::string_view value) {
              if (value.ends_with('/')) value.remove_suffix(1);
              if (!is_base_url(value)) return false;
              config.public_url = value;
              return true;
            },
            no_clear},
    Setting{"tls-certificate", Kind::text, "FILE", "\"tls.crt\"", "the path of a PEM file",
            "The certificate chain of the web server, the server's own first.",
            [](Config& config, std::string_view value) {
              return set_path(config.tls_certificate, value);
            },
            no_clear},
    Setting{"tls-key", Kind::text, "FILE", "\"tls.key\"", "the path of a PEM file",
            "The private key of that certificate.",
            [](Config& config, std::string_view value) { return set_path(config.tls_key, value); },
            no_clear},
    Setting{
        "media-address", Kind::list, "ADDRESS", "[\"192.0.2.1\", \"2001:db8::1\"]",
        "an IP address of this machine",
        "Where media is received and sent; may be given several times. By default every address "
        "of this machine (loopback only when listening on loopback).",
        [](Config& config, std::string_view value) {
          const auto address = IpAddress::parse(value);
          if (!address || address->is_any()) return false;
          if (!has(config.media_addresses, *address)) config.media_addresses.push_back(*address);
          return config.media_addresses.size() <= 16;
        },
        [](Config& config) { config.media_addresses.clear(); }},
    Setting{"media-port", Kind::number, "PORT", "40000",
            "a number from 1 to 65535, or 0 for any free ports",
            "The UDP port of the first worker; each further worker has the next.",
            [](Config& config, std::string_view value) {
              const auto port = number<std::uint16_t>(value, 0, 65'535);
              config.media_port = port.value_or(config.media_port);
              return port.has_value();
            },
            no_clear},
    Setting{"media-tcp-port", Kind::number, "PORT", "40000",
            "a number from 1 to 65535, or 0 for no TCP",
            "The TCP port for media where a network lets no UDP through. By default the number of "
            "media-port.",
            [](Config& config, std::string_view value) {
              const auto port = number<std::uint16_t>(value, 0, 65'535);
              config.media_tcp_port = port;
              config.media_tcp = port != 0;
              return port.has_value();
            },
            no_clear},
    Setting{"workers", Kind::number, "N", "0", "a number from 1 to 64, or 0 for one per processor",
            "How many threads forward media, each with its own UDP port.",
            [](Config& config, std::string_view value) {
              const auto workers = number<unsigned>(value, 0, max_workers);
              config.workers = workers.value_or(config.workers);
              return workers.has_value();
            },
            no_clear},
    Setting{"rooms", Kind::text, "ACCESS", "\"open\"", "open or invite",
            "Who may enter a room: anyone who knows its name (open), or who has a link made by "
            "`liaison invite` (invite).",
            [](Config& config, std::string_view value) {
              config.rooms = value == "invite" ? node::Access::invite : node::Access::open;
              return value == "open" || value == "invite";
            },
            no_clear},
    Setting{"log-level", Kind::text, "LEVEL", "\"info\"", "debug, info, warning or error",
            "The least important log lines to write.",
            [](Config& config, std::string_view value) {
              constexpr std::array<std::string_view, 4> levels = {"debug", "info", "warning",
                                                                  "error"};
              const auto level = std::ranges::find(levels, value);
              if (level == levels.end()) return false;
              config.log_level = static_cast<node::LogLevel>(level - levels.begin());
              return true;
            },
            no_clear},
};

// Levenshtein's distance, with a transposition of neighbours counted as one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

// As it stands in an error: control characters would let a file or flag write on the terminal.
std::string shown(std::string_view value) {
  std::string text;
  for (const char c : value.substr(0, 200)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      text += c;
  }
  return text.empty() ? "(empty)" : text;
}

std::unexpected<Error> not_allowed(std::string_view where, const Setting& setting,
                                   std::string_view value) {
  return fail("bad_setting",
              fmt::format("{}: {} is not allowed; it must be {}", where, value, setting.allowed));
}

std::string toml_text(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  return shown(text.str());
}

// The TOML value as the text that the same flag would have, or nothing if it has another type.
std::optional<std::string> scalar(const toml::node& node, Kind kind) {
  if (kind == Kind::number) {
    const auto* integer = node.as_integer();
    if (integer == nullptr) return std::nullopt;
    return std::to_string(integer->get());
  }
  const auto* string = node.as_string();
  if (string == nullptr) return std::nullopt;
  return string->get();
}

Result<void> apply_key(std::string_view where, std::string_view key, const toml::node& node,
                       Config& config) {
  const std::string place = fmt::format("{}:{}: {}", where, node.source().begin.line, shown(key));
  const Setting* setting = find_setting(key);
  if (setting == nullptr) {
    std::vector<std::string_view> names;
    names.reserve(std::size(all_settings));
    for (const Setting& known : all_settings) names.push_back(known.name);
    const std::string_view near = nearest(key, names);
    if (!near.empty())
      return fail("unknown_setting",
                  fmt::format("{} is not a setting; did you mean {}?", place, near));
    return fail("unknown_setting", fmt::format("{} is not a setting; the settings are {}", place,
                                               fmt::join(names, ", ")));
  }
  setting->clear(config);
  const auto apply = [&](const toml::node& value) -> Result<void> {
    const auto text = scalar(value, setting->kind);
    if (!text) {
      return fail("bad_setting",
                  fmt::format("{}: {} has the wrong type; it must be {}{}", place, toml_text(value),
                              setting->allowed,
                              setting->kind == Kind::number ? ", without quotes" : ", in quotes"));
    }
    if (!setting->set(config, *text)) return not_allowed(place, *setting, shown(*text));
    return {};
  };
  const auto* array = node.as_array();
  if (setting->kind != Kind::list || array == nullptr) return apply(node);
  for (const toml::node& element : *array) {
    if (auto applied = apply(element); !applied) return applied;
  }
  return {};
}

std::string join(std::span<const IpAddress> addresses) {
  std::string text;
  for (const IpAddress& address : addresses)
    text += (text.empty() ? "" : ", ") + address.to_string();
  return text;
}

Result<void> complete_media(Config& config, std::span<const IpAddress> here, unsigned processors) {
  if (config.workers == 0) config.workers = std::clamp(processors, 1U, max_workers);
  if (config.media_port != 0 && config.media_port + config.workers - 1 > 65'535) {
    return fail(
        "bad_setting",
        fmt::format("media-port: {} leaves no room for {} workers, each of which has a port; it "
                    "must be at most {}",
                    config.media_port, config.workers, 65'536 - config.workers));
  }
  if (!config.media_tcp_port) config.media_tcp_port = config.media_port;
  for (const IpAddress& address : config.media_addresses) {
    if (has(here, address) || (address.is_v4() && address.is_loopback())) continue;
    return fail("bad_setting",
                fmt::format("media-address: {} is not an address of this machine; allowed are {}",
                            address.to_string(), join(here)));
  }
  if (!config.media_addresses.empty()) return {};
  // Loopback last: a browser on another machine should try what can work first. And only where a
  // browser on this machine is expected.
  for (const IpAddress& address : here) {
    if (!address.is_loopback()) config.media_addresses.push_back(address);
  }
  for (const IpAddress& address : here) {
    if (address.is_loopback() && (config.listen.ip.is_loopback() || config.media_addresses.empty()))
      config.media_addresses.push_back(address);
  }
  if (config.media_addresses.empty())
    return fail("no_address",
                "media-address: this machine has no IP address; give one to a network "
                "interface and start again");
  return {};
}

Result<void> complete_listen(const Config& config, std::span<const IpAddress> here) {
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return fail("bad_setting",
                config.tls_key.empty()
                    ? "tls-certificate is given without tls-key; give both or neither"
                    : "tls-key is given without tls-certificate; give both or neither");
  }
  const IpAddress& ip = config.listen.ip;
  if (!ip.is_any() && !ip.is_loopback() && !has(here, ip)) {
    return fail(
        "bad_setting",
        fmt::format("listen: {} is not an address of this machine; allowed are {}, or 0.0.0.0 or "
                    "[::] for all",
                    ip.to_string(), join(here)));
  }
  if (!config.tls() && !ip.is_loopback()) {
    return fail(
        "tls_needed",
        fmt::format(
            "listen: {} is not a loopback address, and without TLS nothing else is allowed "
            "(browsers give no camera to such a page, and anyone on the way could listen). Give "
            "tls-certificate and tls-key, or make them with `liaison init --self-signed`, or "
            "listen on 127.0.0.1",
            config.listen.to_string()));
  }
  return {};
}

}  // namespace

std::span<const Setting> settings() { return all_settings; }

const Setting* find_setting(std::string_view name) {
  const auto* found = std::ranges::find(all_settings, name, &Setting::name);
  return found == all_settings.end() ? nullptr : found;
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
  if (name.size() > 64) return {};
  std::string folded(name);
  std::ranges::transform(folded, folded.begin(), [](char c) {
    if (c == '_') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t far = distance(folded, candidate);
    if (far < best_distance) {
      best = candidate;
      best_distance = far;
    }
  }
  return best;
}

Result<void> read_config(std::string_view text, std::string_view where,
                         const std::filesystem::path& folder, Config& config) {
  if (text.size() > max_file_bytes)
    return fail("bad_config", fmt::format("{}: larger than 1 MiB; is it a liaison.toml?", where));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail("bad_config",
                fmt::format("{}:{}: not valid TOML: {}", where, parsed.error().source().begin.line,
                            shown(parsed.error().description())));
  }
  const std::filesystem::path certificate = config.tls_certificate;
  const std::filesystem::path key = config.tls_key;
  for (const auto& [name, node] : parsed.table()) {
    if (auto applied = apply_key(where, name.str(), node, config); !applied) return applied;
  }
  if (config.tls_certificate != certificate)
    config.tls_certificate = folder / config.tls_certificate;
  if (config.tls_key != key) config.tls_key = folder / config.tls_key;
  return {};
}

Result<void> apply_flag(std::string_view name, std::span<const std::string> values,
                        Config& config) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr)
    return fail("unknown_setting", fmt::format("--{} is not a flag", shown(name)));
  setting->clear(config);
  for (const std::string& value : values) {
    if (!setting->set(config, value))
      return not_allowed(fmt::format("--{}", name), *setting, shown(value));
  }
  return {};
}

Result<void> complete(Config& config, std::span<const IpAddress> here, unsigned processors) {
  if (auto checked = complete_listen(config, here); !checked) return checked;
  return complete_media(config, here, processors);
}

std::string config_template(std::span<const SettingText> set) {
  std::string text =
      "# Settings of a Liaison server. Flags of `liaison serve` override them. A line that begins "
      "with #\n"
      "# shows a default or an example. Relative paths are relative to the folder of this file.\n";
  for (const Setting& setting : all_settings) {
    text += fmt::format("\n# {}\n# It must be {}.\n", setting.help, setting.allowed);
    const auto given = std::ranges::find(set, setting.name, &SettingText::name);
    if (given != set.end()) {
      text += fmt::format("{} = {}\n", setting.name, given->value);
    } else {
      text += fmt::format("# {} = {}\n", setting.name, setting.example);
    }
  }
  return text;
}

std::string base_url(const Config& config, std::span<const IpAddress> here) {
  if (!config.public_url.empty()) return config.public_url;
  SocketAddress address = config.listen;
  if (address.ip.is_any()) {
    const auto outside =
        std::ranges::find_if(here, [](const IpAddress& ip) { return !ip.is_loopback(); });
    address.ip = outside == here.end() ? IpAddress::v4(127, 0, 0, 1) : *outside;
  }
  return fmt::format("{}://{}", config.tls() ? "https" : "http", address.to_string());
}

}  // namespace liaison::io
