// Structured log lines on standard error.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "node/effects.hpp"

namespace liaison::io {

// One JSON object on one line, with the members time (RFC 3339, UTC), level, event, call where
// there is one, and then the fields. (Own few lines: a logging library would add its own threads,
// formats and levels to what is one write.)
std::string format_log_line(const node::LogLine& line, UnixTime now);
std::string format_time(UnixTime time);

// Writes the lines that are at least as important as `level`, each with one write(2), so that those
// of several threads do not mix. What standard error does not take is lost.
class Log {
 public:
  explicit Log(node::LogLevel level) : level_(level) {}
  bool wants(node::LogLevel level) const { return level >= level_; }
  void write(const node::LogLine& line) const;

 private:
  node::LogLevel level_;
};

}  // namespace liaison::io
