#include "signaling/token.hpp"

#include <gtest/gtest.h>

namespace liaison::signaling {
namespace {

// The published test vectors of PASETO v4.public: 4-S-1 to 4-S-3.
constexpr std::array<std::uint8_t, 32> vector_seed = {
    0xb4, 0xcb, 0xfb, 0x43, 0xdf, 0x4c, 0xe2, 0x10, 0x72, 0x7d, 0x95, 0x3e, 0x4a, 0x71, 0x33, 0x07,
    0xfa, 0x19, 0xbb, 0x7d, 0x9f, 0x85, 0x04, 0x14, 0x38, 0xd9, 0xe1, 0x1b, 0x94, 0x2a, 0x37, 0x74};
constexpr std::array<std::uint8_t, 32> vector_public = {
    0x1e, 0xb9, 0xdb, 0xbb, 0xbc, 0x04, 0x7c, 0x03, 0xfd, 0x70, 0x60, 0x4e, 0x00, 0x71, 0xf0, 0x98,
    0x7e, 0x16, 0xb2, 0x8b, 0x75, 0x72, 0x25, 0xc1, 0x1f, 0x00, 0x41, 0x5d, 0x0e, 0x20, 0xb1, 0xa2};
constexpr std::string_view vector_payload =
    R"({"data":"this is a signed message","exp":"2022-01-01T00:00:00+00:00"})";
constexpr std::string_view vector_footer =
    R"({"kid":"zVhMiPBP9fRf2snEcT7gFTioeA9COcNy9DfgL1W60haN"})";

struct Vector {
  std::string_view token, footer, implicit_assertion;
};
constexpr std::array<Vector, 3> vectors = {{
    {"v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCs"
     "wMDowMCJ9bg_XBBzds8lTZShVlwwKSgeKpLT3yukTw6JUz3W4h_ExsQV-P0V54zemZDcAxFaSeef1QlXEFtkqxT1ciiQE"
     "DA",
     "", ""},
    {"v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCs"
     "wMDowMCJ9v3Jt8mx_TdM2ceTGoqwrh4yDFn0XsHvvV_D0DtwQxVrJEBMl0F2caAdgnpKlt4p7xBnx1HcO-SPo8FPp214H"
     "Dw.eyJraWQiOiJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9",
     vector_footer, ""},
    {"v4.public.eyJkYXRhIjoidGhpcyBpcyBhIHNpZ25lZCBtZXNzYWdlIiwiZXhwIjoiMjAyMi0wMS0wMVQwMDowMDowMCs"
     "wMDowMCJ9NPWciuD3d0o5eXJXG5pJy-DiVEoyPYWs1YSTwWHNJq6DZD3je5gf-0M4JR9ipdUSJbIovzmBECeaWmaqcaP0"
     "DQ.eyJraWQiOiJ6VmhNaVBCUDlmUmYyc25FY1Q3Z0ZUaW9lQTlDT2NOeTlEZmdMMVc2MGhhTiJ9",
     vector_footer, R"({"test-vector":"4-S-3"})"},
}};

TEST(Paseto, PublishedVectors) {
  const SecretKey secret{vector_seed};
  EXPECT_EQ(secret.public_key(), PublicKey{vector_public});
  for (const Vector& vector : vectors) {
    EXPECT_EQ(paseto_sign(secret, vector_payload, vector.footer, vector.implicit_assertion),
              vector.token);
    const auto payload = paseto_verify(PublicKey{vector_public}, vector.token, vector.footer,
                                       vector.implicit_assertion);
    ASSERT_TRUE(payload) << payload.error().message;
    EXPECT_EQ(*payload, vector_payload);
  }
}

TEST(Paseto, TheFooterAndTheImplicitAssertionAreCovered) {
  const PublicKey key{vector_public};
  EXPECT_FALSE(paseto_verify(key, vectors[1].token, "", ""));
  EXPECT_FALSE(paseto_verify(key, vectors[2].token, vector_footer, ""));
  EXPECT_FALSE(paseto_verify(key, vectors[0].token, "", "x"));
  EXPECT_FALSE(paseto_verify(key, std::string(vectors[0].token) + ".", "", ""));
}

constexpr UnixTime start{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1).time_since_epoch()};

TokenClaims claims() { return {"tuesday-call", "Anna", "7f3a", start, start + hours(2)}; }

TEST(Token, CarriesItsClaims) {
  const SecretKey key = SecretKey::draw();
  const auto read = verify_token(key.public_key(), mint_token(key, claims()), start);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, claims());
  TokenClaims nameless = claims();
  nameless.name.reset();
  EXPECT_EQ(*verify_token(key.public_key(), mint_token(key, nameless), start), nameless);
}

