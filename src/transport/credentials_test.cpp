#include "transport/credentials.hpp"

#include <gtest/gtest.h>

#include <string>

namespace liaison::transport {
namespace {

std::string digest_text(std::size_t bytes) {
  std::string text = "00";
  for (std::size_t i = 1; i < bytes; ++i) text += ":aB";
  return text;
}

TEST(Fingerprint, ReadsAndWritesTheThreeHashFunctions) {
  struct {
    const char* name;
    Fingerprint::Hash hash;
    std::size_t size;
  } const cases[] = {{"sha-256", Fingerprint::Hash::sha256, 32},
                     {"sha-384", Fingerprint::Hash::sha384, 48},
                     {"sha-512", Fingerprint::Hash::sha512, 64}};
  for (const auto& c : cases) {
    const auto read = fingerprint_from_sdp(std::string(c.name) + " " + digest_text(c.size));
    ASSERT_TRUE(read) << c.name;
    EXPECT_EQ(read->hash, c.hash);
    ASSERT_EQ(read->digest.size(), c.size);
    EXPECT_EQ(read->digest[0], 0);
    EXPECT_EQ(read->digest.back(), 0xab);
    EXPECT_EQ(fingerprint_from_sdp(to_sdp(*read)), *read);
  }
  const auto upper = fingerprint_from_sdp("SHA-256 " + digest_text(32));
  ASSERT_TRUE(upper) << "the name is compared without case";
  EXPECT_TRUE(to_sdp(*upper).starts_with("sha-256 00:AB:AB"));
}

TEST(Fingerprint, RefusesWhatIsNone) {
  const std::string good = "sha-256 " + digest_text(32);
  ASSERT_TRUE(fingerprint_from_sdp(good));
  for (const std::string& text :
       {std::string(), std::string("sha-256"), std::string("sha-256 "), "sha-1 " + digest_text(20),
        "md5 " + digest_text(16), "sha-256 " + digest_text(31), "sha-256 " + digest_text(33),
        "sha-256  " + digest_text(32), good + ":", good + " ", good.substr(0, good.size() - 1),
        "sha-256 g" + digest_text(32).substr(1), "sha-256 00-" + digest_text(31)}) {
    const auto read = fingerprint_from_sdp(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, "bad_fingerprint");
  }
}

}  // namespace
}  // namespace liaison::transport
