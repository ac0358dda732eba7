#include "io/bench.hpp"

#include <fmt/format.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/deadlines.hpp"
#include "base/ensure.hpp"
#include "base/packet_pool.hpp"
#include "base/slot_map.hpp"
#include "io/bench_figures.hpp"
#include "io/clock.hpp"
#include "io/descriptor.hpp"
#include "io/epoll.hpp"
#include "io/file_limit.hpp"
#include "io/http_pool.hpp"
#include "io/udp.hpp"
#include "load/client.hpp"
#include "transport/certificate.hpp"

namespace liaison::io {
namespace {

// What one turn receives at most is a batch of runs.
constexpr std::size_t pool_blocks = 8'192;
constexpr Duration join_timeout = seconds(15);
constexpr Duration leave_timeout = seconds(5);
// How long until nothing is missing any more: servers that estimate the paths of viewers begin low.
constexpr Duration settle_timeout = seconds(20);

constexpr Duration shortest_line = milliseconds(500);

constexpr std::uint64_t http_key = std::uint64_t{1} << 32;
constexpr std::uint64_t signal_key = std::uint64_t{2} << 32;

void print(const std::string& text) {
  fmt::print("{}", text);
  (void)std::fflush(stdout);  // whoever reads it reads it now
}

}  // namespace

class Bench::State {
 public:
  State() { sigemptyset(&blocked_); }
  ~State() { pthread_sigmask(SIG_UNBLOCK, &blocked_, nullptr); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<void> open(const BenchOptions& options);
  Result<void> run();

 private:
  struct Member;
  using MemberHandle = Handle<Member>;
  struct Member {
    Member(const load::ClientOptions& options, const transport::Certificate& certificate,
           UdpSocket its_socket)
        : publishes(options.publishes),
          client(options, certificate),
          socket(std::move(its_socket)) {}
    bool publishes;
    load::Client client;
    UdpSocket socket;
    MemberHandle handle;
    HttpUrl url;                     // where it asks
    std::optional<HttpUrl> session;  // and where it leaves
    Instant asked;
    bool connected = false;
    bool receives = false;
    bool failed = false;
  };
  enum class Phase : std::uint8_t { publishers, viewers, settling, measuring, leaving, over };
  Instant deadline() const;
  void wait(Instant until);
  void advance(Instant now);
  void enter(Phase phase, Instant now);
  void join_next(Instant now);
  void leave_all();
  HttpRequest request(std::string method) const;
  void answered(Member& member, const Result<HttpResponse>& response);
  void receive(Member& member, Instant now);
  void after(MemberHandle handle, Instant now);
  void fail_member(Member& member, std::string why);
  void count_receiving(const load::Tally& second);
  void report(Instant now, bool whole);
  std::uint32_t wanted(Phase phase) const;
  std::uint32_t present(bool publishers) const;

  BenchOptions options_;
  transport::Certificate certificate_;
  std::optional<HttpUrl> whip_;
  std::vector<HttpUrl> whep_;  // viewers take turns
  Descriptor epoll_, signals_;
  sigset_t blocked_{};  // while this lives; they come through signals_
  std::optional<HttpPool> http_;
  // Members refer to it: it goes last.
  PacketPool pool_{pool_blocks};
  std::optional<UdpSocket> first_socket_;  // whose memory all others use
  SlotMap<Member> members_;
  std::vector<MemberHandle> handles_;  // by the index of the handle
  Deadlines<Member> deadlines_;
  std::vector<std::uint32_t> ready_;
  std::vector<transport::Datagram> received_;
  load::Output out_;

  Phase phase_ = Phase::publishers;
  Instant began_, phase_ends_, next_join_, next_report_, last_report_, measured_since_;
  std::uint32_t asked_ = 0;  // clients, in all
  std::uint32_t publishers_ = 0, viewers_ = 0, failed_ = 0;
  std::uint32_t receiving_ = 0;  // in the last second
  bool settled_ = false;         // then everybody got everything
  std::string first_failure_;
  load::Tally whole_;
  load::Histogram connected_, first_media_;
};

// ── What it is told, and the whole course ──

Result<void> Bench::State::open(const BenchOptions& options) {
  options_ = options;
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  ENSURE(epoll_);
  http_.emplace(epoll_.get(), http_key, !options.insecure);
  if (options_.whip.empty()) options_.publishers = 0;
  for (const std::string& text : {options.whip, options.whep}) {
    if (text.empty()) continue;
    auto url = HttpUrl::parse(text);
    if (!url) return std::unexpected(url.error());
    if (auto known = http_->know(*url); !known) return known;
    if (&text == &options.whip || text == options.whip) whip_ = *url;
    if (text == options.whep) whep_.push_back(*url);
  }
  certificate_ = transport::generate_certificate(unix_now());
  raise_file_limit();
  auto socket = UdpSocket::open({options.from.value_or(IpAddress{}), 0});
  if (!socket) return std::unexpected(socket.error());
  first_socket_ = std::move(*socket);
  sigaddset(&blocked_, SIGINT);
  sigaddset(&blocked_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked_, nullptr);
  signals_ = Descriptor(signalfd(-1, &blocked_, SFD_CLOEXEC | SFD_NONBLOCK));
  ENSURE(signals_);
  watch(epoll_.get(), signals_.get(), signal_key);
  return {};
}

Result<void> Bench::State::run() {
  began_ = last_report_ = measured_since_ = monotonic_now();
  next_report_ = began_ + seconds(1);
  enter(Phase::publishers, began_);
  while (phase_ != Phase::over) {
    wait(deadline());
    for (const std::uint32_t index : ready_) {
      if (Member* member = members_.get(handles_[index])) {
        receive(*member, monotonic_now());
        after(handles_[index], monotonic_now());
      }
    }
    ready_.clear();
    // Each with the time of its own: it is in what a publisher sends.
    const Instant turn = monotonic_now();
    while (const auto handle = deadlines_.due(turn)) {
      const Instant now = monotonic_now();
      members_.get(*handle)->client.tick(now, out_);
      after(*handle, now);
    }
    for (const auto& answer : http_->take_answers()) {
      if (phase_ != Phase::leaving) answered(*members_.get(handles_[answer.id]), answer.response);
    }
    advance(monotonic_now());
  }
  if (failed_ > 0)
    return fail("bench_failed", fmt::format("{} of {} clients failed; the first: {}", failed_,
                                            asked_, first_failure_));
  if (whole_.lost > 0 || whole_.damaged > 0)
    return fail("bench_failed", fmt::format("{} packets were lost and {} damaged, of {} that came",
                                            whole_.lost, whole_.damaged, whole_.packets));
  return {};
}

Instant Bench::State::deadline() const {
  return std::min({deadlines_.next(), next_report_, phase_ends_, next_join_});
}

void Bench::State::wait(Instant until) {
  std::array<epoll_event, 256> room;
  for (const epoll_event& event : wait_until(epoll_.get(), room, until)) {
    const std::uint64_t key = event.data.u64;
    if (key == signal_key) {
      signalfd_siginfo info;
      while (read(signals_.get(), &info, sizeof info) > 0) {
      }
      // Whoever asks twice does not want to wait.
      enter(phase_ == Phase::leaving ? Phase::over : Phase::leaving, monotonic_now());
    } else if (http_->owns(key)) {
      http_->ready(key);
    } else {
      ready_.push_back(static_cast<std::uint32_t>(key));
    }
  }
}

std::uint32_t Bench::State::wanted(Phase phase) const {
  return options_.publishers + (phase == Phase::publishers ? 0 : options_.viewers);
}

// What the phase waited for has happened, or its time is over.
void Bench::State::advance(Instant now) {
  if (now >= next_join_) join_next(now);
  const bool late = now >= phase_ends_;
  const std::uint32_t there = publishers_ + viewers_ + failed_;
  switch (phase_) {
    case Phase::publishers:
    case Phase::viewers: {
      if (there < wanted(phase_) && !late) break;
      // Whoever is not there after all that time does not come.
      members_.for_each([&](MemberHandle, Member& member) {
        if (!member.connected && !member.failed) fail_member(member, "no connection in time");
      });
      const bool nobody =
          phase_ == Phase::publishers && options_.publishers > 0 && publishers_ == 0;
      if (nobody) {
        enter(Phase::leaving, now);
      } else {
        enter(phase_ == Phase::publishers ? Phase::viewers : Phase::settling, now);
      }
      break;
    }
    case Phase::settling:
      if (settled_ || late) enter(Phase::measuring, now);
      break;
    case Phase::measuring:
      if (late) enter(Phase::leaving, now);
      break;
    case Phase::leaving: {
      if (late || http_->idle()) enter(Phase::over, now);
      break;
    }
    case Phase::over:
      break;
  }
  if (now >= next_report_) report(now, false);
}

void Bench::State::enter(Phase phase, Instant now) {
  // Each phase has seconds of its own; all that came before the measurement is not measured.
  if (now - last_report_ > milliseconds(1)) report(now, false);
  if (phase == Phase::leaving && phase_ == Phase::measuring) report(now, true);
  const bool measured = phase_ == Phase::measuring;
  phase_ = phase;
  phase_ends_ = never;
  next_join_ = never;
  switch (phase) {
    case Phase::publishers:
    case Phase::viewers: {
      if (asked_ < wanted(phase)) next_join_ = now;
      const auto joins = wanted(phase) - asked_;
      phase_ends_ = now + join_timeout + Duration(seconds(joins)) / options_.joins_per_second;
      break;
    }
    case Phase::settling:
      phase_ends_ = now + settle_timeout;
      break;
    case Phase::measuring:
      measured_since_ = now;
      whole_ = {};
      if (options_.seconds > 0) phase_ends_ = now + seconds(options_.seconds);
      break;
    case Phase::leaving:
      if (!measured) report(now, true);
      http_->forget_waiting();
      leave_all();
      phase_ends_ = now + leave_timeout;
      break;
    case Phase::over:
      break;
  }
}

// ── Joining and leaving ──

void Bench::State::join_next(Instant now) {
  const bool publishes = asked_ < options_.publishers;
  const std::uint32_t number = asked_++;
  next_join_ = asked_ < wanted(phase_)
                   ? std::max(next_join_ + Duration(seconds(1)) / options_.joins_per_second,
                              now - milliseconds(100))
                   : never;
  auto socket = first_socket_->open_another({options_.from.value_or(IpAddress{}), 0});
  if (!socket || (!publishes && whep_.empty())) {
    ++failed_;
    if (first_failure_.empty())
      first_failure_ = socket ? "no answer to a publisher has a Link to where it can be watched; "
                                "give --whep"
                              : socket.error().message;
    return;
  }
  const load::ClientOptions options{
      .number = number,
      .publishes = publishes,
      .audio_bits_per_second = std::uint64_t{1'000} * options_.audio_kbit,
      .video_bits_per_second = std::uint64_t{1'000} * options_.video_kbit,
      .transport_cc = publishes || options_.transport_cc};
  const MemberHandle handle = members_.emplace(options, certificate_, std::move(*socket));
  Member& member = *members_.get(handle);
  member.asked = now;
  ENSURE(handle.index == handles_.size());
  handles_.push_back(handle);
  deadlines_.set(handle, never);
  watch(epoll_.get(), member.socket.fd(), handle.index);
  member.handle = handle;
  member.url = publishes ? *whip_ : whep_[number % whep_.size()];
  HttpRequest post = request("POST");
  post.headers.emplace_back("Content-Type", "application/sdp");
  std::optional<SocketAddress> candidate;
  if (options_.from) candidate = SocketAddress{*options_.from, member.socket.port()};
  post.body = member.client.offer(candidate);
  http_->ask(handle.index, member.url, std::move(post));
}

void Bench::State::leave_all() {
  members_.for_each([&](MemberHandle handle, Member& member) {
    if (member.session) http_->ask(handle.index, *member.session, request("DELETE"));
  });
}

void Bench::State::fail_member(Member& member, std::string why) {
  if (std::exchange(member.failed, true)) return;
  ++failed_;
  if (member.connected) --(member.publishes ? publishers_ : viewers_);
  if (first_failure_.empty())
    first_failure_ = fmt::format("{}: {}", member.publishes ? "a publisher" : "a viewer", why);
}

HttpRequest Bench::State::request(std::string method) const {
  HttpRequest request;
  request.method = std::move(method);
  if (!options_.token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + options_.token);
  return request;
}

void Bench::State::answered(Member& member, const Result<HttpResponse>& response) {
  if (!response) return fail_member(member, response.error().message);
  if (response->status != 201)
    return fail_member(member,
                       fmt::format("{} answered {}: {}", member.url.authority(), response->status,
                                   response->body.substr(0, response->body.find('\n'))));
  if (const auto session = member.url.resolve(response->header("location")))
    member.session = *session;
  // RFC 8288: "<URL>; rel=…". Of a server that says where its publishers are watched.
  const std::string_view link = response->header("link");
  if (member.publishes && options_.whep.empty() && link.starts_with('<')) {
    if (const auto url = member.url.resolve(link.substr(1, link.find('>') - 1)))
      whep_.push_back(*url);
  }
  const Instant now = monotonic_now();
  if (const auto taken = member.client.answer(response->body, now); !taken)
    return fail_member(member, taken.error().message);
  deadlines_.set(member.handle, now);
}

// ── Media ──

void Bench::State::receive(Member& member, Instant now) {
  (void)member.socket.receive_batch(pool_, received_);  // what is too long is no packet of ours
  for (const transport::Datagram& datagram : received_)
    member.client.receive(datagram.path.remote, datagram.packet.bytes(), now, out_);
  received_.clear();
}

// What the client said goes out, and what it has become is noted.
void Bench::State::after(MemberHandle handle, Instant now) {
  Member& member = *members_.get(handle);
  if (!out_.transport.transmits.empty()) {
    (void)member.socket.send_batch(out_.transport);  // what the network does not take is lost
    out_.transport.clear();
  }
  deadlines_.no_later(handle, member.client.deadline());
  if (member.failed) return;
  using ClientState = load::Client::State;
  const ClientState state = member.client.state();
  if (state == ClientState::failed && phase_ != Phase::leaving)
    return fail_member(member, member.connected ? "the server closed it" : "DTLS failed");
  if (!member.connected && state == ClientState::connected) {
    member.connected = true;
    ++(member.publishes ? publishers_ : viewers_);
    connected_.add(now - member.asked);
  }
  if (!member.receives && !member.publishes && member.client.receives()) {
    member.receives = true;
    first_media_.add(now - member.asked);
  }
}

void Bench::State::count_receiving(const load::Tally& second) {
  receiving_ = 0;
  members_.for_each([&](MemberHandle, Member& member) {
    if (!member.publishes && member.client.take_complete()) ++receiving_;
  });
  settled_ = phase_ == Phase::settling && receiving_ >= viewers_ && second.lost == 0;
}

void Bench::State::report(Instant now, bool whole) {
  BenchFigures figures;
  if (!whole) {
    figures.tally = out_.tally;
    whole_.add(out_.tally);
    out_.tally = {};
  } else {
    figures.tally = whole_;
  }
  const Instant since = whole ? measured_since_ : last_report_;
  const auto in_seconds = [](Duration duration) {
    return std::max(std::chrono::duration<double>(duration).count(), 1e-3);
  };
  figures.whole = whole;
  figures.at = in_seconds(now - began_);
  figures.seconds = in_seconds(now - since);
  figures.publishers = publishers_;
  figures.viewers = viewers_;
  figures.failed = failed_;
  members_.for_each(
      [&](MemberHandle, Member& member) { figures.skipped += member.client.skipped(); });
  if (!whole) count_receiving(figures.tally);
  figures.receiving = receiving_;
  figures.connected = connected_;
  figures.first_media = first_media_;
  figures.measuring = phase_ == Phase::measuring;
  // The rest of a second in which a phase ended says little.
  if (whole || now - last_report_ >= shortest_line)
    print(options_.json ? to_json(figures) : to_line(figures));
  if (whole) return;
  last_report_ = now;
  next_report_ = now + seconds(1);
}

Bench::Bench(std::unique_ptr<State> state) : state_(std::move(state)) {}
Bench::~Bench() = default;

Result<std::unique_ptr<Bench>> Bench::open(const BenchOptions& options) {
  auto state = std::make_unique<State>();
  if (auto done = state->open(options); !done) return std::unexpected(done.error());
  return std::unique_ptr<Bench>(new Bench(std::move(state)));
}

Result<void> Bench::run() { return state_->run(); }

}  // namespace liaison::io
