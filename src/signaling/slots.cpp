#include "signaling/slots.hpp"

#include <algorithm>

namespace liaison::signaling {

void Slots::assign(std::span<const Candidate> others, ParticipantId speaker) {
  const auto find = [&](ParticipantId person) {
    return std::ranges::find(others, person, &Candidate::person);
  };
  for (ParticipantId& person : people_) {
    if (person && find(person) == others.end()) person = {};
  }
  const auto has_slot = [&](ParticipantId person) {
    return std::ranges::find(people_, person) != people_.end();
  };
  auto free = std::ranges::find(people_, ParticipantId{});
  for (const Candidate& other : others) {
    if (free == people_.end()) break;
    if (has_slot(other.person)) continue;
    *free = other.person;
    free = std::find(free, people_.end(), ParticipantId{});
  }
  if (people_.empty() || !speaker || find(speaker) == others.end() || has_slot(speaker)) return;
  // All slots are taken, else the speaker would have one. Joined later means further on in
  // `others`.
  auto longest = people_.begin();
  for (auto slot = people_.begin(); slot != people_.end(); ++slot) {
    const auto candidate = find(*slot);
    const auto best = find(*longest);
    if (candidate->spoke < best->spoke || (candidate->spoke == best->spoke && candidate > best))
      longest = slot;
  }
  *longest = speaker;
}

}  // namespace liaison::signaling
