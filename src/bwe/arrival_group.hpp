// How much later than they were sent apart packets arrive apart.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace liaison::bwe {

// Packets that were sent, or arrived, in one burst are one group: within a burst the spacing of
// arrivals tells of the burst, not of the queue (draft-ietf-rmcat-gcc-02 section 5.2, with the
// rules of today's libwebrtc). Gives the differences between the last packets of two groups.
class ArrivalGroups {
 public:
  static constexpr Duration burst_length = milliseconds(5);
  static constexpr Duration max_burst = milliseconds(100);
  // Arrivals that outrun our own clock by this are another clock.
  static constexpr Duration max_offset = seconds(3);
  static constexpr int max_reordered = 3;

  struct Difference {
    Duration sent;
    Duration arrived;
  };

  // In the order of arrival. `now` is when the feedback came.
  std::optional<Difference> received(Instant sent, Instant arrived, Instant now);
  void reset();

 private:
  struct Group {
    Instant first_sent;
    Instant last_sent;
    Instant first_arrived;
    Instant last_arrived;
    Instant noticed;
  };
  bool belongs(Instant sent, Instant arrived) const;
  std::optional<Difference> difference();

  std::optional<Group> current_;
  std::optional<Group> previous_;
  int reordered_ = 0;
};

}  // namespace liaison::bwe
