// A member of a message that is always there and may be null, unlike std::optional, which may also
// be absent.
#pragma once

#include <optional>

namespace liaison {

template <typename T>
struct Nullable : std::optional<T> {
  using std::optional<T>::optional;
};

}  // namespace liaison
