#include "sfu/seq_map.hpp"

namespace liaison::sfu {

void SeqMap::push(const Interval& interval) {
  if (intervals_.size() == limit) {
    intervals_.pop_front();
    if (source_ > 0) --source_;
  }
  intervals_.push_back(interval);
}

void SeqMap::start(std::uint64_t first_in, std::uint64_t skip, const Offsets& offsets) {
  ended_out_ = last_out_ + 1;
  source_out_ = ended_out_ + skip;
  // A source of which nothing has gone out leaves nothing to ask for.
  while (!intervals_.empty() && intervals_.back().first_out > last_out_) intervals_.pop_back();
  highest_in_ = first_in - 1;
  push({first_in, source_out_, offsets});
  source_ = intervals_.size() - 1;
}

std::optional<SeqMap::Number> SeqMap::translate(std::uint64_t in) {
  for (std::size_t i = intervals_.size(); i-- > source_;) {
    const Interval& found = intervals_[i];
    if (in < found.first_in) continue;
    const std::uint64_t out = found.first_out + (in - found.first_in);
    // The number just before the next interval's first_in was left out; its number belongs to the
    // next.
    if (i + 1 < intervals_.size() && out >= intervals_[i + 1].first_out) return std::nullopt;
    if (in > highest_in_) highest_in_ = in;
    if (out > last_out_) last_out_ = out;
    return Number{out, found.offsets};
  }
  return std::nullopt;
}

bool SeqMap::leave_out(std::uint64_t in, const Offsets& offsets) {
  if (intervals_.empty() || in <= highest_in_) return false;
  Interval& newest = intervals_.back();
  const std::uint64_t out = newest.first_out + (in - newest.first_in);
  highest_in_ = in;
  if (in == newest.first_in) {
    // Nothing of the newest interval has gone out yet: it simply begins later.
    newest.first_in = in + 1;
    newest.offsets = offsets;
  } else {
    push({in + 1, out, offsets});
  }
  return true;
}

std::optional<SeqMap::Number> SeqMap::reverse(std::uint16_t out16) const {
  // The extended number nearest below or at the last that went out: nobody asks for the future.
  const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(last_out_) - out16);
  if (behind >= 0x8000) return std::nullopt;
  const std::uint64_t out = last_out_ - behind;
  if (out >= ended_out_ && out < source_out_) return std::nullopt;
  for (std::size_t i = intervals_.size(); i-- > 0;) {
    const Interval& found = intervals_[i];
    if (out < found.first_out) continue;
    return Number{found.first_in + (out - found.first_out), found.offsets};
  }
  return std::nullopt;
}

void SeqMap::take_back(std::uint64_t out) {
  if (out > last_out_) return;
  // If nothing remains of the newest source, the number that was left free before it is free again.
  last_out_ = out <= source_out_ && out >= ended_out_ ? ended_out_ - 1 : out - 1;
  while (!intervals_.empty() && intervals_.back().first_out >= out) intervals_.pop_back();
  if (source_ >= intervals_.size()) source_ = intervals_.size();
}

}  // namespace liaison::sfu
