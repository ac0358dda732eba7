// When somebody may get a larger picture.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace liaison::sfu {

// Larger pictures begin with key frames, so that a path gets one at a time, and the more seldom the
// sooner the last had to be taken back. It does not know whose pictures they are.
class RiseLimit {
 public:
  static constexpr Duration interval = milliseconds(500);
  static constexpr Duration longest = seconds(16);
  // One that had to be taken back so soon was too much …
  static constexpr Duration regret = seconds(5);
  // … and one that has lasted so long was not.
  static constexpr Duration calm = seconds(20);
  static constexpr Duration patience = seconds(2);  // for a key frame
  // An estimate so many times that of then is that of another path.
  static constexpr double another_path = 1.5;

  // `under_way`: somebody is to get a larger picture already, and waits for its key frame. They get
  // it first; but not for ever.
  bool allows(bool under_way, Instant now) const;
  // A path of so many bit/s was shared: somebody got a larger picture, or a smaller one, than
  // before.
  void shared(bool larger, bool smaller, std::uint64_t estimate, Instant now);
  // What was too much for a narrower path says nothing of a wider one. bit/s.
  void estimated(std::uint64_t estimate, Instant now);

 private:
  Duration wait_ = interval;
  std::uint64_t regretted_ = 0;  // the estimate when one was last taken back
  Instant rose_at_;
  Instant next_;
};

}  // namespace liaison::sfu
