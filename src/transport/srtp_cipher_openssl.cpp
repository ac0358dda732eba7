// SRTP with OpenSSL, through EVP contexts that are keyed once.
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>

#include "base/ensure.hpp"
#include "transport/srtp_engines.hpp"

namespace liaison::transport {
namespace {

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

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

class OpensslCipher final : public SrtpCipher {
 public:
  OpensslCipher(SrtpProfile profile, SrtpKind kind, const SrtpSessionKeys& keys);
  ~OpensslCipher() override { OPENSSL_cleanse(salt_.data(), salt_.size()); }

  void seal(std::uint32_t ssrc, std::uint64_t index, std::uint8_t* packet, std::size_t header_size,
            Bytes first, Bytes second, std::uint8_t* tag) override;
  bool open(std::uint32_t ssrc, std::uint64_t index, MutableBytes packet, std::size_t header_size,
            const std::uint8_t* tag) override;

 private:
  void set_iv(std::uint32_t ssrc, std::uint64_t index, bool encrypt);
  void hash(Bytes packet, std::uint64_t index, std::array<std::uint8_t, 20>& digest);

  bool aead_;
  SrtpKind kind_;
  std::array<std::uint8_t, 14> salt_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> cipher_;
  std::unique_ptr<EVP_MAC_CTX, Free> mac_;  // not for AEAD
};

OpensslCipher::OpensslCipher(SrtpProfile profile, SrtpKind kind, const SrtpSessionKeys& keys)
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

void OpensslCipher::set_iv(std::uint32_t ssrc, std::uint64_t index, bool encrypt) {
  const auto iv = aead_ ? gcm_iv(ssrc, index, salt_) : counter_iv(ssrc, index, salt_);
  ENSURE(EVP_CipherInit_ex(cipher_.get(), nullptr, nullptr, nullptr, iv.data(), encrypt ? 1 : 0) ==
         1);
}

void OpensslCipher::hash(Bytes packet, std::uint64_t index, std::array<std::uint8_t, 20>& digest) {
  const auto trailer = srtp_trailer(kind_, index);
  std::size_t size = 0;
  ENSURE(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1);
  ENSURE(EVP_MAC_update(mac_.get(), packet.data(), packet.size()) == 1);
  ENSURE(EVP_MAC_update(mac_.get(), trailer.data(), trailer.size()) == 1);
  ENSURE(EVP_MAC_final(mac_.get(), digest.data(), &size, digest.size()) == 1);
}

void OpensslCipher::seal(std::uint32_t ssrc, std::uint64_t index, std::uint8_t* packet,
                         std::size_t header_size, Bytes first, Bytes second, std::uint8_t* tag) {
  set_iv(ssrc, index, true);
  EVP_CIPHER_CTX* context = cipher_.get();
  if (aead_) {
    update(context, nullptr, Bytes(packet, header_size));
    if (kind_ == SrtpKind::rtcp) update(context, nullptr, srtp_trailer(kind_, index));
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

bool OpensslCipher::open(std::uint32_t ssrc, std::uint64_t index, MutableBytes packet,
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
    if (kind_ == SrtpKind::rtcp) update(context, nullptr, srtp_trailer(kind_, index));
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

}  // namespace

std::unique_ptr<SrtpCipher> make_openssl_cipher(SrtpProfile profile, SrtpKind kind,
                                                const SrtpSessionKeys& keys) {
  return std::make_unique<OpensslCipher>(profile, kind, keys);
}

}  // namespace liaison::transport
