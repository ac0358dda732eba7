// How often sound is to be sent again, by what gets lost.
#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.hpp"

namespace liaison::sfu {

// Decides how many earlier frames each packet of sound carries again (RED, RFC 2198): none on a
// path that loses nothing, since it doubles what sound takes. More at once when losses come, fewer
// only after they have stayed away for a while. What a full queue loses does not count: that ends
// when less is sent, and more sound would be more.
class AudioRedundancy {
 public:
  static constexpr double some_loss = 0.02;  // one frame again
  static constexpr double much_loss = 0.08;  // two
  static constexpr double heavy_loss = 0.2;  // three
  // As long as less is lost, and less than half of what the present number is for.
  static constexpr Duration calm = seconds(10);

  // So long a queue may overflow, and its losses are in the figure for some seconds after.
  static constexpr Duration full_queue = milliseconds(80);
  static constexpr Duration memory = seconds(4);

  // `loss` is the share of packets that were lost over some seconds, 0 to 1; `queue` how long they
  // wait on the way.
  void update(double loss, Duration queue, Instant now);
  std::size_t frames() const { return frames_; }

 private:
  std::size_t frames_ = 0;
  std::optional<Instant> full_at_;  // when there was last a full queue
  Instant lossy_at_;                // when there was last a reason for as many
};

}  // namespace liaison::sfu
