#include "transport/connector.hpp"

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>  // timeval

#include "base/ensure.hpp"
#include "base/random.hpp"
#include "transport/demux.hpp"

namespace liaison::transport {
namespace {

constexpr Duration check_interval = milliseconds(50);
// As Chromium: of a path that is in use, and while an answer is missing there.
constexpr Duration keep_alive_interval = milliseconds(2500);
constexpr Duration doubt_interval = milliseconds(900);
constexpr std::size_t max_checks = 64;

unsigned retransmit_after(SSL*, unsigned before) {
  return before == 0 ? 50'000 : std::min(2 * before, 3'000'000U);
}

}  // namespace

void Connector::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void Connector::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Connector::Connector(ConnectorOptions options, const Certificate& certificate)
    : options_(std::move(options)),
      context_(SSL_CTX_new(DTLS_client_method())),
      tie_breaker_(random_u64()) {
  SSL_CTX* context = context_.get();
  ENSURE(context != nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
  ENSURE(SSL_CTX_set_tlsext_use_srtp(context, options_.srtp_profiles.c_str()) == 0);
  ENSURE(SSL_CTX_use_certificate_ASN1(context, static_cast<int>(certificate.certificate_der.size()),
                                      certificate.certificate_der.data()) == 1);
  ENSURE(SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, context, certificate.private_key_der.data(),
                                     static_cast<long>(certificate.private_key_der.size())) == 1);
  if (options_.long_client_hello) {
    // Protocol names nobody asked for take the place of a post-quantum key share.
    std::vector<std::uint8_t> protocols;
    for (int i = 0; i < 12; ++i) {
      protocols.push_back(100);
      protocols.insert(protocols.end(), 100, 'x');
    }
    ENSURE(SSL_CTX_set_alpn_protos(context, protocols.data(),
                                   static_cast<unsigned>(protocols.size())) == 0);
  }
  ssl_.reset(SSL_new(context));
  ENSURE(ssl_ != nullptr);
  BIO* bio = new_datagram_bio(port_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mtu(ssl_.get(), 1200);
  DTLS_set_timer_cb(ssl_.get(), retransmit_after);
  SSL_set_connect_state(ssl_.get());
}

Connector::~Connector() = default;

void Connector::add_path(const Path& path, Instant now) {
  if (std::ranges::find(candidates_, path, &Candidate::path) != candidates_.end()) return;
  candidates_.push_back({.path = path, .works = false, .next_check = now});
}

void Connector::remove_path(const Path& path) {
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.path == path; });
  std::erase_if(checks_, [&](const Check& check) { return check.path == path; });
  if (selected_ != path) return;
  selected_.reset();
  nominated_ = false;
}

bool Connector::works(const Path& path) const {
  const auto at = std::ranges::find(candidates_, path, &Candidate::path);
  return at != candidates_.end() && at->works;
}

void Connector::select(const Path& path, Instant now) {
  add_path(path, now);
  selected_ = media_path_ = path;
  nominated_ = false;
  std::ranges::find(candidates_, path, &Candidate::path)->next_check = now;
}

void Connector::restart_ice(IceCredentials local, IceCredentials remote, Instant now) {
  options_.local = std::move(local);
  options_.remote = std::move(remote);
  checks_.clear();
  selected_.reset();
  nominated_ = false;
  for (Candidate& candidate : candidates_) {
    candidate.works = false;
    candidate.next_check = now;
  }
}

void Connector::set_silent(bool silent, Instant now) {
  silent_ = silent;
  for (Candidate& candidate : candidates_) candidate.next_check = now;
}

std::vector<std::uint8_t> Connector::make_check(bool use_candidate, bool controlling) const {
  const std::string username = options_.remote.ufrag + ":" + options_.local.ufrag;
  stun::BindingRequest request{.transaction = {},
                               .username = username,
                               .priority = 0x6e7f00ff,
                               .tie_breaker = tie_breaker_,
                               .controlling = controlling,
                               .use_candidate = use_candidate};
  random_bytes(request.transaction);
  std::vector<std::uint8_t> room(1024);
  room.resize(stun::write_request(room, request, options_.remote.password).size());
  return room;
}

