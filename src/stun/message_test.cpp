#include "stun/message.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace liaison::stun {
namespace {

using Buffer = std::vector<std::uint8_t>;

// RFC 5769 sections 2.1 to 2.3.
constexpr std::string_view sample_password = "VOkJxbRl1RmTxUk/WvJxBt";
const Buffer sample_request = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};
const Buffer sample_response_v4 = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};
const Buffer sample_response_v6 = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c};

constexpr TransactionId transaction = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr std::string_view password = "0123456789abcdefghijkl";

// A message without MESSAGE-INTEGRITY and FINGERPRINT, around `attributes`.
Buffer bare(const Buffer& attributes, std::uint16_t type = 0x0001) {
  Buffer datagram(20);
  store_u16(datagram.data(), type);
  store_u16(&datagram[2], static_cast<std::uint16_t>(attributes.size()));
  store_u32(&datagram[4], 0x2112A442);
  datagram.insert(datagram.end(), attributes.begin(), attributes.end());
  return datagram;
}

TEST(StunVectors, Request) {
  const auto message = parse(sample_request);
  ASSERT_TRUE(message) << message.error().code;
  EXPECT_EQ(message->kind, Class::request);
  EXPECT_EQ(message->username, "evtj:h6vY");
  EXPECT_EQ(message->priority, 0x6e0001ffU);
  EXPECT_EQ(message->ice_controlled, 0x932ff9b151263b36U);
  EXPECT_FALSE(message->ice_controlling);
  EXPECT_FALSE(message->use_candidate);
  EXPECT_EQ(message->unknown_count, 0U) << "SOFTWARE need not be understood";
  EXPECT_TRUE(integrity_matches(*message, sample_request, sample_password));
  EXPECT_FALSE(integrity_matches(*message, sample_request, "VOkJxbRl1RmTxUk/WvJxBu"));
  EXPECT_EQ(username_ufrag(sample_request), "evtj");
}

TEST(StunVectors, ResponseIpv4) {
  const auto message = parse(sample_response_v4);
  ASSERT_TRUE(message) << message.error().code;
  EXPECT_EQ(message->kind, Class::success);
  ASSERT_TRUE(message->mapped_address);
  EXPECT_EQ(message->mapped_address->to_string(), "192.0.2.1:32853");
  EXPECT_TRUE(integrity_matches(*message, sample_response_v4, sample_password));
}

TEST(StunVectors, ResponseIpv6) {
  const auto message = parse(sample_response_v6);
  ASSERT_TRUE(message) << message.error().code;
  ASSERT_TRUE(message->mapped_address);
  EXPECT_EQ(message->mapped_address->to_string(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
  EXPECT_TRUE(integrity_matches(*message, sample_response_v6, sample_password));
}

TEST(StunMessage, EveryFlippedBitIsNoticed) {
  // FINGERPRINT is not covered by MESSAGE-INTEGRITY: where its type is damaged it is another
  // attribute.
  const std::size_t covered = sample_request.size() - 8;
  for (std::size_t bit = 0; bit < covered * 8; ++bit) {
    Buffer broken = sample_request;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto message = parse(broken);
    EXPECT_FALSE(message && integrity_matches(*message, broken, sample_password)) << bit;
  }
}

TEST(StunMessage, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < sample_request.size(); ++size) {
    EXPECT_FALSE(parse(Bytes(sample_request).first(size))) << size;
  }
}

TEST(StunMessage, WrittenRequestIsRead) {
  Buffer room(200);
  const MutableBytes written = write_request(room,
                                             {.transaction = transaction,
                                              .username = "server:client",
                                              .priority = 0x7e7f00ff,
                                              .tie_breaker = 0x0123456789abcdef,
                                              .controlling = true,
                                              .use_candidate = true},
                                             password);
  const auto message = parse(written);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Class::request);
  EXPECT_EQ(message->transaction, transaction);
  EXPECT_EQ(message->username, "server:client");
  EXPECT_EQ(message->priority, 0x7e7f00ffU);
  EXPECT_EQ(message->ice_controlling, 0x0123456789abcdefU);
  EXPECT_TRUE(message->use_candidate);
  EXPECT_TRUE(integrity_matches(*message, written, password));
}

TEST(StunMessage, WrittenSuccessIsRead) {
  for (const char* text : {"203.0.113.9:65535", "[2001:db8::99]:1"}) {
    const SocketAddress mapped = *SocketAddress::parse(text);
    Buffer room(max_response_size);
    const MutableBytes written = write_success(room, transaction, mapped, password);
    const auto message = parse(written);
    ASSERT_TRUE(message) << text;
    EXPECT_EQ(message->kind, Class::success);
    EXPECT_EQ(message->transaction, transaction);
    EXPECT_EQ(message->mapped_address, mapped);
    EXPECT_TRUE(integrity_matches(*message, written, password));
  }
}

TEST(StunMessage, WrittenErrorsAreRead) {
  Message request;
  request.transaction = transaction;
  request.unknown_count = request.unknown.size();
  request.unknown.fill(0x7777);
  for (const ErrorCode code : {ErrorCode::unknown_attribute, ErrorCode::role_conflict}) {
    Buffer room(max_response_size);
    const MutableBytes written = write_error(room, request, code, password);
    const auto message = parse(written);
    ASSERT_TRUE(message) << static_cast<int>(code);
    EXPECT_EQ(message->kind, Class::error);
    EXPECT_EQ(message->error_code, static_cast<std::uint16_t>(code));
    EXPECT_TRUE(integrity_matches(*message, written, password));
  }
}

