// What two ends agree on out of band before a transport can open.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace liaison::transport {

// RFC 8839 section 5.4. Ours: 16 ice-chars and 32 ice-chars.
struct IceCredentials {
  std::string ufrag;
  std::string password;
  bool operator==(const IceCredentials&) const = default;
};

// Of the far end's certificate (RFC 8122).
struct Fingerprint {
  enum class Hash : std::uint8_t { sha256, sha384, sha512 };
  Hash hash = Hash::sha256;
  std::vector<std::uint8_t> digest;
  bool operator==(const Fingerprint&) const = default;
};

// The value of an a=fingerprint line (RFC 8122 section 5): "sha-256 AB:CD:...".
std::string to_sdp(const Fingerprint& fingerprint);
// Error: "bad_fingerprint" (also for hash functions other than the three above).
Result<Fingerprint> fingerprint_from_sdp(std::string_view value);

}  // namespace liaison::transport
