// The packet index of SRTP (RFC 3711 section 3.3.1) and which indices have been used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace liaison::transport {

// The index of the packet with this sequence number, given the highest index so far (RFC 3711
// section 3.3.1 and appendix A). Nothing if it would lie before the first packet of the stream.
constexpr std::optional<std::uint64_t> estimate_index(std::uint64_t highest,
                                                      std::uint16_t sequence) {
  const std::uint64_t roll_over = highest >> 16;
  const auto last = static_cast<std::uint16_t>(highest);
  if (last < 0x8000) {
    if (sequence > last + 0x8000) {
      if (roll_over == 0) return std::nullopt;
      return (roll_over - 1) << 16 | sequence;
    }
  } else if (last - 0x8000 > sequence) {
    return (roll_over + 1) << 16 | sequence;
  }
  return roll_over << 16 | sequence;
}

// The last `size` indices up to the highest, and which of them were used (RFC 3711 section 3.3.2).
template <std::size_t size>
class IndexWindow {
 public:
  // Not used, and not so old that nobody knows.
  bool is_fresh(std::uint64_t index) const {
    if (empty_ || index > highest_) return true;
    return highest_ - index < size && (word(index) & bit(index)) == 0;
  }
  void use(std::uint64_t index) {
    if (empty_ || index > highest_) {
      const std::uint64_t steps = empty_ ? size : index - highest_;
      if (steps >= size) {
        words_ = {};
      } else {
        for (std::uint64_t i = highest_ + 1; i <= index; ++i) word(i) &= ~bit(i);
      }
      highest_ = index;
      empty_ = false;
    }
    word(index) |= bit(index);
  }
  bool empty() const { return empty_; }
  std::uint64_t highest() const { return highest_; }

 private:
  static_assert(size % 64 == 0);
  std::uint64_t& word(std::uint64_t index) { return words_[index / 64 % words_.size()]; }
  const std::uint64_t& word(std::uint64_t index) const {
    return words_[index / 64 % words_.size()];
  }
  static std::uint64_t bit(std::uint64_t index) { return std::uint64_t{1} << index % 64; }

  std::array<std::uint64_t, size / 64> words_{};
  std::uint64_t highest_ = 0;
  bool empty_ = true;
};

}  // namespace liaison::transport
