#include "transport/certificate.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace liaison::transport {
namespace {

constexpr UnixTime today{seconds(1'767'225'600)};

TEST(Certificate, IsSelfSignedAndDatedByTheGivenTime) {
  const Certificate made = generate_certificate(today);
  const std::uint8_t* at = made.certificate_der.data();
  X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(made.certificate_der.size()));
  ASSERT_NE(certificate, nullptr);
  at = made.private_key_der.data();
  EVP_PKEY* key =
      d2i_PrivateKey(EVP_PKEY_EC, nullptr, &at, static_cast<long>(made.private_key_der.size()));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_check_private_key(certificate, key), 1);
  EXPECT_EQ(X509_verify(certificate, key), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(key), 256);
  time_t moment = 1'767'225'600;
  EXPECT_LT(X509_cmp_time(X509_get0_notBefore(certificate), &moment), 0);
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate), &moment), 0);
  moment += 31 * 24 * 3600;
  EXPECT_LT(X509_cmp_time(X509_get0_notAfter(certificate), &moment), 0);
  std::vector<std::uint8_t> digest(32);
  EXPECT_EQ(EVP_Digest(made.certificate_der.data(), made.certificate_der.size(), digest.data(),
                       nullptr, EVP_sha256(), nullptr),
            1);
  EXPECT_EQ(made.fingerprint.hash, Fingerprint::Hash::sha256);
  EXPECT_EQ(made.fingerprint.digest, digest);
  EVP_PKEY_free(key);
  X509_free(certificate);
}

TEST(Certificate, IsAnotherEachTime) {
  EXPECT_NE(generate_certificate(today).fingerprint, generate_certificate(today).fingerprint);
}

}  // namespace
}  // namespace liaison::transport
