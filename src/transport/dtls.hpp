// The server side of DTLS-SRTP (RFC 5764) on OpenSSL, without sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "transport/certificate.hpp"
#include "transport/datagram_bio.hpp"
#include "transport/path.hpp"
#include "transport/srtp.hpp"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace liaison::transport {

// The most that is put into one datagram. IPv6's least MTU is 1,280 (RFC 8200 section 5).
inline constexpr std::size_t dtls_mtu = 1200;

// What all DTLS connections of one worker share: certificate, cipher suites, and the limit on
// handshakes that are not finished. It must outlive the connections made with it.
class DtlsServer {
 public:
  static constexpr std::size_t max_half_open = 500;

  explicit DtlsServer(const Certificate& certificate);
  ~DtlsServer();
  DtlsServer(const DtlsServer&) = delete;
  DtlsServer& operator=(const DtlsServer&) = delete;

  std::size_t half_open() const { return half_open_; }
  std::uint64_t handshakes_completed() const { return handshakes_completed_; }

 private:
  friend class DtlsConnection;
  ssl_ctx_st* context_;
  std::size_t half_open_ = 0;
  std::uint64_t handshakes_completed_ = 0;
};

// One association with a client whose certificate must have a known fingerprint (RFC 8122, RFC 8827
// section 6.5). It trusts its caller that the sender of a datagram has been validated by ICE; who
// sends the first ClientHello could otherwise break any call. Its timer is OpenSSL's, which reads
// the clock of the machine: deadline() follows it.
//
// The OpenSSL object (74 kB) is freed `linger` after the far end is known to have finished too;
// until then it answers a repeated Finished and understands close_notify. Later neither is possible
// any more: that somebody left is then known from signaling or by lost consent.
class DtlsConnection {
 public:
  static constexpr Duration give_up = seconds(15);
  static constexpr Duration linger = seconds(10);
  static constexpr Duration patience = seconds(30);  // with a far end that does not show it
  static constexpr int max_attempts = 2;             // in `attempts_period`
  static constexpr Duration attempts_period = seconds(10);

  enum class State : std::uint8_t { handshaking, connected, failed, closed_by_peer };

  DtlsConnection(DtlsServer& server, const Fingerprint& remote);
  ~DtlsConnection();
  DtlsConnection(const DtlsConnection&) = delete;
  DtlsConnection& operator=(const DtlsConnection&) = delete;

  std::optional<Drop> receive(const Path& from, Bytes datagram, Instant now, Output& out);
  // Something that the far end protected with the new keys came: our last flight has reached it.
  void confirm(Instant now);
  // Sends close_notify, if that is still possible.
  void close(const Path& to, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;

  State state() const { return state_; }
  // Once, when connected.
  std::optional<SrtpKeys> take_keys() { return std::exchange(keys_, std::nullopt); }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  friend class DtlsServer;

  static int verify_certificate(x509_store_ctx_st* store, void*);
  bool begin(Instant now);
  void end();
  void advance(Instant now);
  void handshake(Instant now);
  bool export_keys();
  void read();
  void schedule(Instant now);

  DtlsServer& server_;
  Fingerprint remote_;
  DatagramPort port_;
  std::unique_ptr<ssl_st, Free> ssl_;
  State state_ = State::handshaking;
  bool fingerprint_matched_ = false;
  bool fingerprint_differs_ = false;
  std::optional<SrtpKeys> keys_;
  int attempts_ = 0;
  Instant attempts_since_ = Instant::min();
  Instant gives_up_ = never;  // set by the first ClientHello
  Instant retransmits_ = never;
  Instant frees_ = never;
};

}  // namespace liaison::transport
