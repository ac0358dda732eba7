// Fields of any number of bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"

namespace liaison::rtp {

// Most significant bit first. As base/bytes' Reader: a read beyond the end gives zero and makes
// ok() false for good.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }

  // f(n) and u(n) of the specifications; at most 32 bits.
  std::uint32_t bits(std::size_t count) {
    if (!ok_ || bytes_.size() * 8 - at_ < count) {
      ok_ = false;
      return 0;
    }
    std::uint32_t value = 0;
    for (; count > 0; --count, ++at_) {
      const unsigned bit = bytes_[at_ / 8] >> (7 - at_ % 8) & 1U;
      value = value << 1 | bit;
    }
    return value;
  }
  bool flag() { return bits(1) != 0; }
  void skip(std::size_t count) {
    for (; count > 32; count -= 32) bits(32);
    bits(count);
  }
  // ns(n) of AV1: one of `count` values, the lower ones in a bit less where that is enough.
  std::uint8_t choice(std::uint32_t count) {
    const auto width = static_cast<std::size_t>(std::bit_width(count));
    const std::uint32_t shorter = (1U << width) - count;
    std::uint32_t value = bits(width - 1);
    if (value >= shorter) value = (value << 1) - shorter + bits(1);
    return static_cast<std::uint8_t>(value);
  }
  // ue(v) of H.264 section 9.1, uvlc() of AV1 section 4.10.3; of more than 32 bits nothing is made.
  std::uint32_t exp_golomb() {
    std::size_t zeros = 0;
    while (ok_ && !flag()) ++zeros;
    if (zeros > 31) ok_ = false;
    if (!ok_) return 0;
    return (1U << zeros) - 1 + bits(zeros);
  }
  // se(v) of H.264 section 9.1.1.
  std::int32_t signed_exp_golomb() {
    const std::uint32_t code = exp_golomb();
    const auto half = static_cast<std::int32_t>(code / 2);
    return code % 2 != 0 ? half + 1 : -half;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace liaison::rtp
