// What a load test prints: a line each second, and one for the whole.
#pragma once

#include <cstdint>
#include <string>

#include "load/client.hpp"
#include "load/histogram.hpp"

namespace liaison::io {

struct BenchFigures {
  bool whole = false;  // of the whole measurement, not of a second
  bool measuring = false;
  double at = 0;                              // seconds since the beginning
  double seconds = 1;                         // that these figures are of
  std::uint32_t publishers = 0, viewers = 0;  // connected
  std::uint32_t receiving = 0;                // viewers to which something of each track has come
  std::uint32_t failed = 0;
  load::Tally tally;          // of this time
  std::uint64_t skipped = 0;  // frames that came too late to be sent, in all
  // Since the beginning: from the request to a connection, and to the first media.
  load::Histogram connected, first_media;
};

std::string to_line(const BenchFigures& figures);
std::string to_json(const BenchFigures& figures);

}  // namespace liaison::io
