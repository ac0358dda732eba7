#include "transport/dtls.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdlib>  // timeval
#include <utility>

#include "base/ensure.hpp"

namespace liaison::transport {
namespace {

constexpr long max_certificate_chain = 16 * 1024;

// In microseconds; `before` is 0 for the first. OpenSSL gives up after 12 repetitions, which is
// later than we do.
unsigned retransmit_after(SSL*, unsigned before) {
  constexpr unsigned first = 150'000;
  constexpr unsigned longest = 2'000'000;
  return before == 0 ? first : std::min(2 * before, longest);
}

// RFC 6347 section 4.1: content type handshake (22), epoch 0, and the first message a client sends.
// Its fragments all begin like this, in whatever order they come.
bool begins_client_hello(Bytes datagram) {
  return datagram.size() > 13 && datagram[0] == 22 && load_u16(&datagram[3]) == 0 &&
         datagram[13] == 1;
}

const EVP_MD* digest_of(Fingerprint::Hash hash) {
  switch (hash) {
    case Fingerprint::Hash::sha256:
      return EVP_sha256();
    case Fingerprint::Hash::sha384:
      return EVP_sha384();
    case Fingerprint::Hash::sha512:
      return EVP_sha512();
  }
  ENSURE(false);
  return nullptr;
}

}  // namespace

DtlsServer::DtlsServer(const Certificate& certificate)
    : context_(SSL_CTX_new(DTLS_server_method())) {
  ENSURE(context_ != nullptr);
  ENSURE(SSL_CTX_set_min_proto_version(context_, DTLS1_2_VERSION) == 1);
  SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
                                    SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context_, max_certificate_chain);
  ENSURE(SSL_CTX_set_cipher_list(
             context_, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305") == 1);
  ENSURE(SSL_CTX_set1_groups_list(context_, "X25519:P-256") == 1);
  // OpenSSL as a server goes by this order, not by the client's. This function returns 0 for
  // success.
  ENSURE(SSL_CTX_set_tlsext_use_srtp(
             context_, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80") == 0);
  ENSURE(SSL_CTX_use_certificate_ASN1(context_,
                                      static_cast<int>(certificate.certificate_der.size()),
                                      certificate.certificate_der.data()) == 1);
  ENSURE(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, context_, certificate.private_key_der.data(),
                                     static_cast<long>(certificate.private_key_der.size())) == 1);
  // The far end must show a certificate; what makes it good is its fingerprint and nothing else.
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context_, DtlsConnection::verify_certificate, nullptr);
}

DtlsServer::~DtlsServer() { SSL_CTX_free(context_); }

void DtlsConnection::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

DtlsConnection::DtlsConnection(DtlsServer& server, const Fingerprint& remote)
    : server_(server), remote_(remote) {}

DtlsConnection::~DtlsConnection() { end(); }

// Runs inside the handshake, so that OpenSSL itself sends the alert bad_certificate.
int DtlsConnection::verify_certificate(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& connection = *static_cast<DtlsConnection*>(SSL_get_app_data(ssl));
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const Fingerprint& expected = connection.remote_;
  const bool matches =
      certificate != nullptr &&
      X509_digest(certificate, digest_of(expected.hash), digest.data(), &size) == 1 &&
      size == expected.digest.size() &&
      CRYPTO_memcmp(digest.data(), expected.digest.data(), size) == 0;
  connection.fingerprint_matched_ = matches;
  connection.fingerprint_differs_ = !matches;
  X509_STORE_CTX_set_error(store, matches ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  return matches ? 1 : 0;
}

std::optional<Drop> DtlsConnection::receive(const Path& from, Bytes datagram, Instant now,
                                            Output& out) {
  if (state_ == State::failed || state_ == State::closed_by_peer) return Drop::dtls_failed;
  if (ssl_ == nullptr) {
    // A new association needs new signaling (RFC 8842 section 4), so after the first none begins.
    if (state_ == State::connected || !begins_client_hello(datagram)) return Drop::dtls_failed;
    if (!begin(now)) return Drop::dtls_limit;
  }
  port_ = {.in = datagram, .out = &out, .to = from};
  advance(now);
  port_.in = {};
  port_.out = nullptr;
  return std::nullopt;
}

bool DtlsConnection::begin(Instant now) {
  if (server_.half_open_ >= DtlsServer::max_half_open) return false;
  if (attempts_since_ == Instant::min() || now - attempts_since_ >= attempts_period) {
    attempts_since_ = now;
    attempts_ = 0;
  }
  if (attempts_ == max_attempts) return false;
  ++attempts_;
  if (gives_up_ == never) gives_up_ = now + give_up;

  fingerprint_matched_ = false;
  ssl_.reset(SSL_new(server_.context_));
  ENSURE(ssl_ != nullptr);
  ++server_.half_open_;
  SSL_set_app_data(ssl_.get(), this);
  BIO* bio = new_datagram_bio(port_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mtu(ssl_.get(), dtls_mtu);
  DTLS_set_timer_cb(ssl_.get(), retransmit_after);
  SSL_set_accept_state(ssl_.get());
  return true;
}

void DtlsConnection::end() {
  if (ssl_ == nullptr) return;
  if (state_ != State::connected && state_ != State::closed_by_peer) --server_.half_open_;
  ssl_.reset();
  retransmits_ = never;
  frees_ = never;
}

void DtlsConnection::advance(Instant now) {
  ERR_clear_error();
  if (state_ == State::handshaking) handshake(now);
  if (state_ == State::connected && ssl_ != nullptr) read();
  schedule(now);
}

void DtlsConnection::handshake(Instant now) {
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    if (!fingerprint_matched_ || !export_keys()) {
      end();
      state_ = State::failed;
      return;
    }
    --server_.half_open_;
    ++server_.handshakes_completed_;
    state_ = State::connected;
    frees_ = now + patience;
    gives_up_ = never;
    return;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  // OpenSSL has sent an alert. What broke the handshake may have been injected by somebody else, so
  // another may begin; but there is no second certificate to try.
  ERR_clear_error();
  end();
  if (fingerprint_differs_) state_ = State::failed;
}

bool DtlsConnection::export_keys() {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (selected == nullptr) return false;
  const auto profile = static_cast<SrtpProfile>(selected->id);
  std::array<std::uint8_t, SrtpKeys::exported_size(SrtpProfile::aead_aes_256_gcm)> material{};
  const MutableBytes exported = MutableBytes(material).first(SrtpKeys::exported_size(profile));
  static constexpr std::string_view label = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2
  if (SSL_export_keying_material(ssl_.get(), exported.data(), exported.size(), label.data(),
                                 label.size(), nullptr, 0, 0) != 1) {
    return false;
  }
  keys_ = SrtpKeys::split(profile, exported);
  OPENSSL_cleanse(material.data(), material.size());
  return true;
}

// Nothing is expected but a repeated Finished, which OpenSSL answers, and close_notify.
void DtlsConnection::read() {
  std::array<std::uint8_t, 2048> ignored;
  int result;
  do {
    result = SSL_read(ssl_.get(), ignored.data(), static_cast<int>(ignored.size()));
  } while (result > 0);
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) state_ = State::closed_by_peer;
  end();
}

void DtlsConnection::schedule(Instant now) {
  retransmits_ = never;
  timeval left{};
  if (ssl_ != nullptr && state_ == State::handshaking && DTLSv1_get_timeout(ssl_.get(), &left)) {
    retransmits_ = now + seconds(left.tv_sec) + microseconds(left.tv_usec);
  }
}

void DtlsConnection::confirm(Instant now) {
  if (ssl_ != nullptr) frees_ = std::min(frees_, now + linger);
}

void DtlsConnection::close(const Path& to, Output& out) {
  if (ssl_ == nullptr) return;
  port_.out = &out;
  port_.to = to;
  ERR_clear_error();
  if (state_ == State::connected) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  port_.out = nullptr;
  end();
}

void DtlsConnection::tick(Instant now, Output& out) {
  if (now >= gives_up_) {
    end();
    gives_up_ = never;
    state_ = State::failed;
    return;
  }
  if (now >= frees_) end();
  if (now >= retransmits_) {
    port_.out = &out;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) {
      ERR_clear_error();
      end();
    }
    port_.out = nullptr;
    schedule(now);
  }
}

Instant DtlsConnection::deadline() const { return std::min({gives_up_, retransmits_, frees_}); }

}  // namespace liaison::transport
