// A whole world in one thread and virtual time: servers, people with browsers, networks, disks.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/drop.hpp"
#include "sim/actor.hpp"
#include "sim/browser.hpp"
#include "sim/check.hpp"
#include "sim/client_script.hpp"
#include "sim/intruder.hpp"
#include "sim/random.hpp"
#include "sim/server.hpp"
#include "sim/stream.hpp"
#include "sim/timeline.hpp"
#include "transport/path.hpp"

namespace liaison::sim {

// A check did not hold. What is thrown out of a simulation.
class Failure : public std::runtime_error {
 public:
  Failure(std::string_view check, Duration at, const std::string& what)
      : std::runtime_error(what), check_(check), at_(at) {}
  std::string_view check() const { return check_; }
  Duration at() const { return at_; }  // since the world began

 private:
  std::string check_;
  Duration at_;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  // Gets a line for everything that happens, if there is one.
  std::function<void(std::string_view)> trace = {};
  // Gets every datagram as its server sees it, as a record of a capture file (pcap.hpp).
  std::function<void(Bytes)> capture = {};
};

// Moves everything, in the order of (time, serial), from one seed. Scenarios are written against
// this class: they make servers and browsers, tell them what to do, let time pass by run(), and end
// with settle(), which waits until all is well again, and finish().
class World : private ClientHost {
 public:
  explicit World(WorldOptions options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Server& add_server(const ServerOptions& options = {});
  Browser& add_browser(const BrowserOptions& options = {});
  Server& server(std::size_t index = 0) { return *servers_[index]; }
  const std::vector<std::unique_ptr<Server>>& servers() const { return servers_; }
  const std::vector<std::unique_ptr<Browser>>& browsers() const { return browsers_; }
  // Somebody who was not invited begins to send what others have sent.
  void add_intruder();
  // Sees everything that the checks see, from now on.
  void watch(std::unique_ptr<Check> watcher) { checks_.push_back(std::move(watcher)); }
  // What a scenario draws. Parts of the world have their own.
  Random& chance() { return chance_; }

  // Lets so much time pass.
  void run(Duration how_long);
  // Until `holds`, looking every 10 ms; fails as `what` after `limit`.
  void run_until(std::string_view what, Duration limit, const std::function<bool()>& holds);
  // `action` at a time from now.
  void after(Duration wait, std::function<void()> action);

  // All faults end. Fails unless all checks find all well within their limits: everybody who wants
  // to be in a call is, knows who else is, and gets everything that is shown to them.
  void settle();
  // Ends all faults, and no more.
  void heal();
  // Everybody leaves, and what outlives a call runs out: nothing may be left.
  void finish();

  // A person may be told this and must try again; any other failure of a client is a failure.
  void expect_failure(std::string_view code) { expected_failures_.insert(std::string(code)); }
  bool expects_failure(std::string_view code) const {
    return expected_failures_.contains(std::string(code));
  }

  [[noreturn]] void fail(std::string_view check, const std::string& what) const;

  Instant now() const { return now_; }
  Duration age() const { return now_ - begun_; }
  static UnixTime birth() { return UnixTime{} + std::chrono::hours(24 * 365 * 56); }
  // The time of day, for those whose clock is right.
  UnixTime wall() const { return birth() + duration_cast<microseconds>(age()); }
  // Of everything that happened, in order: two runs of one seed have the same.
  std::uint64_t fingerprint() const { return fingerprint_; }
  const Checks& checks() const { return checks_; }
  // Of all people together.
  Duration time_in_calls() const { return time_in_calls_; }
  // Datagrams and messages that were moved.
  std::uint64_t events() const { return events_; }

  // ── For the parts of the world ──
  template <typename... Arguments>
  void trace(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    if (options_.trace) line(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  bool traced() const { return static_cast<bool>(options_.trace); }
  template <typename Visit>
  void check(Visit&& visit) {
    for (const auto& one : checks_) visit(*one);
  }
  void enlist(Actor& actor);
  void dismiss(Actor& actor);
  // Something has happened to it: it may have another deadline now.
  void touch(Actor& actor);
  ClientScript& script() { return *script_; }
  // A time that OpenSSL sees until the next call.
  static void set_clock(Instant local);

  // A datagram of a browser: `seen` is its address outside. `rtcp` is its plaintext, if it is RTCP.
  void send_to_server(Browser& from, Peer& peer, const SocketAddress& inside,
                      const SocketAddress& to, Bytes bytes, Bytes rtcp);
  // Over UDP or TCP. Why TCP does not take it, if it does not.
  std::optional<Drop> send_to_client(Server& from, std::uint16_t port, const transport::Path& to,
                                     Bytes bytes);
  // TCP for media (RFC 6544): a peer connection opens it from an address inside, and hears of it by
  // Browser::tcp_opened() and so on. What comes over it has this number in its path.
  std::uint32_t open_tcp(Peer& peer, const SocketAddress& inside, const SocketAddress& to);
  void send_over_tcp(std::uint32_t connection, Bytes bytes, Bytes rtcp);
  void close_tcp(std::uint32_t connection);
  // The server knows nobody whom it could be for.
  void refuse_tcp(std::uint32_t connection);
  // What an intruder sends, as it comes to the server.
  void intrude(const SocketAddress& from, std::uint8_t server, std::uint16_t port, Bytes bytes);
  static IpAddress intruder_ip() { return IpAddress::v4(9, 255, 255, 1); }
  // Signaling, as the server's process does it.
  void send_message(ConnectionId connection, std::string text);
  void close_connection(ConnectionId connection, std::uint16_t code);
  // The system ends all connections of a process that is gone, with a word or without.
  void drop_connections(const Server& server, bool reset);
  // The system forgets what a browser's network no longer carries.
  void break_connections(const Browser& browser);
  // A page is gone; its connections end.
  void close_page(const Browser& browser);
  // Whose peer connection an outside address or a TCP connection is, or was last.
  Peer* owner(const transport::Path& outside) const;
  std::uint64_t number_of_peer() { return ++last_peer_; }
  void add(Peer& peer) { peers_[peer.number()] = &peer; }
  void forget(Peer& peer);
  // Rooms of one name on one server are one room.
  std::uint32_t number_of_room(std::size_t server, std::string_view room);
  Browser* browser(BrowserId id) const;
  // Whose address outside this is, or was.
  Browser* holder(const SocketAddress& outside) const;
  // nullptr if it is closed.
  Peer* peer(std::uint64_t number) const;
  const Peer* peer_of(std::string_view local_ufrag) const;

 private:
  struct Wake {
    std::uint64_t actor;
  };
  struct ToServer {
    std::uint8_t server;
    std::uint16_t port;
    SocketAddress from;
    std::uint64_t peer;
    std::vector<std::uint8_t> bytes;
    std::vector<std::uint8_t> rtcp;
  };
  struct ToClient {
    SocketAddress to;
    SocketAddress from;
    std::vector<std::uint8_t> bytes;
  };
  struct FrameArrives {
    ConnectionId connection;
    bool up = false;
    Frame frame;
  };
  struct Resend {
    ConnectionId connection;
    bool up = false;
  };
  struct Action {
    std::function<void()> action;
  };
  struct Second {};
  using Event = std::variant<Wake, ToServer, ToClient, FrameArrives, Resend, Action, Second>;

  // A WebSocket between a page and a server, or TCP for the media of a peer connection.
  struct Connection {
    BrowserId browser;
    std::uint32_t socket = 0;  // of a WebSocket
    std::uint64_t peer = 0;    // whose media; 0 for a WebSocket
    SocketAddress seen = {};   // of media: the browser's address outside
    bool placed = false;       // of media: a worker has it
    Instant heard = never;     // of media: when the server last got something
    std::uint8_t server = 0;
    bool client_open = false;  // the page knows it as open
    bool client_gone = false;  // the page has closed it, or is told nothing any more
    bool server_open = false;  // the server knows it as open
    bool broken = false;       // the network carries nothing of it any more
    int round_trips = 0;       // until it is open
    Stream up, down;
  };

  void line(const std::string& text);
  void note(std::uint64_t number);
  void note(Bytes bytes);
  void advance(Instant to);
  void step();
  std::vector<std::uint8_t> buffer(Bytes bytes);
  void recycle(std::vector<std::uint8_t> used);
  void capture(const SocketAddress& from, const SocketAddress& to, Bytes bytes);

  void try_again();
  // Reads what leaves a server before anything can happen to it.
  void tap(Server& from, Peer& peer, Bytes bytes);
  std::map<ConnectionId, Connection>::iterator find(BrowserId browser, std::uint32_t socket);

  void happen(Wake& wake);
  void happen(ToServer& datagram);
  void happen(ToClient& datagram);
  void happen(FrameArrives& arrival);
  void happen(Resend& resend);
  void happen(Action& action);
  void happen(Second& second);
  void arrives_at_server(ConnectionId id, Connection& connection, Frame frame);
  void arrives_at_client(ConnectionId id, Connection& connection, const Frame& frame);
  void media_arrives_at_server(ConnectionId id, Connection& connection, const Frame& frame);
  void media_arrives_at_client(ConnectionId id, Connection& connection, const Frame& frame);
  // A server has taken a datagram of this peer connection.
  void taken(Server& by, std::uint64_t peer, Bytes bytes, Bytes rtcp);
  // The server gives up TCP for media that brings nothing, or that takes nothing.
  void end_idle_tcp();
  void end_tcp(ConnectionId id, Connection& connection, std::string_view why);
  void send(ConnectionId id, Connection& connection, bool up, Frame frame);
  void pump(ConnectionId id, Connection& connection, bool up);
  void forget_if_over(ConnectionId id);
  template <typename Visit>
  void each_connection(Visit&& visit);

  // ClientHost
  void connect(BrowserId browser, std::uint32_t socket) override;
  void send(BrowserId browser, std::uint32_t socket, std::string text) override;
  void close_socket(BrowserId browser, std::uint32_t socket) override;
  void set_timer(BrowserId browser, std::uint32_t timer, Duration after) override;
  void cancel_timer(BrowserId browser, std::uint32_t timer) override;
  void open_peer(BrowserId browser, std::uint32_t peer) override;
  std::string offer(BrowserId browser, std::uint32_t peer, PersonSlots slots, bool restart,
                    std::uint32_t redundant) override;
  bool answer(BrowserId browser, std::uint32_t peer, const std::string& sdp) override;
  void set_sending(BrowserId browser, std::uint32_t peer, std::size_t line,
                   std::uint32_t encodings) override;
  void close_peer(BrowserId browser, std::uint32_t peer) override;
  void changed(BrowserId browser) override;

  WorldOptions options_;
  Random random_;
  Random chance_;
  Instant begun_ = Instant{} + seconds(1'000);
  Instant now_ = begun_;
  Timeline<Event> timeline_;
  std::uint64_t last_actor_ = 0;
  std::unordered_map<std::uint64_t, Actor*> actors_;
  std::vector<std::vector<std::uint8_t>> buffers_;
  std::vector<std::uint8_t> tapped_;
  std::uint64_t fingerprint_ = 0xcbf29ce484222325;
  std::uint64_t events_ = 0;
  Duration time_in_calls_{};

  std::set<std::string> expected_failures_;
  Checks checks_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::unique_ptr<ClientScript> script_;
  std::vector<std::unique_ptr<Browser>> browsers_;
  std::unique_ptr<Intruder> intruder_;
  std::uint64_t last_connection_ = 0;
  std::map<ConnectionId, Connection> connections_;
  std::unordered_map<SocketAddress, std::uint64_t> owners_;      // numbers of peers
  std::unordered_map<std::uint32_t, std::uint64_t> tcp_owners_;  // likewise
  std::uint64_t last_peer_ = 0;
  std::unordered_map<std::uint64_t, Peer*> peers_;
  std::map<std::pair<std::size_t, std::string>, std::uint32_t> rooms_;
};

}  // namespace liaison::sim
