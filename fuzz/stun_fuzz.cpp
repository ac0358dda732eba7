// Everything of src/stun on one datagram. What it returns must lie within the input, and a message
// that is read must be answerable.
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ensure.hpp"
#include "stun/message.hpp"

namespace {

using namespace liaison;

bool within(std::string_view part, Bytes whole) {
  const Bytes bytes = as_bytes(part);
  return part.empty() || (bytes.data() >= whole.data() &&
                          bytes.data() + bytes.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  if (const auto ufrag = stun::username_ufrag(datagram)) ENSURE(within(*ufrag, datagram));
  const auto message = stun::parse(datagram);
  if (!message) return 0;
  ENSURE(within(message->username, datagram));
  ENSURE(message->unknown_count <= message->unknown.size());
  ENSURE(message->error_code == 0 || (message->error_code >= 300 && message->error_code < 700));
  stun::integrity_matches(*message, datagram, "password");

  std::array<std::uint8_t, stun::max_response_size> room{};
  const SocketAddress mapped = message->mapped_address.value_or(SocketAddress{});
  const MutableBytes success = stun::write_success(room, message->transaction, mapped, "password");
  const auto again = stun::parse(success);
  ENSURE(again && again->mapped_address == mapped);
  ENSURE(stun::integrity_matches(*again, success, "password"));
  for (const auto code : {stun::ErrorCode::unknown_attribute, stun::ErrorCode::role_conflict}) {
    const MutableBytes error = stun::write_error(room, *message, code, "password");
    const auto read = stun::parse(error);
    ENSURE(read && read->error_code == static_cast<std::uint16_t>(code));
  }
  return 0;
}
