#include "signaling/message.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.hpp"

namespace liaison::signaling {
namespace {

const std::filesystem::path golden = std::filesystem::path(LIAISON_SOURCE_DIR) / "protocol/client";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> list;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") list.push_back(entry.path());
  }
  return list;
}

std::string error_code(std::string_view text) {
  const auto message = read_client_message(text);
  return message ? "" : std::string(message.error().code);
}

TEST(GoldenMessages, ReadAndWriteTheSame) {
  std::size_t client = 0;
  std::size_t server = 0;
  for (const auto& path : files(golden)) {
    const std::string text = read_file(path);
    const auto value = json::parse(text, 100'000);
    ASSERT_TRUE(value) << path;
    const auto from_client = read_client_message(text);
    const auto from_server = read_server_message(text);
    EXPECT_TRUE(from_client || from_server) << path << ": " << from_server.error().message;
    if (from_client) {
      ++client;
      EXPECT_EQ(*json::parse(write_message(*from_client), 100'000), *value) << path;
    }
    if (from_server) {
      ++server;
      EXPECT_EQ(*json::parse(write_message(*from_server), 100'000), *value) << path;
    }
  }
  // Every type has a file.
  EXPECT_GE(client, std::variant_size_v<ClientMessage>);
  EXPECT_GE(server, std::variant_size_v<ServerMessage>);
}

TEST(GoldenMessages, BadOnesAreRefusedWithTheirCode) {
  const auto list = files(golden / "bad");
  EXPECT_GT(list.size(), 30U);
  for (const auto& path : list) {
    const json::Value value = *json::parse(read_file(path), 100'000);
    const boost::json::object& object = value.as_object();
    const std::string text = object.contains("text") ? std::string(object.at("text").as_string())
                                                     : json::to_text(object.at("message"));
    const auto message = read_client_message(text);
    ASSERT_FALSE(message) << path;
    EXPECT_EQ(message.error().code, std::string_view(object.at("error").as_string())) << path;
    EXPECT_FALSE(message.error().message.empty());
  }
}

TEST(Message, ErrorsNameTheMember) {
  EXPECT_EQ(read_client_message(R"({"t":"publish","microphone":1})").error().message,
            "publish: microphone: expected true or false, found 1.");
  EXPECT_EQ(read_client_message(R"({"t":"hop"})").error().message,
            "No message of a client has t = \"hop\".");
  EXPECT_TRUE(read_client_message("{").error().message.starts_with("Not a JSON text: "));
}

TEST(Message, AnotherVersionMayLookDifferent) {
  EXPECT_EQ(error_code(R"({"t":"join","version":2,"place":"x"})"), "version_unsupported");
  EXPECT_EQ(error_code(R"({"t":"join","version":"2"})"), "bad_message");
}

TEST(Message, UnknownMembersAndNullOptionalsAreTaken) {
  const auto message = read_client_message(
      R"({"t":"join","version":1,"room":"a","name":" Anna ","token":null,"colour":"red"})");
  ASSERT_TRUE(message);
  const auto& join = std::get<message::Join>(*message);
  EXPECT_EQ(join.name, "Anna");
  EXPECT_FALSE(join.token);
}

TEST(Message, AnAttemptIsAnInteger) {
  const auto join = [](std::string_view attempt) {
    return fmt::format(R"({{"t":"join","version":1,"room":"a","name":"Anna","attempt":{}}})",
                       attempt);
  };
  const auto attempt = [&](std::string_view text) {
    return std::get<message::Join>(*read_client_message(join(text))).attempt;
  };
  EXPECT_EQ(attempt("0"), 0U);
  EXPECT_EQ(attempt("9007199254740991"), 9007199254740991U);
  EXPECT_EQ(attempt("null"), std::nullopt);
  for (const std::string_view text : {"-1", "1.5", "9007199254740992", "\"1\"", "true"})
    EXPECT_EQ(error_code(join(text)), "bad_message") << text;
}

TEST(Message, AViewHasAtMost64People) {
  const auto with_people = [](std::size_t people) {
    message::View view;
    for (std::size_t i = 0; i < people; ++i) view.people.push_back({fmt::format("{}", i), 16, 9});
    return write_message(ClientMessage(view));
  };
  EXPECT_TRUE(read_client_message(with_people(64)));
  EXPECT_EQ(error_code(with_people(65)), "bad_message");
}

TEST(Message, ASizeIsInPixels) {
  const auto view = [](std::string_view width) {
    return fmt::format(
        R"({{"t":"view","people":[{{"person":"a","width":{0},"height":9}}],"screen":{{"width":{0},"height":9}}}})",
        width);
  };
  EXPECT_TRUE(read_client_message(view("1")));
  EXPECT_TRUE(read_client_message(view("16384")));
  for (const std::string_view width : {"0", "16385", "70000", "-1", "1.5", "null"})
    EXPECT_EQ(error_code(view(width)), "bad_message") << width;
}

TEST(Message, WhatIsNotKnownOfAConnectionIsLeftOut) {
  message::Connection connection;
  EXPECT_EQ(write_message(ServerMessage(connection)).find("bandwidth"), std::string::npos);
  connection.bandwidth_down = 1'500'000;
  EXPECT_NE(write_message(ServerMessage(connection)).find(R"("bandwidth_down":1500000)"),
            std::string::npos);
}

TEST(Message, ASizeLimitHolds) {
  const std::string sdp(513 * 1024, 'x');
  EXPECT_EQ(error_code(R"({"t":"offer","id":1,"sdp":")" + sdp + "\"}"), "bad_message");
}

TEST(RoomName, HasItsAlphabet) {
  EXPECT_TRUE(is_room_name("a"));
  EXPECT_TRUE(is_room_name("tuesday-call-2"));
  EXPECT_TRUE(is_room_name(std::string(64, '0')));
  for (const std::string_view name : {"", "A", "a_b", "a b", "a/b", "é", "a\n", ".."})
    EXPECT_FALSE(is_room_name(name)) << name;
  EXPECT_FALSE(is_room_name(std::string(65, 'a')));
}

TEST(PersonName, IsTrimmed) {
  EXPECT_EQ(person_name("Anna"), "Anna");
  EXPECT_EQ(person_name(" \t\xc2\xa0 Anna  Keller\xe3\x80\x80\n"), "Anna  Keller");
  EXPECT_EQ(person_name("薄文"), "薄文");
  EXPECT_EQ(person_name("👩‍🚀"), "👩‍🚀");
  // A zero-width joiner and a left-to-right mark belong to some names.
  EXPECT_EQ(person_name("\u0645\u06cc\u200c\u0646"), "\u0645\u06cc\u200c\u0646");
}

TEST(PersonName, HasSomethingToSee) {
  for (const std::string_view name : {"", " ", "\u200b\u200d", "\u3164", "\u2800", "\u00ad"})
    EXPECT_EQ(person_name(name), std::nullopt);
}

TEST(PersonName, HasNoControlsAndNoOverrides) {
  for (const std::string_view name :
       {"a\x01z", "a\nz", "a\x7fz", "a\u0085z", "a\u202ez", "a\u2066z", "a\u2028z", "a\u202az"})
    EXPECT_EQ(person_name(name), std::nullopt) << name;
}

TEST(PersonName, CountsCharactersNotBytes) {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "語";
  EXPECT_EQ(person_name(name), name);
  EXPECT_EQ(person_name(name + "  "), name);
  EXPECT_EQ(person_name(name + "a"), std::nullopt);
  EXPECT_EQ(person_name(std::string(5000, ' ') + "a"), std::nullopt);
}

}  // namespace
}  // namespace liaison::signaling
