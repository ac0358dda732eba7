#include "base/json.hpp"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>

namespace liaison::json {
namespace {

// Hands what the parser finds to Boost's value_stack, and counts members: Boost keeps the last of
// several members of one name without a word, so that two readers could understand two things
// (RFC 8259 section 4).
class Builder {
 public:
  static constexpr std::size_t max_object_size = boost::json::object::max_size();
  static constexpr std::size_t max_array_size = boost::json::array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();
  using ErrorCode = boost::system::error_code;
  using Text = boost::json::string_view;

  Builder() { stack_.reset(); }

  Value release() { return stack_.release(); }
  std::size_t members() const { return members_; }

  bool on_document_begin(ErrorCode&) { return true; }
  bool on_document_end(ErrorCode&) { return true; }
  bool on_object_begin(ErrorCode&) { return true; }
  bool on_object_end(std::size_t count, ErrorCode&) {
    members_ += count;
    stack_.push_object(count);
    return true;
  }
  bool on_array_begin(ErrorCode&) { return true; }
  bool on_array_end(std::size_t count, ErrorCode&) {
    stack_.push_array(count);
    return true;
  }
  bool on_key_part(Text part, std::size_t, ErrorCode&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_key(Text part, std::size_t, ErrorCode&) {
    stack_.push_key(part);
    return true;
  }
  bool on_string_part(Text part, std::size_t, ErrorCode&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(Text part, std::size_t, ErrorCode&) {
    stack_.push_string(part);
    return true;
  }
  bool on_number_part(Text, ErrorCode&) { return true; }
  bool on_int64(std::int64_t value, Text, ErrorCode&) {
    stack_.push_int64(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, Text, ErrorCode&) {
    stack_.push_uint64(value);
    return true;
  }
  bool on_double(double value, Text, ErrorCode&) {
    stack_.push_double(value);
    return true;
  }
  bool on_bool(bool value, ErrorCode&) {
    stack_.push_bool(value);
    return true;
  }
  bool on_null(ErrorCode&) {
    stack_.push_null();
    return true;
  }
  bool on_comment_part(Text, ErrorCode&) { return true; }
  bool on_comment(Text, ErrorCode&) { return true; }

 private:
  boost::json::value_stack stack_;
  std::size_t members_ = 0;
};

// Of the whole document; it is at most max_depth deep.
std::size_t count_members(const Value& value) {
  std::size_t count = 0;
  if (value.is_object()) {
    for (const auto& member : value.get_object()) count += 1 + count_members(member.value());
  } else if (value.is_array()) {
    for (const Value& element : value.get_array()) count += count_members(element);
  }
  return count;
}

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "true or false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a string";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
  }
  return "something else";
}

}  // namespace

Result<Value> parse(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes)
    return fail("bad_json", fmt::format("{} bytes, at most {}", text.size(), max_bytes));
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::basic_parser<Builder> parser(options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error) return fail("bad_json", fmt::format("at byte {}: {}", used, error.message()));
  if (used != text.size()) return fail("bad_json", fmt::format("at byte {}: extra data", used));
  Value value = parser.handler().release();
  if (count_members(value) != parser.handler().members())
    return fail("bad_json", "an object has two members of one name");
  return value;
}

std::string to_text(const Value& value) { return boost::json::serialize(value); }

std::string Path::to_string() const {
  if (parent == nullptr) return {};
  const std::string before = parent->to_string();
  if (member.empty()) return fmt::format("{}[{}]", before, index);
  return before.empty() ? std::string(member) : fmt::format("{}.{}", before, member);
}

namespace detail {

std::string mismatch(const Path& at, std::string_view expected, const Value* found) {
  const std::string place = at.to_string();
  std::string text = place.empty() ? "" : place + ": ";
  text += "expected ";
  text += expected;
  if (found == nullptr) {
    text += ", found nothing";
  } else if (found->is_number()) {
    text += ", found " + boost::json::serialize(*found);
  } else {
    text += ", found ";
    text += kind_name(*found);
  }
  return text;
}

bool whole(const Value& value, std::int64_t low, std::int64_t high, std::int64_t& out) {
  if (value.is_double()) {
    const double number = value.get_double();
    // Doubles are exact in this range, so comparing before the conversion is safe.
    if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high))) return false;
    if (std::trunc(number) != number) return false;
    out = static_cast<std::int64_t>(number);
    return true;
  }
  boost::system::error_code error;
  out = value.to_number<std::int64_t>(error);
  return !error && out >= low && out <= high;
}

}  // namespace detail
}  // namespace liaison::json
