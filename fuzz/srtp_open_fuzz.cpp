// The input as a packet from the wire, which must not be believed, and as a packet of ours, which
// must come back as it was. The first byte chooses the profile.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ensure.hpp"
#include "transport/srtp.hpp"

using namespace liaison;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr transport::SrtpProfile profiles[] = {transport::SrtpProfile::aes128_cm_hmac_sha1_80,
                                                 transport::SrtpProfile::aead_aes_128_gcm,
                                                 transport::SrtpProfile::aead_aes_256_gcm};
  const transport::SrtpProfile profile = profiles[data[0] % std::size(profiles)];
  const Bytes input(data + 1, size - 1);
  transport::SrtpMaster master;
  master.key.fill(7);
  transport::SrtpSender sender(profile, master);
  transport::SrtpReceiver receiver(profile, master);

  std::vector<std::uint8_t> packet(input.begin(), input.end());
  ENSURE(!receiver.open_rtp(packet));
  packet.assign(input.begin(), input.end());
  ENSURE(!receiver.open_rtcp(packet));

  std::vector<std::uint8_t> room(input.size() + transport::srtcp_overhead);
  if (const auto sealed = sender.seal_rtp(input, {}, room)) {
    const auto opened = receiver.open_rtp(MutableBytes(room).first(*sealed));
    ENSURE(opened && std::ranges::equal(*opened, input));
    ENSURE(!sender.seal_rtp(input, {}, room));
  }
  if (const auto sealed = sender.seal_rtcp(input, room)) {
    const auto opened = receiver.open_rtcp(MutableBytes(room).first(*sealed));
    ENSURE(opened && std::ranges::equal(*opened, input));
  }
  return 0;
}
