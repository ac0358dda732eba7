#include "signaling/token.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/ensure.hpp"
#include "base/json.hpp"
#include "base/random.hpp"

namespace liaison::signaling {

// As in the payload; RFC 7519 gave the names.
struct TokenPayload {
  std::string room;
  std::optional<std::string> name;
  std::string jti;
  std::string nbf;
  std::string exp;
};
BOOST_DESCRIBE_STRUCT(TokenPayload, (), (room, name, jti, nbf, exp))

namespace {

constexpr std::string_view header = "v4.public.";
constexpr std::string_view public_prefix = "k4.public.";
constexpr std::string_view secret_prefix = "k4.secret.";
constexpr std::size_t signature_size = 64;
constexpr std::size_t max_token_size = 4096;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// base64url without padding (RFC 4648 section 5).
constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string to_base64url(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
  }
  if (count > 0) text += alphabet[bits << (6 - count) & 63];
  return text;
}

// Only the one canonical form: no padding, and the bits left over are zero.
std::optional<std::vector<std::uint8_t>> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> count));
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

// Pre-Authentication Encoding: no two lists of pieces give the same bytes.
std::vector<std::uint8_t> pre_authentication_encoding(std::span<const Bytes> pieces) {
  std::vector<std::uint8_t> out;
  const auto length = [&](std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  length(pieces.size());
  for (const Bytes piece : pieces) {
    length(piece.size());
    out.insert(out.end(), piece.begin(), piece.end());
  }
  return out;
}

std::vector<std::uint8_t> signed_bytes(Bytes payload, std::string_view footer,
                                       std::string_view implicit_assertion) {
  const std::array<Bytes, 4> pieces = {as_bytes(header), payload, as_bytes(footer),
                                       as_bytes(implicit_assertion)};
  return pre_authentication_encoding(pieces);
}

// Seconds since 1970 <-> "2026-01-01T00:00:00+00:00" (RFC 3339).
std::string to_rfc3339(UnixTime time) {
  const auto whole = std::chrono::floor<seconds>(time.time_since_epoch());
  const std::chrono::sys_seconds point(whole);
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<UnixTime> from_rfc3339(std::string_view text) {
  // Each digit of the pattern stands for one of 0 to 9.
  constexpr std::string_view pattern = "0000-00-00T00:00:00";
  if (text.size() < pattern.size() + 1) return std::nullopt;
  const auto fits = [](std::string_view piece, std::string_view shape) {
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool digit = piece[i] >= '0' && piece[i] <= '9';
      if (shape[i] == '0' ? !digit : piece[i] != shape[i]) return false;
    }
    return true;
  };
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + length, value);
    return value;
  };
  if (!fits(text, pattern)) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;

  std::size_t at = pattern.size();
  if (text[at] == '.') {
    const std::size_t end = text.find_first_not_of("0123456789", at + 1);
    if (end == std::string_view::npos || end == at + 1) return std::nullopt;
    at = end;
  }
  const std::string_view zone = text.substr(at);
  int offset_minutes = 0;
  if (zone != "Z") {
    if (zone.size() != 6 || !(fits(zone, "+00:00") || fits(zone, "-00:00"))) return std::nullopt;
    const int hours_off = number(at + 1, 2);
    const int minutes_off = number(at + 4, 2);
    if (hours_off > 23 || minutes_off > 59) return std::nullopt;
    offset_minutes = (hours_off * 60 + minutes_off) * (zone[0] == '-' ? -1 : 1);
  }
  return UnixTime(std::chrono::sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) +
                  seconds(second) - minutes(offset_minutes));
}

}  // namespace

Result<PublicKey> PublicKey::parse(std::string_view text) {
  const auto bytes = text.starts_with(public_prefix)
                         ? from_base64url(text.substr(public_prefix.size()))
                         : std::nullopt;
  PublicKey key;
  if (!bytes || bytes->size() != key.bytes.size())
    return fail("bad_key", "not a public key: expected k4.public. and 43 characters");
  std::ranges::copy(*bytes, key.bytes.begin());
  return key;
}

std::string PublicKey::to_string() const {
  return std::string(public_prefix) + to_base64url(bytes);
}

SecretKey SecretKey::draw() {
  SecretKey key;
  random_bytes(key.seed);
  return key;
}

Result<SecretKey> SecretKey::parse(std::string_view text) {
  const auto bytes = text.starts_with(secret_prefix)
                         ? from_base64url(text.substr(secret_prefix.size()))
                         : std::nullopt;
  SecretKey key;
  if (!bytes || bytes->size() != 2 * key.seed.size())
    return fail("bad_key", "not a secret key: expected k4.secret. and 86 characters");
  std::copy_n(bytes->begin(), key.seed.size(), key.seed.begin());
  const PublicKey half = key.public_key();
  if (!std::equal(half.bytes.begin(), half.bytes.end(), bytes->begin() + 32))
    return fail("bad_key", "damaged secret key: its two halves do not belong together");
  return key;
}

