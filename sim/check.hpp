// What must hold in every simulated world, whatever happens in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "rtp/packet.hpp"
#include "sfu/command.hpp"
#include "sim/packetizer.hpp"

namespace liaison::sim {

class Browser;
class Peer;
class Server;
class World;

// RTP that a server gives to the network for a peer connection, decrypted there: before anything
// can happen to it on its way.
struct Forwarded {
  Instant at;  // the world's time
  const Server* server = nullptr;
  Peer* peer = nullptr;
  rtp::PacketView packet;
  std::size_t line = 0;  // m-line of the offer
  bool rtx = false;
  std::uint16_t sequence = 0;  // the original one, if it is a repetition
  // What the publisher wrote into it.
  PayloadReading reading;
};

// RTP or RTCP that a browser gives to the network.
struct SentByBrowser {
  Instant at;
  Peer* peer = nullptr;
  bool rtcp = false;
  Bytes plain;  // of RTP, the header
};

// One check, which watches a whole world; it fails by World::fail(). It sees everything at the
// place where it happens and changes nothing.
class Check {
 public:
  virtual ~Check() = default;
  virtual std::string_view name() const = 0;

  virtual void forwarded(World&, const Forwarded&) {}
  // The same where its browser has taken it in, if it came; `server` is not known there.
  virtual void received(World&, const Forwarded&) {}
  // Any datagram of a server, as it is on the wire.
  virtual void left_server(World&, const Server&, const SocketAddress& /*to*/,
                           Peer* /*nullptr: nobody's*/, Bytes) {}
  // RTCP of a server, decrypted where it leaves.
  virtual void reported(World&, Peer&, Bytes) {}
  virtual void sent(World&, const SentByBrowser&) {}
  // RTCP of a browser has reached the server's Sfu, and that has said all that it will say about
  // it.
  virtual void reached(World&, Peer&, const Server&, Bytes /*decrypted*/) {}
  // Any datagram of a browser has, likewise, as it is on the wire.
  virtual void arrived(World&, Peer&, const Server&, Bytes) {}
  // A worker takes this command now.
  virtual void commanded(World&, const Server&, std::size_t /*worker*/, const sfu::Command&) {}
  // Once a second of the world.
  virtual void second(World&) {}
  // A process is gone; what it knew is of no use any more.
  virtual void killed(World&, const Server&) {}
  // A peer connection is closed and about to be forgotten.
  virtual void closed(World&, Peer&) {}
  // What is not as it should be, once repair has had its time; empty if all is well. Asked again
  // and again after the faults have ended.
  virtual std::string unmet(const World&) const { return {}; }
  // How long that may be so at a stretch.
  virtual Duration repair_limit() const { return seconds(0); }
  // Everybody has left, and all that outlives a call has run out.
  virtual void ended(World&) {}
};

// What `of` finds of the first person who wants to be in a call and for whom all is not well.
std::string first_unmet(const World& world, std::string (*of)(const Browser&));

using Checks = std::vector<std::unique_ptr<Check>>;
// All there are (sim/checks/).
Checks all_checks();

}  // namespace liaison::sim
