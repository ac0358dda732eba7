// A member of a message that is always there and may be null, unlike std::optional, which may also
// be absent.
#pragma once

#include <concepts>
#include <optional>

namespace liaison {

template <typename T>
struct Nullable : std::optional<T> {
  using std::optional<T>::optional;
  // Spelt out, since those of the base are ambiguous for what is derived from it.
  friend bool operator==(const Nullable& a, const Nullable& b) { return a.plain() == b.plain(); }
  template <typename U>
    requires(!std::same_as<U, Nullable>)
  friend bool operator==(const Nullable& a, const U& b) {
    return a.plain() == b;
  }

 private:
  const std::optional<T>& plain() const { return *this; }
};

}  // namespace liaison
