// What a receiver asks for again is sent again as soon as its path allows, and what is missing of a
// publisher's video is asked for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/sequence.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "sim/checks/checks.hpp"
#include "sim/ledger.hpp"
#include "sim/world.hpp"
#include "transport/demux.hpp"

namespace liaison::sim {
namespace {

// Well within the history that a publisher's packets are kept in.
constexpr Duration askable = milliseconds(800);
// A server may refuse what is asked for when repetitions have used up their share of the bandwidth;
// below this it never does (down_track.cpp: 64 KiB, and one byte in two).
constexpr std::uint64_t free_bytes = 48 * 1024;
// From a new address nothing is taken before a connectivity check has come from it, which browsers
// send every 2.5 s, and of which some are lost.
constexpr Duration proven_within = seconds(8);
// The server waits 10 ms for what was only reordered; its timers may be a little late.
constexpr Duration ask_within = milliseconds(150);

// A server waits for a round trip before it repeats a packet again.
constexpr Duration too_soon = milliseconds(250);
constexpr std::uint64_t largest = 1'200;  // bytes of a packet
constexpr Duration flows = milliseconds(300);
constexpr Duration answer_within = milliseconds(500);

// What a server keeps in mind of an encoding, and for how long (nack.hpp). Beyond it, it forgets
// all and waits for a key frame, which it may have asked for long before.
constexpr std::uint64_t kept_in_mind = 500;
constexpr Duration kept_for = milliseconds(600);

class RepairCheck : public Check {
 public:
  std::string_view name() const override { return "repair"; }

