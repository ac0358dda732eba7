// A bad network for real browsers: carries the packets between two network namespaces over the
// simulator's own links, in real time.
//   network_relay SITE_NAMESPACE SITE_ADDRESS HUB_ADDRESS     (as root, in the hub's namespace)
// It joins the two by a pair of TUN devices, through which they then reach each other's address.
// Each line of standard input changes what it is, for "up" (from the site) or "down" (to it):
//   down rate 600000 queue 300 delay 30 jitter 0 loss 0.1 bad_loss 0 becomes_bad 0 becomes_good 1
// A rate is in bit/s, times are in ms; 0 is no limit. Ten times a second it prints a line:
//   time_ms down_rate standing_ms peak_ms lost overflowed bytes
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "sim/link.hpp"

namespace {

using namespace liaison;

constexpr Duration report_interval = milliseconds(100);

[[noreturn]] void fail(std::string_view what) {
  fmt::print(stderr, "network_relay: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

Instant now() {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

void run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  int status = 0;
  errno = posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (errno != 0 || waitpid(child, &status, 0) != child || status != 0)
    fail(fmt::format("{}", fmt::join(words, " ")));
}

// A device in this thread's namespace, by which `there` is reached from `here`.
int make_device(const std::string& name, const std::string& here, const std::string& there) {
  const int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (ioctl(file, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  run({"ip", "link", "set", name, "up", "mtu", "1500", "txqueuelen", "2000"});
  run({"ip", "route", "replace", there, "dev", name, "src", here});
  return file;
}

int enter(const std::string& space) {
  const int file = open(space.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET) != 0) fail(space);
  return file;
}

// One direction: what comes out of one device goes into the other, later.
class Direction {
 public:
  Direction(int from, int to, std::uint64_t seed)
      : from_(from), to_(to), link_(options_, sim::Random(seed)) {
    options_.latency = {};
    link_.change(options_);
  }

  int from() const { return from_; }
  const sim::LinkOptions& options() const { return options_; }
  const sim::Link& link() const { return link_; }
  std::uint64_t bytes() const { return bytes_; }

  void change(std::istream& words) {
    std::string name;
    double value = 0;
    const auto ms = [&] { return std::chrono::duration_cast<Duration>(milliseconds(1) * value); };
    while (words >> name >> value) {
      if (name == "rate") options_.bits_per_second = static_cast<std::uint64_t>(value);
      if (name == "queue") options_.queue = ms();
      if (name == "delay") options_.latency = ms();
      if (name == "jitter") options_.jitter = ms();
      if (name == "loss") options_.loss = value;
      if (name == "bad_loss") options_.bad_loss = value;
      if (name == "becomes_bad") options_.becomes_bad = value;
      if (name == "becomes_good") options_.becomes_good = value;
    }
    link_.change(options_);
  }

  void take() {
    std::array<std::uint8_t, 65'536> room;
    for (;;) {
      const ssize_t size = read(from_, room.data(), room.size());
      if (size <= 0) return;
      const auto count = static_cast<std::size_t>(size);
      const auto arrivals = link_.carry(count, now());
      for (std::size_t i = 0; i < arrivals.count; ++i)
        waiting_.push({arrivals.at[i], ++serial_, {room.begin(), room.begin() + size}});
    }
  }
  void give() {
    while (!waiting_.empty() && waiting_.top().at <= now()) {
      const std::vector<std::uint8_t>& bytes = waiting_.top().bytes;
      if (write(to_, bytes.data(), bytes.size()) > 0) bytes_ += bytes.size();
      waiting_.pop();
    }
  }
  Instant next() const { return waiting_.empty() ? never : waiting_.top().at; }

 private:
  struct Packet {
    Instant at;
    std::uint64_t serial = 0;
    std::vector<std::uint8_t> bytes;
    bool operator<(const Packet& other) const {
      return at != other.at ? at > other.at : serial > other.serial;
    }
  };

  int from_;
  int to_;
  sim::LinkOptions options_;
  sim::Link link_;
  std::priority_queue<Packet> waiting_;
  std::uint64_t serial_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "network_relay SITE_NAMESPACE SITE_ADDRESS HUB_ADDRESS\n");
    return 2;
  }
  const std::string site = argv[2];
  const std::string hub = argv[3];
  // 1 µs, not 50: what waits is due at its time.
  if (prctl(PR_SET_TIMERSLACK, 1000) != 0) fail("prctl");
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) fail("/proc/self/ns/net");
  const int at_hub =
      make_device("bad" + site.substr(site.rfind('.', site.rfind('.') - 1) + 1), hub, site);
  const int space = enter(fmt::format("/run/netns/{}", argv[1]));
  const int at_site = make_device("bad0", site, hub);
  if (setns(home, CLONE_NEWNET) != 0) fail("setns");
  close(space);
  close(home);

  std::array<Direction, 2> directions = {Direction(at_site, at_hub, 1),
                                         Direction(at_hub, at_site, 2)};
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0) fail("timerfd_create");
  fmt::print("ready\n");
  [[maybe_unused]] int flushed = std::fflush(stdout);
  Instant report = now() + report_interval;
  Duration least = Duration::max();
  Duration most{};
  std::string line;
  for (;;) {
    // The queue is looked at at least every 10 ms.
    const Instant wake = std::min(
        {directions[0].next(), directions[1].next(), report, now() + Duration(milliseconds(10))});
    const auto since = std::max<std::int64_t>(wake.time_since_epoch().count(), 1);
    const itimerspec when{
        .it_interval = {},
        .it_value = {.tv_sec = since / 1'000'000'000, .tv_nsec = since % 1'000'000'000}};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr) != 0) fail("timerfd_settime");
    std::array<pollfd, 4> files = {{{directions[0].from(), POLLIN, 0},
                                    {directions[1].from(), POLLIN, 0},
                                    {timer, POLLIN, 0},
                                    {STDIN_FILENO, POLLIN, 0}}};
    if (poll(files.data(), files.size(), -1) < 0) continue;
    if (files[2].revents != 0) {
      std::uint64_t times = 0;
      [[maybe_unused]] const ssize_t got = read(timer, &times, sizeof times);
    }
    for (Direction& direction : directions) {
      direction.take();
      direction.give();
    }
    if (files[3].revents != 0) {
      std::array<char, 1'024> room;
      const ssize_t got = read(STDIN_FILENO, room.data(), room.size());
      // Whoever started it has gone.
      if (got <= 0) return 0;
      line.append(room.data(), static_cast<std::size_t>(got));
      for (std::size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
        std::istringstream words(line.substr(0, end));
        line.erase(0, end + 1);
        std::string which;
        words >> which;
        directions[which == "up" ? 0 : 1].change(words);
      }
    }
    const Direction& down = directions[1];
    const Duration waits = down.link().waiting(now());
    least = std::min(least, waits);
    most = std::max(most, waits);
    if (now() < report) continue;
    report += report_interval;
    const auto ms = [](Duration duration) {
      return std::chrono::duration<double, std::milli>(duration).count();
    };
    fmt::print("{:.0f} {} {:.1f} {:.1f} {} {} {}\n", ms(now().time_since_epoch()),
               down.options().bits_per_second, ms(least), ms(most), down.link().counts().lost,
               down.link().counts().overflowed, down.bytes());
    flushed = std::fflush(stdout);
    least = Duration::max();
    most = {};
  }
}
