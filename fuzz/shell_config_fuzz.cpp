// liaison.toml: any bytes give settings or an error.
#include "base/bytes.hpp"
#include "base/ensure.hpp"
#include "io/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace liaison;
  io::Config config;
  const auto read = io::read_config(as_text({data, size}), "liaison.toml", "/", config);
  ENSURE(read || !read.error().message.empty());
  return 0;
}
