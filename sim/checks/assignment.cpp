// What goes to a slot is the track that is assigned to it, and that track is active: nobody is
// heard or seen who has muted, whatever their device sends.
#include <fmt/format.h>

#include <unordered_map>

#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class AssignmentCheck : public Check {
 public:
  std::string_view name() const override { return "assignment"; }

  void commanded(World& world, const Server& server, std::size_t,
                 const sfu::Command& command) override {
    const auto* open = std::get_if<sfu::OpenEndpoint>(&command);
    if (open == nullptr) return;
    if (const Peer* peer = world.peer_of(open->remote_ufrag))
      persons_[{server.number(), open->endpoint.value}] = peer->browser().id().value;
  }

  void forwarded(World& world, const Forwarded& sent) override {
    const Ledger& ledger = sent.server->ledger();
    const AnsweredLine& line = sent.peer->answered(sent.line);
    const Ledger::Down* down = ledger.down(line.ssrc);
    const Ledger::Up* up = down == nullptr ? nullptr : ledger.up(*down);
    const Stamp& stamp = sent.reading.stamp;
    const auto what = [&] {
      return fmt::format("source {} of person {} goes to m-line {} of {}",
                         static_cast<int>(stamp.source), stamp.person, sent.line,
                         sent.peer->browser().name());
    };
    if (up == nullptr) world.fail(name(), what() + ", to which nothing is assigned");
    const auto person = persons_.find({sent.server->number(), up->endpoint.value});
    if (up->line != static_cast<std::size_t>(stamp.source) ||
        (person != persons_.end() && person->second != stamp.person))
      world.fail(name(), what() + ", to which another track is assigned");
    if (!up->active) world.fail(name(), what() + " although it is muted");
  }
  void killed(World&, const Server& server) override {
    std::erase_if(persons_,
                  [&](const auto& entry) { return entry.first.first == server.number(); });
  }

 private:
  std::map<std::pair<std::uint8_t, std::uint64_t>, std::uint32_t> persons_;
};

}  // namespace

std::unique_ptr<Check> assignment_check() { return std::make_unique<AssignmentCheck>(); }

}  // namespace liaison::sim
