#include "base/drop.hpp"

#include "base/ensure.hpp"

namespace liaison {

std::string_view drop_name(Drop drop) {
  switch (drop) {
#define NAME(reason) \
  case Drop::reason: \
    return #reason
    NAME(malformed);
    NAME(stun_malformed);
    NAME(stun_unknown_user);
    NAME(stun_bad_integrity);
    NAME(stun_rate);
    NAME(stun_replay);
    NAME(unknown_source);
    NAME(unvalidated_dtls);
    NAME(dtls_failed);
    NAME(dtls_limit);
    NAME(not_secure);
    NAME(srtp_auth);
    NAME(srtp_replay);
    NAME(srtp_index_used);
    NAME(rtp_malformed);
    NAME(rtcp_malformed);
    NAME(unknown_ssrc);
    NAME(ssrc_limit);
    NAME(unknown_payload_type);
    NAME(duplicate);
    NAME(too_old);
    NAME(rtx_malformed);
    NAME(red_malformed);
    NAME(inactive);
    NAME(waiting_key_frame);
    NAME(layer);
    NAME(quiet);
    NAME(pacer_full);
    NAME(given_up);
    NAME(repeat_limit);
    NAME(codec_unsupported);
    NAME(padding_only);
    NAME(no_path);
    NAME(oversize);
    NAME(pool_empty);
    NAME(tcp_queue_full);
    NAME(mailbox_full);
    NAME(send_failed);
#undef NAME
    case Drop::count_:
      break;
  }
  ENSURE(false);
  return {};
}

}  // namespace liaison
