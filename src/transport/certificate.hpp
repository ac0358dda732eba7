// The certificate a server shows in DTLS. Nobody signs it: its fingerprint travels in the SDP.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "transport/credentials.hpp"

namespace liaison::transport {

struct Certificate {
  std::vector<std::uint8_t> certificate_der;
  std::vector<std::uint8_t> private_key_der;
  Fingerprint fingerprint;  // SHA-256 of certificate_der
};

// ECDSA on P-256 (RFC 8827 section 6.5), signed by itself, valid from a day before `now` (clocks of
// others may be behind) for 30 days. Everything random in it comes from OpenSSL's RAND.
Certificate generate_certificate(UnixTime now);

}  // namespace liaison::transport
