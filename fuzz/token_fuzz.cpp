// Any text as a token; and any text as the payload of a token that is signed with our key.
#include <cstdlib>

#include "base/bytes.hpp"
#include "signaling/token.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace liaison;
  static const signaling::SecretKey secret{{1, 2, 3}};
  static const signaling::PublicKey key = secret.public_key();
  const std::string_view text = as_text({data, size});
  const UnixTime now(hours(24 * 20'000));
  if (signaling::verify_token(key, text, now)) std::abort();
  const auto claims =
      signaling::verify_token(key, signaling::paseto_sign(secret, text, {}, {}), now);
  if (claims && (claims->expires <= now || claims->id.empty())) std::abort();
  return 0;
}
