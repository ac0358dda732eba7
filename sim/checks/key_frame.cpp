// Where a video track begins, or goes on with another picture than the one before, it begins with a
// key frame.
#include <fmt/format.h>

#include <unordered_map>

#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

class KeyFrameCheck : public Check {
 public:
  std::string_view name() const override { return "key_frame"; }

  void forwarded(World& world, const Forwarded& sent) override {
    const DownStream* down = sent.peer->down(sent.line);
    if (sent.rtx || down == nullptr || !down->video()) return;
    const Stamp& stamp = sent.reading.stamp;
    const From from{stamp.person, stamp.source, stamp.encoding};
    const auto [at, first] = sources_.try_emplace(sent.packet.ssrc(), from);
    if (!first && at->second == from) return;
    at->second = from;
    if (first && sent.peer->came_early(sent.packet.ssrc())) return;
    if (!sent.reading.key)
      world.fail(name(), fmt::format("what {} gets of person {} begins in the middle of frame {}",
                                     sent.peer->browser().name(), stamp.person, stamp.frame));
  }
  void closed(World&, Peer& peer) override {
    for (std::size_t line = 4; line < peer.line_count(); ++line)
      sources_.erase(peer.answered(line).ssrc);
  }

 private:
  struct From {
    std::uint32_t person = 0;
    Source source{};
    std::uint8_t encoding = 0;
    bool operator==(const From&) const = default;
  };
  std::unordered_map<std::uint32_t, From> sources_;
};

}  // namespace

std::unique_ptr<Check> key_frame_check() { return std::make_unique<KeyFrameCheck>(); }

}  // namespace liaison::sim
