// Join tokens: PASETO v4.public (Ed25519, no algorithm field), minted by whoever holds the secret
// key, checked by every node that knows the public one. This file knows nothing of rooms or of
// whether a token was used before.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace liaison::signaling {

struct PublicKey {
  std::array<std::uint8_t, 32> bytes{};
  bool operator==(const PublicKey&) const = default;

  // PASERK "k4.public.…". Error: "bad_key".
  static Result<PublicKey> parse(std::string_view text);
  std::string to_string() const;
};

struct SecretKey {
  std::array<std::uint8_t, 32> seed{};  // RFC 8032 section 5.1.5

  static SecretKey draw();
  // PASERK "k4.secret.…"; its public half must fit. Error: "bad_key".
  static Result<SecretKey> parse(std::string_view text);
  std::string to_string() const;
  PublicKey public_key() const;
};

struct TokenClaims {
  std::string room;
  std::optional<std::string> name;  // what the bearer will be called, if the inviter decided it
  std::string id;                   // "jti": a token is used once
  UnixTime not_before;
  UnixTime expires;
  bool operator==(const TokenClaims&) const = default;
};

// Times are cut to whole seconds.
std::string mint_token(const SecretKey& key, const TokenClaims& claims);
// Errors: "token_invalid" (also: not yet valid), "token_expired".
Result<TokenClaims> verify_token(const PublicKey& key, std::string_view token, UnixTime now);

// The PASETO v4.public primitive itself (also for its published test vectors).
std::string paseto_sign(const SecretKey& key, std::string_view payload, std::string_view footer,
                        std::string_view implicit_assertion);
// The payload, if the signature and the footer are right. Error: "token_invalid".
Result<std::string> paseto_verify(const PublicKey& key, std::string_view token,
                                  std::string_view footer, std::string_view implicit_assertion);

}  // namespace liaison::signaling
