// A client that shows its person "reconnecting" sends no media: nobody is heard who believes not to
// be. The same before it is in a call, and after.
#include <fmt/format.h>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class ReconnectingCheck : public Check {
 public:
  std::string_view name() const override { return "reconnecting"; }

  void sent(World& world, const SentByBrowser& packet) override {
    if (packet.rtcp) return;
    const Browser& browser = packet.peer->browser();
    const std::string& phase = browser.view().phase;
    if (phase != "connected" && phase != "repairing" && phase != "connecting")
      world.fail(name(),
                 fmt::format("{} sends media while it shows \"{}\"", browser.name(), phase));
  }
};

}  // namespace

std::unique_ptr<Check> reconnecting_check() { return std::make_unique<ReconnectingCheck>(); }

}  // namespace liaison::sim
