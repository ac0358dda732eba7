// What goes to a slot is the track that is assigned to it, and that track is active: nobody is
// heard or seen who has muted, whatever their device sends.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class AssignmentCheck : public Check {
 public:
  std::string_view name() const override { return "assignment"; }

  void commanded(World& world, const Server& server, std::size_t worker,
                 const sfu::Command& command) override {
    if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
      workers_[{server.number(), open->endpoint.value}] = worker;
      if (const Peer* peer = world.peer_of(open->remote_ufrag))
        persons_[{server.number(), open->endpoint.value}] = peer->browser().id().value;
    } else if (const auto* set = std::get_if<sfu::SetTrackActive>(&command)) {
      const Key track{server.number(), set->track.value};
      publishers_[track] = set->endpoint;
      if (set->active)
        ended_.erase(track);
      else
        ended_[track] = world.now();
    }
  }

  void forwarded(World& world, const Forwarded& sent) override {
    const Ledger& ledger = sent.server->ledger();
    const AnsweredLine& line = sent.peer->answered(sent.line);
    const Ledger::Down* down = ledger.down(line.ssrc);
    const Ledger::Up* up = down == nullptr ? nullptr : ledger.up(down->track);
    const Stamp& stamp = sent.reading.stamp;
    const auto what = [&] {
      return fmt::format("source {} of person {} goes to m-line {} of {}",
                         static_cast<int>(stamp.source), stamp.person, sent.line,
                         sent.peer->browser().name());
    };
    if (up == nullptr) {
      // When exactly its publisher went is not known here.
      if (down != nullptr && down->track)
        ended_.try_emplace({sent.server->number(), down->track.value}, world.now());
      if (down == nullptr || !on_the_way(world, *sent.server, *down))
        world.fail(name(), what() + ", to which nothing is assigned");
      return;
    }
    const auto person = persons_.find({sent.server->number(), up->endpoint.value});
    if (up->line != static_cast<std::size_t>(stamp.source) ||
        (person != persons_.end() && person->second != stamp.person))
      world.fail(name(), what() + ", to which another track is assigned");
    if (!up->active && !on_the_way(world, *sent.server, *down))
      world.fail(name(), what() + " although it is muted");
  }
  void killed(World&, const Server& server) override {
    const auto of_server = [&](const auto& entry) { return entry.first.first == server.number(); };
    std::erase_if(persons_, of_server);
    std::erase_if(workers_, of_server);
    std::erase_if(publishers_, of_server);
    std::erase_if(ended_, of_server);
  }

 private:
  using Key = std::pair<std::uint8_t, std::uint64_t>;  // server, and endpoint or track

  // What one worker had passed to another before the mute, or the end.
  bool on_the_way(const World& world, const Server& server, const Ledger::Down& down) const {
    const auto ended = ended_.find({server.number(), down.track.value});
    const auto publisher = publishers_.find({server.number(), down.track.value});
    if (ended == ended_.end() || publisher == publishers_.end()) return false;
    const auto from = workers_.find({server.number(), publisher->second.value});
    const auto to = workers_.find({server.number(), down.endpoint.value});
    if (from == workers_.end() || to == workers_.end() || from->second == to->second) return false;
    return world.now() <=
           std::max(ended->second, server.stood_still_until()) + server.options().mail;
  }

  std::map<Key, std::uint32_t> persons_;
  std::map<Key, std::size_t> workers_;    // of endpoints
  std::map<Key, EndpointId> publishers_;  // of tracks
  std::map<Key, Instant> ended_;          // tracks: muted last, or gone
};

}  // namespace

std::unique_ptr<Check> assignment_check() { return std::make_unique<AssignmentCheck>(); }

}  // namespace liaison::sim
