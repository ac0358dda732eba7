// What a program of the simulator is told when it is started.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace liaison::sim {

struct Program {
  std::string_view name;
  std::string_view usage;

  // Ends it with status 2, and says what it takes.
  [[noreturn]] void wrong(const std::string& what) const {
    fmt::print(stderr, "{}: {}\n{}", name, what, usage);
    std::exit(2);
  }
};

// The words behind a program's name, one after the other: options, some of which have a value
// behind them.
class Arguments {
 public:
  Arguments(const Program& program, int argc, char** argv)
      : program_(program), words_(argv + 1, argv + argc) {}

  bool done() const { return at_ == words_.size(); }
  // The next option.
  std::string_view next() { return option_ = words_[at_++]; }
  // Of that option.
  std::string_view value() {
    if (done()) program_.wrong(fmt::format("{} needs a value", option_));
    return words_[at_++];
  }
  template <typename Number>
  void number(Number& into, Number least = 0) {
    const std::string_view text = value();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (error != std::errc{} || end != text.data() + text.size() || (least != 0 && into < least))
      program_.wrong(fmt::format("{} needs a number{}, not \"{}\"", option_,
                                 least == 0 ? "" : fmt::format(" from {} on", least), text));
  }
  [[noreturn]] void unknown() const {
    program_.wrong(fmt::format("there is no option {}", option_));
  }

 private:
  const Program& program_;
  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
  std::string_view option_;
};

}  // namespace liaison::sim
