#include "transport/certificate.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "base/ensure.hpp"
#include "base/random.hpp"

namespace liaison::transport {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

template <typename Object, typename Encode>
std::vector<std::uint8_t> to_der(Object* object, Encode encode) {
  const int size = encode(object, nullptr);
  ENSURE(size > 0);
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  std::uint8_t* at = der.data();
  ENSURE(encode(object, &at) == size);
  return der;
}

}  // namespace

Certificate generate_certificate(UnixTime now) {
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free> certificate(X509_new());
  ENSURE(key != nullptr && certificate != nullptr);

  ENSURE(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  // RFC 5280 section 4.1.2.2: positive. RFC 6347 has no use for it.
  ENSURE(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), random_u64() >> 1 | 1) ==
         1);
  const auto at = [&](std::chrono::hours offset) {
    return static_cast<time_t>(duration_cast<seconds>(now.time_since_epoch() + offset).count());
  };
  ENSURE(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), at(-hours(24))) != nullptr);
  ENSURE(ASN1_TIME_set(X509_getm_notAfter(certificate.get()), at(hours(24 * 30))) != nullptr);
  // A name that tells nothing (RFC 8827 section 6.5 wants certificates not to link calls).
  X509_NAME* name = X509_get_subject_name(certificate.get());
  ENSURE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("WebRTC"), -1, -1,
                                    0) == 1);
  ENSURE(X509_set_issuer_name(certificate.get(), name) == 1);
  ENSURE(X509_set_pubkey(certificate.get(), key.get()) == 1);
  ENSURE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);

  Certificate made{.certificate_der = to_der(certificate.get(), i2d_X509),
                   .private_key_der = to_der(key.get(), i2d_PrivateKey),
                   .fingerprint = {}};
  made.fingerprint.digest.resize(32);
  unsigned size = 0;
  ENSURE(X509_digest(certificate.get(), EVP_sha256(), made.fingerprint.digest.data(), &size) == 1);
  return made;
}

}  // namespace liaison::transport
