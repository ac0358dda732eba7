// Who holds how much memory.
#pragma once

#include <cstdint>

namespace liaison::sim {

// While one lives, what is allocated belongs to `owner` until it is freed, whoever frees it. Owner
// 0 is everybody else. The innermost one counts.
class HeapOwner {
 public:
  explicit HeapOwner(std::uint8_t owner);
  ~HeapOwner();
  HeapOwner(const HeapOwner&) = delete;
  HeapOwner& operator=(const HeapOwner&) = delete;

 private:
  std::uint8_t before_;
};

// Bytes that were allocated with `new` and not freed.
std::int64_t heap_held(std::uint8_t owner);
// OpenSSL's too, from now on. False if it has allocated before, and so does as it did.
bool count_openssl_memory();

}  // namespace liaison::sim
