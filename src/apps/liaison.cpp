// One program: liaison serve · init · invite · bench · version · help.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "io/bench.hpp"
#include "io/command_line.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"
#include "io/server.hpp"
#include "io/setup.hpp"

namespace {

using namespace liaison;

constexpr int exit_failed = 1;
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

// What the file and the flags say, and what follows from this machine.
Result<io::Config> complete_config(const io::CommandLine& line) {
  auto config = io::load_config(line);
  if (!config) return config;
  const auto done =
      io::complete(*config, io::local_addresses(), std::thread::hardware_concurrency());
  if (!done) return std::unexpected(done.error());
  return config;
}

int serve(const io::CommandLine& line) {
  const auto config = complete_config(line);
  if (!config) return refuse(config.error());
  const auto server = io::Server::open(*config, LIAISON_VERSION);
  if (!server) return refuse(server.error());
  fmt::print("{}\n", (*server)->link());
  (void)std::fflush(stdout);  // the server serves also where nobody reads its link
  (*server)->run();
  return 0;
}

int invite(const io::CommandLine& line) {
  const auto config = io::load_config(line);
  if (!config) return refuse(config.error());
  const auto link = io::invitation(*config, line.room, line.name, line.valid);
  if (!link) return refuse(link.error());
  fmt::print("{}\n", *link);
  return 0;
}

int bench(const io::CommandLine& line) {
  const auto bench = io::Bench::open(line.bench);
  if (!bench) return refuse(bench.error());
  const auto done = (*bench)->run();
  if (done) return 0;
  fmt::print(stderr, "liaison: {}\n", done.error().message);
  return exit_failed;
}

int run(const io::CommandLine& line) {
  switch (line.verb) {
    case io::Verb::serve:
      return serve(line);
    case io::Verb::init:
      return init(line);
    case io::Verb::invite:
      return invite(line);
    case io::Verb::bench:
      return bench(line);
    case io::Verb::version:
      fmt::print("liaison {}\n", LIAISON_VERSION);
      return 0;
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