void Connector::receive(const Path& from, Bytes datagram, Instant now, Output& out) {
  switch (classify(datagram)) {
    case DatagramKind::stun:
      return receive_stun(from, datagram, now, out);
    case DatagramKind::dtls:
      heard_ = now;
      port_.in = datagram;
      advance_dtls(now, out);
      port_.in = {};
      return;
    case DatagramKind::rtp:
    case DatagramKind::rtcp: {
      if (!receiver_) return drops_.add(Drop::not_secure);
      const bool rtcp = classify(datagram) == DatagramKind::rtcp;
      std::vector<std::uint8_t> packet(datagram.begin(), datagram.end());
      const auto opened = rtcp ? receiver_->open_rtcp(packet) : receiver_->open_rtp(packet);
      if (!opened) return drops_.add(opened.error());
      heard_ = now;
      packet.resize(opened->size());
      (rtcp ? rtcp_ : rtp_).push_back(std::move(packet));
      return;
    }
    case DatagramKind::unknown:
      return drops_.add(Drop::malformed);
  }
}

// RFC 8445 section 7.3.
void Connector::answer_check(const Path& from, const stun::Message& check, Bytes datagram,
                             Output& out) {
  if (!stun::integrity_matches(check, datagram, options_.local.password))
    return drops_.add(Drop::stun_bad_integrity);
  if (silent_) return;
  std::array<std::uint8_t, stun::max_response_size> room;
  out.send(from,
           stun::write_success(room, check.transaction, from.remote, options_.local.password));
  const auto candidate = std::ranges::find(candidates_, from, &Candidate::path);
  if (candidate == candidates_.end() || !check.use_candidate) return;
  candidate->named = true;
  if (!controlling_ && selected_ == from) nominated_ = true;
}

void Connector::receive_stun(const Path& from, Bytes datagram, Instant now, Output& out) {
  const auto message = stun::parse(datagram);
  if (!message) return drops_.add(Drop::stun_malformed);
  if (message->kind == stun::Class::request) return answer_check(from, *message, datagram, out);
  const auto check = std::ranges::find(checks_, message->transaction, &Check::transaction);
  if (check == checks_.end() || check->path != from) return drops_.add(Drop::stun_replay);
  if (!stun::integrity_matches(*message, datagram, options_.remote.password)) {
    return drops_.add(Drop::stun_bad_integrity);
  }
  const bool use_candidate = check->use_candidate;
  const bool as_controlling = check->controlling;
  checks_.erase(check);
  const auto candidate = std::ranges::find(candidates_, from, &Candidate::path);
  if (message->kind != stun::Class::success) {
    last_stun_error_ = message->error_code;
    // RFC 8445 section 7.2.5.1: the other role, at once.
    if (message->error_code == static_cast<std::uint16_t>(stun::ErrorCode::role_conflict)) {
      controlling_ = !as_controlling;
      candidate->next_check = now;
    }
    return;
  }
  heard_ = now;
  mapped_address_ = message->mapped_address;
  candidate->works = true;
  if (!selected_) {
    selected_ = media_path_ = from;
    candidate->next_check = now;
  }
  if ((controlling_ ? use_candidate : candidate->named) && selected_ == from) nominated_ = true;
  const bool stable = selected_ != from || nominated_;
  if (stable && !silent_) candidate->next_check = now + keep_alive_interval;
}

void Connector::tick(Instant now, Output& out) {
  for (Candidate& candidate : candidates_) {
    if (silent_ || now < candidate.next_check) continue;
    const bool use_candidate = controlling_ && selected_ == candidate.path;
    const std::vector<std::uint8_t> check = make_check(use_candidate, controlling_);
    if (checks_.size() == max_checks) checks_.pop_front();
    checks_.push_back(
        {stun::parse(check)->transaction, candidate.path, use_candidate, controlling_});
    out.send(candidate.path, check);
    const bool stable = candidate.works && (!use_candidate || nominated_);
    candidate.next_check = now + (stable ? doubt_interval : check_interval);
  }
  if (nominated_ && !dtls_begun_) {
    dtls_begun_ = true;
    advance_dtls(now, out);
  }
  if (now >= retransmits_) {
    port_.out = &out;
    port_.to = media_path_;
    ERR_clear_error();
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) failed_ = true;
    ERR_clear_error();
    port_.out = nullptr;
    retransmits_ = never;
    advance_dtls(now, out);
  }
}