TEST(StunMessage, WritesNothingWhereRoomIsShort) {
  Buffer room(max_response_size);
  const SocketAddress mapped = *SocketAddress::parse("[2001:db8::99]:1");
  const std::size_t needed = write_success(room, transaction, mapped, password).size();
  for (std::size_t size = 0; size < needed; ++size) {
    EXPECT_TRUE(
        write_success(MutableBytes(room).first(size), transaction, mapped, password).empty());
  }
}

TEST(StunMessage, NeedsIntegrity) {
  const Buffer datagram = bare({});
  const auto message = parse(datagram);
  ASSERT_TRUE(message);
  EXPECT_FALSE(integrity_matches(*message, datagram, ""));
}

TEST(StunMessage, ListsUnknownAttributesThatMustBeUnderstood) {
  const auto few = parse(bare({0x7f, 0xff, 0, 0, 0xff, 0xff, 0, 0}));
  ASSERT_TRUE(few);
  ASSERT_EQ(few->unknown_count, 1U);
  EXPECT_EQ(few->unknown[0], 0x7fff);
  Buffer many;
  for (int i = 0; i < 100; ++i) many.insert(many.end(), {0x7f, 0xff, 0, 0});
  EXPECT_EQ(parse(bare(many))->unknown_count, 8U);
}

TEST(StunMessage, IgnoresWhatStandsBehindIntegrity) {
  Buffer attributes = {0, 8, 0, 20};
  attributes.resize(24);
  attributes.insert(attributes.end(), {0x00, 0x25, 0, 0});  // USE-CANDIDATE
  const auto message = parse(bare(attributes));
  ASSERT_TRUE(message);
  EXPECT_NE(message->integrity_at, 0U);
  EXPECT_FALSE(message->use_candidate);
}

TEST(StunMessage, TheFirstOfTwoEqualAttributesCounts) {
  const auto message = parse(bare({0, 0x24, 0, 4, 0, 0, 0, 1, 0, 0x24, 0, 4, 0, 0, 0, 2}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->priority, 1U);
}

TEST(StunMessage, RefusesMalformedAttributes) {
  struct {
    const char* what;
    Buffer attributes;
  } const cases[] = {
      {"longer than the message", {0, 6, 0, 8, 'a', 'b', 'c', 'd'}},
      {"priority of 2 bytes", {0, 0x24, 0, 2, 0, 0, 0, 0}},
      {"tie-breaker of 4 bytes", {0x80, 0x29, 0, 4, 0, 0, 0, 0}},
      {"use-candidate with a value", {0, 0x25, 0, 4, 0, 0, 0, 0}},
      {"address of no family", {0, 0x20, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0}},
      {"IPv6 address of 4 bytes", {0, 0x20, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0}},
      {"empty address", {0, 0x20, 0, 0}},
      {"error code 200", {0, 9, 0, 4, 0, 0, 2, 0}},
      {"error code of 2 bytes", {0, 9, 0, 2, 0, 0, 0, 0}},
      {"integrity of 4 bytes", {0, 8, 0, 4, 0, 0, 0, 0}},
      {"fingerprint not last", {0x80, 0x28, 0, 4, 0, 0, 0, 0, 0x80, 0x22, 0, 0}},
  };
  for (const auto& c : cases) {
    const auto message = parse(bare(c.attributes));
    ASSERT_FALSE(message) << c.what;
    EXPECT_EQ(message.error().code, "bad_attribute") << c.what;
  }
  EXPECT_EQ(parse(bare({0x80, 0x28, 0, 4, 0, 0, 0, 0})).error().code, "bad_fingerprint");
}

TEST(StunMessage, ReadsOnlyBinding) {
  for (const std::uint16_t type :
       std::initializer_list<std::uint16_t>{0x0001, 0x0011, 0x0101, 0x0111}) {
    EXPECT_TRUE(parse(bare({}, type))) << type;
  }
  for (const std::uint16_t type :
       std::initializer_list<std::uint16_t>{0x0000, 0x0002, 0x0003, 0x0113, 0x3eef}) {
    EXPECT_EQ(parse(bare({}, type)).error().code, "not_binding") << type;
  }
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0x4001, 0x8001}) {
    EXPECT_EQ(parse(bare({}, type)).error().code, "not_stun") << type;
  }
}

TEST(StunUfrag, IsFoundWithoutBelief) {
  EXPECT_EQ(username_ufrag(bare({0, 6, 0, 3, 'a', ':', 'b', 0})), "a");
  EXPECT_EQ(username_ufrag(bare({0x80, 0x22, 0, 1, 'x', 0, 0, 0, 0, 6, 0, 2, ':', 'b', 0, 0})), "");
  EXPECT_FALSE(username_ufrag(bare({0, 6, 0, 3, 'a', 'c', 'b', 0}))) << "no colon";
  EXPECT_FALSE(username_ufrag(bare({0, 6, 0, 4, 'a', ':'}))) << "cut off";
  EXPECT_FALSE(username_ufrag(bare({}))) << "none";
  EXPECT_FALSE(username_ufrag({})) << "nothing at all";
}

TEST(StunMessage, AnyBytesGiveAnAnswer) {
  std::mt19937 random(5769);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same bytes each time
  for (int round = 0; round < 20'000; ++round) {
    Buffer datagram = sample_request;
    for (int change = 0; change < 4; ++change) {
      datagram[random() % datagram.size()] = static_cast<std::uint8_t>(random());
    }
    datagram.resize(random() % (datagram.size() + 1));
    const auto message = parse(datagram);
    if (message) integrity_matches(*message, datagram, sample_password);
    username_ufrag(datagram);
  }
}

}  // namespace
}  // namespace liaison::stun
