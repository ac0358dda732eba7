// The side that connects: the far end of a Transport.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "stun/message.hpp"
#include "transport/certificate.hpp"
#include "transport/credentials.hpp"
#include "transport/datagram_bio.hpp"
#include "transport/path.hpp"
#include "transport/srtp.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace liaison::transport {

struct ConnectorOptions {
  IceCredentials local;
  IceCredentials remote;  // the server's
  Fingerprint remote_fingerprint;
  // In OpenSSL's names. By default what Chromium offers, in its order.
  std::string srtp_profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM";
  bool long_client_hello = true;  // two datagrams, as browsers send it today
};

// What a browser does below RTP: controlling ICE agent (RFC 8445), DTLS client, SRTP (RFC 5764). It
// checks the paths that it is given, and finds none by the checks of the far end, which it answers;
// where the far end insists on controlling, it gives way.
// In the grammar of all machines:
//
//   Connector client({.local = …, .remote = …, .remote_fingerprint = …}, certificate);
//   client.add_path(path, now);            // checks begin with the next tick()
//   client.tick(now, out);                 // whenever now >= client.deadline()
//   client.receive(path, datagram, now, out);
//   if (client.connected()) client.seal_rtp(header, payload, out);
//   for (auto& packet : client.take_rtp()) …
//
// A Path here is the same value as at the server: `remote` is this client's address, `local` the
// server's. So a datagram from `out` goes to the server as coming from its path, and the other way
// round.
//
// The first path that works is nominated; select() changes to another. DTLS begins then. Its timers
// are OpenSSL's, which reads the clock of the machine, or that of set_test_clock(). It fails for
// good by a fatal alert, a wrong certificate, or twelve repetitions without an answer.
class Connector {
 public:
  Connector(ConnectorOptions options, const Certificate& certificate);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void add_path(const Path& path, Instant now);
  // Nothing leads there any more. If it was selected, the next path that works is.
  void remove_path(const Path& path);
  // A check on it was answered since ICE last began.
  bool works(const Path& path) const;
  // Nominates this path from now on, adding it if it is new.
  void select(const Path& path, Instant now);
  void restart_ice(IceCredentials local, IceCredentials remote, Instant now);
  // No checks go out any more, or they do again.
  void set_silent(bool silent, Instant now);

  void receive(const Path& from, Bytes datagram, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;

  // Over the selected path; while ICE restarts, over the one before.
  std::optional<Drop> seal_rtp(Bytes header, Bytes payload, Output& out);
  std::optional<Drop> seal_rtcp(Bytes compound, Output& out);
  // DTLS close_notify.
  void close(Output& out);

  // Decrypts in place a copy of what the server sends to this client, where it leaves: nothing that
  // happens on its way, and no repetition, keeps it from being seen. Each datagram must be shown
  // once, in order. Nothing unless it is SRTP or SRTCP of this association, whose keys are known
  // here before the server has them.
  std::optional<MutableBytes> tap(MutableBytes datagram);

  // What came and was authentic, decrypted, since the last call.
  std::vector<std::vector<std::uint8_t>> take_rtp() { return std::exchange(rtp_, {}); }
  std::vector<std::vector<std::uint8_t>> take_rtcp() { return std::exchange(rtcp_, {}); }

  bool has_keys() const { return tap_.has_value(); }
  bool connected() const { return sender_.has_value() && !failed_ && !closed_by_server_; }
  bool failed() const { return failed_; }  // DTLS
  bool closed_by_server() const { return closed_by_server_; }
  std::optional<SrtpProfile> profile() const { return profile_; }
  const Path* selected() const { return selected_ ? &*selected_ : nullptr; }
  // A check with USE-CANDIDATE was confirmed: the server's answer to one, or ours.
  bool nominated() const { return nominated_; }
  // The last response to a check.
  std::optional<SocketAddress> mapped_address() const { return mapped_address_; }
  std::uint16_t last_stun_error() const { return last_stun_error_; }
  const DropCounters& drops() const { return drops_; }
  // When something authentic last came.
  std::optional<Instant> heard() const { return heard_; }

  // A check as this client would send it now, for tests that do something of their own with it.
  std::vector<std::uint8_t> make_check(bool use_candidate, bool controlling = true) const;

 private:
  struct Candidate {
    Path path;
    bool works = false;
    bool named = false;  // the far end has checked it with USE-CANDIDATE
    Instant next_check;
  };
  struct Check {
    stun::TransactionId transaction{};
    Path path;
    bool use_candidate = false;
    bool controlling = true;
  };
  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_st* ssl) const;
  };

  void answer_check(const Path& from, const stun::Message& check, Bytes datagram, Output& out);
  void receive_stun(const Path& from, Bytes datagram, Instant now, Output& out);
  void advance_dtls(Instant now, Output& out);
  bool finish_handshake();
  std::optional<SrtpKeys> export_keys();

  ConnectorOptions options_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  DatagramPort port_;
  std::unique_ptr<ssl_st, Free> ssl_;

  std::vector<Candidate> candidates_;
  std::deque<Check> checks_;  // without response, the last 64
  std::optional<Path> selected_;
  Path media_path_;  // selected_, or what it was before the restart
  std::optional<Instant> heard_;
  bool nominated_ = false;
  bool controlling_ = true;
  bool silent_ = false;
  std::uint64_t tie_breaker_;
  std::optional<SocketAddress> mapped_address_;
  std::uint16_t last_stun_error_ = 0;

  bool dtls_begun_ = false;
  bool failed_ = false;
  bool closed_by_server_ = false;
  Instant retransmits_ = never;
  std::optional<SrtpProfile> profile_;
  std::optional<SrtpSender> sender_;
  std::optional<SrtpReceiver> receiver_;
  std::optional<SrtpReceiver> tap_;
  std::vector<std::vector<std::uint8_t>> rtp_, rtcp_;
  DropCounters drops_;
};

}  // namespace liaison::transport
