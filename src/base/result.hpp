// Expected failure is a value.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace liaison {

// `code` is stable, from a string literal, and meant for programs; `message` is meant for people,
// says what to do where there is something to do, and may be empty on the media path (an empty
// string allocates nothing).
struct Error {
  std::string_view code;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string_view code, std::string message = {}) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace liaison
