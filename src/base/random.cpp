#include "base/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/ensure.hpp"

namespace liaison {

void random_bytes(MutableBytes out) {
  ENSURE(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::uint32_t random_u32() {
  std::array<std::uint8_t, 4> bytes{};
  random_bytes(bytes);
  return load_u32(bytes.data());
}

std::uint64_t random_u64() {
  std::array<std::uint8_t, 8> bytes{};
  random_bytes(bytes);
  return load_u64(bytes.data());
}

std::string random_ice_chars(std::size_t length) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes(length);
  random_bytes(bytes);
  std::string text;
  text.reserve(length);
  for (const std::uint8_t byte : bytes) text.push_back(alphabet[byte & 63]);
  return text;
}

std::string random_hex(std::size_t count) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::vector<std::uint8_t> bytes(count);
  random_bytes(bytes);
  std::string text;
  text.reserve(2 * count);
  for (const std::uint8_t byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace liaison
