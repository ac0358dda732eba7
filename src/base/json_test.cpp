#include "base/json.hpp"

#include <gtest/gtest.h>

namespace liaison::json {
namespace {

BOOST_DEFINE_ENUM_CLASS(Colour, red, green, new_)

struct Point {
  int x = 0;
  std::optional<std::string> label;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, label))

struct Shape {
  std::string name;
  bool closed = false;
  double width = 0;
  Colour colour = Colour::red;
  std::uint64_t id = 0;
  Nullable<std::string> owner;
  std::vector<Point> points;
};
BOOST_DESCRIBE_STRUCT(Shape, (), (name, closed, width, colour, id, owner, points))

constexpr std::string_view whole_shape =
    R"({"name":"é","closed":true,"width":2.5,"colour":"green","id":9007199254740991,)"
    R"("owner":null,"points":[{"x":-1},{"x":2,"label":"b"}]})";

template <typename T>
Result<T> read_text(std::string_view text) {
  const auto value = parse(text, 1000);
  if (!value) return std::unexpected(value.error());
  return decode<T>(*value);
}

std::string error_of(std::string_view text) {
  const auto shape = read_text<Shape>(text);
  return shape ? "" : shape.error().message;
}

// whole_shape with one piece of it replaced.
std::string with(std::string_view from, std::string_view to) {
  std::string text(whole_shape);
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(Json, ReadsAndWritesTheSameStruct) {
  const auto shape = read_text<Shape>(whole_shape);
  ASSERT_TRUE(shape) << shape.error().message;
  EXPECT_EQ(shape->name, "é");
  EXPECT_TRUE(shape->closed);
  EXPECT_EQ(shape->width, 2.5);
  EXPECT_EQ(shape->colour, Colour::green);
  EXPECT_EQ(shape->id, max_integer);
  EXPECT_FALSE(shape->owner);
  ASSERT_EQ(shape->points.size(), 2U);
  EXPECT_EQ(shape->points[0].x, -1);
  EXPECT_FALSE(shape->points[0].label);
  EXPECT_EQ(shape->points[1].label, "b");
  EXPECT_EQ(encode(*shape), *parse(whole_shape, 1000));
}

TEST(Json, UnknownMembersAreIgnored) {
  EXPECT_TRUE(read_text<Point>(R"({"x":1,"y":{"z":[1,2]}})"));
}

TEST(Json, OptionalMayBeAbsentOrNullAndIsLeftOut) {
  EXPECT_FALSE(read_text<Point>(R"({"x":1})")->label);
  EXPECT_FALSE(read_text<Point>(R"({"x":1,"label":null})")->label);
  EXPECT_EQ(to_text(encode(Point{1, {}})), R"({"x":1})");
}

TEST(Json, NullableMustBeThere) {
  EXPECT_EQ(error_of(with(R"("owner":null,)", "")), "owner: expected this member, found nothing");
  EXPECT_EQ(read_text<Shape>(with("null", R"("me")"))->owner.value(), "me");
}

TEST(Json, AnErrorNamesThePathAndWhatIsAllowed) {
  EXPECT_EQ(error_of("[]"), "expected an object, found a list");
  EXPECT_EQ(error_of(with(R"("é")", "7")), "name: expected a string, found 7");
  EXPECT_EQ(error_of(with("true", "1")), "closed: expected true or false, found 1");
  EXPECT_EQ(error_of(with("2.5", R"("2.5")")), "width: expected a number, found a string");
  EXPECT_EQ(error_of(with("green", "blue")),
            "colour: expected one of red, green, new, found a string");
  EXPECT_EQ(error_of(with(R"([{"x":-1},{"x":2,"label":"b"}])", "{}")),
            "points: expected a list, found an object");
  EXPECT_EQ(error_of(with(R"("b")", "[]")), "points[1].label: expected a string, found a list");
  EXPECT_EQ(error_of(with(R"({"x":-1})", "{}")),
            "points[0].x: expected this member, found nothing");
}

TEST(Json, AnEnumeratorMayBeAWordOfTheLanguage) {
  EXPECT_EQ(read_text<Shape>(with("green", "new"))->colour, Colour::new_);
  EXPECT_EQ(encode(Colour::new_), Value("new"));
}

TEST(Json, IntegersHaveTheirRange) {
  EXPECT_EQ(error_of(with("9007199254740991", "9007199254740992")),
            "id: expected a whole number from 0 to 9007199254740991, found 9007199254740992");
  EXPECT_NE(error_of(with("9007199254740991", "-1")), "");
  EXPECT_NE(error_of(with("9007199254740991", "1.5")), "");
  EXPECT_NE(error_of(with("9007199254740991", "1e300")), "");
  EXPECT_NE(error_of(with("9007199254740991", "18446744073709551616")), "");
  EXPECT_NE(error_of(with("9007199254740991", "true")), "");
  EXPECT_EQ(read_text<Shape>(with("9007199254740991", "7.0"))->id, 7U);
  EXPECT_NE(error_of(with("-1", "2147483648")), "");
  EXPECT_EQ(error_of(with("-1", "2147483647")), "");
  EXPECT_NE(error_of(with("2.5", "1e999")), "");
}

TEST(Json, RefusesWhatIsNotOneJsonText) {
  for (const std::string_view text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "nul", "1 2", "{}{}", "'a'", "[NaN]", "// c\n1",
        "\"\\ud800\"", "\"\xff\"", "\"\x01\"", "01", "+1", "\"a"}) {
    EXPECT_FALSE(parse(text, 1000)) << text;
  }
  EXPECT_TRUE(parse(" {} \n", 1000));
}

TEST(Json, RefusesAMemberTwice) {
  const auto value = parse(R"([{"a":{"b":1,"\u0062":2}}])", 1000);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message, "an object has two members of one name");
  EXPECT_TRUE(parse(R"([{"a":{"a":1}},{"a":2}])", 1000));
}

TEST(Json, LimitsDepthAndSize) {
  EXPECT_TRUE(parse(std::string(max_depth, '[') + std::string(max_depth, ']'), 1000));
  EXPECT_FALSE(parse(std::string(max_depth + 1, '[') + std::string(max_depth + 1, ']'), 1000));
  EXPECT_FALSE(parse(std::string(900'000, '['), 1'000'000));
  EXPECT_TRUE(parse("[10]", 4));
  EXPECT_FALSE(parse("[100]", 4));
}

}  // namespace
}  // namespace liaison::json
