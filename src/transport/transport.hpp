// One secure path to one far end.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "transport/credentials.hpp"
#include "transport/dtls.hpp"
#include "transport/ice.hpp"
#include "transport/path.hpp"

namespace liaison::transport {

struct TransportOptions {
  IceCredentials local;
  std::string remote_ufrag;
  Fingerprint remote_fingerprint;
};

enum class TransportState : std::uint8_t {
  connecting,    // no nominated path, or no keys yet
  connected,     // media can flow
  disconnected,  // no authenticated packet on the selected path for 10 s: nothing is sent
  closed,        // for good; close_reason() says why
};

enum class CloseReason : std::uint8_t {
  commanded,
  handshake_failed,  // certificate does not match, or DTLS gave up
  closed_by_peer,    // DTLS close_notify
  consent_expired,   // nothing for 30 s
};

// ICE-lite (RFC 8445 section 2.5), DTLS server (RFC 5764) and SRTP (RFC 3711, RFC 7714) wired
// together. Knows nothing of what the packets carry. The owner classifies datagrams (demux.hpp),
// finds the transport of a STUN request by stun::username_ufrag() and of everything else by path,
// and looks at state() after each call.
class Transport {
 public:
  static constexpr std::size_t max_paths = IceAgent::max_paths;
  static constexpr Duration disconnect_after = seconds(10);
  static constexpr Duration close_after = seconds(30);

  Transport(DtlsServer& server, TransportOptions options, Instant now);
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Answers, remembers the path, selects it on USE-CANDIDATE, refreshes consent.
  std::expected<PathChange, Drop> receive_stun(const Path& from, Bytes datagram, Instant now,
                                               Output& out);
  std::optional<Drop> receive_dtls(const Path& from, Bytes datagram, Instant now, Output& out);
  // Decrypt in place; what is returned is the front of `datagram`.
  std::expected<MutableBytes, Drop> open_rtp(const Path& from, MutableBytes datagram, Instant now);
  std::expected<MutableBytes, Drop> open_rtcp(const Path& from, MutableBytes datagram, Instant now);

  // Why nothing can be sent now, if so: no keys (Drop::not_secure), or no selected path or no
  // consent (Drop::no_path).
  std::optional<Drop> obstacle(Instant now) const;
  // Write into `out` and encrypt there: the only copy on the way out. The RTP header ends where it
  // says itself; what `header` holds beyond it (the original sequence number of RTX, a rewritten
  // payload descriptor) is the beginning of the payload. Nothing is sent while there is an
  // obstacle(), and no index twice (Drop::srtp_index_used).
  std::optional<Drop> seal_rtp(Bytes header, Bytes payload, Instant now, Output& out);
  std::optional<Drop> seal_rtcp(Bytes compound, Instant now, Output& out);

  // New credentials on both sides (RFC 8445 section 9). Those before stay valid until 5 s after the
  // first nomination on the new ones, 30 s at most. DTLS, SRTP and the selected path go on, and the
  // far end gets 30 s from now to be heard of.
  void restart_ice(IceCredentials local, std::string remote_ufrag, Instant now);
  // Tells the far end (close_notify) while the DTLS connection is still there, and is closed.
  void close(Instant now, Output& out);

  void tick(Instant now, Output& out);
  Instant deadline() const;

  TransportState state() const { return state_; }
  std::optional<CloseReason> close_reason() const { return close_reason_; }  // if closed
  // The local ufrags that are valid now, the newest first; the second is empty but for the overlap
  // after a restart.
  std::array<std::string_view, 2> local_ufrags() const { return ice_.local_ufrags(); }
  // Passed a STUN check of this session and is still remembered.
  bool validated(const Path& path) const { return ice_.validated(path); }
  // … and something authentic came over it within the last 5 s: nobody else may claim it.
  bool alive(const Path& path, Instant now) const { return ice_.alive(path, now); }
  std::vector<Path> paths() const { return ice_.paths(); }  // all of those
  const Path* selected() const { return ice_.selected(); }  // null before the first nomination

 private:
  std::expected<MutableBytes, Drop> opened(std::expected<MutableBytes, Drop> result,
                                           const Path& from, Instant now);
  bool has_consent(Instant now) const;
  // Brings state_ in line with what the parts say.
  void settle(Instant now);
  void end(CloseReason reason);

  IceAgent ice_;
  DtlsConnection dtls_;
  std::optional<SrtpSender> sender_;
  std::optional<SrtpReceiver> receiver_;
  TransportState state_ = TransportState::connecting;
  std::optional<CloseReason> close_reason_;
  Instant waiting_since_;  // the beginning, or the last restart: silence counts from here
};

}  // namespace liaison::transport
