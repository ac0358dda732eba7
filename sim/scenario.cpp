#include "sim/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "signaling/limits.hpp"

namespace liaison::sim {
namespace {

Browser& join(World& world, std::string_view name, std::string_view room = "room",
              const BrowserOptions& options = {}) {
  BrowserOptions made = options;
  made.name = name;
  Browser& browser = world.add_browser(made);
  Server& server = world.server(made.server);
  browser.join(room, server.options().access == node::Access::invite ? server.invite(room) : "");
  return browser;
}

bool connected(const World& world) {
  return std::ranges::all_of(world.browsers(), [](const auto& browser) {
    return !browser->wants_in() || browser->view().phase == "connected";
  });
}
void wait_until_connected(World& world) {
  world.run_until("everybody is connected", seconds(15), [&] { return connected(world); });
}

constexpr LinkOptions lossy = {.latency = milliseconds(40),
                               .jitter = milliseconds(30),
                               .loss = 0.05,
                               .reordered = 0.02,
                               .duplicated = 0.01};

// ── The stories of a call ──

void two_people(World& world) {
  world.add_server();
  // Her sequence numbers wrap soon.
  join(world, "ada", "room", {.media = {.first_sequence = 65'000}});
  join(world, "bert", "room", {.engine = {.flavour = Flavour::firefox}});
  wait_until_connected(world);
  world.run(seconds(60));
}

void hour(World& world) {
  world.add_server();
  join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  world.run(std::chrono::hours(1));
}

void bad_network(World& world) {
  world.add_server();
  join(world, "ada", "room", {.network = lossy});
  join(world, "bert", "room", {.network = lossy});
  world.run(seconds(60));
}

void screen(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  Browser& bert = join(world, "bert");
  join(world, "cleo");
  wait_until_connected(world);
  ada.publish({.screen = true, .screen_audio = true});
  world.run(seconds(10));
  // The latest to share is shown, and then the one before again.
  bert.publish({.screen = true});
  world.run(seconds(10));
  bert.publish({});
  world.run(seconds(5));
  ada.publish({.camera = false, .screen = true});
  world.run(seconds(5));
}

void many(World& world) {
  world.add_server();
  for (int i = 0; i < 12; ++i) {
    join(world, fmt::format("person-{}", i), "room",
         {.person_slots = static_cast<std::uint16_t>(i % 2 == 0 ? 4 : 16)});
    world.run(milliseconds(300));
  }
  wait_until_connected(world);
  world.run(seconds(20));
}

void two_rooms(World& world) {
  world.add_server();
  for (int i = 0; i < 6; ++i) join(world, fmt::format("person-{}", i), i % 2 == 0 ? "red" : "blue");
  wait_until_connected(world);
  world.run(seconds(20));
}

void mute(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  for (int i = 0; i < 20; ++i) {
    ada.publish({.microphone = i % 2 == 0, .camera = i % 3 != 0});
    world.run(world.chance().between(milliseconds(20), seconds(2)));
  }
  ada.publish({});
}

void reload(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  for (int i = 0; i < 5; ++i) {
    ada.reload();
    world.run(world.chance().between(milliseconds(50), seconds(5)));
  }
}

// The join of the first new page is sent again, ever more rarely, while the second new page comes
// in at once: the server hears the later join first.
void reload_twice(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada", "room", {.network = {.latency = milliseconds(150)}});
  const Browser& bert = join(world, "bert");
  wait_until_connected(world);
  ada.reload();
  // Its connection opens after three round trips, and what it then says is lost.
  world.run(world.chance().between(milliseconds(650), milliseconds(850)));
  ada.up().cut(true);
  world.run(milliseconds(2'100));
  ada.up().cut(false);
  ada.reload();
  wait_until_connected(world);
  world.run(seconds(5));
  if (!connected(world)) world.fail("scenario", "ada is out again");
  if (bert.people().size() != 1) world.fail("scenario", "ada is not there once");
}

void signaling_lost(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  const std::size_t offers = ada.offers();
  world.break_connections(ada);
  world.run_until("signaling is missed", seconds(15),
                  [&] { return ada.view().phase == "repairing"; });
  wait_until_connected(world);
  // The media went on all the time.
  if (ada.offers() != offers) world.fail("scenario", "ada has offered again");
}

void network_gone(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  ada.cut(true);
  world.run_until("the loss is shown", seconds(15),
                  [&] { return ada.view().phase == "reconnecting"; });
  world.run(seconds(20));
  ada.cut(false);
}

void other_network(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  join(world, "bert");
  wait_until_connected(world);
  for (int i = 0; i < 4; ++i) {
    i % 2 == 0 ? ada.move() : ada.rebind();
    world.run(seconds(15));
  }
}

void udp_blocked(World& world) {
  world.add_server();
  Browser& ada = world.add_browser({.name = "ada"});
  ada.block_udp(true);
  ada.join("room");
  Browser& bert = join(world, "bert");
  wait_until_connected(world);
  const auto see_each_other = [&] {
    return std::ranges::all_of(world.browsers(), [](const auto& browser) {
      const DownStream* camera = browser->peer() == nullptr ? nullptr : browser->peer()->down(5);
      return camera != nullptr && camera->frames_shown() > 0;
    });
  };
  world.run_until("both see each other", seconds(15), see_each_other);
  if (!ada.peer()->over_tcp()) world.fail("scenario", "ada's media does not go over TCP");
  if (bert.peer()->over_tcp()) world.fail("scenario", "bert's media goes over TCP");
  world.run(seconds(20));
  // The connection is cut without a word; nothing but another one helps.
  world.break_connections(ada);
  world.run_until("the loss is shown", seconds(15),
                  [&] { return ada.view().phase == "reconnecting"; });
  wait_until_connected(world);
  if (!ada.peer()->over_tcp()) world.fail("scenario", "ada's media does not go over TCP again");
  ada.block_udp(false);
  world.run(world.chance().between(Duration{}, seconds(2)));
  world.break_connections(ada);
  world.run(seconds(10));
  if (world.chance().chance(0.5)) bert.block_udp(true);
  world.run(seconds(10));
}

void server_restarts(World& world) {
  Server& server = world.add_server();
  for (const char* name : {"ada", "bert", "cleo"}) join(world, name);
  wait_until_connected(world);
  server.stop();
  world.run(seconds(3));
  server.start();
  world.run(seconds(10));
  server.kill();
  world.run(milliseconds(200));
  server.start();
}

void invited(World& world) {
  Server& server = world.add_server({.access = node::Access::invite});
  world.expect_failure("token_required");
  world.expect_failure("token_used");
  world.expect_failure("token_wrong_room");
  const std::string invitation = server.invite("room");
  Browser& ada = world.add_browser({.name = "ada"});
  ada.join("room", invitation);
  wait_until_connected(world);
  const auto refused = [&](std::string_view name, std::string_view room, std::string_view token) {
    Browser& somebody = world.add_browser({.name = std::string(name)});
    somebody.join(room, token);
    world.run_until("a refusal is shown", seconds(10),
                    [&] { return somebody.view().phase == "failed"; });
    somebody.leave();
  };
  refused("without", "room", "");
  refused("second", "room", invitation);
  refused("elsewhere", "other", server.invite("room"));
  // It stays used.
  server.cut_power();
  world.run(seconds(1));
  server.start();
  world.run(seconds(5));
  refused("third", "room", invitation);
  join(world, "bert");
}

// Its answer to the join is on its way, and will not arrive.
void lost_welcome(World& world) {
  // So slow that the server may die between the use of the token and the saving of the session.
  Server& server = world.add_server({.access = node::Access::invite, .mail = milliseconds(30)});
  Browser& bert = join(world, "bert");
  wait_until_connected(world);
  Browser& ada = join(world, "ada", "room", {.network = {.latency = milliseconds(150)}});
  world.run_until("the server lets ada in", seconds(10), [&] { return ada.was_let_in(); });
  switch (world.chance().below(4)) {
    case 0:
      ada.move();
      break;
    case 1:
      ada.move(true);
      break;
    case 2:
      ada.reload();
      break;
    default:
      ada.rebind();
      server.kill();
      world.run(world.chance().between(milliseconds(10), seconds(3)));
      server.start();
  }
  if (!ada.view().you.empty()) world.fail("scenario", "ada was told before it was lost");
  wait_until_connected(world);
  world.run_until("nobody is there twice", seconds(5), [&] { return bert.people().size() == 1; });
}

void codecs(World& world) {
  using enum rtp::CodecName;
  world.add_server();
  for (const auto codec : {vp8, vp9, h264, av1}) {
    for (const auto flavour : {Flavour::chromium, Flavour::firefox}) {
      join(world, fmt::format("person-{}", world.browsers().size()), "room",
           {.person_slots = 8,
            .engine = {.flavour = flavour, .red = flavour == Flavour::chromium},
            .media = {.codec = codec, .key_svc = codec == vp9 && flavour == Flavour::chromium}});
    }
  }
  wait_until_connected(world);
  world.run(seconds(20));
}

// ── The hard ones ──

void killed_while_ten_join(World& world) {
  Server& server = world.add_server();
  for (int i = 0; i < 10; ++i) {
    world.after(world.chance().between(Duration{}, milliseconds(800)),
                [&world, i] { join(world, fmt::format("person-{}", i)); });
  }
  world.run(world.chance().between(milliseconds(100), seconds(1)));
  server.kill();
  world.run(world.chance().between(milliseconds(10), seconds(3)));
  server.start();
  world.run(seconds(2));
}

void moved_during_dtls(World& world) {
  world.add_server();
  join(world, "bert");
  Browser& ada = join(world, "ada", "room", {.network = {.latency = milliseconds(150)}});
  world.run_until("the handshake begins", seconds(10),
                  [&] { return ada.peer() != nullptr && ada.peer()->state() == "connecting"; });
  world.run(world.chance().between(milliseconds(200), milliseconds(1'200)));
  ada.move();
  world.run(seconds(10));
}

void thirty_percent(World& world) {
  world.add_server();
  Browser& ada = join(world, "ada");
  Browser& bert = join(world, "bert");
  wait_until_connected(world);
  ada.change_network({.latency = milliseconds(30), .loss = 0.3});
  // What is lost of sound comes again with the frames behind it, once it is known that it is: from
  // the server three times, from a browser once.
  world.run(seconds(10));
  const auto play = [&](Browser& listener, double most) {
    const auto& sound = [&] { return listener.peer()->down(4)->sound(); };
    const DownStream::Sound before = sound();
    world.run(minutes(1));
    const auto due = static_cast<double>(sound().due - before.due);
    const auto concealed = static_cast<double>(sound().concealed - before.concealed);
    if (due < 2'900 || concealed > most * due)
      world.fail("scenario", fmt::format("{} hears {:.0f} frames, {:.0f} of them concealed",
                                         listener.name(), due, concealed));
  };
  ada.talk(true);
  bert.talk(true);
  play(ada, 0.03);
  play(bert, 0.12);
}

void full_mailbox(World& world) {
  Server& server = world.add_server({.workers = 1, .mailbox = 16});
  for (int i = 0; i < 4; ++i) join(world, fmt::format("person-{}", i));
  wait_until_connected(world);
  server.stall(0, seconds(2));
  for (int i = 4; i < 10; ++i) join(world, fmt::format("person-{}", i), "room");
  for (int i = 0; i < 10; ++i) {
    for (const auto& browser : world.browsers())
      browser->publish({.microphone = i % 2 == 0, .camera = i % 2 == 1});
    world.run(milliseconds(150));
  }
  for (const auto& browser : world.browsers()) browser->publish({});
}

void failing_disk(World& world) {
  Server& server = world.add_server({.access = node::Access::invite});
  world.expect_failure("token_used");
  join(world, "ada");
  wait_until_connected(world);
  server.disk().set_faults({.write_error = 0.5,
                            .short_write = 0.3,
                            .sync_error = 0.3,
                            .latency_max = milliseconds(500)});
  for (int i = 0; i < 6; ++i) {
    join(world, fmt::format("person-{}", i));
    world.run(seconds(1));
  }
  server.disk().set_faults({.full = true});
  world.run(seconds(3));
  server.kill();
  server.start();
  world.run(seconds(3));
}

void wrong_clocks(World& world) {
  Server& server = world.add_server({.drift = 200e-6});
  Browser& ada = join(world, "ada", "room", {.drift = -200e-6, .wall_error = hours(5)});
  join(world, "bert", "room", {.drift = 100e-6, .wall_error = -hours(24 * 400)});
  wait_until_connected(world);
  for (int i = 0; i < 6; ++i) {
    ada.jump_wall_clock(i % 2 == 0 ? hours(3) : -hours(3));
    server.jump_wall_clock(i % 2 == 0 ? -minutes(10) : minutes(10));
    world.run(seconds(20));
  }
}

void intruder(World& world) {
  world.add_server();
  world.add_intruder();
  for (const char* name : {"ada", "bert", "cleo"}) join(world, name);
  wait_until_connected(world);
  world.run(minutes(1));
  // They have not noticed: nobody was reconnected, or offered again.
  for (const auto& browser : world.browsers()) {
    if (browser->offers() != 1) world.fail("scenario", browser->name() + " has offered again");
  }
}

// What a call has needed is given back: after many of them a process holds what it held after a
// few.
void visitors(World& world) {
  const Server& server = world.add_server();
  std::vector<std::int64_t> held;
  for (int visit = 0; visit < 40; ++visit) {
    for (int i = 0; i < 3; ++i) {
      // The same people each time, under new names to the server.
      if (visit == 0) world.add_browser();
      world.browsers()[static_cast<std::size_t>(i)]->join("room");
      world.run(milliseconds(300));
    }
    wait_until_connected(world);
    world.run(seconds(3));
    for (const auto& browser : world.browsers()) browser->leave();
    // Sessions run out, and packets grow old.
    world.run(seconds(200));
    world.trace("after visit {} the server holds {} bytes", visit, server.heap());
    if (visit % 10 == 9) held.push_back(server.heap());
  }
  // A buffer that is kept for the next burst may have become larger once; what is lost with each
  // visit makes every ten of them dearer.
  if (std::ranges::adjacent_find(held, std::ranges::greater_equal()) == held.end())
    world.fail("memory", fmt::format("after 10, 20, 30 and 40 visits the server holds {} bytes",
                                     fmt::join(held, ", ")));
}

// As many as one page shows by default, on phones, which begin with four person slots. settle()
// sees that everybody has a slot for everybody, and gets all pictures and the sound of those who
// talk: four, of whom three came when slots were added.
void forty_nine(World& world) {
  constexpr std::uint16_t others = signaling::Limits{}.person_slots;
  world.add_server({.workers = 1, .pool_blocks = 65'536});
  for (int i = 0; i <= others; ++i) {
    world.after(i * milliseconds(250), [&world, i] {
      Browser& browser = join(world, fmt::format("person-{}", i), "room",
                              {.person_slots = others,
                               .first_person_slots = 4,
                               .media = {.fps = 2, .camera_bitrate = 30'000}});
      browser.talk(i % 16 == 0);
    });
  }
  world.run((others + 1) * milliseconds(250) + seconds(2));
  wait_until_connected(world);
  world.run(seconds(5));
  const auto expect_offers = [&](const Browser& browser, std::size_t count) {
    if (browser.offers() != count)
      world.fail("scenario", fmt::format("{} has made {} offers, not {}", browser.name(),
                                         browser.offers(), count));
  };
  // 4, 8, 16, 32, 48; whoever comes last asks for all at once.
  expect_offers(*world.browsers().front(), 5);
  expect_offers(*world.browsers().back(), 1);
  for (const auto& browser : world.browsers()) {
    if (browser->peer() == nullptr || browser->peer()->person_slots().count() != others)
      world.fail("scenario", fmt::format("{} has no place for {}", browser->name(), others));
  }
}

// media.md §7 item 9.
void three_hundred(World& world) {
  ServerOptions options{.workers = 1, .pool_blocks = 65'536};
  options.limits.people_per_room = 300;
  world.add_server(options);
  constexpr int people = 300;
  for (int i = 0; i < people; ++i) {
    world.after(i * milliseconds(40), [&world, i] {
      Browser& browser = join(world, fmt::format("person-{}", i), "room",
                              {.person_slots = 3, .wishes = {.camera = false}});
      browser.talk(false);
    });
  }
  world.run(people * milliseconds(40) + seconds(5));
  wait_until_connected(world);
  std::vector<std::size_t> offers;
  for (const auto& browser : world.browsers()) offers.push_back(browser->offers());
  for (int i = 0; i < 8; ++i) {
    Browser& speaker = *world.browsers()[world.chance().below(people)];
    speaker.talk(true);
    world.run_until("everybody is shown who speaks", seconds(5), [&] {
      return std::ranges::all_of(world.browsers(), [&](const auto& browser) {
        return browser.get() == &speaker ||
               std::ranges::find(browser->view().slots, speaker.view().you) !=
                   browser->view().slots.end();
      });
    });
    world.run(seconds(1));
    speaker.talk(false);
  }
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (world.browsers()[i]->offers() != offers[i])
      world.fail("scenario", fmt::format("{} has offered again", world.browsers()[i]->name()));
  }
}

constexpr std::array<Scenario, 28> all = {{
    {"two_people", "two people on a good network, one Chromium, one Firefox", two_people},
    {"hour", "two people for an hour: how fast is the simulator?", hour},
    {"bad_network", "two people who lose one packet in twenty both ways", bad_network},
    {"screen", "screens are shared, by one and by another", screen},
    {"many", "twelve people, some with fewer slots than others", many},
    {"two_rooms", "two rooms at once", two_rooms},
    {"mute", "somebody mutes and unmutes, again and again", mute},
    {"reload", "a page is loaded again in the middle of the call", reload},
    {"reload_twice", "a page is loaded again twice, and its joins arrive in the wrong order",
     reload_twice},
    {"signaling_lost", "the WebSocket is lost, and media goes on", signaling_lost},
    {"network_gone", "no network at all for a while", network_gone},
    {"other_network", "another address, or another port", other_network},
    {"udp_blocked", "the network lets no UDP through, and later does again", udp_blocked},
    {"server_restarts", "the server is stopped, and is killed", server_restarts},
    {"invited", "join tokens: needed, used once, for one room, whatever happens", invited},
    {"lost_welcome", "the answer to a join is lost, and the link opens again", lost_welcome},
    {"codecs", "everybody sends something else", codecs},
    {"killed_while_ten_join", "the server is killed while ten people join", killed_while_ten_join},
    {"moved_during_dtls", "the address changes during the handshake", moved_during_dtls},
    {"thirty_percent", "thirty percent of all packets are lost for a minute", thirty_percent},
    {"full_mailbox", "a worker stands still and its mailbox is full", full_mailbox},
    {"failing_disk", "the disk fails, is full, is slow", failing_disk},
    {"wrong_clocks", "clocks drift, are wrong, and jump", wrong_clocks},
    {"intruder", "somebody sends again what others have sent, as it was and changed", intruder},
    {"visitors", "people come and go, and the process does not grow", visitors},
    {"forty_nine", "49 people, each of whom gets to see and hear all the others", forty_nine},
    {"three_hundred", "300 people, and whoever speaks is shown without renegotiation",
     three_hundred},
    {"swarm", "everything is drawn", play_swarm},
}};
const World* playing = nullptr;
Duration played_until{};

// While it lives, this world is the one that is played.
class Playing {
 public:
  explicit Playing(const World& world) : world_(world) { playing = &world; }
  ~Playing() {
    played_until = world_.age();
    playing = nullptr;
  }
  Playing(const Playing&) = delete;
  Playing& operator=(const Playing&) = delete;

 private:
  const World& world_;
};

}  // namespace

std::span<const Scenario> scenarios() { return all; }

const Scenario* find_scenario(std::string_view name) {
  const auto at = std::ranges::find(all, name, &Scenario::name);
  return at == all.end() ? nullptr : &*at;
}

Outcome run(const Scenario& scenario, const WorldOptions& options) {
  World world(options);
  const Playing now(world);
  scenario.play(world);
  world.settle();
  const Duration in_calls = world.time_in_calls();
  world.finish();
  return {world.age(), in_calls, world.events(), world.fingerprint()};
}

Duration playing_age() { return playing == nullptr ? played_until : playing->age(); }

}  // namespace liaison::sim
