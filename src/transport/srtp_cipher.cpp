#include "transport/srtp_cipher.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::transport {
namespace {

// RFC 3711 section 4.3.2.
constexpr std::uint8_t label_encryption = 0;
constexpr std::uint8_t label_authentication = 1;
constexpr std::uint8_t label_salt = 2;
constexpr std::uint8_t first_label_of_rtcp = 3;

// What is authenticated besides the packet: the ROC of RTP with the older transforms (RFC 3711
// section 4.2), the word with E flag and index of RTCP with all.
std::array<std::uint8_t, 4> trailer_of(SrtpKind kind, std::uint64_t index) {
  std::array<std::uint8_t, 4> trailer{};
  store_u32(trailer.data(), kind == SrtpKind::rtp
                                ? static_cast<std::uint32_t>(index >> 16)
                                : 0x80000000U | static_cast<std::uint32_t>(index));
  return trailer;
}

const EVP_CIPHER* cipher_of(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::aes128_cm_hmac_sha1_80:
      return EVP_aes_128_ctr();
    case SrtpProfile::aead_aes_128_gcm:
      return EVP_aes_128_gcm();
    case SrtpProfile::aead_aes_256_gcm:
      return EVP_aes_256_gcm();
  }
  ENSURE(false);
  return nullptr;
}

void update(EVP_CIPHER_CTX* context, std::uint8_t* to, Bytes from) {
  int written = 0;
  if (from.empty()) return;
  ENSURE(EVP_CipherUpdate(context, to, &written, from.data(), static_cast<int>(from.size())) == 1);
}

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
  update(context, out.data(), out);
  EVP_CIPHER_CTX_free(context);
}

void SrtpCipher::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}
void SrtpCipher::Free::operator()(evp_mac_ctx_st* context) const { EVP_MAC_CTX_free(context); }

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

SrtpCipher::SrtpCipher(SrtpProfile profile, SrtpKind kind, const SrtpMaster& master)
    : SrtpCipher(profile, kind, derive_session_keys(profile, kind, master)) {}

SrtpCipher::SrtpCipher(SrtpProfile profile, SrtpKind kind, const SrtpSessionKeys& keys)
    : aead_(is_aead(profile)), kind_(kind), salt_(keys.salt), cipher_(EVP_CIPHER_CTX_new()) {
  ENSURE(cipher_ != nullptr);
  ENSURE(EVP_CipherInit_ex(cipher_.get(), cipher_of(profile), nullptr, keys.encryption.data(),
                           nullptr, 1) == 1);
  if (aead_) return;
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  ENSURE(hmac != nullptr);
  mac_.reset(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  std::array<char, 5> digest = {"SHA1"};
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  ENSURE(EVP_MAC_init(mac_.get(), keys.authentication.data(), keys.authentication.size(),
                      parameters.data()) == 1);
}

SrtpCipher::~SrtpCipher() { OPENSSL_cleanse(salt_.data(), salt_.size()); }

void SrtpCipher::set_iv(std::uint32_t ssrc, std::uint64_t index, bool encrypt) {
  std::array<std::uint8_t, 16> iv{};
  if (aead_) {
    // RFC 7714 sections 8.1 and 9.1: zeros, SSRC, and 48 bits of index.
    store_u32(&iv[2], ssrc);
    store_u16(&iv[6], static_cast<std::uint16_t>(index >> 32));
    store_u32(&iv[8], static_cast<std::uint32_t>(index));
  } else {
    // RFC 3711 section 4.1.1: SSRC * 2^64 XOR index * 2^16.
    store_u32(&iv[4], ssrc);
    store_u16(&iv[8], static_cast<std::uint16_t>(index >> 32));
    store_u32(&iv[10], static_cast<std::uint32_t>(index));
  }
  for (std::size_t i = 0; i < salt_.size(); ++i) iv[i] ^= salt_[i];
  ENSURE(EVP_CipherInit_ex(cipher_.get(), nullptr, nullptr, nullptr, iv.data(), encrypt ? 1 : 0) ==
         1);
}

void SrtpCipher::hash(Bytes packet, std::uint64_t index, std::array<std::uint8_t, 20>& digest) {
  const auto trailer = trailer_of(kind_, index);
  std::size_t size = 0;
  ENSURE(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1);
  ENSURE(EVP_MAC_update(mac_.get(), packet.data(), packet.size()) == 1);
  ENSURE(EVP_MAC_update(mac_.get(), trailer.data(), trailer.size()) == 1);
  ENSURE(EVP_MAC_final(mac_.get(), digest.data(), &size, digest.size()) == 1);
}

void SrtpCipher::seal(std::uint32_t ssrc, std::uint64_t index, std::uint8_t* packet,
                      std::size_t header_size, Bytes first, Bytes second, std::uint8_t* tag) {
  set_iv(ssrc, index, true);
  EVP_CIPHER_CTX* context = cipher_.get();
  if (aead_) {
    update(context, nullptr, Bytes(packet, header_size));
    if (kind_ == SrtpKind::rtcp) update(context, nullptr, trailer_of(kind_, index));
  }
  update(context, packet + header_size, first);
  update(context, packet + header_size + first.size(), second);
  if (aead_) {
    int written = 0;
    ENSURE(EVP_CipherFinal_ex(context, tag, &written) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
    return;
  }
  std::array<std::uint8_t, 20> digest{};
  hash(Bytes(packet, header_size + first.size() + second.size()), index, digest);
  std::copy_n(digest.begin(), tag_size(SrtpProfile::aes128_cm_hmac_sha1_80), tag);
}

bool SrtpCipher::open(std::uint32_t ssrc, std::uint64_t index, MutableBytes packet,
                      std::size_t header_size, const std::uint8_t* tag) {
  EVP_CIPHER_CTX* context = cipher_.get();
  if (!aead_) {
    std::array<std::uint8_t, 20> digest{};
    hash(packet, index, digest);
    if (CRYPTO_memcmp(digest.data(), tag, tag_size(SrtpProfile::aes128_cm_hmac_sha1_80)) != 0) {
      return false;
    }
  }
  set_iv(ssrc, index, false);
  if (aead_) {
    update(context, nullptr, packet.first(header_size));
    if (kind_ == SrtpKind::rtcp) update(context, nullptr, trailer_of(kind_, index));
  }
  const MutableBytes body = packet.subspan(header_size);
  update(context, body.data(), body);
  if (!aead_) return true;
  std::array<std::uint8_t, 16> expected{};
  std::copy_n(tag, expected.size(), expected.begin());
  int written = 0;
  return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, expected.data()) == 1 &&
         EVP_CipherFinal_ex(context, expected.data(), &written) == 1;
}

}  // namespace liaison::transport