TEST(Token, HoldsFromItsFirstSecondToItsLast) {
  const SecretKey key = SecretKey::draw();
  const std::string token = mint_token(key, claims());
  const auto code = [&](UnixTime now) {
    const auto read = verify_token(key.public_key(), token, now);
    return read ? std::string_view("good") : read.error().code;
  };
  EXPECT_EQ(code(start - microseconds(1)), "token_invalid");
  EXPECT_EQ(code(start), "good");
  EXPECT_EQ(code(start + hours(2) - microseconds(1)), "good");
  EXPECT_EQ(code(start + hours(2)), "token_expired");
}

TEST(Token, OfAnotherKeyIsRefused) {
  const auto read =
      verify_token(SecretKey::draw().public_key(), mint_token(SecretKey::draw(), claims()), start);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, "token_invalid");
}

// Attack S01: no changed character of a token is accepted.
TEST(Token, EveryChangedBitIsRefused) {
  const SecretKey key{vector_seed};
  const PublicKey half = key.public_key();
  const std::string token = mint_token(key, claims());
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = token;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_FALSE(verify_token(half, changed, start)) << i << " " << bit;
    }
    EXPECT_FALSE(verify_token(half, token.substr(0, i), start)) << i;
  }
  EXPECT_FALSE(verify_token(half, token + "A", start));
  EXPECT_FALSE(verify_token(half, token + "=", start));
  EXPECT_FALSE(verify_token(half, std::string(5000, 'A'), start));
}

TEST(Token, SignedNonsenseIsRefused) {
  const SecretKey key = SecretKey::draw();
  const auto code = [&](std::string_view payload) {
    const auto read = verify_token(key.public_key(), paseto_sign(key, payload, "", ""), start);
    return read ? std::string_view("good") : read.error().code;
  };
  const auto with_times = [](std::string_view nbf, std::string_view exp) {
    return R"({"room":"a","jti":"b","nbf":")" + std::string(nbf) + R"(","exp":")" +
           std::string(exp) + R"("})";
  };
  const std::string_view past = "2026-02-01T00:00:00+00:00";
  EXPECT_EQ(code(""), "token_invalid");
  EXPECT_EQ(code("[]"), "token_invalid");
  EXPECT_EQ(code(R"({"room":"a","jti":"b"})"), "token_invalid");
  EXPECT_EQ(
      code(R"({"room":"a","jti":"","nbf":"2026-02-01T00:00:00Z","exp":"2027-02-01T00:00:00Z"})"),
      "token_invalid");
  EXPECT_EQ(code(with_times(past, "2027-01-01T00:00:00+00:00")), "good");
  for (const std::string_view exp :
       {"2027-01-01", "2027-13-01T00:00:00Z", "2027-02-30T00:00:00Z", "2027-01-01T24:00:00Z",
        "2027-01-01T00:00:00", "2027-01-01T00:00:00+0000", "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:00.1", "+027-01-01T00:00:00Z", "2027-01-01 00:00:00Z", "1798761600"}) {
    EXPECT_EQ(code(with_times(past, exp)), "token_invalid") << exp;
  }
}

TEST(Token, TimesMayHaveFractionsAndZones) {
  const SecretKey key = SecretKey::draw();
  const auto expires = [&](std::string_view exp) {
    const std::string payload = R"({"room":"a","jti":"b","nbf":"2026-02-01T00:00:00Z","exp":")" +
                                std::string(exp) + R"("})";
    const auto read = verify_token(key.public_key(), paseto_sign(key, payload, "", ""), start);
    return read ? read->expires - start : microseconds(0);
  };
  EXPECT_EQ(expires("2026-03-01T02:00:00Z"), hours(2));
  EXPECT_EQ(expires("2026-03-01T02:00:00.999Z"), hours(2));
  EXPECT_EQ(expires("2026-03-01T10:30:00+08:00"), minutes(150));
  EXPECT_EQ(expires("2026-02-28T23:00:00-03:00"), hours(2));
}

TEST(Key, TextGoesBothWays) {
  const SecretKey key = SecretKey::draw();
  EXPECT_EQ(SecretKey::parse(key.to_string())->seed, key.seed);
  EXPECT_EQ(*PublicKey::parse(key.public_key().to_string()), key.public_key());
  // The published key of PASERK's vectors has this form.
  EXPECT_EQ(PublicKey{vector_public}.to_string(),
            "k4.public.Hrnbu7wEfAP9cGBOAHHwmH4Wsot1ciXBHwBBXQ4gsaI");
}

TEST(Key, DamagedTextIsRefused) {
  const SecretKey key = SecretKey::draw();
  const std::string secret = key.to_string();
  const std::string half = key.public_key().to_string();
  EXPECT_FALSE(PublicKey::parse(""));
  EXPECT_FALSE(PublicKey::parse(secret));
  EXPECT_FALSE(PublicKey::parse(half.substr(0, half.size() - 1)));
  EXPECT_FALSE(PublicKey::parse(half + "A"));
  EXPECT_FALSE(SecretKey::parse(half));
  std::string swapped = secret;
  swapped[15] = swapped[15] == 'A' ? 'B' : 'A';
  const auto parsed = SecretKey::parse(swapped);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, "bad_key");
}

}  // namespace
}  // namespace liaison::signaling
