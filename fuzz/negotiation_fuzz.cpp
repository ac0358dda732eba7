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
  const std::string_view text = as_text({data, size});
  for (const auto role :
       {signaling::Role::participant, signaling::Role::publisher, signaling::Role::viewer}) {
    const bool participant = role == signaling::Role::participant;
    const auto offer = participant ? signaling::read_offer(text, policy, 24)
                                   : signaling::read_offer(text, policy, role);
    if (!offer) continue;
    const auto local =
        signaling::draw_local_media(*offer, signaling::draw_credentials(WorkerIndex{0}), {});
    const auto description = signaling::describe_media(*offer, local);
    if (participant && description.down.size() != signaling::down_track_count(offer->person_slots))
      std::abort();
    if (role == signaling::Role::publisher && !description.down.empty()) std::abort();
    if (role == signaling::Role::viewer && !description.up.empty()) std::abort();
    const auto answer = sdp::parse(signaling::write_answer(*offer, local, {}));
    if (!answer || answer->media.size() != offer->session.media.size()) std::abort();
  }
  return 0;
}
