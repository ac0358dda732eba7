// The implementations of SrtpCipher, and what they share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "transport/srtp_cipher.hpp"

namespace liaison::transport {

std::unique_ptr<SrtpCipher> make_openssl_cipher(SrtpProfile profile, SrtpKind kind,
                                                const SrtpSessionKeys& keys);
// For the AEAD profiles, where has_ipsec_mb().
std::unique_ptr<SrtpCipher> make_ipsec_mb_cipher(SrtpProfile profile, SrtpKind kind,
                                                 const SrtpSessionKeys& keys);
bool has_ipsec_mb();
const char* ipsec_mb_description();

// RFC 7714 sections 8.1 and 9.1: zeros, SSRC, and 48 bits of index, XOR the salt. What lies behind
// the 12 bytes is zero.
inline std::array<std::uint8_t, 16> gcm_iv(std::uint32_t ssrc, std::uint64_t index,
                                           const std::array<std::uint8_t, 14>& salt) {
  std::array<std::uint8_t, 16> iv{};
  store_u32(&iv[2], ssrc);
  store_u16(&iv[6], static_cast<std::uint16_t>(index >> 32));
  store_u32(&iv[8], static_cast<std::uint32_t>(index));
  for (std::size_t i = 0; i < salt.size(); ++i) iv[i] ^= salt[i];
  return iv;
}

// RFC 3711 section 4.1.1: SSRC * 2^64 XOR index * 2^16 XOR the salt.
inline std::array<std::uint8_t, 16> counter_iv(std::uint32_t ssrc, std::uint64_t index,
                                               const std::array<std::uint8_t, 14>& salt) {
  std::array<std::uint8_t, 16> iv{};
  store_u32(&iv[4], ssrc);
  store_u16(&iv[8], static_cast<std::uint16_t>(index >> 32));
  store_u32(&iv[10], static_cast<std::uint32_t>(index));
  for (std::size_t i = 0; i < salt.size(); ++i) iv[i] ^= salt[i];
  return iv;
}

// What is authenticated besides the packet: the ROC of RTP with the older transforms (RFC 3711
// section 4.2), the word with E flag and index of RTCP with all.
inline std::array<std::uint8_t, 4> srtp_trailer(SrtpKind kind, std::uint64_t index) {
  std::array<std::uint8_t, 4> trailer{};
  store_u32(trailer.data(), kind == SrtpKind::rtp
                                ? static_cast<std::uint32_t>(index >> 16)
                                : 0x80000000U | static_cast<std::uint32_t>(index));
  return trailer;
}

}  // namespace liaison::transport
