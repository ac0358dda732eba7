// Keys and certificates as files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace liaison::io {

// The Ed25519 key (RFC 8032) that signs join tokens.
struct SigningKey {
  std::array<std::uint8_t, 32> seed{};
  std::array<std::uint8_t, 32> public_key{};
};

// PKCS #8 in PEM, readable by its owner alone. Never overwrites: code "exists".
Result<void> create_signing_key(const std::filesystem::path& file);
// Codes: "no_file", "bad_key".
Result<SigningKey> load_signing_key(const std::filesystem::path& file);

// A certificate for the web server that names this host and these addresses, and its key (P-256,
// RFC 5480). Valid for 825 days, the most that Apple's systems accept. Gives the SHA-256
// fingerprint in hexadecimal.
Result<std::string> create_self_signed(const std::filesystem::path& certificate,
                                       const std::filesystem::path& key, const std::string& host,
                                       std::span<const IpAddress> addresses);

// Writes a file that must not exist, with these permissions from its first moment, and makes it
// durable.
Result<void> write_new_file(const std::filesystem::path& file, std::string_view text,
                            unsigned permissions);
// At most `limit` bytes. Codes: "no_file", "unreadable", "too_large".
Result<std::string> read_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace liaison::io
