// RAND_METHOD is deprecated in favour of providers, which need a library of their own to be
// replaced.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sim/openssl.hpp"

#include <openssl/rand.h>

#include <optional>

#include "base/ensure.hpp"
#include "sim/random.hpp"

namespace liaison::sim {
namespace {

// RAND_METHOD's functions have no argument for it.
std::optional<Random> source;

int fill(unsigned char* out, int size) {
  ENSURE(source);
  for (int i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(source->next() >> 56);
  return 1;
}
int ready() { return 1; }

constexpr RAND_METHOD method = {
    .seed = nullptr,
    .bytes = fill,
    .cleanup = nullptr,
    .add = nullptr,
    .pseudorand = fill,
    .status = ready,
};

}  // namespace

void seed_openssl(std::uint64_t seed) {
  source.emplace(seed);
  ENSURE(RAND_set_rand_method(&method) == 1);
}

}  // namespace liaison::sim
