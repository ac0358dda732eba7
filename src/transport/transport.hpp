// One secure path to one far end.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "transport/credentials.hpp"
#include "transport/dtls.hpp"
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

// What a STUN check changed for the owner's index of paths.
struct PathChange {
  std::optional<Path> added;
  std::optional<Path> removed;
};

// ICE-lite (RFC 8445 section 2.5), DTLS server (RFC 5764) and SRTP (RFC 3711, RFC 7714) wired
// together. Knows nothing of what the packets carry. The owner classifies datagrams (demux.hpp),
// finds the transport of a STUN request by stun::username_ufrag() and of everything else by path,
// and looks at state() after each call.
class Transport {
 public:
  static constexpr std::size_t max_paths = 8;

  Transport(DtlsServer& server, TransportOptions options, Instant now);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Answers, remembers the path, selects it on USE-CANDIDATE, refreshes consent.
  std::expected<PathChange, Drop> receive_stun(const Path& from, Bytes datagram, Instant now,
                                               Output& out);
  std::optional<Drop> receive_dtls(const Path& from, Bytes datagram, Instant now, Output& out);
  // Decrypt in place; what is returned is the front of `datagram`.
  std::expected<MutableBytes, Drop> open_rtp(const Path& from, MutableBytes datagram, Instant now);
  std::expected<MutableBytes, Drop> open_rtcp(const Path& from, MutableBytes datagram, Instant now);

  // Write into `out` and encrypt there: the only copy on the way out. The RTP header ends where it
  // says itself; what `header` holds beyond it (the original sequence number of RTX, a rewritten
  // payload descriptor) is the beginning of the payload. Nothing is sent without a selected path,
  // keys and consent (Drop::no_path, Drop::not_secure), and never an index twice
  // (Drop::srtp_index_used).
  std::optional<Drop> seal_rtp(Bytes header, Bytes payload, Instant now, Output& out);
  std::optional<Drop> seal_rtcp(Bytes compound, Instant now, Output& out);

  // New credentials on both sides (RFC 8445 section 9). Those before stay valid until 5 s after the
  // first nomination on the new ones, 30 s at most. DTLS, SRTP and the selected path go on.
  void restart_ice(IceCredentials local, std::string remote_ufrag, Instant now);
  // Tells the far end (close_notify) while the DTLS connection is still there, and is closed.
  void close(Instant now, Output& out);

  void tick(Instant now, Output& out);
  Instant deadline() const;

  TransportState state() const;
  std::optional<CloseReason> close_reason() const;  // if closed
  // The local ufrags that are valid now, the newest first; the second is empty but for the overlap
  // after a restart.
  std::array<std::string_view, 2> local_ufrags() const;
  // Passed a STUN check of this session and is still remembered.
  bool validated(const Path& path) const;
  std::vector<Path> paths() const;  // all of those
  const Path* selected() const;     // null before the first nomination

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace liaison::transport