Instant Connector::deadline() const {
  Instant next = retransmits_;
  if (nominated_ && !dtls_begun_) return Instant::min();
  if (silent_) return next;
  for (const Candidate& candidate : candidates_) next = std::min(next, candidate.next_check);
  return next;
}

void Connector::advance_dtls(Instant now, Output& out) {
  if (!dtls_begun_ || failed_ || closed_by_server_) return;
  port_.out = &out;
  port_.to = media_path_;
  ERR_clear_error();
  int result = 1;
  if (!sender_) {
    result = SSL_do_handshake(ssl_.get());
    if (result == 1) failed_ = !finish_handshake();
  }
  if (!tap_) {
    if (const auto keys = export_keys()) tap_.emplace(*profile_, keys->server);
  }
  if (sender_) {
    std::array<std::uint8_t, 2048> ignored;
    do {
      result = SSL_read(ssl_.get(), ignored.data(), static_cast<int>(ignored.size()));
    } while (result > 0);
  }
  if (result <= 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) failed_ = true;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0) closed_by_server_ = true;
  ERR_clear_error();
  port_.out = nullptr;

  retransmits_ = never;
  timeval left{};
  if (!sender_ && !failed_ && DTLSv1_get_timeout(ssl_.get(), &left)) {
    retransmits_ = now + seconds(left.tv_sec) + microseconds(left.tv_usec);
  }
}

// RFC 5764 section 4.2. The secret is there as soon as the client has sent its own part of it.
std::optional<SrtpKeys> Connector::export_keys() {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  const SSL_SESSION* session = SSL_get0_session(ssl_.get());
  if (selected == nullptr || session == nullptr ||
      SSL_SESSION_get_master_key(session, nullptr, 0) == 0)
    return std::nullopt;
  profile_ = static_cast<SrtpProfile>(selected->id);
  std::vector<std::uint8_t> material(SrtpKeys::exported_size(*profile_));
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  ENSURE(SSL_export_keying_material(ssl_.get(), material.data(), material.size(), label.data(),
                                    label.size(), nullptr, 0, 0) == 1);
  return SrtpKeys::split(*profile_, material);
}

bool Connector::finish_handshake() {
  X509* certificate = SSL_get1_peer_certificate(ssl_.get());
  if (certificate == nullptr) return false;
  std::vector<std::uint8_t> digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  X509_free(certificate);
  digest.resize(size);
  const auto keys = export_keys();
  if (digest != options_.remote_fingerprint.digest || !keys) return false;
  sender_.emplace(*profile_, keys->client);
  receiver_.emplace(*profile_, keys->server);
  return true;
}

std::optional<MutableBytes> Connector::tap(MutableBytes datagram) {
  if (!tap_) return std::nullopt;
  const DatagramKind kind = classify(datagram);
  if (kind != DatagramKind::rtp && kind != DatagramKind::rtcp) return std::nullopt;
  const auto opened =
      kind == DatagramKind::rtcp ? tap_->open_rtcp(datagram) : tap_->open_rtp(datagram);
  if (!opened) return std::nullopt;
  return datagram.first(opened->size());
}

std::optional<Drop> Connector::seal_rtp(Bytes header, Bytes payload, Output& out) {
  if (!connected()) return Drop::not_secure;
  const auto size = sender_->seal_rtp(header, payload,
                                      out.reserve(header.size() + payload.size() + srtp_overhead));
  if (!size) return size.error();
  out.commit(media_path_, *size);
  return std::nullopt;
}

std::optional<Drop> Connector::seal_rtcp(Bytes compound, Output& out) {
  if (!connected()) return Drop::not_secure;
  const auto size = sender_->seal_rtcp(compound, out.reserve(compound.size() + srtcp_overhead));
  if (!size) return size.error();
  out.commit(media_path_, *size);
  return std::nullopt;
}

void Connector::close(Output& out) {
  if (!connected()) return;
  port_.out = &out;
  port_.to = media_path_;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  port_.out = nullptr;
}

}  // namespace liaison::transport
