// Spans of bytes, and bounded reading and writing of big-endian fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace liaison {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::uint16_t load_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t load_u32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(load_u16(at)) << 16 | load_u16(at + 2);
}
inline std::uint64_t load_u64(const std::uint8_t* at) {
  return static_cast<std::uint64_t>(load_u32(at)) << 32 | load_u32(at + 4);
}
inline void store_u16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
inline void store_u24(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 16);
  store_u16(at + 1, static_cast<std::uint16_t>(value));
}
inline void store_u32(std::uint8_t* at, std::uint32_t value) {
  store_u16(at, static_cast<std::uint16_t>(value >> 16));
  store_u16(at + 2, static_cast<std::uint16_t>(value));
}
inline void store_u64(std::uint8_t* at, std::uint64_t value) {
  store_u32(at, static_cast<std::uint32_t>(value >> 32));
  store_u32(at + 4, static_cast<std::uint32_t>(value));
}

// Reads from the front of a span. A read beyond the end gives zero or an empty span and makes ok()
// false for good, so a parser may read a whole record and ask once.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  std::size_t position() const { return at_; }
  Bytes rest() const { return bytes_.subspan(at_); }

  std::uint8_t u8() { return need(1) ? bytes_[at_++] : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!need(2)) return 0;
    at_ += 2;
    return load_u16(&bytes_[at_ - 2]);
  }
  std::uint32_t u24() {
    const std::uint32_t high = u8();
    return high << 16 | u16();
  }
  std::uint32_t u32() {
    if (!need(4)) return 0;
    at_ += 4;
    return load_u32(&bytes_[at_ - 4]);
  }
  std::uint64_t u64() {
    if (!need(8)) return 0;
    at_ += 8;
    return load_u64(&bytes_[at_ - 8]);
  }
  Bytes take(std::size_t count) {
    if (!need(count)) return {};
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  void skip(std::size_t count) { take(count); }

 private:
  bool need(std::size_t count) {
    if (!ok_ || remaining() < count) ok_ = false;
    return ok_;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// Writes to the front of a span. A write beyond the end writes nothing and makes ok() false for
// good.
class Writer {
 public:
  explicit Writer(MutableBytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  MutableBytes written() const { return bytes_.first(at_); }

  void u8(std::uint8_t value) {
    if (need(1)) bytes_[at_++] = value;
  }
  void u16(std::uint16_t value) {
    if (!need(2)) return;
    store_u16(&bytes_[at_], value);
    at_ += 2;
  }
  void u24(std::uint32_t value) {
    if (!need(3)) return;
    store_u24(&bytes_[at_], value);
    at_ += 3;
  }
  void u32(std::uint32_t value) {
    if (!need(4)) return;
    store_u32(&bytes_[at_], value);
    at_ += 4;
  }
  void u64(std::uint64_t value) {
    if (!need(8)) return;
    store_u64(&bytes_[at_], value);
    at_ += 8;
  }
  void bytes(Bytes source) {
    if (!need(source.size()) || source.empty()) return;
    std::memcpy(&bytes_[at_], source.data(), source.size());
    at_ += source.size();
  }
  void zeros(std::size_t count) {
    if (!need(count) || count == 0) return;
    std::memset(&bytes_[at_], 0, count);
    at_ += count;
  }
  // Overwrites two bytes written before; for lengths that are known afterwards.
  void patch_u16(std::size_t position, std::uint16_t value) {
    if (ok_ && position + 2 <= at_) store_u16(&bytes_[position], value);
  }

 private:
  bool need(std::size_t count) {
    if (!ok_ || bytes_.size() - at_ < count) ok_ = false;
    return ok_;
  }

  MutableBytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace liaison
