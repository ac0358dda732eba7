#include "transport/srtp.hpp"

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::transport {
namespace {

constexpr std::size_t rtcp_header_size = 8;
constexpr std::size_t rtcp_index_size = 4;
constexpr std::uint64_t max_rtp_index = (std::uint64_t{1} << 48) - 1;
constexpr std::uint32_t max_rtcp_index = 0x7FFFFFFF;

// Header, CSRCs and extension (RFC 3550 sections 5.1 and 5.3.1); 0 if it is none or is cut off.
std::size_t rtp_header_size(Bytes packet) {
  if (packet.size() < 12 || packet[0] >> 6 != 2) return 0;
  std::size_t size = 12 + 4 * std::size_t{packet[0] & 15U};
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < size + 4) return 0;
    size += 4 + 4 * std::size_t{load_u16(&packet[size + 2])};
  }
  return size <= packet.size() ? size : 0;
}

}  // namespace

SrtpKeys SrtpKeys::split(SrtpProfile profile, Bytes exported) {
  ENSURE(exported.size() == exported_size(profile));
  SrtpKeys keys{.profile = profile, .client = {}, .server = {}};
  Reader reader(exported);
  std::ranges::copy(reader.take(key_size(profile)), keys.client.key.begin());
  std::ranges::copy(reader.take(key_size(profile)), keys.server.key.begin());
  std::ranges::copy(reader.take(salt_size(profile)), keys.client.salt.begin());
  std::ranges::copy(reader.take(salt_size(profile)), keys.server.salt.begin());
  return keys;
}

SrtpSender::SrtpSender(SrtpProfile profile, const SrtpMaster& master, SrtpEngine engine)
    : tag_size_(tag_size(profile)),
      aead_(is_aead(profile)),
      rtp_(make_srtp_cipher(profile, SrtpKind::rtp, master, engine)),
      rtcp_(make_srtp_cipher(profile, SrtpKind::rtcp, master, engine)) {}

std::expected<std::size_t, Drop> SrtpSender::seal_rtp(Bytes header, Bytes payload,
                                                      MutableBytes room) {
  const std::size_t clear = rtp_header_size(header);
  if (clear == 0) return std::unexpected(Drop::rtp_malformed);
  const std::size_t size = header.size() + payload.size();
  if (room.size() < size + srtp_overhead) return std::unexpected(Drop::oversize);

  const std::uint16_t sequence = load_u16(&header[2]);
  const std::uint32_t ssrc = load_u32(&header[8]);
  Window* window = streams_.find(ssrc);
  if (window == nullptr) {
    if (streams_.size() == max_ssrcs) return std::unexpected(Drop::ssrc_limit);
    window = &streams_.add(ssrc);
  }
  const auto index = window->empty() ? std::optional<std::uint64_t>(sequence)
                                     : estimate_index(window->highest(), sequence);
  if (!index || *index > max_rtp_index || !window->is_fresh(*index)) {
    return std::unexpected(Drop::srtp_index_used);
  }
  window->use(*index);

  std::ranges::copy(header.first(clear), room.begin());
  rtp_->seal(ssrc, *index, room.data(), clear, header.subspan(clear), payload, &room[size]);
  return size + tag_size_;
}

std::expected<std::size_t, Drop> SrtpSender::seal_rtcp(Bytes compound, MutableBytes room) {
  if (compound.size() < rtcp_header_size || compound[0] >> 6 != 2) {
    return std::unexpected(Drop::rtcp_malformed);
  }
  const std::size_t size = compound.size();
  if (room.size() < size + srtcp_overhead) return std::unexpected(Drop::oversize);
  if (next_rtcp_index_ > max_rtcp_index) return std::unexpected(Drop::srtp_index_used);
  const std::uint32_t index = next_rtcp_index_++;

  // RFC 7714 section 9.2 has the tag before the word with E flag and index, RFC 3711 section 3.4
  // behind it.
  std::uint8_t* tag = &room[aead_ ? size : size + rtcp_index_size];
  std::uint8_t* word = &room[aead_ ? size + tag_size_ : size];
  std::ranges::copy(compound.first(rtcp_header_size), room.begin());
  rtcp_->seal(load_u32(&compound[4]), index, room.data(), rtcp_header_size,
              compound.subspan(rtcp_header_size), {}, tag);
  store_u32(word, 0x80000000U | index);
  return size + tag_size_ + rtcp_index_size;
}

SrtpReceiver::SrtpReceiver(SrtpProfile profile, const SrtpMaster& master, SrtpEngine engine)
    : tag_size_(tag_size(profile)),
      aead_(is_aead(profile)),
      rtp_(make_srtp_cipher(profile, SrtpKind::rtp, master, engine)),
      rtcp_(make_srtp_cipher(profile, SrtpKind::rtcp, master, engine)) {}

std::expected<MutableBytes, Drop> SrtpReceiver::open_rtp(MutableBytes packet) {
  if (packet.size() < tag_size_) return std::unexpected(Drop::rtp_malformed);
  const MutableBytes sealed = packet.first(packet.size() - tag_size_);
  const std::size_t header_size = rtp_header_size(sealed);
  if (header_size == 0) return std::unexpected(Drop::rtp_malformed);

  const std::uint16_t sequence = load_u16(&packet[2]);
  const std::uint32_t ssrc = load_u32(&packet[8]);
  auto* window = streams_.find(ssrc);
  if (window == nullptr && streams_.size() == max_ssrcs) return std::unexpected(Drop::ssrc_limit);
  const auto index = window == nullptr ? std::optional<std::uint64_t>(sequence)
                                       : estimate_index(window->highest(), sequence);
  if (!index || *index > max_rtp_index || (window != nullptr && !window->is_fresh(*index))) {
    return std::unexpected(Drop::srtp_replay);
  }
  if (!rtp_->open(ssrc, *index, sealed, header_size, &packet[sealed.size()])) {
    return std::unexpected(Drop::srtp_auth);
  }
  if (window == nullptr) window = &streams_.add(ssrc);
  window->use(*index);
  return sealed;
}

std::expected<MutableBytes, Drop> SrtpReceiver::open_rtcp(MutableBytes packet) {
  if (packet.size() < rtcp_header_size + rtcp_index_size + tag_size_ || packet[0] >> 6 != 2) {
    return std::unexpected(Drop::rtcp_malformed);
  }
  const std::size_t size = packet.size() - rtcp_index_size - tag_size_;
  const std::uint8_t* tag = &packet[aead_ ? size : size + rtcp_index_size];
  const std::uint32_t word = load_u32(&packet[aead_ ? size + tag_size_ : size]);
  // RFC 8827 section 6.5 wants encryption, so a packet without the E flag is none of ours.
  if ((word & 0x80000000U) == 0) return std::unexpected(Drop::rtcp_malformed);
  const std::uint32_t index = word & max_rtcp_index;

  const std::uint32_t ssrc = load_u32(&packet[4]);
  auto* window = rtcp_streams_.find(ssrc);
  if (window == nullptr && rtcp_streams_.size() == max_ssrcs) {
    return std::unexpected(Drop::ssrc_limit);
  }
  if (window != nullptr && !window->is_fresh(index)) return std::unexpected(Drop::srtp_replay);
  if (!rtcp_->open(ssrc, index, packet.first(size), rtcp_header_size, tag)) {
    return std::unexpected(Drop::srtp_auth);
  }
  if (window == nullptr) window = &rtcp_streams_.add(ssrc);
  window->use(index);
  return packet.first(size);
}

}  // namespace liaison::transport
