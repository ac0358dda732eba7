// Nothing crosses from one room to another, and nothing returns to whom it came from.
#include <fmt/format.h>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class IsolationCheck : public Check {
 public:
  std::string_view name() const override { return "isolation"; }

  void forwarded(World& world, const Forwarded& sent) override {
    const Browser& viewer = sent.peer->browser();
    const Stamp& stamp = sent.reading.stamp;
    if (stamp.room != viewer.room_number())
      world.fail(name(),
                 fmt::format("{} in room {} gets what person {} sends into room {}", viewer.name(),
                             viewer.room_number(), stamp.person, stamp.room));
    if (stamp.person == viewer.id().value && stamp.captured >= viewer.came_at())
      world.fail(name(), fmt::format("{} gets back what it has sent", viewer.name()));
  }
};

}  // namespace

std::unique_ptr<Check> isolation_check() { return std::make_unique<IsolationCheck>(); }

}  // namespace liaison::sim
