#include "sim/intruder.hpp"

#include <algorithm>

#include "sim/world.hpp"

namespace liaison::sim {
namespace {

constexpr std::size_t remembered = 64;
constexpr Duration pause = milliseconds(40);

}  // namespace

Intruder::Intruder(World& world, Random random) : world_(world), random_(random) {
  plan();
  world_.enlist(*this);
}

Intruder::~Intruder() { world_.dismiss(*this); }

void Intruder::plan() { next_ = world_.now() + random_.exponential(pause); }

void Intruder::overhear(std::uint8_t server, std::uint16_t port, Bytes bytes) {
  // One in so many, so that what it has is not all from one moment.
  if (heard_.size() >= remembered && ++passed_ % 16 != 0) return;
  Heard heard{server, port, {bytes.begin(), bytes.end()}};
  if (heard_.size() < remembered) {
    heard_.push_back(std::move(heard));
  } else {
    heard_[random_.below(remembered)] = std::move(heard);
  }
}

void Intruder::wake() {
  plan();
  if (heard_.empty()) return;
  const Heard& heard = heard_[random_.below(heard_.size())];
  std::vector<std::uint8_t> bytes = heard.bytes;
  switch (random_.below(4)) {
    case 0:
      bytes.resize(random_.below(bytes.size() + 1));
      break;
    case 1:
      if (!bytes.empty())
        bytes[random_.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << random_.below(8));
      break;
    case 2:
      // What it begins with decides where it goes; the rest is anything.
      for (std::size_t i = std::min<std::size_t>(bytes.size(), 12); i < bytes.size(); ++i)
        bytes[i] = static_cast<std::uint8_t>(random_.below(256));
      break;
    default:
      break;
  }
  const SocketAddress from{world_.intruder_ip(),
                           static_cast<std::uint16_t>(6'000 + random_.below(4))};
  world_.intrude(from, heard.server, heard.port, bytes);
}

}  // namespace liaison::sim
