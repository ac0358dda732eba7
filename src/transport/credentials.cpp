#include "transport/credentials.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace liaison::transport {
namespace {

struct HashFunction {
  Fingerprint::Hash hash;
  std::string_view name;
  std::size_t size;
};
constexpr std::array hash_functions = {
    HashFunction{Fingerprint::Hash::sha256, "sha-256", 32},
    HashFunction{Fingerprint::Hash::sha384, "sha-384", 48},
    HashFunction{Fingerprint::Hash::sha512, "sha-512", 64},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<std::uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  c = lower(c);
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::string to_sdp(const Fingerprint& fingerprint) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const HashFunction& function : hash_functions) {
    if (function.hash == fingerprint.hash) text = function.name;
  }
  char separator = ' ';
  for (const std::uint8_t byte : fingerprint.digest) {
    text += separator;
    text += digits[byte >> 4];
    text += digits[byte & 15];
    separator = ':';
  }
  return text;
}

Result<Fingerprint> fingerprint_from_sdp(std::string_view value) {
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) return fail("bad_fingerprint");
  // RFC 8122 section 5: names of hash functions are compared without regard to case.
  std::string name(value.substr(0, space));
  std::ranges::transform(name, name.begin(), lower);
  const auto* function = std::ranges::find(hash_functions, name, &HashFunction::name);
  if (function == hash_functions.end()) return fail("bad_fingerprint");

  const std::string_view text = value.substr(space + 1);
  if (text.size() != function->size * 3 - 1) return fail("bad_fingerprint");
  Fingerprint fingerprint{.hash = function->hash, .digest = {}};
  fingerprint.digest.reserve(function->size);
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const auto high = hex_digit(text[at]);
    const auto low = hex_digit(text[at + 1]);
    if (!high || !low) return fail("bad_fingerprint");
    if (at + 2 < text.size() && text[at + 2] != ':') return fail("bad_fingerprint");
    fingerprint.digest.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
  }
  return fingerprint;
}

}  // namespace liaison::transport
