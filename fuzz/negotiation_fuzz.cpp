// Any text as an offer; what is accepted must be answered with text that reads as SDP again and
// mirrors the m-lines.
#include <cstdlib>

#include "base/bytes.hpp"
#include "signaling/credentials.hpp"
#include "signaling/negotiation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liaison;
  using rtp::CodecName;
  static const signaling::CodecPolicy policy{
      {CodecName::vp8, CodecName::vp9, CodecName::av1, CodecName::h264}, true};
  const auto offer = signaling::read_offer(as_text({data, size}), policy, 24);
  if (!offer) return 0;
  const auto local =
      signaling::draw_local_media(*offer, signaling::draw_credentials(WorkerIndex{0}), {});
  const auto description = signaling::describe_media(*offer, local);
  if (description.down.size() != signaling::down_track_count(offer->person_slots)) std::abort();
  const auto answer = sdp::parse(signaling::write_answer(*offer, local, {}));
  if (!answer || answer->media.size() != offer->session.media.size()) std::abort();
  return 0;
}
