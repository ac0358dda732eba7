#include "transport/srtp_cipher.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/ensure.hpp"
#include "transport/srtp_engines.hpp"

namespace liaison::transport {
namespace {

// RFC 3711 section 4.3.2.
constexpr std::uint8_t label_encryption = 0;
constexpr std::uint8_t label_authentication = 1;
constexpr std::uint8_t label_salt = 2;
constexpr std::uint8_t first_label_of_rtcp = 3;

}  // namespace

void derive_key(const SrtpMaster& master, std::size_t key_bytes, std::uint8_t label,
                MutableBytes out) {
  ENSURE(key_bytes == 16 || key_bytes == 32);
  // RFC 3711 section 4.3.1: with derivation rate 0, key_id is the label followed by 48 zero bits;
  // section 4.3.3: the keystream of AES in counter mode from (key_id XOR salt) * 2^16.
  std::array<std::uint8_t, 16> iv{};
  std::ranges::copy(master.salt, iv.begin());
  iv[7] ^= label;
  std::ranges::fill(out, std::uint8_t{0});
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  ENSURE(context != nullptr);
  ENSURE(EVP_EncryptInit_ex(context, key_bytes == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(),
                            nullptr, master.key.data(), iv.data()) == 1);
  int written = 0;
  ENSURE(EVP_EncryptUpdate(context, out.data(), &written, out.data(),
                           static_cast<int>(out.size())) == 1);
  EVP_CIPHER_CTX_free(context);
}

SrtpSessionKeys derive_session_keys(SrtpProfile profile, SrtpKind kind, const SrtpMaster& master) {
  SrtpSessionKeys keys;
  const auto derive = [&](std::uint8_t label, MutableBytes out) {
    const std::uint8_t first = kind == SrtpKind::rtp ? 0 : first_label_of_rtcp;
    derive_key(master, key_size(profile), static_cast<std::uint8_t>(first + label), out);
  };
  derive(label_encryption, MutableBytes(keys.encryption).first(key_size(profile)));
  derive(label_salt, MutableBytes(keys.salt).first(salt_size(profile)));
  if (!is_aead(profile)) derive(label_authentication, keys.authentication);
  return keys;
}

SrtpEngine fastest_srtp_engine() {
  return has_ipsec_mb() ? SrtpEngine::ipsec_mb : SrtpEngine::openssl;
}

std::string_view describe(SrtpEngine engine) {
  return engine == SrtpEngine::ipsec_mb ? ipsec_mb_description() : "openssl";
}

std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile, SrtpKind kind,
                                             const SrtpSessionKeys& keys, SrtpEngine engine) {
  return engine == SrtpEngine::ipsec_mb && is_aead(profile)
             ? make_ipsec_mb_cipher(profile, kind, keys)
             : make_openssl_cipher(profile, kind, keys);
}

std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile, SrtpKind kind,
                                             const SrtpMaster& master, SrtpEngine engine) {
  SrtpSessionKeys keys = derive_session_keys(profile, kind, master);
  auto cipher = make_srtp_cipher(profile, kind, keys, engine);
  OPENSSL_cleanse(&keys, sizeof keys);
  return cipher;
}

}  // namespace liaison::transport
