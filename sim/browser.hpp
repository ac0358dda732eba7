// A person with a browser: the client's own logic, and the media engine under it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "sim/actor.hpp"
#include "sim/client_script.hpp"
#include "sim/link.hpp"
#include "sim/local_clock.hpp"
#include "sim/nat.hpp"
#include "sim/offer.hpp"
#include "sim/peer.hpp"
#include "sim/random.hpp"

namespace liaison::sim {

class World;

// What a person wants to send.
struct Wishes {
  bool microphone = true;
  bool camera = true;
  bool screen = false;
  bool screen_audio = false;
  bool operator==(const Wishes&) const = default;
};

struct BrowserOptions {
  std::string name = "somebody";
  std::size_t server = 0;
  // The most, and with how many it begins; 0 = half of them.
  std::uint16_t person_slots = 4;
  std::uint16_t first_person_slots = 0;
  OfferOptions engine = {};  // flavour, codecs; the rest is filled in
  MediaOptions media = {};
  LinkOptions network = {};
  Wishes wishes = {};
  double drift = 0;
  microseconds wall_error{};  // its clock of the day is wrong by this
};

// One browser with one page, on its own network behind a translator. The page runs the client's own
// code (ClientScript); this class is what the code calls a WebSocket, a timer and an
// RTCPeerConnection. It does not know what the server is.
class Browser : public Actor {
 public:
  Browser(World& world, BrowserId id, BrowserOptions options, Random random);
  ~Browser() override;

  // ── What people do ──
  // Opens the page and joins `room`; `token` where the room wants one.
  void join(std::string_view room, std::string_view token = {});
  void leave();
  void publish(const Wishes& wishes);
  // Talks, or is silent, from now on, and not as it is drawn.
  void talk(bool talking);
  // The page is loaded again, and goes back into its call.
  void reload();
  // The browser is gone from one moment to the next.
  void crash();

  // ── What happens to their networks ──
  Link& up() { return up_; }
  Link& down() { return down_; }
  void change_network(const LinkOptions& options);
  void cut(bool cut);
  // The network lets no UDP through.
  void block_udp(bool block);
  bool udp_blocked() const { return udp_blocked_; }
  // Another network, with another address. The page is told, unless `silently`.
  void move(bool silently = false);
  // The translator forgets: what is sent next comes from another port.
  void rebind();
  // Uncut, unblocked, and good enough for everything.
  void heal_network();
  // When what it sends last began to come from another address.
  Instant moved_at() const { return moved_at_; }
  void jump_wall_clock(microseconds by) { clock_.jump(by); }

  BrowserId id() const { return id_; }
  const BrowserOptions& options() const { return options_; }
  const std::string& name() const { return options_.name; }
  const std::string& room() const { return room_; }
  std::uint32_t room_number() const { return room_number_; }
  // When it last joined as somebody new. Whoever it was before may be in the room for a while yet.
  Instant came_at() const { return came_at_; }
  const Wishes& wishes() const { return options_.wishes; }
  // Wants to be in a call: has joined and not left.
  bool wants_in() const { return wants_in_; }
  // Its server has let it in, as somebody new or (`resumed`) as whom it was before.
  void let_in(bool resumed);
  // One of those whom it was has left, or was put out.
  void put_out();
  bool was_let_in() const { return was_let_in_; }
  // When the last of those whom it was has left.
  std::optional<Instant> put_out_at() const { return put_out_at_; }
  // Who else wants to be in its room, by their public ids.
  std::map<std::string, const Browser*> others() const;
  std::optional<bool> talks() const { return talks_; }
  // Offers made since it first joined.
  std::size_t offers() const { return offers_; }
  const ClientScript::View& view() const { return view_; }
  // Who else is there, as its page shows it.
  const std::vector<ClientScript::Person>& people() const;
  Peer* peer() { return peer_.get(); }
  const Peer* peer() const { return peer_.get(); }
  const LocalClock& local_clock() const { return clock_; }
  Instant local() const;
  Nat& nat() { return nat_; }
  const Nat& nat() const { return nat_; }
  IpAddress inside() const { return IpAddress::v4(192, 168, 1, 2); }
  // Nothing else of it uses this.
  std::uint16_t draw_port() { return next_port_++; }
  World& world() { return world_; }

  void wake() override;
  Instant next() const override;

  // ── For the world ──
  void set_timer(std::uint32_t timer, Duration after);
  void cancel_timer(std::uint32_t timer);
  void open_peer(std::uint32_t peer);
  std::string offer(std::uint32_t peer, PersonSlots slots, bool restart, std::uint32_t redundant);
  bool answer(std::uint32_t peer, const std::string& sdp);
  void set_sending(std::uint32_t peer, std::size_t line, std::uint32_t encodings);
  void close_peer(std::uint32_t peer);
  void changed();

  void socket_opened(std::uint32_t socket);
  void socket_message(std::uint32_t socket, std::string_view text);
  void socket_closed(std::uint32_t socket);
  // A datagram for the inside address `to`.
  void receive(const SocketAddress& to, const SocketAddress& from, Bytes bytes);
  // What became of a TCP connection of its peer connection, and what comes through it.
  void tcp_opened(std::uint64_t peer, std::uint32_t connection);
  void tcp_closed(std::uint64_t peer, std::uint32_t connection);
  void tcp_datagram(std::uint64_t peer, std::uint32_t connection, Bytes bytes);

 private:
  void open_page();
  void end_peer();
  // After every call into the script.
  void look();
  void tick_peer();
  void peer_changed();

  World& world_;
  BrowserId id_;
  BrowserOptions options_;
  Random random_;
  LocalClock clock_;
  Nat nat_;
  Link up_, down_;
  bool udp_blocked_ = false;
  std::string room_;
  std::uint32_t room_number_ = 0;
  Instant came_at_;
  std::string token_;
  std::optional<bool> talks_;
  bool wants_in_ = false;
  bool was_let_in_ = false;
  std::size_t inside_ = 0;  // as how many the server knows it
  std::optional<Instant> put_out_at_;
  bool page_ = false;
  bool stale_view_ = false;
  std::size_t offers_ = 0;
  std::uint8_t moves_ = 0;
  Instant moved_at_ = Instant::min();
  ClientScript::View view_;
  std::string_view told_state_ = "new";
  // By due time (local) and number, and the other way round.
  std::map<std::pair<Instant, std::uint32_t>, bool> timers_;
  std::map<std::uint32_t, Instant> timer_due_;
  std::unique_ptr<Peer> peer_;
  std::uint16_t next_port_ = 50'000;
  std::uint64_t sessions_ = 0;
};

}  // namespace liaison::sim
