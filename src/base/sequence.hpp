// Numbers that wrap (RTP sequence numbers and timestamps, picture ids): comparison and unwrapping.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace liaison {

// True if `a` comes after `b` on the circle of T, less than half of it away (RFC 1982).
template <typename T>
constexpr bool newer(T a, T b) {
  static_assert(std::is_unsigned_v<T>);
  const T ahead = static_cast<T>(a - b);
  return ahead != 0 && ahead < (T{1} << (sizeof(T) * 8 - 1));
}

// Extends a wrapping number to 64 bits, each value placed nearest to the newest before. Starts one
// whole circle above zero, so that what comes late at the start does not go below zero.
template <typename T>
class Unwrapper {
 public:
  std::uint64_t unwrap(T value) {
    const std::uint64_t extended = peek(value);
    if (!last_ || extended > *last_) last_ = extended;
    return extended;
  }
  // The same without remembering it.
  std::uint64_t peek(T value) const {
    constexpr std::uint64_t circle = std::uint64_t{1} << (sizeof(T) * 8);
    if (!last_) return circle + value;
    using Signed = std::make_signed_t<T>;
    const auto difference = static_cast<Signed>(static_cast<T>(value - static_cast<T>(*last_)));
    return *last_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(difference));
  }
  std::optional<std::uint64_t> last() const { return last_; }

 private:
  std::optional<std::uint64_t> last_;
};

}  // namespace liaison
