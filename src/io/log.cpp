#include "io/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <ctime>

#include "io/clock.hpp"

namespace liaison::io {
namespace {

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warning", "error"};

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text));
}

}  // namespace

std::string format_time(UnixTime time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const std::time_t unix = static_cast<std::time_t>(whole.time_since_epoch().count());
  std::tm utc{};
  (void)gmtime_r(&unix, &utc);  // it fails only for years beyond an int
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", utc,
                     duration_cast<milliseconds>(time - whole).count());
}

std::string format_log_line(const node::LogLine& line, UnixTime now) {
  std::string text =
      fmt::format(R"({{"time":"{}","level":"{}","event":{})", format_time(now),
                  level_names[static_cast<std::size_t>(line.level)], json_string(line.event));
  if (!line.call.empty()) text += fmt::format(R"(,"call":{})", json_string(line.call));
  for (const node::LogField& field : line.fields)
    text += fmt::format(",{}:{}", json_string(field.key), json_string(field.value));
  text += "}\n";
  return text;
}

void Log::write(const node::LogLine& line) const {
  if (!wants(line.level)) return;
  const std::string text = format_log_line(line, unix_now());
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace liaison::io
