// JSON <-> structs described with BOOST_DESCRIBE_STRUCT. It includes Boost and is therefore heavy:
// only .cpp files include it, never a header.
//
// A struct is an object with one member for each of its own, of the same name. Unknown members are
// ignored, so that the other side can be extended. std::optional may be absent or null, and is left
// out when empty; Nullable must be there and may be null; everything else must be there and fit. A
// described enum is a string (without the trailing "_" that a word of C++ needs). Integers are
// those that every JSON reader can hold (RFC 7493 section 2.2: up to 2^53 - 1). An error names the
// path and what is allowed there.
#pragma once

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/nullable.hpp"
#include "base/result.hpp"

namespace liaison::json {

using Value = boost::json::value;

inline constexpr std::size_t max_depth = 16;
inline constexpr std::uint64_t max_integer = (std::uint64_t{1} << 53) - 1;

// RFC 8259, UTF-8 only, one value and nothing after it, no member twice in one object, at most
// max_depth deep. Error: "bad_json".
Result<Value> parse(std::string_view text, std::size_t max_bytes);
std::string to_text(const Value& value);

// Where in a document, for error messages: a chain that lives on the stack of the walk.
struct Path {
  const Path* parent = nullptr;
  std::string_view member = {};
  std::size_t index = 0;

  std::string to_string() const;  // "people[2].name"; empty for the whole
};

namespace detail {

// "people[2].name: expected a string, found a number".
std::string mismatch(const Path& at, std::string_view expected, const Value* found);

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_nullable = false;
template <typename T>
inline constexpr bool is_nullable<Nullable<T>> = true;
template <typename T>
inline constexpr bool is_vector = false;
template <typename T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <typename T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public>;

// A whole number in [low, high], however it is written (7, 7.0, 7e0).
bool whole(const Value& value, std::int64_t low, std::int64_t high, std::int64_t& out);

template <std::integral T>
constexpr std::int64_t lowest =
    std::is_unsigned_v<T> ? 0
    : sizeof(T) < 8       ? static_cast<std::int64_t>(std::numeric_limits<T>::min())
                          : -static_cast<std::int64_t>(max_integer);
template <std::integral T>
constexpr std::int64_t highest =
    sizeof(T) < 8 ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                  : static_cast<std::int64_t>(max_integer);

inline std::string_view plain(std::string_view enumerator) {
  if (enumerator.ends_with('_')) enumerator.remove_suffix(1);
  return enumerator;
}

// Writes into `out`, or describes in `error` why it cannot.
template <typename T>
bool read(const Value& value, T& out, const Path& at, std::string& error) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_bool()) return error = mismatch(at, "true or false", &value), false;
    out = value.get_bool();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return error = mismatch(at, "a string", &value), false;
    out = std::string(value.get_string());
  } else if constexpr (std::integral<T>) {
    std::int64_t number = 0;
    if (!whole(value, lowest<T>, highest<T>, number)) {
      error = mismatch(
          at,
          "a whole number from " + std::to_string(lowest<T>) + " to " + std::to_string(highest<T>),
          &value);
      return false;
    }
    out = static_cast<T>(number);
  } else if constexpr (std::floating_point<T>) {
    boost::system::error_code code;
    const T number = value.to_number<T>(code);
    if (code || !std::isfinite(number)) return error = mismatch(at, "a number", &value), false;
    out = number;
  } else if constexpr (std::is_enum_v<T>) {
    bool found = false;
    std::string names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
      const std::string_view name = plain(enumerator.name);
      names += (names.empty() ? "one of " : ", ") + std::string(name);
      if (value.is_string() && value.get_string() == boost::json::string_view(name)) {
        out = enumerator.value;
        found = true;
      }
    });
    if (!found) return error = mismatch(at, names, &value), false;
  } else if constexpr (is_optional<T> || is_nullable<T>) {
    out.reset();
    if (!value.is_null()) return read(value, out.emplace(), at, error);
  } else if constexpr (is_vector<T>) {
    if (!value.is_array()) return error = mismatch(at, "a list", &value), false;
    out.clear();
    for (const Value& element : value.get_array()) {
      const Path place{.parent = &at, .index = out.size()};
      if (!read(element, out.emplace_back(), place, error)) return false;
    }
  } else {
    if (!value.is_object()) return error = mismatch(at, "an object", &value), false;
    bool good = true;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      if (!good) return;
      const Path place{.parent = &at, .member = member.name};
      auto& field = out.*member.pointer;
      if (const Value* found = value.get_object().if_contains(member.name)) {
        good = read(*found, field, place, error);
      } else if constexpr (is_optional<std::remove_reference_t<decltype(field)>>) {
        field.reset();
      } else {
        error = mismatch(place, "this member", nullptr);
        good = false;
      }
    });
    return good;
  }
  return true;
}

}  // namespace detail

// Error: "bad_json".
template <typename T>
Result<T> decode(const Value& value) {
  T out{};
  std::string error;
  if (!detail::read(value, out, Path{}, error)) return fail("bad_json", std::move(error));
  return out;
}

template <typename T>
Value encode(const T& source) {
  if constexpr (std::is_same_v<T, bool> || std::floating_point<T>) {
    return source;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Value(boost::json::string_view(source));
  } else if constexpr (std::integral<T>) {
    return static_cast<std::int64_t>(source);
  } else if constexpr (std::is_enum_v<T>) {
    return Value(
        boost::json::string_view(detail::plain(boost::describe::enum_to_string(source, ""))));
  } else if constexpr (detail::is_optional<T> || detail::is_nullable<T>) {
    return source ? encode(*source) : Value(nullptr);
  } else if constexpr (detail::is_vector<T>) {
    boost::json::array array;
    array.reserve(source.size());
    for (const auto& element : source) array.push_back(encode(element));
    return array;
  } else {
    boost::json::object object;
    boost::mp11::mp_for_each<detail::Members<T>>([&](auto member) {
      const auto& field = source.*member.pointer;
      if constexpr (detail::is_optional<std::remove_cvref_t<decltype(field)>>) {
        if (!field) return;
      }
      object[member.name] = encode(field);
    });
    return object;
  }
}

}  // namespace liaison::json
