#include "sim/heap.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// In front of every block: how large it is, and whose.
struct Header {
  std::uint64_t size;
  std::uint64_t owner;
};
constexpr std::size_t plain = sizeof(Header);
static_assert(plain == __STDCPP_DEFAULT_NEW_ALIGNMENT__);

std::array<std::int64_t, 256> held{};
std::uint8_t current = 0;

// `room` bytes lie in front of the block: for the header, and so that the block is aligned.
void* give(std::size_t size, std::size_t room) {
  const std::size_t whole = (size + room + room - 1) / room * room;
  void* base = room == plain ? std::malloc(size + room) : std::aligned_alloc(room, whole);
  if (base == nullptr) return nullptr;
  auto* block = static_cast<std::byte*>(base) + room;
  const Header header{size, current};
  std::memcpy(block - plain, &header, plain);
  held[current] += static_cast<std::int64_t>(size);
  return block;
}

Header header_of(void* block) {
  Header header{};
  std::memcpy(&header, static_cast<std::byte*>(block) - plain, plain);
  return header;
}

void take_back(void* block, std::size_t room) {
  if (block == nullptr) return;
  const Header header = header_of(block);
  held[header.owner & 0xff] -= static_cast<std::int64_t>(header.size);
  std::free(static_cast<std::byte*>(block) - room);
}

void* give_or_throw(std::size_t size, std::size_t room) {
  void* block = give(size, room);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

std::size_t room_for(std::align_val_t alignment) {
  return std::max(plain, static_cast<std::size_t>(alignment));
}

void* openssl_malloc(std::size_t size, const char*, int) { return give(size, plain); }
void openssl_free(void* block, const char*, int) { take_back(block, plain); }
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  if (block == nullptr) return give(size, plain);
  void* larger = give(size, plain);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min<std::size_t>(size, header_of(block).size));
  take_back(block, plain);
  return larger;
}

}  // namespace

// The program's replace those of the C++ library ([replacement.functions]); the others call these.
void* operator new(std::size_t size) { return give_or_throw(size, plain); }
void* operator new[](std::size_t size) { return give_or_throw(size, plain); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return give_or_throw(size, room_for(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return give_or_throw(size, room_for(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return give(size, plain); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return give(size, plain); }
void operator delete(void* block) noexcept { take_back(block, plain); }
void operator delete[](void* block) noexcept { take_back(block, plain); }
void operator delete(void* block, std::size_t) noexcept { take_back(block, plain); }
void operator delete[](void* block, std::size_t) noexcept { take_back(block, plain); }
void operator delete(void* block, std::align_val_t alignment) noexcept {
  take_back(block, room_for(alignment));
}
void operator delete[](void* block, std::align_val_t alignment) noexcept {
  take_back(block, room_for(alignment));
}
void operator delete(void* block, std::size_t, std::align_val_t alignment) noexcept {
  take_back(block, room_for(alignment));
}
void operator delete[](void* block, std::size_t, std::align_val_t alignment) noexcept {
  take_back(block, room_for(alignment));
}

namespace liaison::sim {

HeapOwner::HeapOwner(std::uint8_t owner) : before_(current) { current = owner; }
HeapOwner::~HeapOwner() { current = before_; }

std::int64_t heap_held(std::uint8_t owner) { return held[owner]; }

bool count_openssl_memory() {
  return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}

}  // namespace liaison::sim
