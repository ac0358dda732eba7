#include "bench/network_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/world.hpp"

namespace liaison::bench {
namespace {

using sim::Browser;
using sim::BrowserOptions;
using sim::LinkOptions;
using sim::World;

constexpr std::uint64_t mbit = 1'000'000;
// Behind the soonest that a frame of sound can be there; NetEq comes to about as much on a path
// that loses a third.
constexpr Duration playout = milliseconds(100);
// Longer without a new picture is a freeze (W3C webrtc-stats: a frame's time and 150 ms).
constexpr Duration freeze = milliseconds(185);

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
double as_ms(Duration duration) { return as_seconds(duration) * 1000; }

// ── Numbers ──

// The `share`-th smallest of all, between them as they are; 0 of none.
template <typename T>
T quantile(std::vector<T> values, double share) {
  if (values.empty()) return T{};
  const auto at =
      static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

template <typename Get>
double mean(const std::vector<Sample>& samples, Get&& get) {
  if (samples.empty()) return 0;
  double sum = 0;
  for (const Sample& sample : samples) sum += get(sample);
  return sum / static_cast<double>(samples.size());
}

template <typename T>
std::vector<double> all_of(const std::vector<Sample>& samples, T Sample::* member) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) values.push_back(static_cast<double>(sample.*member));
  return values;
}

Figure at_most(std::string name, std::string unit, double value,
               std::optional<double> target = {}) {
  return {std::move(name), std::move(unit), value, target, true};
}
Figure at_least(std::string name, std::string unit, double value,
                std::optional<double> target = {}) {
  return {std::move(name), std::move(unit), value, target, false};
}

// ── Calls ──

// Cameras send three encodings of 150, 500 and 1,200 kbit/s.
BrowserOptions person(std::string_view name, const LinkOptions& network = {}) {
  BrowserOptions options;
  options.name = name;
  options.engine.simulcast = true;
  options.network = network;
  return options;
}

Browser& join(World& world, const BrowserOptions& options) {
  Browser& browser = world.add_browser(options);
  browser.join("room");
  return browser;
}

void wait_until_connected(World& world) {
  world.run_until("everybody is connected", seconds(30), [&] {
    return std::ranges::all_of(
        world.browsers(), [](const auto& browser) { return browser->view().phase == "connected"; });
  });
}

LinkOptions path(Duration round_trip, std::uint64_t rate = 0) {
  return {.latency = round_trip / 2, .bits_per_second = rate, .queue = milliseconds(300)};
}

// Only what comes down to the viewer has a rate: it is that which the server must find out.
void set(Browser& viewer, const LinkOptions& down) {
  LinkOptions up = down;
  up.bits_per_second = 0;
  viewer.up().change(up);
  viewer.down().change(down);
}

// A viewer and others, whose networks are good.
Browser& call_of(std::size_t people, World& world, const LinkOptions& down) {
  world.add_server();
  Browser& viewer = join(world, person("ada"));
  set(viewer, down);
  for (std::size_t i = 1; i < people; ++i) join(world, person(fmt::format("person-{}", i)));
  wait_until_connected(world);
  return viewer;
}

// ── Capacity in steps ──

struct Step {
  double high = 0;  // Mbit/s
  double low = 0;
  LinkOptions path = {};
  std::size_t people = 4;
};

Outcome play_step(const Step& step, std::uint64_t seed, double) {
  constexpr double fall = 20;
  constexpr double rise = 40;
  constexpr double end = 65;
  World world({.seed = seed});
  LinkOptions down = step.path;
  const auto rate = [&](double mbits) {
    down.bits_per_second = static_cast<std::uint64_t>(mbits * static_cast<double>(mbit));
    return down;
  };
  Browser& viewer = call_of(step.people, world, rate(step.high));
  Observation seen(world, viewer);
  seen.run(seconds(20));
  const Instant fell = seen.now();
  set(viewer, rate(step.low));
  seen.run(seconds(20));
  const Instant rose = seen.now();
  set(viewer, rate(step.high));
  seen.run(seconds(25));

  const auto low = seen.between(fall + 1, rise);
  const auto queues = all_of(low, &Sample::queue);
  // How long until the queue is under 50 ms and stays so for a second.
  double drained = rise - fall;
  double calm_since = -1;
  for (const Sample& sample : seen.between(fall, rise)) {
    if (sample.queue >= 50) {
      calm_since = -1;
    } else if (calm_since < 0) {
      calm_since = sample.time;
    }
    if (calm_since >= 0 && sample.time - calm_since >= 1) {
      drained = calm_since - fall;
      break;
    }
  }
  const auto layers = [](const Sample& sample) {
    int sum = 0;
    for (const int of_tile : sample.layers) sum += of_tile;
    return static_cast<double>(sum);
  };
  const double before = mean(seen.between(fall - 8, fall), layers);
  // Until for a whole second there are nine in ten of them.
  double back = end - rise;
  for (int tenths = 0; rise + tenths / 10.0 + 1 <= end; ++tenths) {
    const double at = rise + tenths / 10.0;
    if (mean(seen.between(at, at + 1), layers) < 0.9 * before) continue;
    back = at - rise;
    break;
  }
  const Recorder& recorder = seen.recorder();
  const auto estimate = [](const Sample& sample) { return sample.estimate / sample.capacity; };
  return {
      {at_most("queue is under 50 ms after", "s", drained, 1),
       at_most("standing queue from 1 s after the fall, p95", "ms", quantile(queues, 0.95), 50),
       at_most("the same, longest", "ms", quantile(queues, 1)),
       at_most("longest freeze at the fall", "ms",
               as_ms(recorder.longest_gap(fell, fell + seconds(5))), 300),
       at_most("longest freeze until the rise", "ms", as_ms(recorder.longest_gap(fell, rose)), 300),
       at_most("pictures paused while it is low", "%", 100 * recorder.paused(fell, rose)),
       at_most("90 % of the layers are back after", "s", back, 5),
       at_least("estimate while it is low, of capacity", "%",
                100 * mean(seen.between(fall + 5, rise), estimate))},
      seen.samples()};
}

// ── A path that stays as it is ──

struct Steady {
  LinkOptions path = {};
  std::optional<double> least_estimate = {};  // % of capacity
  std::optional<double> most_queue = {};      // ms
};

Outcome play_steady(const Steady& steady, std::uint64_t seed, double share) {
  World world({.seed = seed});
  Browser& viewer = call_of(4, world, steady.path);
  Observation seen(world, viewer);
  constexpr double settled = 15;
  const double end = settled + 45 * share;
  seen.run(seconds(15));
  const Instant from = seen.now();
  seen.run(duration_cast<milliseconds>(std::chrono::duration<double>(end - settled)));
  const Recorder& recorder = seen.recorder();
  const auto samples = seen.between(settled, end);
  const auto estimate = [](const Sample& sample) {
    return std::min(1.0, sample.estimate / sample.capacity);
  };
  const auto delivered = [](const Sample& sample) { return sample.delivered / sample.capacity; };
  return {
      {at_least("estimate, of capacity", "%", 100 * mean(samples, estimate), steady.least_estimate),
       at_least("media delivered, of capacity", "%", 100 * mean(samples, delivered)),
       at_most("standing queue, p95", "ms", quantile(all_of(samples, &Sample::queue), 0.95),
               steady.most_queue),
       at_most("frozen", "%", 100 * recorder.frozen(freeze, from, seen.now())),
       at_most("longest freeze", "ms", as_ms(recorder.longest_gap(from, seen.now())))},
      seen.samples()};
}

// ── Repair ──

Outcome play_repair(double loss, Duration round_trip, std::uint64_t seed, double share) {
  World world({.seed = seed});
  world.add_server();
  LinkOptions lossy = path(round_trip);
  Browser& viewer = join(world, person("ada", lossy));
  Browser& other = join(world, person("bert", lossy));
  wait_until_connected(world);
  Observation seen(world, viewer);
  lossy.loss = loss;
  // What carries media; requests and feedback get through.
  viewer.down().change(lossy);
  other.up().change(lossy);
  const Instant from = seen.now();
  seen.run(duration_cast<milliseconds>(std::chrono::duration<double>(120 * share)));
  const Recorder& recorder = seen.recorder();
  const Duration in_time = round_trip + milliseconds(10);
  std::array<double, 2> all{};
  std::array<double, 2> good{};
  std::array<double, 2> whole{};
  for (const Recorder::Hole& hole : recorder.holes()) {
    if (hole.needless || hole.seen + seconds(2) > seen.now()) continue;
    all[hole.upstream] += 1;
    if (hole.filled <= hole.seen + in_time) good[hole.upstream] += 1;
    if (hole.filled != never) whole[hole.upstream] += 1;
  }
  const auto percent = [](double part, double of) { return of == 0 ? 0 : 100 * part / of; };
  double answered = 0;
  for (const Duration answer : recorder.answers()) answered += answer <= milliseconds(10) ? 1 : 0;
  return {{at_least("holes filled within a round trip and 10 ms", "%",
                    percent(good[0] + good[1], all[0] + all[1]), 99),
           at_least("the same, lost between server and viewer", "%", percent(good[0], all[0])),
           at_least("the same, lost between publisher and server", "%", percent(good[1], all[1])),
           at_least("holes filled at all", "%", percent(whole[0] + whole[1], all[0] + all[1]), 99),
           at_least("requests answered by the server within 10 ms", "%",
                    percent(answered, static_cast<double>(recorder.answers().size())), 99),
           at_most("frozen", "%", 100 * recorder.frozen(freeze, from, seen.now())),
           at_most("longest freeze", "ms", as_ms(recorder.longest_gap(from, seen.now())))},
          seen.samples()};
}

// ── Speech ──

Outcome play_speech(double loss, std::optional<double> most, std::uint64_t seed, double share) {
  World world({.seed = seed});
  world.add_server();
  Browser& viewer = join(world, person("ada", path(milliseconds(60))));
  Browser& other = join(world, person("bert", path(milliseconds(60))));
  wait_until_connected(world);
  other.talk(true);
  world.run(seconds(2));
  Observation seen(world, viewer);
  LinkOptions lossy = path(milliseconds(60));
  lossy.loss = loss;
  for (Browser* one : {&viewer, &other}) set(*one, lossy);
  seen.run(duration_cast<milliseconds>(std::chrono::duration<double>(120 * share)));
  const Recorder& recorder = seen.recorder();
  return {{at_most("speech concealed", "%", 100 * recorder.concealed(playout), most),
           at_most("the same with 200 ms to wait", "%", 100 * recorder.concealed(2 * playout))},
          seen.samples()};
}

// ── Somebody else's bad uplink ──

struct Untouched {
  int lost_layers = 0;  // of the others' pictures
  double estimate = 0;
  std::vector<Sample> samples;
};

Untouched play_one_uplink(double loss, std::uint64_t seed) {
  World world({.seed = seed});
  Browser& viewer = call_of(4, world, path(milliseconds(60), 5 * mbit));
  Observation seen(world, viewer);
  seen.run(seconds(20));
  Browser& publisher = *world.browsers()[1];
  LinkOptions lossy = path(milliseconds(20));
  lossy.loss = loss;
  publisher.up().change(lossy);
  const Instant from = seen.now();
  seen.run(seconds(40));
  Untouched result;
  for (const std::size_t line : seen.tiles()) {
    if (seen.recorder().shown().at(line).back().person == publisher.id().value) continue;
    int last = seen.recorder().layers(line, from);
    for (Instant at = from; at < seen.now(); at += Observation::interval) {
      const int now = seen.recorder().layers(line, at);
      if (now < last) ++result.lost_layers;
      last = now;
    }
  }
  result.estimate =
      mean(seen.between(20, 60), [](const Sample& sample) { return sample.estimate; });
  result.samples = seen.samples();
  return result;
}

// Beside the same call without the loss.
Outcome play_uplink(double loss, std::uint64_t seed, double) {
  const Untouched good = play_one_uplink(0, seed);
  const Untouched bad = play_one_uplink(loss, seed);
  return {{at_most("times that others' pictures lose a layer, beyond those without the loss", "",
                   std::max(0, bad.lost_layers - good.lost_layers), 0),
           at_least("estimate for a viewer, of that without the loss", "%",
                    100 * bad.estimate / good.estimate)},
          bad.samples};
}

// ── Switches ──

// Six people, of whom a viewer shows the two who spoke last.
Outcome play_switches(std::uint64_t seed, double share) {
  World world({.seed = seed});
  world.add_server();
  std::vector<Browser*> people;
  for (int i = 0; i < 6; ++i) {
    BrowserOptions options = person(fmt::format("person-{}", i), path(milliseconds(60)));
    options.person_slots = 2;
    people.push_back(&join(world, options));
  }
  wait_until_connected(world);
  for (Browser* one : people) one->talk(false);
  Browser& viewer = *people.front();
  world.run(seconds(3));
  Observation seen(world, viewer);
  std::vector<Duration> from_word;
  Browser* speaker = nullptr;
  const auto wanted = static_cast<std::size_t>(1'000 * share);
  while (seen.recorder().switches().size() < wanted && seen.time() < 7'500) {
    Browser* next = people[1 + world.chance().below(5)];
    if (next == speaker) continue;
    if (speaker != nullptr) speaker->talk(false);
    speaker = next;
    speaker->talk(true);
    const Instant began = seen.now();
    const std::size_t before = seen.recorder().switches().size();
    seen.run(world.chance().between(milliseconds(1'500), milliseconds(2'500)) /
             Observation::interval * Observation::interval);
    if (seen.recorder().switches().size() == before) continue;
    for (const auto& [line, shown] : seen.recorder().shown()) {
      const auto first = std::ranges::find_if(shown, [&](const Recorder::Shown& one) {
        return one.at > began && one.person == speaker->id().value;
      });
      if (first != shown.end()) from_word.push_back(first->at - began);
    }
  }
  const auto& switches = seen.recorder().switches();
  const auto& skew = seen.recorder().lip_sync();
  return {
      {at_most("from the switch to the picture, p95", "ms", as_ms(quantile(switches, 0.95)), 400),
       at_most("the same, longest", "ms", as_ms(quantile(switches, 1))),
       at_most("from the first word to the picture, p95", "ms", as_ms(quantile(from_word, 0.95))),
       at_most("sound is early by, p97.5", "ms", as_ms(quantile(skew, 0.975)), 40),
       at_least("sound is early by, p2.5", "ms", as_ms(quantile(skew, 0.025)), -60),
       at_most("sound is early by at most", "ms", as_ms(quantile(skew, 1))),
       at_least("sound is early by at least", "ms", as_ms(quantile(skew, 0))),
       at_least("switches", "", static_cast<double>(switches.size()))},
      {}};
}

// ── TCP beside it ──

Outcome play_tcp(int ours, Duration queue, std::uint64_t seed, double share) {
  World world({.seed = seed});
  world.add_server();
  constexpr std::uint64_t each = 2 * mbit;
  sim::Bottleneck bottleneck(each * static_cast<std::uint64_t>(ours + 1), queue);
  std::vector<Browser*> viewers;
  for (int i = 0; i < 4; ++i) {
    Browser& one = join(world, person(fmt::format("person-{}", i), path(milliseconds(60))));
    if (i >= ours) continue;
    one.down().share(&bottleneck);
    viewers.push_back(&one);
  }
  wait_until_connected(world);
  world.run(seconds(20));
  Observation seen(world, *viewers.front());
  seen.share(bottleneck);
  seen.run(seconds(5));
  sim::TcpFlow tcp(bottleneck, {.round_trip = milliseconds(60)}, seen.now());
  seen.compete(tcp);
  seen.run(seconds(15));
  std::vector<std::unique_ptr<Observation>> others;
  std::vector<Recorder*> recorders = {&seen.recorder()};
  for (std::size_t i = 1; i < viewers.size(); ++i)
    recorders.push_back(
        &others.emplace_back(std::make_unique<Observation>(world, *viewers[i]))->recorder());
  std::vector<std::uint64_t> before;
  before.reserve(recorders.size());
  for (const Recorder* recorder : recorders) before.push_back(recorder->bytes());
  const double from = seen.time();
  const std::uint64_t tcp_before = tcp.bytes();
  const Instant since = seen.now();
  seen.run(duration_cast<milliseconds>(std::chrono::duration<double>(60 * share)));
  const double bits = static_cast<double>(bottleneck.bits_per_second()) * (seen.time() - from);
  double least = 1;
  for (std::size_t i = 0; i < recorders.size(); ++i) {
    least = std::min(least, static_cast<double>(recorders[i]->bytes() - before[i]) * 8 / bits);
  }
  return {{at_least("share of the poorer of our flows", "%", 100 * least,
                    ours == 2 ? std::optional(25.0) : std::nullopt),
           at_least("share of TCP", "%",
                    100 * static_cast<double>(tcp.bytes() - tcp_before) * 8 / bits),
           at_most("longest freeze", "ms", as_ms(seen.recorder().longest_gap(since, seen.now()))),
           at_most("pictures paused", "%", 100 * seen.recorder().paused(since, seen.now()))},
          seen.samples()};
}

std::vector<Cell> make_cells() {
  std::vector<Cell> made;
  const auto add = [&](std::string name, std::string tells, auto play) {
    made.push_back({std::move(name), std::move(tells), std::move(play)});
  };
  const auto step = [&](std::string name, std::string tells, const Step& one) {
    add(std::move(name), std::move(tells),
        [one](std::uint64_t seed, double share) { return play_step(one, seed, share); });
  };
  const auto steady = [&](std::string name, std::string tells, const Steady& one) {
    add(std::move(name), std::move(tells),
        [one](std::uint64_t seed, double share) { return play_steady(one, seed, share); });
  };
  step("step_2500_600", "2.5 → 0.6 → 2.5 Mbit/s, 60 ms, three pictures",
       {.high = 2.5, .low = 0.6, .path = path(milliseconds(60))});
  step("step_2500_600_one", "2.5 → 0.6 → 2.5 Mbit/s, 60 ms, one picture",
       {.high = 2.5, .low = 0.6, .path = path(milliseconds(60)), .people = 2});
  step("step_4000_500", "4 → 0.5 → 4 Mbit/s, 60 ms, three pictures",
       {.high = 4, .low = 0.5, .path = path(milliseconds(60))});
  for (const int ms : {20, 100, 300}) {
    step(fmt::format("step_2500_600_{}ms", ms), fmt::format("2.5 → 0.6 → 2.5 Mbit/s, {} ms", ms),
         {.high = 2.5, .low = 0.6, .path = path(milliseconds(ms))});
  }
  LinkOptions shaky = path(milliseconds(60));
  shaky.jitter = milliseconds(20);
  shaky.loss = 0.01;
  step("step_2500_600_shaky", "2.5 → 0.6 → 2.5 Mbit/s, 60 ms and up to 20 more, 1 % lost",
       {.high = 2.5, .low = 0.6, .path = shaky});

  for (const int percent : {5, 10, 30}) {
    LinkOptions lossy = path(milliseconds(60), 2'500'000);
    lossy.loss = percent / 100.0;
    steady(fmt::format("loss_{}", percent),
           fmt::format("2.5 Mbit/s, 60 ms, {} % lost both ways", percent),
           {.path = lossy, .least_estimate = percent == 10 ? std::optional(70.0) : std::nullopt});
  }
  LinkOptions bursts = path(milliseconds(60), 2'500'000);
  bursts.bad_loss = 0.8;
  bursts.becomes_bad = 0.004;
  bursts.becomes_good = 0.1;
  steady("bursts", "2.5 Mbit/s, 60 ms, 3 % lost both ways in bursts of ten", {.path = bursts});
  for (const int ms : {20, 100, 300}) {
    steady(fmt::format("delay_{}", ms), fmt::format("2.5 Mbit/s, {} ms", ms),
           {.path = path(milliseconds(ms), 2'500'000), .most_queue = 80});
  }
  LinkOptions jitter = path(milliseconds(60), 2'500'000);
  jitter.jitter = milliseconds(30);
  steady("jitter", "2.5 Mbit/s, 60 ms and up to 30 more", {.path = jitter, .most_queue = 80});

  add("repair_5", "5 % lost of the media on both legs, 50 ms each",
      [](std::uint64_t seed, double share) {
        return play_repair(0.05, milliseconds(50), seed, share);
      });
  for (const int percent : {10, 30}) {
    add(fmt::format("speech_{}", percent),
        fmt::format("speech with RED, {} % lost both ways on both legs, 60 ms each", percent),
        [percent](std::uint64_t seed, double share) {
          return play_speech(percent / 100.0, percent == 30 ? std::optional(3.0) : std::nullopt,
                             seed, share);
        });
  }
  for (const int percent : {10, 30}) {
    add(fmt::format("uplink_{}", percent), fmt::format("a publisher's uplink loses {} %", percent),
        [percent](std::uint64_t seed, double share) {
          return play_uplink(percent / 100.0, seed, share);
        });
  }
  add("switches", "six people take turns, two are shown", play_switches);
  add("tcp", "two of our flows and one TCP with CUBIC, 6 Mbit/s, 60 ms, queue of 100 ms",
      [](std::uint64_t seed, double share) { return play_tcp(2, milliseconds(100), seed, share); });
  add("tcp_one", "one of our flows and one TCP with CUBIC, 4 Mbit/s, 60 ms, queue of 100 ms",
      [](std::uint64_t seed, double share) { return play_tcp(1, milliseconds(100), seed, share); });
  add("tcp_deep", "two of our flows and one TCP with CUBIC, 6 Mbit/s, 60 ms, queue of 300 ms",
      [](std::uint64_t seed, double share) { return play_tcp(2, milliseconds(300), seed, share); });
  return made;
}

}  // namespace

const std::vector<Cell>& cells() {
  static const std::vector<Cell> all = make_cells();
  return all;
}

}  // namespace liaison::bench
