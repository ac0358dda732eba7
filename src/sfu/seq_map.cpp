#include "sfu/seq_map.hpp"

namespace liaison::sfu {

void SeqMap::push(Interval interval) {
  if (count_ == limit) {
    begin_ = (begin_ + 1) % limit;
    --count_;
  }
  intervals_[(begin_ + count_++) % limit] = interval;
}

void SeqMap::start(std::uint64_t first_in, std::uint64_t skip) {
  begin_ = count_ = 0;
  highest_in_ = first_in - 1;
  push({first_in, last_out_ + 1 + skip});
}

std::optional<std::uint64_t> SeqMap::translate(std::uint64_t in) {
  for (std::size_t i = count_; i-- > 0;) {
    const Interval& found = interval(i);
    if (in < found.first_in) continue;
    const std::uint64_t out = found.first_out + (in - found.first_in);
    // The number just before the next interval's first_in was left out; its number belongs to the
    // next.
    if (i + 1 < count_ && out >= interval(i + 1).first_out) return std::nullopt;
    if (in > highest_in_) highest_in_ = in;
    if (out > last_out_) last_out_ = out;
    return out;
  }
  return std::nullopt;
}

void SeqMap::leave_out(std::uint64_t in) {
  if (count_ == 0 || in <= highest_in_) return;
  const Interval& newest = interval(count_ - 1);
  const std::uint64_t out = newest.first_out + (in - newest.first_in);
  highest_in_ = in;
  if (in == newest.first_in) {
    // Nothing of the newest interval has gone out yet: it simply begins later.
    intervals_[(begin_ + count_ - 1) % limit].first_in = in + 1;
  } else {
    push({in + 1, out});
  }
}

std::optional<std::uint64_t> SeqMap::reverse(std::uint16_t out16) const {
  // The extended number nearest below or at the last that went out: nobody asks for the future.
  const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(last_out_) - out16);
  if (behind >= 0x8000) return std::nullopt;
  const std::uint64_t out = last_out_ - behind;
  for (std::size_t i = count_; i-- > 0;) {
    const Interval& found = interval(i);
    if (out < found.first_out) continue;
    return found.first_in + (out - found.first_out);
  }
  return std::nullopt;
}

}  // namespace liaison::sfu
