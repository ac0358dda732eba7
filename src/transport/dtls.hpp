// The server side of DTLS-SRTP (RFC 5764) on OpenSSL, without sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "transport/certificate.hpp"

struct ssl_ctx_st;

namespace liaison::transport {

// What all DTLS connections of one worker share: certificate, cipher suites, and the limit on
// handshakes that are not finished. It must outlive the Transports made with it.
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

}  // namespace liaison::transport
