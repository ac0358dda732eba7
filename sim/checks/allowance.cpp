// A server sends no more than it may: repetitions are a share of what they repeat, and an address
// that has proven nothing gets little more than it sent.
#include <fmt/format.h>

#include <unordered_map>

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"
#include "transport/demux.hpp"

namespace liaison::sim {
namespace {

// down_track.cpp: an allowance to begin with, and one byte in two.
constexpr std::uint64_t repeated_free = 64 * 1024;
// RFC 8445 and RFC 9000 section 8 alike: three times what came. DTLS repeats its flights, so that
// what the first client hello brings is counted for all of them.
constexpr std::uint64_t amplification = 3;
constexpr std::uint64_t handshake_free = 16 * 1024;

class AllowanceCheck : public Check {
 public:
  std::string_view name() const override { return "allowance"; }

  void forwarded(World& world, const Forwarded& sent) override {
    const std::uint32_t ssrc = sent.peer->answered(sent.line).ssrc;
    Track& track = tracks_[ssrc];
    const std::size_t size = sent.packet.payload().size();
    if (!sent.rtx) {
      track.sent += size;
      return;
    }
    track.repeated += size;
    if (track.repeated > repeated_free + track.sent / 2 + size)
      world.fail(name(), fmt::format("{} bytes were sent again to {}, of {} on that track",
                                     track.repeated, sent.peer->browser().name(), track.sent));
  }
  void arrived(World&, Peer& peer, const Server&, Bytes bytes) override {
    if (!peer.connected()) addresses_[peer.number()].came += bytes.size();
  }
  void left_server(World& world, const Server&, const SocketAddress& to, Peer* peer,
                   Bytes bytes) override {
    // Media goes to addresses that ICE and DTLS have proven.
    const auto kind = transport::classify(bytes);
    if (peer == nullptr || peer->connected() || kind == transport::DatagramKind::rtp ||
        kind == transport::DatagramKind::rtcp)
      return;
    Address& address = addresses_[peer->number()];
    address.went += bytes.size();
    if (address.went > handshake_free + amplification * address.came)
      world.fail(name(), fmt::format("{} has sent {} bytes and got {}", to.to_string(),
                                     address.came, address.went));
  }
  void closed(World&, Peer& peer) override {
    addresses_.erase(peer.number());
    for (std::size_t line = 4; line < peer.line_count(); ++line)
      tracks_.erase(peer.answered(line).ssrc);
  }

 private:
  struct Track {
    std::uint64_t sent = 0;
    std::uint64_t repeated = 0;
  };
  struct Address {
    std::uint64_t came = 0;
    std::uint64_t went = 0;
  };
  std::unordered_map<std::uint32_t, Track> tracks_;
  std::unordered_map<std::uint64_t, Address> addresses_;
};

}  // namespace

std::unique_ptr<Check> allowance_check() { return std::make_unique<AllowanceCheck>(); }

}  // namespace liaison::sim
