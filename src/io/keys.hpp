// Keys and certificates as files.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "signaling/token.hpp"

namespace liaison::io {

// The secret key of join tokens (PASERK text), readable by its owner alone. Never overwrites: code
// "exists".
Result<void> create_invite_key(const std::filesystem::path& file);
// Codes: "no_file", "unreadable", "bad_key".
Result<signaling::SecretKey> load_invite_key(const std::filesystem::path& file);

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
