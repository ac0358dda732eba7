// Translation of the sequence numbers of one down-track, reversible.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace liaison::sfu {

// Numbers run on without a gap when a source is replaced or a packet is left out on purpose, so
// that what is missing at the subscriber is exactly what was lost. `out = in - offset`, with one
// offset for each interval between two packets left out; a late packet uses the offset of its own
// interval. Inputs are extended (64 bits, see Unwrapper). Knows nothing of packets. The newest 128
// intervals are kept.
class SeqMap {
 public:
  // `first_out` is the number before the first that goes out.
  explicit SeqMap(std::uint16_t first_out) : last_out_(std::uint64_t{1} << 16 | first_out) {}

  // A new source begins with `first_in`. `skip` numbers are left free: 1 tells the receiver that
  // the frame before was cut off in the middle.
  void start(std::uint64_t first_in, std::uint64_t skip = 0);

  // The number under which `in` goes out, or none if it is older than the source's first or was
  // left out.
  std::optional<std::uint64_t> translate(std::uint64_t in);

  // `in` does not go out. Only the newest can be left out without a gap; an older one has its
  // number already.
  void leave_out(std::uint64_t in);

  // The input that went out as `out`, of the present source.
  std::optional<std::uint64_t> reverse(std::uint16_t out) const;

  std::uint64_t last_out() const { return last_out_; }

 private:
  static constexpr std::size_t limit = 128;
  struct Interval {
    std::uint64_t first_in = 0;
    std::uint64_t first_out = 0;
  };
  const Interval& interval(std::size_t i) const { return intervals_[(begin_ + i) % limit]; }
  void push(Interval interval);

  std::array<Interval, limit> intervals_{};
  std::size_t begin_ = 0;
  std::size_t count_ = 0;
  std::uint64_t highest_in_ = 0;  // of what was translated or left out
  std::uint64_t last_out_;        // highest that went out
};

}  // namespace liaison::sfu
