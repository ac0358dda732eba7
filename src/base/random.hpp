// Randomness for secrets, identifiers and starting numbers. It comes from OpenSSL's RAND, which the
// simulator replaces by a seeded method (house rule: nothing below floor 5 has another source).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace liaison {

void random_bytes(MutableBytes out);
std::uint32_t random_u32();
std::uint64_t random_u64();
// `length` characters of A-Z a-z 0-9 + / ("ice-char", RFC 8839 section 5.1), 6 bits each.
std::string random_ice_chars(std::size_t length);
// Lower-case hexadecimal of `bytes` random bytes; for identifiers that appear in URLs and logs.
std::string random_hex(std::size_t bytes);

}  // namespace liaison
