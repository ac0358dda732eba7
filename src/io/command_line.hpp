// The command line.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "io/bench.hpp"
#include "io/config.hpp"

namespace liaison::io {

enum class Verb : std::uint8_t { serve, init, invite, bench, version, help };

// What was asked for, as a value. (Own few lines rather than CLI11: flags and the keys of
// liaison.toml are one table, so one place says what is allowed, and both kinds of mistake get the
// same answer.)
struct CommandLine {
  Verb verb = Verb::help;
  Verb about = Verb::help;  // `liaison help serve`, `liaison serve --help`
  std::filesystem::path data = "data";
  struct Flag {
    std::string name;
    std::vector<std::string> values;
  };
  std::vector<Flag> settings;  // serve and invite
  bool self_signed = false;    // init
  std::string room;            // invite
  std::string name;            // invite; empty: whoever opens the link chooses
  seconds valid = hours(24);   // invite
  BenchOptions bench;
};

// `arguments` without the name of the program. Codes: "usage", "unknown_setting", "bad_setting".
Result<CommandLine> parse_command_line(std::span<const std::string_view> arguments);
std::string help_text(Verb about);
// "90s", "90m", "24h", "7d".
Result<seconds> parse_duration(std::string_view text);
// The file DATA/liaison.toml, where there is one, and the flags over it.
Result<Config> load_config(const CommandLine& line);

}  // namespace liaison::io
