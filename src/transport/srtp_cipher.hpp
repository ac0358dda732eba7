// The cryptography of SRTP: session keys, and one packet at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.hpp"

namespace liaison::transport {

// The protection profiles of DTLS-SRTP we use, by their numbers (RFC 5764 section 4.1.2, RFC 7714
// section 14.2).
enum class SrtpProfile : std::uint16_t {
  aes128_cm_hmac_sha1_80 = 0x0001,
  aead_aes_128_gcm = 0x0007,
  aead_aes_256_gcm = 0x0008,
};

constexpr bool is_aead(SrtpProfile profile) {
  return profile != SrtpProfile::aes128_cm_hmac_sha1_80;
}
constexpr std::size_t key_size(SrtpProfile profile) {
  return profile == SrtpProfile::aead_aes_256_gcm ? 32 : 16;
}
constexpr std::size_t salt_size(SrtpProfile profile) { return is_aead(profile) ? 12 : 14; }
constexpr std::size_t tag_size(SrtpProfile profile) { return is_aead(profile) ? 16 : 10; }

// Master key and master salt of one direction; what the profile does not use is zero (for the salt
// RFC 7714 section 11 wants it so).
struct SrtpMaster {
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 14> salt{};
};

// Key derivation, `label` as in RFC 3711 section 4.3.2, key derivation rate zero. `key_bytes` is
// 16 or 32.
void derive_key(const SrtpMaster& master, std::size_t key_bytes, std::uint8_t label,
                MutableBytes out);

enum class SrtpKind : std::uint8_t { rtp, rtcp };

// What is derived from a master for one kind of packet; what the profile does not use is zero.
struct SrtpSessionKeys {
  std::array<std::uint8_t, 32> encryption{};
  std::array<std::uint8_t, 20> authentication{};  // not for AEAD
  std::array<std::uint8_t, 14> salt{};
};
SrtpSessionKeys derive_session_keys(SrtpProfile profile, SrtpKind kind, const SrtpMaster& master);

// What does the cryptography. Both give the same bytes.
enum class SrtpEngine : std::uint8_t {
  openssl,
  ipsec_mb,  // Intel's; for AES-GCM, where the processor has instructions for it
};
// The fastest that this program was built with and this processor can run.
SrtpEngine fastest_srtp_engine();
// For people: with the instructions it uses, "ipsec-mb avx512".
std::string_view describe(SrtpEngine engine);

// Encrypts and authenticates the packets of one direction and one kind under one set of session
// keys. It holds all that depends on the keys alone, so that a packet sets nothing but its IV. It
// knows no streams: that no index is used twice under one SSRC is up to the caller.
class SrtpCipher {
 public:
  SrtpCipher() = default;
  virtual ~SrtpCipher() = default;
  SrtpCipher(const SrtpCipher&) = delete;
  SrtpCipher& operator=(const SrtpCipher&) = delete;

  // `packet` begins with `header_size` bytes that stay in the clear; `first` and `second` are
  // encrypted behind them, and the tag is written to `tag`. The index has 48 bits for RTP (ROC and
  // sequence number) and 31 for RTCP; the E flag of RTCP is always set.
  virtual void seal(std::uint32_t ssrc, std::uint64_t index, std::uint8_t* packet,
                    std::size_t header_size, Bytes first, Bytes second, std::uint8_t* tag) = 0;
  // Decrypts what follows the header in place. False if the tag is wrong; the rest of `packet` then
  // holds nothing of use.
  virtual bool open(std::uint32_t ssrc, std::uint64_t index, MutableBytes packet,
                    std::size_t header_size, const std::uint8_t* tag) = 0;
};

std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile, SrtpKind kind,
                                             const SrtpSessionKeys& keys,
                                             SrtpEngine engine = fastest_srtp_engine());
std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile, SrtpKind kind,
                                             const SrtpMaster& master,
                                             SrtpEngine engine = fastest_srtp_engine());

}  // namespace liaison::transport
