// SRTP and SRTCP (RFC 3711, RFC 7714): which packet has which index, and what may pass.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/drop.hpp"
#include "transport/srtp_cipher.hpp"
#include "transport/srtp_index.hpp"

namespace liaison::transport {

// What DTLS agreed on: both directions' master keys.
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::aead_aes_128_gcm;
  SrtpMaster client, server;

  // Splits the exported keying material (RFC 5764 section 4.2: client key, server key, client salt,
  // server salt). Its size is exported_size(profile).
  static SrtpKeys split(SrtpProfile profile, Bytes exported);
  static constexpr std::size_t exported_size(SrtpProfile profile) {
    return 2 * (key_size(profile) + salt_size(profile));
  }
};

// How much longer sealing makes a packet, at most.
inline constexpr std::size_t srtp_overhead = 16;
inline constexpr std::size_t srtcp_overhead = 20;

// A value for each SSRC of one direction; there are few, and they come in runs.
template <typename Stream>
class SsrcTable {
 public:
  Stream* find(std::uint32_t ssrc) {
    if (last_ < ssrcs_.size() && ssrcs_[last_] == ssrc) return &streams_[last_];
    const auto found = std::ranges::find(ssrcs_, ssrc);
    if (found == ssrcs_.end()) return nullptr;
    last_ = static_cast<std::size_t>(found - ssrcs_.begin());
    return &streams_[last_];
  }
  Stream& add(std::uint32_t ssrc) {
    last_ = ssrcs_.size();
    ssrcs_.push_back(ssrc);
    return streams_.emplace_back();
  }
  std::size_t size() const { return ssrcs_.size(); }

 private:
  std::vector<std::uint32_t> ssrcs_;
  std::vector<Stream> streams_;
  std::size_t last_ = 0;
};

// The way out. It never uses an index twice, for under GCM two packets with one index give the
// authentication key away (RFC 7714 section 8.1): what a retransmission repeats must have been
// given a number of its own (RFC 4588).
class SrtpSender {
 public:
  static constexpr std::size_t max_ssrcs = 512;

  SrtpSender(SrtpProfile profile, const SrtpMaster& master,
             SrtpEngine engine = fastest_srtp_engine());

  // Each writes into `room` and returns how much. `header` holds the RTP header and perhaps the
  // beginning of the payload. `room` must have srtp_overhead, or srtcp_overhead, more than what is
  // sealed.
  std::expected<std::size_t, Drop> seal_rtp(Bytes header, Bytes payload, MutableBytes room);
  std::expected<std::size_t, Drop> seal_rtcp(Bytes compound, MutableBytes room);

 private:
  using Window = IndexWindow<1024>;

  std::size_t tag_size_;
  bool aead_;
  std::unique_ptr<SrtpCipher> rtp_, rtcp_;
  SsrcTable<Window> streams_;
  // One for all our SSRCs: unique under each.
  std::uint32_t next_rtcp_index_ = 0;
};

// The way in. Streams are remembered only once a packet of them was authentic, so that forgeries
// leave no trace.
class SrtpReceiver {
 public:
  static constexpr std::size_t max_ssrcs = 128;

  SrtpReceiver(SrtpProfile profile, const SrtpMaster& master,
               SrtpEngine engine = fastest_srtp_engine());

  // Decrypt in place; what is returned is the front of `packet`.
  std::expected<MutableBytes, Drop> open_rtp(MutableBytes packet);
  std::expected<MutableBytes, Drop> open_rtcp(MutableBytes packet);

 private:
  std::size_t tag_size_;
  bool aead_;
  std::unique_ptr<SrtpCipher> rtp_, rtcp_;
  SsrcTable<IndexWindow<1024>> streams_;
  SsrcTable<IndexWindow<128>> rtcp_streams_;
};

}  // namespace liaison::transport
