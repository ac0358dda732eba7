#include "transport/transport.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace liaison::transport {
namespace {

// Larger than any datagram that gets through the Internet in one piece.
constexpr std::size_t max_sealed_size = 2048;

}  // namespace

Transport::Transport(DtlsServer& server, TransportOptions options, Instant now)
    : ice_(std::move(options.local), std::move(options.remote_ufrag)),
      dtls_(server, options.remote_fingerprint),
      waiting_since_(now) {}

std::expected<PathChange, Drop> Transport::receive_stun(const Path& from, Bytes datagram,
                                                        Instant now, Output& out) {
  if (state_ == TransportState::closed) return std::unexpected(Drop::stun_unknown_user);
  const auto change = ice_.receive(from, datagram, now, out);
  settle(now);
  return change;
}

std::optional<Drop> Transport::receive_dtls(const Path& from, Bytes datagram, Instant now,
                                            Output& out) {
  if (state_ == TransportState::closed) return Drop::dtls_failed;
  if (!ice_.validated(from)) return Drop::unvalidated_dtls;
  const auto drop = dtls_.receive(from, datagram, now, out);
  if (auto keys = dtls_.take_keys()) {
    receiver_.emplace(keys->profile, keys->client);
    sender_.emplace(keys->profile, keys->server);
    OPENSSL_cleanse(&*keys, sizeof *keys);
  }
  settle(now);
  return drop;
}

std::expected<MutableBytes, Drop> Transport::open_rtp(const Path& from, MutableBytes datagram,
                                                      Instant now) {
  if (state_ == TransportState::closed || !ice_.validated(from)) {
    return std::unexpected(Drop::unknown_source);
  }
  if (!receiver_) return std::unexpected(Drop::not_secure);
  return opened(receiver_->open_rtp(datagram), from, now);
}

std::expected<MutableBytes, Drop> Transport::open_rtcp(const Path& from, MutableBytes datagram,
                                                       Instant now) {
  if (state_ == TransportState::closed || !ice_.validated(from)) {
    return std::unexpected(Drop::unknown_source);
  }
  if (!receiver_) return std::unexpected(Drop::not_secure);
  return opened(receiver_->open_rtcp(datagram), from, now);
}

std::expected<MutableBytes, Drop> Transport::opened(std::expected<MutableBytes, Drop> result,
                                                    const Path& from, Instant now) {
  // Forgeries are counted and change nothing, however many there are.
  if (!result) return result;
  ice_.confirm(from, now);
  dtls_.confirm(now);
  if (state_ != TransportState::connected) settle(now);
  return result;
}

bool Transport::has_consent(Instant now) const {
  const auto last = ice_.last_consent();
  return ice_.selected() != nullptr && last && now - *last < disconnect_after;
}

std::optional<Drop> Transport::obstacle(Instant now) const {
  if (!sender_) return Drop::not_secure;
  if (state_ == TransportState::closed || !has_consent(now)) return Drop::no_path;
  return std::nullopt;
}

std::optional<Drop> Transport::seal_rtp(Bytes header, Bytes payload, Instant now, Output& out) {
  if (const auto drop = obstacle(now)) return drop;
  const std::size_t room = header.size() + payload.size() + srtp_overhead;
  if (room > max_sealed_size) return Drop::oversize;
  const auto size = sender_->seal_rtp(header, payload, out.reserve(room));
  if (!size) return size.error();
  out.commit(*ice_.selected(), *size);
  return std::nullopt;
}

std::optional<Drop> Transport::seal_rtcp(Bytes compound, Instant now, Output& out) {
  if (const auto drop = obstacle(now)) return drop;
  const std::size_t room = compound.size() + srtcp_overhead;
  if (room > max_sealed_size) return Drop::oversize;
  const auto size = sender_->seal_rtcp(compound, out.reserve(room));
  if (!size) return size.error();
  out.commit(*ice_.selected(), *size);
  return std::nullopt;
}

void Transport::restart_ice(IceCredentials local, std::string remote_ufrag, Instant now) {
  ice_.restart(std::move(local), std::move(remote_ufrag), now);
  waiting_since_ = now;
}

void Transport::close(Instant now, Output& out) {
  if (state_ == TransportState::closed) return;
  settle(now);
  if (state_ == TransportState::closed) return;
  const Path* path = ice_.selected();
  if (path != nullptr) dtls_.close(*path, out);
  end(CloseReason::commanded);
}

void Transport::end(CloseReason reason) {
  state_ = TransportState::closed;
  close_reason_ = reason;
}

void Transport::settle(Instant now) {
  if (state_ == TransportState::closed) return;
  if (dtls_.state() == DtlsConnection::State::failed) return end(CloseReason::handshake_failed);
  if (dtls_.state() == DtlsConnection::State::closed_by_peer) {
    return end(CloseReason::closed_by_peer);
  }
  const Instant heard = std::max(ice_.last_consent().value_or(waiting_since_), waiting_since_);
  if (now - heard >= close_after) return end(CloseReason::consent_expired);

  const bool ready = sender_.has_value() && has_consent(now);
  if (ready) {
    state_ = TransportState::connected;
  } else if (state_ == TransportState::connecting) {
    // Checks alone do not keep a transport alive that never gets to DTLS.
    if (now - waiting_since_ >= close_after) end(CloseReason::handshake_failed);
  } else {
    state_ = TransportState::disconnected;
  }
}

void Transport::tick(Instant now, Output& out) {
  if (state_ == TransportState::closed) return;
  ice_.tick(now);
  dtls_.tick(now, out);
  settle(now);
}

Instant Transport::deadline() const {
  if (state_ == TransportState::closed) return never;
  const Instant heard = std::max(ice_.last_consent().value_or(waiting_since_), waiting_since_);
  Instant next = std::min({ice_.deadline(), dtls_.deadline(), heard + close_after});
  if (state_ == TransportState::connecting) next = std::min(next, waiting_since_ + close_after);
  if (state_ == TransportState::connected) {
    next = std::min(next, ice_.last_consent().value_or(waiting_since_) + disconnect_after);
  }
  return next;
}

}  // namespace liaison::transport
