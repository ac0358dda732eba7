// The matrix of networks that bench/network goes through.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/network_recorder.hpp"

namespace liaison::bench {

// One number of one run, and what it should be.
struct Figure {
  std::string name;
  std::string unit;
  double value = 0;
  std::optional<double> target = {};
  bool at_most = true;  // the target; otherwise it is the least that will do

  bool met() const { return !target || (at_most ? value <= *target : value >= *target); }
};

struct Outcome {
  std::vector<Figure> figures;
  std::vector<Sample> samples;
};

// One network, played in a world of its own. `share` shortens what is only for the sake of many
// samples.
struct Cell {
  std::string name;
  std::string tells;
  std::function<Outcome(std::uint64_t seed, double share)> play;
};

const std::vector<Cell>& cells();

}  // namespace liaison::bench
