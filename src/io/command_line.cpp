#include "io/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "io/http_client.hpp"
#include "io/keys.hpp"

namespace liaison::io {
namespace {

constexpr std::array<std::string_view, 6> verb_names = {"serve", "init",    "invite",
                                                        "bench", "version", "help"};
constexpr seconds min_valid = minutes(1);
constexpr seconds max_valid = hours(24) * 365;
constexpr std::size_t max_config_bytes = 1 << 20;

// A flag of one verb that is not a setting.
struct OwnFlag {
  Verb verb;
  std::string_view name;
  std::string_view argument;  // empty: a switch
  std::string_view allowed;
  std::string_view help;
  bool (*set)(CommandLine& line, std::string_view value);
};

bool set_data(CommandLine& line, std::string_view value) {
  line.data = value;
  return !value.empty();
}

// As the client protocol has it (docs/protocol.md).
bool is_room(std::string_view room) {
  return !room.empty() && room.size() <= 64 && std::ranges::all_of(room, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool set_number(std::uint32_t& to, std::string_view value, std::uint32_t low, std::uint32_t high) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), to);
  return error == std::errc{} && end == value.data() + value.size() && to >= low && to <= high;
}

// A number of the load test.
template <std::uint32_t BenchOptions::* member, std::uint32_t low, std::uint32_t high>
bool set_bench(CommandLine& line, std::string_view value) {
  return set_number(line.bench.*member, value, low, high);
}

constexpr std::string_view url_allowed = "a URL that begins with http:// or https://";
constexpr std::string_view data_allowed = "the path of a folder";
constexpr std::array own_flags = {
    OwnFlag{Verb::serve, "data", "DIR", data_allowed,
            "The folder of liaison.toml, the keys and the database (./data).", set_data},
    OwnFlag{Verb::init, "data", "DIR", data_allowed, "The folder to set up (./data).", set_data},
    OwnFlag{Verb::init, "self-signed", "", "",
            "Also make a certificate of its own and listen on all addresses, for a local network. "
            "Browsers warn of it once.",
            [](CommandLine& line, std::string_view) { return line.self_signed = true; }},
    OwnFlag{Verb::invite, "data", "DIR", data_allowed, "The folder of the server (./data).",
            set_data},
    OwnFlag{Verb::invite, "room", "NAME", "1 to 64 characters of a-z, 0-9 and -",
            "The room that the link opens.",
            [](CommandLine& line, std::string_view value) {
              line.room = value;
              return is_room(value);
            }},
    OwnFlag{Verb::invite, "name", "PERSON", "1 to 64 characters",
            "The name that the guest will have; by default the guest chooses.",
            [](CommandLine& line, std::string_view value) {
              line.name = value;
              return !value.empty() && value.size() <= 256;
            }},
    OwnFlag{Verb::invite, "valid", "DURATION", "a duration from 1m to 365d, such as 90m, 24h or 7d",
            "How long the link can be opened (24h).",
            [](CommandLine& line, std::string_view value) {
              const auto valid = parse_duration(value);
              line.valid = valid.value_or(seconds(0));
              return line.valid >= min_valid && line.valid <= max_valid;
            }},
    OwnFlag{Verb::bench, "whip", "URL", url_allowed,
            "Where publishers POST their offers, such as http://127.0.0.1:8000/whip/ROOM. Without "
            "it there are none.",
            [](CommandLine& line, std::string_view value) {
              line.bench.whip = value;
              return HttpUrl::parse(value).has_value();
            }},
    OwnFlag{Verb::bench, "whep", "URL", url_allowed,
            "Where viewers POST. By default each watches one publisher, where the server links to "
            "it (Link), in turns.",
            [](CommandLine& line, std::string_view value) {
              line.bench.whep = value;
              return HttpUrl::parse(value).has_value();
            }},
    OwnFlag{Verb::bench, "publishers", "N", "a number from 1 to 1000", "How many publishers (1).",
            set_bench<&BenchOptions::publishers, 1, 1'000>},
    OwnFlag{Verb::bench, "viewers", "N", "a number from 0 to 20000", "How many viewers (0).",
            set_bench<&BenchOptions::viewers, 0, 20'000>},
    OwnFlag{Verb::bench, "video", "KBIT", "kbit/s from 0 to 100000",
            "The video of each publisher: 30 frames a second in datagrams of 1200 bytes (2500); 0 "
            "for none.",
            set_bench<&BenchOptions::video_kbit, 0, 100'000>},
    OwnFlag{Verb::bench, "audio", "KBIT", "kbit/s from 0 to 500",
            "The audio of each publisher: 50 packets a second (64: 160 bytes each); 0 for none.",
            set_bench<&BenchOptions::audio_kbit, 0, 500>},
    OwnFlag{Verb::bench, "joins-per-second", "N", "a number from 1 to 10000",
            "How fast they come (50).", set_bench<&BenchOptions::joins_per_second, 1, 10'000>},
    OwnFlag{Verb::bench, "seconds", "N", "a number from 0 to 86400",
            "How long to measure once everybody is there (10); 0 until SIGINT.",
            set_bench<&BenchOptions::seconds, 0, 86'400>},
    OwnFlag{Verb::bench, "token", "TOKEN", "a token without spaces",
            "Sent as Authorization: Bearer TOKEN with each request.",
            [](CommandLine& line, std::string_view value) {
              line.bench.token = value;
              return !value.empty() &&
                     std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7f; });
            }},
    OwnFlag{Verb::bench, "from", "ADDRESS", "an IP address of this machine",
            "The address that media is sent from.",
            [](CommandLine& line, std::string_view value) {
              const auto address = IpAddress::parse(value);
              if (address) line.bench.from = *address;
              return address.has_value();
            }},
    OwnFlag{Verb::bench, "no-transport-cc", "", "",
            "Viewers do not report the arrival of each packet (transport-wide feedback), as some "
            "players do not: then a server estimates and paces nothing.",
            [](CommandLine& line, std::string_view) { return !(line.bench.transport_cc = false); }},
    OwnFlag{Verb::bench, "insecure", "", "", "Take any certificate of the web server.",
            [](CommandLine& line, std::string_view) { return line.bench.insecure = true; }},
    OwnFlag{Verb::bench, "json", "", "", "Print the figures of each second as a line of JSON.",
            [](CommandLine& line, std::string_view) { return line.bench.json = true; }},
};

bool takes(Verb verb, const Setting& setting) {
  return verb == Verb::serve || (verb == Verb::invite && setting.name == "public-url");
}

std::vector<std::string_view> flags_of(Verb verb) {
  std::vector<std::string_view> names = {"help"};
  for (const OwnFlag& flag : own_flags) {
    if (flag.verb == verb) names.push_back(flag.name);
  }
  for (const Setting& setting : settings()) {
    if (takes(verb, setting)) names.push_back(setting.name);
  }
  return names;
}

std::unexpected<Error> usage(std::string message) { return fail("usage", std::move(message)); }

std::optional<Verb> find_verb(std::string_view name) {
  const auto* found = std::ranges::find(verb_names, name);
  if (found == verb_names.end()) return std::nullopt;
  return static_cast<Verb>(found - verb_names.begin());
}

// Reads the flags that follow the verb.
class FlagReader {
 public:
  FlagReader(CommandLine& line, std::span<const std::string_view> arguments)
      : line_(line), arguments_(arguments) {}

  Result<void> read() {
    while (!arguments_.empty()) {
      std::string_view flag = take();
      if (flag == "-h" || flag == "--help") {
        line_.about = std::exchange(line_.verb, Verb::help);
        return {};
      }
      if (!flag.starts_with("--")) {
        return usage(fmt::format("{}: not expected here; what `liaison {}` takes begins with --",
                                 flag, verb_name()));
      }
      flag.remove_prefix(2);
      std::optional<std::string_view> value;
      if (const std::size_t equals = flag.find('='); equals != std::string_view::npos) {
        value = flag.substr(equals + 1);
        flag = flag.substr(0, equals);
      }
      if (auto applied = apply(flag, value); !applied) return applied;
    }
    return {};
  }

 private:
  std::string_view verb_name() const { return verb_names[static_cast<std::size_t>(line_.verb)]; }

  std::string_view take() {
    const std::string_view first = arguments_.front();
    arguments_ = arguments_.subspan(1);
    return first;
  }

  Result<void> apply(std::string_view name, std::optional<std::string_view> value) {
    const auto* own = std::ranges::find_if(own_flags, [&](const OwnFlag& flag) {
      return flag.verb == line_.verb && flag.name == name;
    });
    const Setting* setting = find_setting(name);
    if (own == own_flags.end() && (setting == nullptr || !takes(line_.verb, *setting)))
      return unknown(name);
    const bool is_switch = own != own_flags.end() && own->argument.empty();
    if (is_switch && value)
      return usage(fmt::format("--{} takes no value, but has {}", name, *value));
    const std::string_view allowed = own != own_flags.end() ? own->allowed : setting->allowed;
    if (!is_switch && !value) {
      if (arguments_.empty())
        return usage(fmt::format("--{}: a value is missing; it must be {}", name, allowed));
      value = take();
    }
    const bool repeats =
        setting != nullptr && own == own_flags.end() && setting->kind == Setting::Kind::list;
    if (!repeats && std::ranges::find(seen_, name) != seen_.end())
      return usage(fmt::format("--{} is given twice; once is allowed", name));
    seen_.push_back(name);
    if (own == own_flags.end()) {
      add_setting(name, *value);
      return {};
    }
    if (!own->set(line_, value.value_or(std::string_view{}))) {
      return fail("bad_setting", fmt::format("--{}: {} is not allowed; it must be {}", name,
                                             value->empty() ? "(empty)" : *value, allowed));
    }
    return {};
  }

  void add_setting(std::string_view name, std::string_view value) {
    auto flag = std::ranges::find(line_.settings, name, &CommandLine::Flag::name);
    if (flag == line_.settings.end()) flag = line_.settings.insert(flag, {std::string(name), {}});
    flag->values.emplace_back(value);
  }

  Result<void> unknown(std::string_view name) const {
    const auto names = flags_of(line_.verb);
    const std::string_view near = nearest(name, names);
    if (near.empty()) {
      return fail("unknown_setting",
                  fmt::format("--{} is not a flag of `liaison {}`; they are --{}", name,
                              verb_name(), fmt::join(names, ", --")));
    }
    return fail("unknown_setting",
                fmt::format("--{} is not a flag of `liaison {}`; did you mean --{}?", name,
                            verb_name(), near));
  }

  CommandLine& line_;
  std::span<const std::string_view> arguments_;
  std::vector<std::string_view> seen_;
};

Result<void> check_bench(const BenchOptions& options) {
  if (options.whip.empty() && options.whep.empty())
    return usage(
        "--whip or --whep is missing; say where publishers or viewers go, such as --whip "
        "http://127.0.0.1:8000/whip/ROOM");
  if (options.whip.empty() && options.viewers == 0)
    return usage("--viewers is missing; without --whip there is nobody else");
  if (options.video_kbit == 0 && options.audio_kbit == 0)
    return usage("--video and --audio are both 0; at least one must be sent");
  return {};
}

// Text broken at spaces, each line after the first indented.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (column > indent && column + 1 + word.size() > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  }
  return result;
}

std::string flag_help(std::string_view name, std::string_view argument, std::string_view help) {
  return fmt::format("  --{}{}{}\n      {}\n", name, argument.empty() ? "" : " ", argument,
                     wrapped(help, 6, 100));
}

std::string help_of_flags(Verb verb) {
  std::string text;
  for (const OwnFlag& flag : own_flags) {
    if (flag.verb == verb) text += flag_help(flag.name, flag.argument, flag.help);
  }
  for (const Setting& setting : settings()) {
    if (!takes(verb, setting)) continue;
    text += flag_help(setting.name, setting.argument, setting.help);
  }
  return text;
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return usage("say what to do; `liaison help` shows what there is");
  std::string_view first = arguments.front();
  if (first == "-h" || first == "--help") first = "help";
  if (first == "--version") first = "version";
  const auto verb = find_verb(first);
  if (!verb) {
    const std::string_view near = nearest(first, verb_names);
    return usage(near.empty() ? fmt::format("{}: not a command; `liaison help` shows them", first)
                              : fmt::format("{}: not a command; did you mean {}?", first, near));
  }
  CommandLine line;
  line.verb = *verb;
  arguments = arguments.subspan(1);
  if (line.verb == Verb::help && arguments.size() == 1) {
    if (const auto about = find_verb(arguments.front())) {
      line.about = *about;
      return line;
    }
  }
  FlagReader reader(line, arguments);
  if (auto read = reader.read(); !read) return std::unexpected(read.error());
  if (line.verb == Verb::bench) {
    if (auto possible = check_bench(line.bench); !possible)
      return std::unexpected(possible.error());
  }
  if (line.verb == Verb::invite && line.room.empty())
    return usage("--room is missing; it must be 1 to 64 characters of a-z, 0-9 and -");
  return line;
}

std::string help_text(Verb about) {
  switch (about) {
    case Verb::serve:
      return "liaison serve: run the server until it is told to stop (SIGTERM, SIGINT)\n\n"
             "It reads DIR/liaison.toml where there is one; each flag overrides the setting of the "
             "same\n"
             "name. Without any, it serves this machine alone: http://127.0.0.1:8000\n\n" +
             help_of_flags(about);
    case Verb::init:
      return "liaison init: write DIR/liaison.toml and DIR/invite.key for a new server\n\n" +
             help_of_flags(about);
    case Verb::invite:
      return "liaison invite: print a link that lets one person into a room\n\n" +
             help_of_flags(about);
    case Verb::bench:
      return "liaison bench: load a server with publishers and viewers that speak WHIP and WHEP\n\n"
             "  liaison bench --whip http://127.0.0.1:8000/whip/ROOM --viewers 100\n\n"
             "Each second it prints what was sent and what came: every packet carries its number "
             "and when it was\n"
             "sent, by the clock of this machine, so viewers see latency only of publishers on the "
             "same one. It\n"
             "ends with status 1 if somebody could not join or anything was lost. Limits of the "
             "server apply: see\n"
             "requests-per-address in `liaison help serve`.\n\n" +
             help_of_flags(about);
    case Verb::version:
    case Verb::help:
      break;
  }
  return "Liaison, a video call server\n\n"
         "  liaison serve    run the server; with no settings it serves this machine alone\n"
         "  liaison init     write a file of settings and the keys for a new server\n"
         "  liaison invite   print a link that lets one person into a room\n"
         "  liaison bench    load this or another server with publishers and viewers, and check "
         "what "
         "arrives\n"
         "  liaison version  print the version\n"
         "  liaison help COMMAND\n";
}

Result<seconds> parse_duration(std::string_view text) {
  const auto error = [&] {
    return fail("bad_duration", fmt::format("{} is not a duration", text));
  };
  if (text.size() < 2) return error();
  std::int64_t count = 0;
  const std::string_view digits = text.substr(0, text.size() - 1);
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool whole = problem == std::errc{} && end == digits.data() + digits.size();
  if (!whole || count < 0 || count > 1'000'000'000) return error();
  switch (text.back()) {
    case 's':
      return seconds(count);
    case 'm':
      return minutes(count);
    case 'h':
      return hours(count);
    case 'd':
      return hours(24) * count;
    default:
      return error();
  }
}

Result<Config> load_config(const CommandLine& line) {
  Config config;
  config.data = line.data;
  const std::filesystem::path file = line.data / "liaison.toml";
  const auto text = read_file(file, max_config_bytes);
  if (text) {
    if (auto read = read_config(*text, file.string(), line.data, config); !read)
      return std::unexpected(read.error());
  } else if (text.error().code != "no_file") {
    return std::unexpected(text.error());
  }
  for (const CommandLine::Flag& flag : line.settings) {
    if (auto applied = apply_flag(flag.name, flag.values, config); !applied)
      return std::unexpected(applied.error());
  }
  return config;
}

}  // namespace liaison::io
