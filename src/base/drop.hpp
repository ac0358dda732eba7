// Every reason why a packet goes no further. Each early return on the packet path names one; each
// has a counter at /metrics (liaison_drops_total{reason="..."}).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace liaison {

enum class Drop : std::uint8_t {
  malformed,  // first byte, lengths or fields that no protocol of ours has
  stun_malformed,
  stun_unknown_user,  // no endpoint has this ufrag
  stun_bad_integrity,
  stun_rate,         // more STUN from one source than the limit
  stun_replay,       // a transaction id seen before from another address
  unknown_source,    // DTLS, RTP or RTCP from an address no endpoint has validated
  unvalidated_dtls,  // DTLS from an address that passed no STUN check
  dtls_failed,
  dtls_limit,       // more half-open handshakes than the limit
  not_secure,       // RTP or RTCP before the handshake is done
  srtp_auth,        // authentication tag wrong
  srtp_replay,      // index seen before, or too old
  srtp_index_used,  // on the way out: this index was sealed before, or may have been
  rtp_malformed,
  rtcp_malformed,
  unknown_ssrc,  // SSRC that no negotiated mid claims
  ssrc_limit,    // more SSRCs than the limit
  unknown_payload_type,
  duplicate,  // sequence number already received
  too_old,    // older than what the sequence map or history covers
  rtx_malformed,
  red_malformed,
  inactive,           // the participant has muted or stopped this track
  waiting_key_frame,  // a down-track starts only with a key frame
  layer,              // of another layer or encoding than this subscriber gets, or paused
  quiet,              // of a microphone that is not among the loudest of a large group
  pacer_full,         // it would have waited too long
  given_up,           // it waited, and what it belongs to began anew or ended
  repeat_limit,       // repeated too often, or too much, already
  codec_unsupported,  // the subscriber did not negotiate the publisher's codec
  padding_only,
  no_path,  // no address to send to, or consent is lost
  oversize,
  pool_empty,  // no block left in the packet pool
  tcp_queue_full,
  mailbox_full,
  send_failed,  // the kernel refused the datagram
  count_,
};

inline constexpr std::size_t drop_count = static_cast<std::size_t>(Drop::count_);

std::string_view drop_name(Drop drop);

struct DropCounters {
  std::array<std::uint64_t, drop_count> counts{};
  void add(Drop drop, std::uint64_t packets = 1) {
    counts[static_cast<std::size_t>(drop)] += packets;
  }
  std::uint64_t operator[](Drop drop) const { return counts[static_cast<std::size_t>(drop)]; }
};

}  // namespace liaison