  // ── From the server ──
  void forwarded(World& world, const Forwarded& sent) override {
    const std::uint32_t ssrc = sent.peer->answered(sent.line).ssrc;
    const DownStream* stream = sent.peer->down(sent.line);
    if (stream == nullptr || !stream->video()) return;
    Down& down = downs_[ssrc];
    if (sent.rtx) {
      down.repeated += sent.packet.payload().size();
      down.repetitions.emplace_back(sent.sequence, world.now());
      if (down.repetitions.size() > 512) down.repetitions.pop_front();
      std::erase_if(down.owed, [&](const Owed& owed) { return owed.sequence == sent.sequence; });
      repeating_[sent.peer->number()] = world.now();
      // A key frame may be repeated before it has had its turn in the pacer.
      note_key(down, sent);
      return;
    }
    const Ledger::Down* place = sent.server->ledger().down(ssrc);
    if (place != nullptr && place->changes != down.changes) {
      down.changes = place->changes;
      down.sent.clear();
      down.owed.clear();
      down.key.reset();
    }
    down.newest = sent.sequence;
    down.last_sent = sent.at;
    down.server = sent.server->number();
    down.sent[sent.sequence] = {sent.at};
    note_key(down, sent);
    if (down.sent.size() > 4'096)
      std::erase_if(down.sent, [&](const auto& e) { return e.second.at + askable < sent.at; });
  }

  // ── From the browser ──
  void reached(World& world, Peer& peer, const Server& server, Bytes bytes) override {
    const auto compound = rtcp::Compound::parse(bytes);
    if (!compound || !peer.connected() || !proven(world, peer)) return;
    for (const rtcp::PacketView packet : *compound) {
      const auto nack = rtcp::Nack::parse(packet);
      if (!nack) continue;
      const auto at = downs_.find(nack->media_ssrc());
      const Ledger::Down* place = server.ledger().down(nack->media_ssrc());
      if (at == downs_.end() || place == nullptr || place->changes != at->second.changes) continue;
      const Ledger::Endpoint* endpoint = server.ledger().endpoint(place->endpoint);
      const Ledger::Up* up = server.ledger().up(*place);
      if (endpoint == nullptr || !endpoint->connected || up == nullptr || !up->active) continue;
      nack->for_each([&](std::uint16_t sequence) { asked(world, peer, at->second, sequence); });
    }
  }

  // ── What is missing of a publisher ──
  void arrived(World& world, Peer& peer, const Server& server, Bytes bytes) override {
    if (transport::classify(bytes) != transport::DatagramKind::rtp || !peer.connected()) return;
    const std::uint32_t ssrc = load_u32(&bytes[8]);
    const UpStream* up = video_of(peer, ssrc);
    if (up == nullptr) return;
    Up& track = ups_[ssrc];
    track.peer = peer.number();
    track.server = server.number();
    const std::uint64_t number = track.sequence.unwrap(load_u16(&bytes[2]));
    if (std::exchange(track.seen, world.now()) < server.stood_still_until() + seconds(1)) {
      // What came meanwhile was not seen here, however long ago that was.
      track.missing.clear();
      track.highest = std::max(track.highest.value_or(number), number);
      return;
    }
    if (track.highest && number > *track.highest) {
      const std::uint64_t gap = number - *track.highest - 1;
      if (gap > 0) track.gaps.emplace_back(world.now(), gap);
      while (!track.gaps.empty() && track.gaps.front().first + kept_for < world.now())
        track.gaps.pop_front();
      std::uint64_t missing = 0;
      for (const auto& [at, count] : track.gaps) missing += count;
      if (gap >= 100 || missing > kept_in_mind) {
        // So much at once is asked for by a key frame, or in several messages.
        track.missing.clear();
      } else {
        for (std::uint64_t lost = *track.highest + 1; lost < number; ++lost)
          track.missing[lost] = world.now();
      }
    } else {
      track.missing.erase(number);
    }
    if (!track.highest || number > *track.highest) track.highest = number;
  }
  void reported(World&, Peer&, Bytes bytes) override {
    const auto compound = rtcp::Compound::parse(bytes);
    if (!compound) return;
    for (const rtcp::PacketView packet : *compound) {
      if (const auto nack = rtcp::Nack::parse(packet)) {
        const auto at = ups_.find(nack->media_ssrc());
        if (at == ups_.end()) continue;
        nack->for_each([&](std::uint16_t sequence) {
          std::erase_if(at->second.missing, [&](const auto& entry) {
            return static_cast<std::uint16_t>(entry.first) == sequence;
          });
        });
      } else if (const auto pli = rtcp::parse_pli(packet)) {
        const auto at = ups_.find(pli->media_ssrc);
        if (at != ups_.end()) at->second.missing.clear();
      }
    }
  }
  void killed(World&, const Server& server) override { forget(server); }

  void second(World& world) override {
    for (auto& [ssrc, down] : downs_) collect(world, down);
    for (auto& [ssrc, track] : ups_) {
      Peer* peer = world.peer(track.peer);
      if (peer == nullptr ||
          world.now() < world.server(track.server).stood_still_until() + seconds(1)) {
        track.missing.clear();
        continue;
      }
      const UpStream* up = video_of(*peer, ssrc);
      const std::uint16_t key = up == nullptr ? 0 : up->last_key(ssrc);
      for (auto at = track.missing.begin(); at != track.missing.end();) {
        const auto sequence = static_cast<std::uint16_t>(at->first);
        // A key frame that follows makes it needless.
        const bool needless =
            newer(key, sequence) || key == sequence || at->second + seconds(2) < world.now();
        if (!needless && at->second + ask_within < world.now() && reachable(world, *peer, track))
          world.fail(name(),
                     fmt::format("packet {} of SSRC {} of {} is missing at server {} since "
                                 "{} ms and was not asked for",
                                 sequence, ssrc, peer->browser().name(), track.server,
                                 duration_cast<milliseconds>(world.now() - at->second).count()));
        at = at->second + ask_within < world.now() ? track.missing.erase(at) : std::next(at);
      }
    }
  }
  void closed(World&, Peer& peer) override {
    for (std::size_t line = 4; line < peer.line_count(); ++line)
      downs_.erase(peer.answered(line).ssrc);
    std::erase_if(ups_, [&](const auto& entry) { return entry.second.peer == peer.number(); });
    repeating_.erase(peer.number());
  }

 private:
  struct Sent {
    Instant at;
    int asked = 0;
  };
  // Asked for and not sent yet.
  struct Owed {
    std::uint16_t sequence = 0;
    Instant asked;
    Instant sent;
  };
  struct Down {
    std::uint64_t changes = 0;
    std::unordered_map<std::uint16_t, Sent> sent;
    std::uint16_t newest = 0;
    std::optional<std::uint16_t> key;  // newest key frame's first
    std::uint64_t repeated = 0;        // bytes
    std::deque<std::pair<std::uint16_t, Instant>> repetitions;
    std::deque<Owed> owed;
    Instant last_sent;
    std::uint64_t peer = 0;
    std::uint8_t server = 0;
  };
  struct Up {
    std::uint64_t peer = 0;
    std::uint8_t server = 0;
    Unwrapper<std::uint16_t> sequence;
    std::optional<std::uint64_t> highest;
    Instant seen;  // the latest packet
    std::map<std::uint64_t, Instant> missing;
    std::deque<std::pair<Instant, std::uint64_t>> gaps;  // and how much was missing in each
  };

  // Whoever has a newer key frame needs nothing of what was before it.
  static void note_key(Down& down, const Forwarded& sent) {
    if (!sent.reading.key) return;
    if (!down.key || newer(sent.sequence, *down.key)) down.key = sent.sequence;
    std::erase_if(down.owed, [&](const Owed& owed) { return newer(*down.key, owed.sequence); });
  }
  static const UpStream* video_of(const Peer& peer, std::uint32_t ssrc) {
    for (const std::size_t line : {1U, 2U}) {
      const UpStream* up = peer.up(line);
      if (up != nullptr && up->is_media(ssrc)) return up;
    }
    return nullptr;
  }
  // The server has a path to ask on.
  static bool reachable(World& world, const Peer& peer, const Up& track) {
    const Server& server = world.server(track.server);
    return server.running() && peer.connected() && proven(world, peer) &&
           peer.state() == "connected" && server.ledger().connected(peer.local_ufrag());
  }
  static bool proven(const World& world, const Peer& peer) {
    return world.now() > peer.browser().moved_at() + proven_within;
  }
  void forget(const Server& server) {
    for (auto& [ssrc, track] : ups_) {
      if (track.server == server.number()) track.missing.clear();
    }
  }

  void asked(World& world, const Peer& peer, Down& down, std::uint16_t sequence) {
    const auto sent = down.sent.find(sequence);
    if (sent == down.sent.end() || sent->second.at + askable < world.now()) return;
    // A publisher's packets are kept up to a number, too (up_track.cpp: 1,024).
    if (static_cast<std::uint16_t>(down.newest - sequence) >= 1'000) return;
    if (sent->second.asked++ != 0) return;  // later ones may come too soon after the first
    if (down.key && newer(*down.key, sequence)) return;
    if (down.repeated + down.owed.size() * largest > free_bytes) return;
    // The server has had the question before this check; and what was repeated a moment ago, even
    // before the packet itself had its turn in the pacer, is not repeated again so soon.
    const bool answered = std::ranges::any_of(down.repetitions, [&](const auto& repetition) {
      return repetition.first == sequence &&
             repetition.second + too_soon >= std::max(sent->second.at, world.now());
    });
    if (answered) return;
    down.peer = peer.number();
    down.owed.push_back({sequence, world.now(), sent->second.at});
    if (down.owed.size() > 512) down.owed.pop_front();
  }
  // The pacer may hold it back, but not for long.
  void collect(World& world, Down& down) {
    const Peer* peer = world.peer(down.peer);
    if (peer == nullptr || peer->state() != "connected" || !proven(world, *peer) ||
        world.now() < world.server(down.server).stood_still_until() + seconds(1)) {
      down.owed.clear();
      return;
    }
    // Others that were asked for have used up what may be repeated.
    if (down.repeated > free_bytes) {
      down.owed.clear();
      return;
    }
    // What could not be sent in time is given up for the next key frame, and repetitions with it.
    if (down.last_sent + flows < world.now()) return;
    // Repetitions leave one after the other: while they do, those behind them wait.
    if (repeating_[down.peer] + flows > world.now()) return;
    for (const Owed& owed : down.owed) {
      if (owed.asked + answer_within < world.now())
        world.fail(name(),
                   fmt::format("{} has asked for packet {} {} ms ago, {} ms after it was sent, and "
                               "has not got it",
                               peer->browser().name(), owed.sequence,
                               duration_cast<milliseconds>(world.now() - owed.asked).count(),
                               duration_cast<milliseconds>(owed.asked - owed.sent).count()));
    }
  }

  std::unordered_map<std::uint32_t, Down> downs_;
  std::unordered_map<std::uint64_t, Instant> repeating_;  // by peer, the latest repetition
  std::unordered_map<std::uint32_t, Up> ups_;
};

}  // namespace

std::unique_ptr<Check> repair_check() { return std::make_unique<RepairCheck>(); }

}  // namespace liaison::sim
