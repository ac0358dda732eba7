// The matrix of networks in the simulator, as a program: a line for each figure, and files for
// bench/network_plot.py.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/network_cells.hpp"
#include "sim/arguments.hpp"
#include "sim/heap.hpp"
#include "sim/world.hpp"

namespace {

using namespace liaison;
using bench::Cell;
using bench::Figure;
using bench::Outcome;
using bench::Sample;

constexpr std::string_view usage =
    "network_sim [--cell NAME] [--seeds N] [--from SEED] [--out FOLDER] [--quick] [--list]\n"
    "Plays each network with N seeds (5) from SEED (1) on, prints a line for each figure with the "
    "median and the\n"
    "worst of them, and writes what is to be drawn to FOLDER. --quick: one seed, and less time.\n"
    "Names may be the beginnings of names.\n";

struct Options {
  std::vector<std::string> wanted;
  std::uint64_t seeds = 5;
  std::uint64_t from = 1;
  std::string out;
  double share = 1;
  bool list = false;
};

constexpr sim::Program program{"network_sim", usage};

Options read_options(int argc, char** argv) {
  Options options;
  sim::Arguments arguments(program, argc, argv);
  while (!arguments.done()) {
    const std::string_view name = arguments.next();
    if (name == "--cell") {
      options.wanted.emplace_back(arguments.value());
    } else if (name == "--seeds") {
      arguments.number(options.seeds, std::uint64_t{1});
    } else if (name == "--from") {
      arguments.number(options.from, std::uint64_t{1});
    } else if (name == "--out") {
      options.out = arguments.value();
    } else if (name == "--quick") {
      options.seeds = 1;
      options.share = 0.1;
    } else if (name == "--list") {
      options.list = true;
    } else {
      arguments.unknown();
    }
  }
  return options;
}

bool wanted(const Options& options, const Cell& cell) {
  return options.wanted.empty() || std::ranges::any_of(options.wanted, [&](const auto& name) {
           return cell.name.starts_with(name);
         });
}

// A figure of all seeds: sorted from the best to the worst.
std::vector<Figure> sorted(const std::vector<Outcome>& outcomes, std::size_t figure) {
  std::vector<Figure> values;
  values.reserve(outcomes.size());
  for (const Outcome& outcome : outcomes) values.push_back(outcome.figures[figure]);
  std::ranges::sort(values, [](const Figure& a, const Figure& b) {
    return a.at_most ? a.value < b.value : a.value > b.value;
  });
  return values;
}

std::string_view verdict(const Figure& worst) {
  if (!worst.target) return "";
  return worst.met() ? "met" : "missed";
}

void print(const Cell& cell, const std::vector<Outcome>& outcomes) {
  for (std::size_t i = 0; i < outcomes.front().figures.size(); ++i) {
    const auto values = sorted(outcomes, i);
    const Figure& median = values[values.size() / 2];
    const Figure& worst = values.back();
    const std::string target = worst.target ? fmt::format("{} {:g} {}", worst.at_most ? "≤" : "≥",
                                                          *worst.target, worst.unit)
                                            : "";
    fmt::print("{:<22} {:<48} {:>8.1f} {:>8.1f} {:<3} {:<10} {}\n", cell.name, worst.name,
               median.value, worst.value, worst.unit, target, verdict(worst));
  }
  [[maybe_unused]] const int done = std::fflush(stdout);
}

std::string json(const std::vector<Sample>& samples) {
  std::string text = "[";
  for (const Sample& one : samples) {
    if (text.size() > 1) text += ",\n  ";
    text += fmt::format(
        "{{\"time\":{:.1f},\"capacity\":{:.0f},\"estimate\":{:.0f},\"delivered\":{:.0f},"
        "\"queue\":{:.1f},\"queue_peak\":{:.1f},\"layers\":[{}],\"frozen\":{:.0f},\"lost\":{},"
        "\"repaired\":{},\"other\":{:.0f}}}",
        one.time, one.capacity, one.estimate, one.delivered, one.queue, one.queue_peak,
        fmt::join(one.layers, ","), one.frozen, one.lost, one.repaired, one.other);
  }
  return text + "]";
}

void write(const std::filesystem::path& folder, const Cell& cell,
           const std::vector<Outcome>& outcomes) {
  std::string figures;
  for (std::size_t i = 0; i < outcomes.front().figures.size(); ++i) {
    const auto values = sorted(outcomes, i);
    const Figure& worst = values.back();
    if (i != 0) figures += ",\n  ";
    figures += fmt::format(
        "{{\"name\":\"{}\",\"unit\":\"{}\",\"median\":{:.3f},\"worst\":{:.3f},\"target\":{},"
        "\"at_most\":{},\"met\":{}}}",
        worst.name, worst.unit, values[values.size() / 2].value, worst.value,
        worst.target ? fmt::format("{:g}", *worst.target) : "null", worst.at_most, worst.met());
  }
  std::filesystem::create_directories(folder);
  const auto path = folder / (cell.name + ".json");
  std::ofstream file(path, std::ios::binary);
  file << fmt::format(
      "{{\"cell\":\"{}\",\"tells\":\"{}\",\"seeds\":{},\n \"figures\":[{}],\n \"samples\":{}}}\n",
      cell.name, cell.tells, outcomes.size(), figures, json(outcomes.front().samples));
  if (!file.flush()) program.wrong(fmt::format("{} cannot be written", path.string()));
}

}  // namespace

int main(int argc, char** argv) {
  if (!sim::count_openssl_memory()) program.wrong("OpenSSL is at work already");
  const Options options = read_options(argc, argv);
  bool failed = false;
  bool any = false;
  for (const Cell& cell : bench::cells()) {
    if (!wanted(options, cell)) continue;
    any = true;
    if (options.list) {
      fmt::print("{:<22} {}\n", cell.name, cell.tells);
      continue;
    }
    try {
      std::vector<Outcome> outcomes;
      outcomes.reserve(options.seeds);
      for (std::uint64_t i = 0; i < options.seeds; ++i)
        outcomes.push_back(cell.play(options.from + i, options.share));
      print(cell, outcomes);
      if (!options.out.empty()) write(options.out, cell, outcomes);
    } catch (const sim::Failure& failure) {
      fmt::print(stderr, "{}: check {}: {}\n", cell.name, failure.check(), failure.what());
      failed = true;
    }
  }
  if (!any) program.wrong("there is no such network; --list names them");
  return failed ? 1 : 0;
}
