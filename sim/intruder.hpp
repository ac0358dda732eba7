// Somebody on the network who was not invited.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "sim/actor.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

class World;

// Sees some of what browsers send to their server and sends it again from an address of its own: as
// it was, cut, changed, or in part made up. It knows no keys. Whatever it does, nobody may notice,
// and no media may come to it (checks admission and delivery).
class Intruder : public Actor {
 public:
  Intruder(World& world, Random random);
  ~Intruder() override;

  // A datagram of somebody else passes by, on its way to this port of the server.
  void overhear(std::uint8_t server, std::uint16_t port, Bytes bytes);

  void wake() override;
  Instant next() const override { return next_; }

 private:
  struct Heard {
    std::uint8_t server = 0;
    std::uint16_t port = 0;
    std::vector<std::uint8_t> bytes;
  };
  void plan();

  World& world_;
  Random random_;
  Instant next_;
  std::vector<Heard> heard_;
  std::uint64_t passed_ = 0;
};

}  // namespace liaison::sim
