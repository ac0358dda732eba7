// When all faults are over, everybody sees the same people, and sees of them what they publish.
#include <fmt/format.h>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

std::string unmet_of(const Browser& viewer) {
  if (viewer.view().phase != "connected")
    return fmt::format("{} is \"{}\"", viewer.name(), viewer.view().phase);
  const auto others = viewer.others();
  const auto& people = viewer.people();
  if (people.size() != others.size())
    return fmt::format("{} sees {} others, there are {}", viewer.name(), people.size(),
                       others.size());
  for (const ClientScript::Person& person : people) {
    const auto at = others.find(person.id);
    if (at == others.end())
      return fmt::format("{} sees {}, who is gone", viewer.name(), person.name);
    const ClientScript::View& theirs = at->second->view();
    if (person.name != at->second->name() || person.microphone != theirs.microphone ||
        person.camera != theirs.camera || person.screen != theirs.screen ||
        person.screen_audio != theirs.screen_audio)
      return fmt::format("{} has a wrong idea of what {} publishes", viewer.name(), person.name);
    if (!person.connected)
      return fmt::format("{} sees {} as not connected", viewer.name(), person.name);
  }
  return {};
}

class RosterCheck : public Check {
 public:
  std::string_view name() const override { return "roster"; }
  // Somebody whose leaving nobody heard of is found to be silent after 30 s, and is listed as
  // absent for 30 s more.
  Duration repair_limit() const override { return seconds(70); }
  std::string unmet(const World& world) const override { return first_unmet(world, unmet_of); }
};

}  // namespace

std::unique_ptr<Check> roster_check() { return std::make_unique<RosterCheck>(); }

}  // namespace liaison::sim
