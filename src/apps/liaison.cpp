// One program: liaison serve · init · invite · version · help.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "io/command_line.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"
#include "io/setup.hpp"

namespace {

using namespace liaison;

constexpr int exit_usage = 2;

int refuse(const Error& error) {
  fmt::print(stderr, "liaison: {}\n", error.message);
  return exit_usage;
}

int init(const io::CommandLine& line) {
  const auto done = io::set_up(line.data, line.self_signed);
  if (!done) return refuse(done.error());
  fmt::print("{}", *done);
  return 0;
}

int run(const io::CommandLine& line) {
  switch (line.verb) {
    case io::Verb::init:
      return init(line);
    case io::Verb::version:
      fmt::print("liaison {}\n", LIAISON_VERSION);
      return 0;
    case io::Verb::serve:
    case io::Verb::invite:
    case io::Verb::help:
      fmt::print("{}", io::help_text(line.about));
      return 0;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const auto line = io::parse_command_line(arguments);
  if (!line) return refuse(line.error());
  return run(*line);
}
