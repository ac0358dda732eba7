#include "base/address.hpp"

#include <gtest/gtest.h>

namespace liaison {
namespace {

TEST(IpAddress, WritesWhatItReads) {
  for (const char* text :
       {"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::1:0:0:1",
        "1:2:3:4:5:6:7:8", "2001:db8:0:1:1:1:1:1", "1::8"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3")->to_string(), "10.1.2.3");
  EXPECT_EQ(IpAddress::parse("2001:DB8::A")->to_string(), "2001:db8::a");
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", ":",
                           ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::", "g::", "::1.2.3", "1:", "example.org"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(SocketAddress, KeepsThePort) {
  EXPECT_EQ(SocketAddress::parse("10.0.0.1:65535")->to_string(), "10.0.0.1:65535");
  EXPECT_EQ(SocketAddress::parse("[::1]:80")->to_string(), "[::1]:80");
  for (const char* text :
       {"", "1.2.3.4", "::1:80", "[::1]", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", ":80"}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
  }
}

}  // namespace
}  // namespace liaison
