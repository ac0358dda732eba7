// The simulator as a program: plays one seed, or searches.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/arguments.hpp"
#include "sim/build.hpp"
#include "sim/heap.hpp"
#include "sim/pcap.hpp"
#include "sim/scenario.hpp"

namespace {

using namespace liaison;
using liaison::sim::Scenario;

constexpr std::string_view usage =
    "sim --seed N [--scenario NAME] [--trace] [--pcap FILE]   plays one seed\n"
    "sim --search N [--from SEED] [--step N] [--scenario NAME] [--minutes M]\n"
    "                          plays N seeds from SEED on (with --minutes: until they are over),\n"
    "                          and stops at the first that fails\n"
    "sim --all [--seed N]      plays every named scenario\n"
    "sim --list                the scenarios\n"
    "Without --scenario everything is drawn (scenario \"swarm\"). --trace writes what happens to\n"
    "standard output; --pcap writes all datagrams to FILE, for Wireshark.\n";

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t from = 1;
  std::uint64_t step = 1;
  std::uint64_t search = 0;
  double minutes = 0;
  std::string scenario = "swarm";
  std::string pcap;
  bool trace = false;
  bool list = false;
  bool all = false;
  bool help = false;
};

// Whoever watches wants to see it now; a standard output that is gone is no reason to stop.
void flush() { [[maybe_unused]] const int done = std::fflush(stdout); }

constexpr sim::Program program{"sim", usage};

Options read_options(int argc, char** argv) {
  Options options;
  sim::Arguments arguments(program, argc, argv);
  while (!arguments.done()) {
    const std::string_view name = arguments.next();
    if (name == "--seed")
      arguments.number(options.seed);
    else if (name == "--from")
      arguments.number(options.from);
    else if (name == "--step")
      arguments.number(options.step);
    else if (name == "--search")
      arguments.number(options.search);
    else if (name == "--minutes")
      arguments.number(options.minutes);
    else if (name == "--scenario")
      options.scenario = arguments.value();
    else if (name == "--pcap")
      options.pcap = arguments.value();
    else if (name == "--trace")
      options.trace = true;
    else if (name == "--list")
      options.list = true;
    else if (name == "--all")
      options.all = true;
    else if (name == "--help")
      options.help = true;
    else
      arguments.unknown();
  }
  return options;
}

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

struct Totals {
  std::uint64_t seeds = 0;
  sim::Outcome outcome;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

  void add(const sim::Outcome& one) {
    ++seeds;
    outcome.simulated += one.simulated;
    outcome.in_calls += one.in_calls;
    outcome.events += one.events;
  }
  double minutes() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() / 60;
  }
  std::string text() const {
    const double hours = as_seconds(outcome.simulated) / 3600;
    return fmt::format(
        "{} runs, {:.2f} simulated hours ({:.2f} call-hours of people), {:.2f} real minutes: "
        "{:.2f} simulated hours a minute, {:.0f} times real time",
        seeds, hours, as_seconds(outcome.in_calls) / 3600, minutes(),
        hours / std::max(minutes(), 1e-9), hours * 60 / std::max(minutes(), 1e-9));
  }
};

// What is being played.
std::uint64_t playing_seed = 0;
std::string_view playing_scenario;

void report(std::string_view check, Duration at, std::string_view what) {
  flush();
  fmt::print(stderr,
             "FAILED  seed {}  scenario {}  commit {}\n"
             "  check {} at {:.6f} s: {}\n"
             "  again: sim --seed {} --scenario {} --trace --pcap failure.pcap\n",
             playing_seed, playing_scenario, sim::commit, check, as_seconds(at), what, playing_seed,
             playing_scenario);
}

// A crash is a failure too, of a seed that can be played again. What it does is not safe in a
// signal handler; there is nothing left to lose.
extern "C" void crashed(int number) {
  [[maybe_unused]] const auto before = std::signal(number, SIG_DFL);
  report("crash", sim::playing_age(), fmt::format("signal {}", number));
  [[maybe_unused]] const int raised = std::raise(number);
}

// False if it failed; the failure is printed.
bool play(const Scenario& scenario, std::uint64_t seed, const Options& options, Totals& totals) {
  std::ofstream pcap;
  sim::WorldOptions world;
  world.seed = seed;
  if (options.trace) world.trace = [](std::string_view line) { fmt::print("{}\n", line); };
  if (!options.pcap.empty()) {
    pcap.open(options.pcap, std::ios::binary);
    if (!pcap) program.wrong(fmt::format("--pcap: {} cannot be written", options.pcap));
    const auto write = [&pcap](Bytes bytes) {
      pcap.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    };
    write(sim::pcap_header());
    world.capture = write;
  }
  playing_seed = seed;
  playing_scenario = scenario.name;
  try {
    const sim::Outcome outcome = sim::run(scenario, world);
    totals.add(outcome);
    if (options.trace) fmt::print("fingerprint {:016x}\n", outcome.fingerprint);
    return true;
  } catch (const sim::Failure& failure) {
    report(failure.check(), failure.at(), failure.what());
  } catch (const std::exception& error) {
    report("exception", sim::playing_age(), error.what());
  }
  return false;
}

bool search(const Scenario& scenario, const Options& options) {
  Totals totals;
  double told = 0;
  for (std::uint64_t i = 0;; ++i) {
    const bool over =
        options.minutes > 0 ? totals.minutes() >= options.minutes : i >= options.search;
    if (over) break;
    if (!play(scenario, options.from + i * options.step, options, totals)) {
      fmt::print("{}\n", totals.text());
      return false;
    }
    if (totals.minutes() - told > 0.1) {
      told = totals.minutes();
      fmt::print("{}\n", totals.text());
      flush();
    }
  }
  fmt::print("{}\n", totals.text());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!sim::count_openssl_memory()) program.wrong("OpenSSL is at work already");
  const Options options = read_options(argc, argv);
  for (const int number : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) {
    if (std::signal(number, crashed) == SIG_ERR) program.wrong(fmt::format("signal {}", number));
  }
  if (options.help) {
    fmt::print("{}", usage);
    return 0;
  }
  if (options.list) {
    for (const Scenario& scenario : sim::scenarios())
      fmt::print("{:<24}{}\n", scenario.name, scenario.tells);
    return 0;
  }
  if (options.all) {
    int failed = 0;
    for (const Scenario& scenario : sim::scenarios()) {
      Totals totals;
      const bool good = play(scenario, options.seed, options, totals);
      failed += good ? 0 : 1;
      fmt::print("{} {:<24}{}\n", good ? "ok    " : "FAILED", scenario.name,
                 good ? totals.text() : "");
      flush();
    }
    return failed == 0 ? 0 : 1;
  }
  const Scenario* scenario = sim::find_scenario(options.scenario);
  if (scenario == nullptr)
    program.wrong(fmt::format("there is no scenario \"{}\"; --list names them", options.scenario));
  if (options.search != 0 || options.minutes > 0) return search(*scenario, options) ? 0 : 1;
  Totals totals;
  const bool good = play(*scenario, options.seed, options, totals);
  // A trace is the same each time; how long it took is not a part of it.
  if (good) fmt::print(options.trace ? stderr : stdout, "{}\n", totals.text());
  return good ? 0 : 1;
}
