// Which people one participant sees: a person per slot, steady while present.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/id.hpp"

namespace liaison::signaling {

// Someone who may get a slot. `spoke` grows with every change of the dominant speaker: the larger,
// the later this person spoke; 0 for never.
struct Candidate {
  ParticipantId person;
  std::uint64_t spoke = 0;
};

// The person slots of one subscriber. Knows nothing of tracks or messages.
class Slots {
 public:
  explicit Slots(std::uint16_t count) : people_(count) {}

  // `others` is everybody else in the order of their joining. Who has a slot keeps it while there;
  // free slots go to those who joined first. If not all fit, the dominant speaker (if it is one of
  // the others) takes the slot of whoever spoke longest ago, of several the one who joined last.
  void assign(std::span<const Candidate> others, ParticipantId speaker);

  // More slots after those that there are.
  void grow(std::uint16_t count) { people_.resize(std::max<std::size_t>(count, people_.size())); }

  // By slot; an empty id for a free one.
  std::span<const ParticipantId> people() const { return people_; }

 private:
  std::vector<ParticipantId> people_;
};

}  // namespace liaison::signaling
