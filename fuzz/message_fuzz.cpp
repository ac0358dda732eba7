// Any text as a message; what is read must write and read the same again.
#include <cstdlib>

#include "base/bytes.hpp"
#include "signaling/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liaison;
  const std::string_view text = as_text({data, size});
  if (const auto message = signaling::read_client_message(text)) {
    const auto again = signaling::read_client_message(signaling::write_message(*message));
    if (!again || *again != *message) std::abort();
  }
  // Numbers with a fraction may come back one place off (Boost.JSON's reader), so no comparison.
  if (const auto message = signaling::read_server_message(text)) {
    if (!signaling::read_server_message(signaling::write_message(*message))) std::abort();
  }
  return 0;
}
