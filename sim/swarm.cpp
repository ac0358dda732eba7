// A scenario in which everything is drawn: who is there, with what, on which networks, and what
// happens to them.
#include <fmt/format.h>

#include <array>

#include "sim/scenario.hpp"

namespace liaison::sim {
namespace {

LinkOptions any_network(Random& chance) {
  LinkOptions link;
  link.latency = chance.between(Duration{}, milliseconds(chance.chance(0.8) ? 80 : 400));
  link.jitter = chance.between(Duration{}, milliseconds(60));
  if (chance.chance(0.6)) link.loss = chance.unit() * 0.1;
  if (chance.chance(0.2)) {
    link.bad_loss = chance.unit();
    link.becomes_bad = chance.unit() * 0.02;
    link.becomes_good = 0.05 + chance.unit() * 0.5;
  }
  if (chance.chance(0.4)) link.reordered = chance.unit() * 0.05;
  if (chance.chance(0.3)) link.duplicated = chance.unit() * 0.03;
  if (chance.chance(0.3)) {
    link.bits_per_second =
        static_cast<std::uint64_t>(chance.between(std::int64_t{200'000}, std::int64_t{8'000'000}));
    link.queue = chance.between(milliseconds(50), milliseconds(600));
  }
  return link;
}

DiskFaults any_disk(Random& chance) {
  DiskFaults faults;
  if (chance.chance(0.5)) faults.write_error = chance.unit() * 0.5;
  if (chance.chance(0.3)) faults.short_write = chance.unit() * 0.5;
  if (chance.chance(0.3)) faults.sync_error = chance.unit() * 0.5;
  if (chance.chance(0.2)) faults.read_error = chance.unit() * 0.3;
  faults.full = chance.chance(0.2);
  faults.latency_max = chance.between(Duration{}, milliseconds(200));
  return faults;
}

class Swarm {
 public:
  explicit Swarm(World& world) : world_(world), chance_(world.chance()) {}

  void play() {
    make_server();
    const std::uint64_t people = 1 + chance_.below(chance_.chance(0.9) ? 6 : 16);
    rooms_ = 1 + chance_.below(3);
    if (chance_.chance(0.25)) world_.add_intruder();
    for (std::uint64_t i = 0; i < people; ++i) add_person();
    quiet_ = chance_.chance(0.15);
    const std::uint64_t turns = chance_.below(40);
    for (std::uint64_t i = 0; i < turns; ++i) {
      world_.run(chance_.exponential(milliseconds(1'200)));
      happen();
    }
    world_.run(chance_.between(Duration{}, seconds(5)));
    if (!server_->running()) server_->start();
  }

 private:
  void make_server() {
    ServerOptions options;
    options.workers = 1 + chance_.below(3);
    // A call on one worker, or spread over all.
    if (chance_.chance(0.5)) options.limits.endpoints_before_spreading = 1 + chance_.below(3);
    if (chance_.chance(0.4)) options.access = node::Access::invite;
    options.audio_red = chance_.chance(0.7);
    options.drift = (chance_.unit() - 0.5) * 400e-6;
    options.mailbox = chance_.chance(0.3) ? std::size_t{1} << chance_.between(3, 6) : 4'096;
    options.mail = chance_.between(Duration{}, milliseconds(5));
    server_ = &world_.add_server(options);
  }

  void add_person() {
    using enum rtp::CodecName;
    BrowserOptions options;
    if (chance_.chance(0.35)) options.engine.flavour = Flavour::firefox;
    options.engine.red = chance_.chance(0.7);
    options.engine.simulcast = chance_.chance(0.2);
    options.person_slots = static_cast<std::uint16_t>(1 + chance_.below(9));
    options.media.codec = std::array{vp8, vp8, vp9, av1, h264}[chance_.below(5)];
    options.media.key_svc = chance_.chance(0.3);
    options.media.spatial_layers = static_cast<std::uint8_t>(1 + chance_.below(3));
    options.media.temporal_layers = static_cast<std::uint8_t>(1 + chance_.below(3));
    options.media.camera_bitrate =
        static_cast<std::uint32_t>(chance_.between(std::int64_t{100'000}, std::int64_t{2'000'000}));
    options.media.redundancy = chance_.below(3);
    options.network = any_network(chance_);
    options.drift = (chance_.unit() - 0.5) * 400e-6;
    options.wall_error = microseconds(
        chance_.between(std::int64_t{-100'000'000'000}, std::int64_t{100'000'000'000}));
    options.wishes = any_wishes();
    Browser& browser = world_.add_browser(options);
    if (chance_.chance(0.1)) browser.block_udp(true);
    if (chance_.chance(0.8)) join(browser);
  }

  Wishes any_wishes() {
    Wishes wishes;
    wishes.microphone = chance_.chance(0.8);
    wishes.camera = chance_.chance(0.7);
    wishes.screen = chance_.chance(0.1);
    wishes.screen_audio = wishes.screen && chance_.chance(0.5);
    return wishes;
  }

  void join(Browser& browser) {
    const std::string room = fmt::format("room-{}", chance_.below(rooms_));
    browser.join(room, server_->options().access == node::Access::invite ? server_->invite(room)
                                                                         : std::string{});
  }

  void happen() {
    Browser& who = *world_.browsers()[chance_.below(world_.browsers().size())];
    switch (chance_.below(quiet_ ? 6 : 21)) {
      case 0:
        return who.wants_in() ? who.leave() : join(who);
      case 1:
      case 2:
        return who.publish(any_wishes());
      case 3:
        return who.reload();
      case 4:
        if (!who.wants_in()) join(who);
        return;
      case 5:
        return who.talk(chance_.chance(0.5));
      case 6:
        return who.crash();
      case 7:
      case 8:
        return who.change_network(any_network(chance_));
      case 9:
        return who.cut(chance_.chance(0.5));
      case 10:
        return who.up().cut(chance_.chance(0.5));
      case 11:
        return who.down().cut(chance_.chance(0.5));
      case 12:
        return who.move(chance_.chance(0.3));
      case 13:
        return who.rebind();
      case 14:
        return world_.break_connections(who);
      case 15:
        return server_->stall(chance_.below(3), chance_.exponential(milliseconds(300)));
      case 16:
        return change_disk();
      case 17:
        server_->jump_wall_clock(
            microseconds(chance_.between(std::int64_t{-600'000'000}, std::int64_t{600'000'000})));
        return who.jump_wall_clock(
            microseconds(chance_.between(std::int64_t{-600'000'000}, std::int64_t{600'000'000})));
      case 18:
        return who.block_udp(!who.udp_blocked());
      default:
        return end_process();
    }
  }

  void change_disk() {
    const bool faulty = chance_.chance(0.5);
    server_->disk().set_faults(faulty ? any_disk(chance_) : DiskFaults{});
    // While the store fails an invitation counts as used.
    if (faulty && server_->options().access == node::Access::invite)
      world_.expect_failure("token_used");
  }

  void end_process() {
    if (!server_->running()) return server_->start();
    switch (chance_.below(3)) {
      case 0:
        server_->stop();
        break;
      case 1:
        server_->kill();
        break;
      default:
        server_->cut_power();
    }
    if (chance_.chance(0.7)) {
      world_.run(chance_.exponential(seconds(2)));
      server_->start();
    }
  }

  World& world_;
  Random& chance_;
  Server* server_ = nullptr;
  std::uint64_t rooms_ = 1;
  bool quiet_ = false;  // nothing breaks
};

}  // namespace

void play_swarm(World& world) { Swarm(world).play(); }

}  // namespace liaison::sim
