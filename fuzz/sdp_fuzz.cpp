// Any text as a session description; what is read must write and read the same again.
#include <cstdlib>

#include "base/bytes.hpp"
#include "sdp/session.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liaison;
  const auto session = sdp::parse(as_text({data, size}));
  if (!session) return 0;
  const auto again = sdp::parse(sdp::write(*session));
  if (!again || *again != *session) std::abort();
  return 0;
}