std::string SecretKey::to_string() const {
  std::vector<std::uint8_t> bytes(seed.begin(), seed.end());
  const PublicKey half = public_key();
  bytes.insert(bytes.end(), half.bytes.begin(), half.bytes.end());
  return std::string(secret_prefix) + to_base64url(bytes);
}

PublicKey SecretKey::public_key() const {
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
                EVP_PKEY_free);
  ENSURE(key != nullptr);
  PublicKey half;
  std::size_t size = half.bytes.size();
  ENSURE(EVP_PKEY_get_raw_public_key(key.get(), half.bytes.data(), &size) == 1);
  ENSURE(size == half.bytes.size());
  return half;
}

std::string paseto_sign(const SecretKey& secret, std::string_view payload, std::string_view footer,
                        std::string_view implicit_assertion) {
  const Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.seed.data(),
                                             secret.seed.size()),
                EVP_PKEY_free);
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  ENSURE(key != nullptr && digest != nullptr);
  const auto covered = signed_bytes(as_bytes(payload), footer, implicit_assertion);
  std::vector<std::uint8_t> body(payload.begin(), payload.end());
  body.resize(payload.size() + signature_size);
  std::size_t size = signature_size;
  ENSURE(EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  ENSURE(EVP_DigestSign(digest.get(), &body[payload.size()], &size, covered.data(),
                        covered.size()) == 1);
  std::string token = std::string(header) + to_base64url(body);
  if (!footer.empty()) token += "." + to_base64url(as_bytes(footer));
  return token;
}

Result<std::string> paseto_verify(const PublicKey& public_key, std::string_view token,
                                  std::string_view footer, std::string_view implicit_assertion) {
  const auto invalid = [](std::string_view why) {
    return fail("token_invalid",
                fmt::format("This invitation is not valid ({}). Ask for a new link.", why));
  };
  if (token.size() > max_token_size) return invalid("it is too long");
  if (!token.starts_with(header)) return invalid("it is of another kind");
  const std::string_view text = token.substr(header.size());
  const std::size_t dot = text.find('.');
  const auto body = from_base64url(text.substr(0, dot));
  const auto tail = dot == std::string_view::npos ? std::vector<std::uint8_t>{}
                                                  : from_base64url(text.substr(dot + 1));
  if (!body || !tail || body->size() < signature_size || (tail->empty() && dot != text.npos))
    return invalid("it is damaged");
  if (as_text(*tail) != footer) return invalid("its footer is not known");

  const Bytes payload(body->data(), body->size() - signature_size);
  const Bytes signature = Bytes(*body).last(signature_size);
  const auto covered = signed_bytes(payload, footer, implicit_assertion);
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.bytes.data(),
                                            public_key.bytes.size()),
                EVP_PKEY_free);
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  ENSURE(key != nullptr && digest != nullptr);
  ENSURE(EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  if (EVP_DigestVerify(digest.get(), signature.data(), signature.size(), covered.data(),
                       covered.size()) != 1)
    return invalid("its signature is not ours");
  return std::string(as_text(payload));
}

std::string mint_token(const SecretKey& key, const TokenClaims& claims) {
  const TokenPayload payload{claims.room, claims.name, claims.id, to_rfc3339(claims.not_before),
                             to_rfc3339(claims.expires)};
  return paseto_sign(key, json::to_text(json::encode(payload)), {}, {});
}

Result<TokenClaims> verify_token(const PublicKey& key, std::string_view token, UnixTime now) {
  const auto text = paseto_verify(key, token, {}, {});
  if (!text) return std::unexpected(text.error());
  const auto damaged = [](std::string_view why) {
    return fail(
        "token_invalid",
        fmt::format("This invitation is signed but wrong inside ({}). Ask for a new link.", why));
  };
  const auto value = json::parse(*text, max_token_size);
  if (!value) return damaged(value.error().message);
  const auto payload = json::decode<TokenPayload>(*value);
  if (!payload) return damaged(payload.error().message);
  const auto not_before = from_rfc3339(payload->nbf);
  const auto expires = from_rfc3339(payload->exp);
  if (!not_before) return damaged("nbf is not a time as in RFC 3339");
  if (!expires) return damaged("exp is not a time as in RFC 3339");
  if (payload->jti.empty() || payload->jti.size() > 64) return damaged("jti has a wrong length");
  if (now >= *expires)
    return fail("token_expired", fmt::format("This invitation was valid until {} UTC. Ask for a "
                                             "new link.",
                                             payload->exp));
  if (now < *not_before)
    return fail("token_invalid", fmt::format("This invitation is valid from {} UTC. Come back "
                                             "then.",
                                             payload->nbf));
  return TokenClaims{payload->room, payload->name, payload->jti, *not_before, *expires};
}

}  // namespace liaison::signaling
