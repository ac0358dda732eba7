// When everybody has left, nothing of them is left.
#include <fmt/format.h>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class MemoryCheck : public Check {
 public:
  std::string_view name() const override { return "memory"; }

  void ended(World& world) override {
    for (const auto& server : world.servers()) {
      if (!server->running()) continue;
      const auto none = [&](std::string_view what, std::size_t count) {
        if (count != 0)
          world.fail(name(), fmt::format("server {} is empty and still has {} {}", server->number(),
                                         count, what));
      };
      const node::NodeStats& stats = server->stats();
      none("connections", stats.connections);
      none("rooms", stats.rooms);
      none("people", stats.people);
      none("sessions", stats.sessions);
      for (std::size_t worker = 0; worker < server->options().workers; ++worker) {
        const Server::Load load = server->load(worker);
        none("endpoints", load.endpoints);
        none("calls on its workers", load.calls);
        none("packets", load.blocks_used);
      }
    }
  }
};

}  // namespace

std::unique_ptr<Check> memory_check() { return std::make_unique<MemoryCheck>(); }

}  // namespace liaison::sim
