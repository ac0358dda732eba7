// The numbers and times that a receiver gets run on without gap or return, whatever they carry.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/sequence.hpp"
#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

// A past that is replayed is pressed together: no more of it than a server keeps.
constexpr std::int32_t replayed = 3 * 90'000;
constexpr std::size_t remembered = 512;

class SequenceCheck : public Check {
 public:
  std::string_view name() const override { return "sequence"; }

  void forwarded(World& world, const Forwarded& sent) override {
    if (sent.rtx) return;
    const Ledger::Down* down = sent.server->ledger().down(sent.packet.ssrc());
    if (down == nullptr) world.fail(name(), "a packet for a slot that the worker does not know");
    Track& track = tracks_[sent.packet.ssrc()];
    const std::uint64_t out = track.sequence.unwrap(sent.sequence);
    const Stamp& stamp = sent.reading.stamp;
    const Packet packet{stamp.person,
                        stamp.source,
                        stamp.encoding,
                        stamp.number,
                        stamp.frame,
                        stamp.packet + 1 == stamp.packets,
                        track.run,
                        sent.packet.timestamp(),
                        sent.packet.timestamp() - stamp.timestamp};
    if (track.packets.contains(out))
      world.fail(name(), describe("is sent twice", sent, out, track));
    const Ledger::Endpoint* endpoint = sent.server->ledger().endpoint(down->endpoint);
    const std::uint64_t disconnections = endpoint == nullptr ? 0 : endpoint->disconnections;
    if (track.changes != down->changes || track.packets.empty())
      begin(world, sent, out, packet, track, disconnections);
    else if (out > track.packets.rbegin()->first)
      follow(world, sent, out, packet, track, disconnections);
    else
      insert_late(world, sent, out, packet, track);
    track.changes = down->changes;
    track.disconnections = disconnections;
    while (track.packets.size() > remembered) track.packets.erase(track.packets.begin());
  }

 private:
  struct Packet {
    std::uint32_t person = 0;
    Source source{};
    std::uint8_t encoding = 0;
    std::uint64_t number = 0;
    std::uint32_t frame = 0;
    bool ends_frame = false;
    std::uint64_t run = 0;  // counts the beginnings
    std::uint32_t timestamp = 0;
    std::uint32_t time_offset = 0;
    bool same_source(const Packet& other) const {
      return person == other.person && source == other.source && encoding == other.encoding;
    }
  };
  struct Track {
    Unwrapper<std::uint16_t> sequence;
    std::map<std::uint64_t, Packet> packets;  // by number
    std::uint64_t run = 0;
    std::uint64_t changes = 0;
    std::uint64_t disconnections = 0;
  };

  static std::string describe(std::string_view what, const Forwarded& sent, std::uint64_t out,
                              const Track& track) {
    const Stamp& stamp = sent.reading.stamp;
    std::string before = "nothing";
    if (!track.packets.empty()) {
      const auto& [last, packet] = *track.packets.rbegin();
      before = fmt::format("person {} source {} encoding {} number {} as {}", packet.person,
                           static_cast<int>(packet.source), packet.encoding, packet.number, last);
    }
    return fmt::format("{}: person {} source {} encoding {} number {} goes to {} as {}; before: {}",
                       what, stamp.person, static_cast<int>(stamp.source), stamp.encoding,
                       stamp.number, sent.peer->browser().name(), out, before);
  }

  // A new source: right behind what there was. One number may be left free, for a frame that was
  // cut off; what no path could take is not seen here.
  void begin(World& world, const Forwarded& sent, std::uint64_t out, Packet packet, Track& track,
             std::uint64_t disconnections) {
    if (!track.packets.empty()) {
      const std::uint64_t last = track.packets.rbegin()->first;
      if (out <= last) world.fail(name(), describe("repeats numbers", sent, out, track));
      if (out - last > 2 && disconnections == track.disconnections)
        world.fail(name(), describe("leaves a hole", sent, out, track));
      const auto forward =
          static_cast<std::int32_t>(packet.timestamp - track.packets.rbegin()->second.timestamp);
      if (forward <= 0) world.fail(name(), describe("goes back in time", sent, out, track));
    }
    packet.run = ++track.run;
    track.packets.emplace(out, packet);
  }

  void follow(World& world, const Forwarded& sent, std::uint64_t out, const Packet& packet,
              Track& track, std::uint64_t disconnections) {
    const auto& [last, before] = *track.packets.rbegin();
    // What is left out closes up, what was lost leaves its numbers free.
    const bool goes_on = packet.same_source(before) && packet.number > before.number &&
                         out - last <= packet.number - before.number && times_agree(before, packet);
    if (goes_on) {
      // Who knows nothing but numbers would take the next frame for one that does not follow.
      if (out == last + 1 && packet.frame != before.frame && !before.ends_frame)
        world.fail(name(), describe("cuts a frame off and leaves no gap", sent, out, track));
      track.packets.emplace(out, packet);
      return;
    }
    // Another encoding, or the same after a pause.
    if (!sent.reading.key)
      world.fail(name(), describe("numbers or times jump without a key frame", sent, out, track));
    begin(world, sent, out, packet, track, disconnections);
  }

  // Between its neighbours in number and time.
  void insert_late(World& world, const Forwarded& sent, std::uint64_t out, Packet packet,
                   Track& track) {
    const auto after = track.packets.upper_bound(out);
    if (after == track.packets.begin()) return;  // older than what is remembered
    const auto before = std::prev(after);
    packet.run = packet.same_source(before->second) ? before->second.run : after->second.run;
    const auto fits = [&](std::uint64_t at_a, const Packet& a, std::uint64_t at_b,
                          const Packet& b) {
      if (a.run != b.run) return true;
      return b.number > a.number && at_b - at_a <= b.number - a.number && times_agree(a, b);
    };
    if (!fits(before->first, before->second, out, packet) ||
        !fits(out, packet, after->first, after->second))
      world.fail(name(), describe("comes late under a wrong number or time", sent, out, track));
    track.packets.emplace(out, packet);
  }

  // Distances in time stay, but for a replayed past.
  static bool times_agree(const Packet& earlier, const Packet& later) {
    const auto pressed = static_cast<std::int32_t>(earlier.time_offset - later.time_offset);
    const auto forward = static_cast<std::int32_t>(later.timestamp - earlier.timestamp);
    return pressed >= 0 && pressed < replayed && forward >= 0;
  }

  std::unordered_map<std::uint32_t, Track> tracks_;
};

}  // namespace

std::unique_ptr<Check> sequence_check() { return std::make_unique<SequenceCheck>(); }

}  // namespace liaison::sim
