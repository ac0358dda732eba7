// When all faults are over, everybody is shown as many people as they have slots for, and gets
// whatever these publish.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

// Of what is shown to somebody, something must have come within this time. A silent microphone says
// something every 400 ms.
constexpr Duration fresh = milliseconds(1'500);
constexpr std::array source_names = {"microphone", "camera", "screen", "screen's sound"};

std::string missing(const Browser& viewer, std::size_t line, const Browser& from, Source source) {
  const DownStream* down = viewer.peer()->down(line);
  const Peer* theirs = from.peer();
  const auto index = static_cast<std::size_t>(source);
  if (down == nullptr || theirs == nullptr || !theirs->sends(index)) return {};
  const auto& shown = down->shown();
  if (shown && shown->stamp.person == from.id().value && shown->stamp.source == source &&
      shown->at + fresh > viewer.local())
    return {};
  return fmt::format("{} does not get the {} of {}", viewer.name(), source_names[index],
                     from.name());
}

// In a large group (loudest.hpp: more than eight open microphones) not everybody is heard, but
// whoever is known to talk is.
bool must_be_heard(const Browser& viewer, const Browser& from) {
  const auto open = [](const Browser& browser) { return browser.view().microphone ? 1 : 0; };
  const auto talks = [](const Browser& browser) { return browser.talks() == true ? 1 : 0; };
  int microphones = open(viewer);
  int talking = talks(viewer);
  for (const auto& [id, other] : viewer.others()) {
    microphones += open(*other);
    talking += talks(*other);
  }
  return from.view().microphone && (microphones <= 8 || (from.talks() == true && talking <= 4));
}

std::string unmet_of(const Browser& viewer) {
  if (viewer.peer() == nullptr) return fmt::format("{} has no peer connection", viewer.name());
  const auto others = viewer.others();
  const PersonSlots& offered = viewer.peer()->person_slots();
  const std::size_t slots = offered.count();
  std::size_t seen = 0;
  for (std::size_t slot = 0; slot < std::min(viewer.view().slots.size(), slots); ++slot) {
    const std::string& person = viewer.view().slots[slot];
    if (person.empty()) continue;
    const auto at = others.find(person);
    if (at == others.end()) continue;  // the roster is not right yet
    ++seen;
    const Browser& from = *at->second;
    std::string why;
    if (must_be_heard(viewer, from))
      why = missing(viewer, offered.line(slot), from, Source::microphone);
    if (why.empty() && from.view().camera)
      why = missing(viewer, offered.line(slot) + 1, from, Source::camera);
    if (!why.empty()) return why;
  }
  if (viewer.people().size() == others.size() && seen != std::min(others.size(), slots))
    return fmt::format("{} is shown {} of {} others, with {} slots", viewer.name(), seen,
                       others.size(), slots);
  if (slots < std::min<std::size_t>(viewer.people().size(), viewer.options().person_slots))
    return fmt::format("{} has {} slots for {} others", viewer.name(), slots, others.size());
  const bool shared =
      std::ranges::any_of(others, [](const auto& entry) { return entry.second->view().screen; });
  if (viewer.people().size() != others.size()) return {};
  if (shared == viewer.view().sharer.empty())
    return fmt::format("the screen slot of {} is {}", viewer.name(), shared ? "empty" : "in use");
  if (!shared) return {};
  const auto at = others.find(viewer.view().sharer);
  if (at == others.end()) return fmt::format("{} is shown the screen of nobody", viewer.name());
  std::string why = missing(viewer, offered.screen_line(), *at->second, Source::screen);
  if (why.empty() && at->second->view().screen_audio)
    why = missing(viewer, offered.screen_line() + 1, *at->second, Source::screen_audio);
  return why;
}

class DeliveryCheck : public Check {
 public:
  std::string_view name() const override { return "delivery"; }
  // A server that was cut off from a client may need 15 s to see that its handshake failed, and the
  // client then begins anew.
  Duration repair_limit() const override { return seconds(40); }
  std::string unmet(const World& world) const override { return first_unmet(world, unmet_of); }
};

}  // namespace

std::unique_ptr<Check> delivery_check() { return std::make_unique<DeliveryCheck>(); }

}  // namespace liaison::sim
