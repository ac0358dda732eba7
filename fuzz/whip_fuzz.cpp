// Any text as the target, the headers and the fragment of WHIP and WHEP: what is read must say the
// same again, and whatever is refused has a status of its own.
#include <cstdlib>

#include "base/bytes.hpp"
#include "sdp/session.hpp"
#include "signaling/message.hpp"
#include "signaling/whip.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liaison;
  namespace whip = signaling::whip;
  const std::string_view text = as_text({data, size});

  const auto target = whip::parse_target(text);
  if (!target) {
    require(whip::status_of(target.error().code) == 400 ||
            whip::status_of(target.error().code) == 404);
  } else if (const auto* endpoint = std::get_if<whip::Endpoint>(&*target)) {
    require(signaling::is_room_name(endpoint->room));
    require(!endpoint->name || signaling::person_name(*endpoint->name));
    require(endpoint->watched.empty() || endpoint->protocol == whip::Protocol::whep);
  } else {
    const auto& session = std::get<whip::Session>(*target);
    require(whip::parse_target(whip::session_path(session.protocol, session.id)) == *target);
  }

  if (const auto token = whip::bearer(text)) require(whip::bearer("Bearer " + *token) == *token);
  (void)whip::is_type(text, "application/sdp");
  require((whip::match(text, "\"1\"") == whip::Match::missing) == text.empty());

  auto fragment = sdp::parse_fragment(text);
  if (!fragment) return 0;
  // Of a fragment only this is written.
  const auto& transport =
      fragment->media.empty() ? fragment->transport : fragment->media.front().transport;
  if (transport.ufrag.empty() || transport.password.empty()) return 0;
  sdp::Session again;
  again.transport.ufrag = transport.ufrag;
  again.transport.password = transport.password;
  const auto read = sdp::parse_fragment(sdp::write_fragment(again));
  require(read && read->transport.ufrag == transport.ufrag &&
          read->transport.password == transport.password);
  return 0;
}
