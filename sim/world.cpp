#include "sim/world.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "sim/heap.hpp"
#include "sim/openssl.hpp"
#include "sim/pcap.hpp"
#include "transport/demux.hpp"
#include "transport/tcp_limits.hpp"
#include "transport/test_clock.hpp"

namespace liaison::sim {
namespace {

constexpr Duration look_interval = milliseconds(10);
// Everybody has what they should have for so long, then all is well.
constexpr Duration calm = seconds(2);
// A session can be resumed for 2 minutes; an absent person is listed for 30 s.
constexpr Duration afterlife = seconds(200);
// Of a WebSocket that ends because its person has left (docs/protocol.md).
constexpr std::uint16_t left_code = 1000;

// The packets of a compound, for the trace.
std::string describe_rtcp(Bytes bytes) {
  const auto compound = rtcp::Compound::parse(bytes);
  if (!compound) return "unreadable";
  std::string text;
  for (const rtcp::PacketView packet : *compound) {
    if (!text.empty()) text += ", ";
    if (const auto nack = rtcp::Nack::parse(packet)) {
      text += fmt::format("nack {}:", nack->media_ssrc());
      nack->for_each([&](std::uint16_t sequence) { text += fmt::format(" {}", sequence); });
    } else if (const auto pli = rtcp::parse_pli(packet)) {
      text += fmt::format("pli {}", pli->media_ssrc);
    } else {
      text += fmt::format("{}/{}", static_cast<int>(packet.type), packet.count);
    }
  }
  return text;
}

double as_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)), random_(options_.seed), chance_(random_.fork()) {
  seed_openssl(random_.next());
  set_clock(now_);
  checks_ = all_checks();
  script_ = std::make_unique<ClientScript>(static_cast<ClientHost&>(*this));
  timeline_.plan(now_ + seconds(1), Second{});
}

World::~World() {
  // They take leave of what lives longer.
  intruder_.reset();
  browsers_.clear();
  servers_.clear();
}

void World::set_clock(Instant local) { transport::set_test_clock(local); }

Server& World::add_server(const ServerOptions& options) {
  servers_.push_back(std::make_unique<Server>(*this, static_cast<std::uint8_t>(servers_.size()),
                                              options, random_.fork()));
  servers_.back()->start();
  return *servers_.back();
}

Browser& World::add_browser(const BrowserOptions& options) {
  const BrowserId id{static_cast<std::uint32_t>(browsers_.size())};
  BrowserOptions made = options;
  if (made.name == BrowserOptions{}.name) made.name = fmt::format("person-{}", id.value);
  browsers_.push_back(std::make_unique<Browser>(*this, id, std::move(made), random_.fork()));
  enlist(*browsers_.back());
  return *browsers_.back();
}

// ── Time ──

void World::enlist(Actor& actor) {
  const HeapOwner world(0);
  actor.number_ = ++last_actor_;
  actor.planned_ = never;
  actors_.emplace(actor.number_, &actor);
  touch(actor);
}

void World::dismiss(Actor& actor) {
  actors_.erase(actor.number_);
  actor.number_ = 0;
}

void World::touch(Actor& actor) {
  const HeapOwner world(0);
  if (actor.number_ == 0) return;
  const Instant next = std::max(actor.next(), now_);
  if (next >= actor.planned_ || next == never) return;
  actor.planned_ = next;
  timeline_.plan(next, Wake{actor.number_});
}

void World::advance(Instant to) { now_ = to; }

void World::step() {
  advance(timeline_.next());
  Event event = timeline_.take();
  std::visit([this](auto& happened) { happen(happened); }, event);
}

void World::run(Duration how_long) {
  const Instant end = now_ + how_long;
  while (timeline_.next() <= end) step();
  advance(end);
}

void World::run_until(std::string_view what, Duration limit, const std::function<bool()>& holds) {
  const Instant end = now_ + limit;
  while (!holds()) {
    if (now_ >= end)
      fail("scenario", fmt::format("not within {:.1f} s: {}", as_seconds(limit), what));
    run(look_interval);
  }
}

void World::after(Duration wait, std::function<void()> action) {
  timeline_.plan(now_ + wait, Action{std::move(action)});
}

void World::happen(Wake& wake) {
  const auto at = actors_.find(wake.actor);
  if (at == actors_.end()) return;
  Actor& actor = *at->second;
  if (actor.planned_ > now_) return;  // planned anew meanwhile
  actor.planned_ = never;
  if (actor.next() <= now_) {
    ++events_;
    actor.wake();
  }
  // It may have dismissed itself.
  if (actors_.contains(wake.actor)) touch(actor);
}

void World::happen(Action& action) { action.action(); }

void World::happen(Second&) {
  for (const auto& one : browsers_) {
    if (one->view().phase == "connected" || one->view().phase == "repairing")
      time_in_calls_ += seconds(1);
  }
  end_idle_tcp();
  check([this](Check& one) { one.second(*this); });
  timeline_.plan(now_ + seconds(1), Second{});
}

// ── What is written down ──

void World::line(const std::string& text) {
  const HeapOwner world(0);
  options_.trace(fmt::format("{:12.6f} {}", as_seconds(age()), text));
}

void World::note(std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8)
    fingerprint_ = (fingerprint_ ^ (number >> shift & 0xff)) * 0x100000001b3;
}

void World::note(Bytes bytes) {
  note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  // The end of a datagram depends on all of it: it is what authenticates it.
  note(bytes.size());
  for (const std::uint8_t byte : bytes.last(std::min<std::size_t>(bytes.size(), 16)))
    fingerprint_ = (fingerprint_ ^ byte) * 0x100000001b3;
}

void World::capture(const SocketAddress& from, const SocketAddress& to, Bytes bytes) {
  if (options_.capture) options_.capture(pcap_record(wall(), from, to, bytes));
}

void World::fail(std::string_view check, const std::string& what) const {
  throw Failure(check, age(), what);
}

// ── Datagrams ──

std::vector<std::uint8_t> World::buffer(Bytes bytes) {
  if (buffers_.empty()) return {bytes.begin(), bytes.end()};
  std::vector<std::uint8_t> used = std::move(buffers_.back());
  buffers_.pop_back();
  used.assign(bytes.begin(), bytes.end());
  return used;
}

void World::recycle(std::vector<std::uint8_t> used) {
  if (buffers_.size() < 4'096 && used.capacity() != 0) buffers_.push_back(std::move(used));
}

void World::send_to_server(Browser& from, Peer& peer, const SocketAddress& inside,
                           const SocketAddress& to, Bytes bytes, Bytes rtcp) {
  if (from.udp_blocked()) return;
  const SocketAddress seen = from.nat().outward(inside);
  owners_[seen] = peer.number();
  const auto arrivals = from.up().carry(bytes.size(), now_);
  const Instant first = *std::min_element(
      arrivals.at.begin(),
      arrivals.at.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(arrivals.count, 1)));
  const auto server = static_cast<std::uint8_t>(to.ip.bytes[15] - 1);
  for (std::size_t i = 0; i < arrivals.count; ++i) {
    // What comes twice is refused the second time, and so says nothing.
    const bool speaks = !rtcp.empty() && arrivals.at[i] == first;
    timeline_.plan(arrivals.at[i], ToServer{server, to.port, seen, peer.number(), buffer(bytes),
                                            speaks ? buffer(rtcp) : std::vector<std::uint8_t>{}});
  }
}

void World::add_intruder() { intruder_ = std::make_unique<Intruder>(*this, random_.fork()); }

void World::intrude(const SocketAddress& from, std::uint8_t server, std::uint16_t port,
                    Bytes bytes) {
  if (server >= servers_.size()) return;
  if (traced()) trace("  ← intruder, {} bytes", bytes.size());
  note(bytes);
  capture(from, {servers_[server]->ip(), port}, bytes);
  servers_[server]->datagram(from, port, bytes);
}

void World::happen(ToServer& datagram) {
  ++events_;
  note(datagram.bytes);
  if (datagram.server < servers_.size()) {
    Server& server = *servers_[datagram.server];
    capture(datagram.from, {server.ip(), datagram.port}, datagram.bytes);
    if (intruder_) intruder_->overhear(datagram.server, datagram.port, datagram.bytes);
    if (server.datagram(datagram.from, datagram.port, datagram.bytes))
      taken(server, datagram.peer, datagram.bytes, datagram.rtcp);
  }
  recycle(std::move(datagram.bytes));
  recycle(std::move(datagram.rtcp));
}

void World::taken(Server& by, std::uint64_t number, Bytes bytes, Bytes rtcp) {
  const auto at = peers_.find(number);
  if (at == peers_.end()) return;
  Peer& peer = *at->second;
  check([&](Check& one) { one.arrived(*this, peer, by, bytes); });
  if (!rtcp.empty() && traced())
    trace("  ← {} rtcp {}", peer.browser().name(), describe_rtcp(rtcp));
  if (rtcp.empty() && traced() && transport::classify(bytes) == transport::DatagramKind::rtp)
    trace("  ← {} rtp {} {}", peer.browser().name(), load_u32(&bytes[8]), load_u16(&bytes[2]));
  if (!rtcp.empty()) check([&](Check& one) { one.reached(*this, peer, by, rtcp); });
}

std::optional<Drop> World::send_to_client(Server& from, std::uint16_t port,
                                          const transport::Path& to, Bytes bytes) {
  const HeapOwner world(0);
  note(bytes);
  const SocketAddress source{from.ip(), port};
  capture(source, to.remote, bytes);
  Peer* peer = owner(to);
  check([&](Check& one) { one.left_server(*this, from, to.remote, peer, bytes); });
  if (peer != nullptr) tap(from, *peer, bytes);
  if (to.is_tcp()) {
    const auto at = connections_.find(ConnectionId{to.tcp_connection});
    if (at == connections_.end() || !at->second.server_open) return Drop::no_path;
    Frame frame{Frame::Kind::datagram, std::string(as_text(bytes))};
    if (at->second.down.bytes_waiting() + frame.size() > transport::tcp_queue_bytes)
      return Drop::tcp_queue_full;
    send(at->first, at->second, false, std::move(frame));
    return std::nullopt;
  }
  Browser* browser = holder(to.remote);
  if (browser == nullptr || browser->udp_blocked()) return std::nullopt;
  const auto arrivals = browser->down().carry(bytes.size(), now_);
  for (std::size_t i = 0; i < arrivals.count; ++i)
    timeline_.plan(arrivals.at[i], ToClient{to.remote, source, buffer(bytes)});
  return std::nullopt;
}

// Reads what leaves the server before anything can happen to it.
void World::tap(Server& from, Peer& peer, Bytes bytes) {
  const auto kind = transport::classify(bytes);
  if (kind != transport::DatagramKind::rtp && kind != transport::DatagramKind::rtcp) return;
  if (!peer.has_keys()) return;
  tapped_.assign(bytes.begin(), bytes.end());
  const auto plain = peer.tap(tapped_);
  if (!plain)
    fail("srtp_index", fmt::format("what server {} sends to {} is not authentic, or repeats an "
                                   "SRTP index",
                                   from.number(), peer.browser().name()));
  if (kind == transport::DatagramKind::rtcp) {
    if (traced()) trace("  → {} rtcp {}", peer.browser().name(), describe_rtcp(*plain));
    check([&](Check& one) { one.reported(*this, peer, *plain); });
    return;
  }
  const auto view = rtp::PacketView::parse(*plain);
  // The answer that adds its slot is on its way; what comes before it is lost on the browser.
  if (view && !peer.line_of(view->ssrc()) && peer.adds_slots()) {
    peer.note_early(view->ssrc());
    return;
  }
  if (!view || !peer.line_of(view->ssrc()))
    fail("payload", fmt::format("server {} sends RTP that {} has not agreed to", from.number(),
                                peer.browser().name()));
  // Padding alone: a probe of what the path carries.
  if (view->payload().empty()) {
    if (traced()) trace("  → {} padding of {} bytes", peer.browser().name(), bytes.size());
    return;
  }
  const auto read = peer.read(*view);
  if (!read)
    fail("payload", fmt::format("a packet of payload type {} that server {} sends to {} is damaged",
                                view->payload_type(), from.number(), peer.browser().name()));
  if (traced()) {
    const Stamp& stamp = read->reading.stamp;
    trace("  → {} line {} {}{} t{}: person {} source {} number {} frame {} packet {}/{}{}",
          peer.browser().name(), read->line, read->rtx ? "rtx " : "", read->sequence,
          view->timestamp(), stamp.person, static_cast<int>(stamp.source), stamp.number,
          stamp.frame, stamp.packet + 1, stamp.packets, read->reading.key ? " key" : "");
  }
  const Forwarded forwarded{now_,       &from,     &peer,          *view,
                            read->line, read->rtx, read->sequence, read->reading};
  check([&](Check& one) { one.forwarded(*this, forwarded); });
}

void World::happen(ToClient& datagram) {
  ++events_;
  if (Browser* browser = holder(datagram.to)) {
    if (const auto inside = browser->nat().inward(datagram.to))
      browser->receive(*inside, datagram.from, datagram.bytes);
  }
  recycle(std::move(datagram.bytes));
}

Peer* World::owner(const transport::Path& outside) const {
  const auto in = [&](const auto& numbers, const auto& key) {
    const auto at = numbers.find(key);
    return at == numbers.end() ? nullptr : peer(at->second);
  };
  return outside.is_tcp() ? in(tcp_owners_, outside.tcp_connection) : in(owners_, outside.remote);
}

// An address outside says whose it is (Browser's constructor and move()).
Browser* World::holder(const SocketAddress& outside) const {
  const auto& bytes = outside.ip.bytes;
  return browser({static_cast<std::uint32_t>(bytes[13] << 8 | bytes[14])});
}

void World::forget(Peer& peer) {
  each_connection([&](ConnectionId id, Connection& connection) {
    if (connection.peer == peer.number()) close_tcp(static_cast<std::uint32_t>(id.value));
  });
  check([&](Check& one) { one.closed(*this, peer); });
  peers_.erase(peer.number());
}

Browser* World::browser(BrowserId id) const {
  return id.value < browsers_.size() ? browsers_[id.value].get() : nullptr;
}

Peer* World::peer(std::uint64_t number) const {
  const auto at = peers_.find(number);
  return at == peers_.end() ? nullptr : at->second;
}

const Peer* World::peer_of(std::string_view local_ufrag) const {
  for (const auto& [number, peer] : peers_) {
    if (peer->local_ufrag() == local_ufrag) return peer;
  }
  return nullptr;
}

std::uint32_t World::number_of_room(std::size_t server, std::string_view room) {
  return rooms_
      .try_emplace({server, std::string(room)}, static_cast<std::uint32_t>(rooms_.size() + 1))
      .first->second;
}

// ── Signaling ──

void World::connect(BrowserId id, std::uint32_t socket) {
  const ConnectionId number{++last_connection_};
  Connection& connection = connections_[number];
  connection.browser = id;
  connection.socket = socket;
  connection.server = static_cast<std::uint8_t>(browser(id)->options().server);
  // TCP's three ways, TLS and the upgrade take three round trips; the last begins here.
  connection.round_trips = 2;
  send(number, connection, true, {Frame::Kind::connect});
}

void World::send(BrowserId id, std::uint32_t socket, std::string text) {
  const auto at = find(id, socket);
  if (at == connections_.end()) return;
  trace("{} ↑ {}", browser(id)->name(), text.substr(0, 160));
  send(at->first, at->second, true, {Frame::Kind::text, std::move(text)});
}

void World::close_socket(BrowserId id, std::uint32_t socket) {
  const auto at = find(id, socket);
  if (at == connections_.end()) return;
  at->second.client_gone = true;
  send(at->first, at->second, true, {Frame::Kind::close, {}, 1000});
}

void World::close_page(const Browser& gone) {
  each_connection([&](ConnectionId id, Connection& connection) {
    if (connection.browser != gone.id() || connection.client_gone) return;
    connection.client_gone = true;
    send(id, connection, true, {Frame::Kind::close, {}, 1001});
  });
}

// In the order of their making; `visit` may end the one it is at.
template <typename Visit>
void World::each_connection(Visit&& visit) {
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto at = next++;
    visit(at->first, at->second);
  }
}

auto World::find(BrowserId id, std::uint32_t socket)
    -> std::map<ConnectionId, Connection>::iterator {
  return std::ranges::find_if(connections_, [&](const auto& entry) {
    const Connection& connection = entry.second;
    return connection.browser == id && connection.peer == 0 && connection.socket == socket &&
           !connection.client_gone;
  });
}

void World::send_message(ConnectionId id, std::string text) {
  const HeapOwner world(0);
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  Browser* to = browser(at->second.browser);
  if (text.starts_with("{\"t\":\"joined\""))
    to->let_in(text.find("\"resumed\":true") != std::string::npos);
  trace("{} ↓ {}", to->name(), text.substr(0, 160));
  if (at->second.server_open) send(id, at->second, false, {Frame::Kind::text, std::move(text)});
}

void World::close_connection(ConnectionId id, std::uint16_t code) {
  const HeapOwner world(0);
  const auto at = connections_.find(id);
  if (at == connections_.end() || !at->second.server_open) return;
  at->second.server_open = false;
  if (code == left_code) browser(at->second.browser)->put_out();
  send(id, at->second, false, {Frame::Kind::close, {}, code});
}

void World::drop_connections(const Server& server, bool reset) {
  each_connection([&](ConnectionId id, Connection& connection) {
    if (connection.server != server.number()) return;
    const bool open = std::exchange(connection.server_open, false);
    if (!reset) {
      connection.broken = true;
    } else if (open) {
      send(id, connection, false, {Frame::Kind::reset});
    }
    forget_if_over(id);
  });
}

void World::break_connections(const Browser& moved) {
  each_connection([&](ConnectionId id, Connection& connection) {
    if (connection.browser != moved.id()) return;
    connection.broken = true;
    forget_if_over(id);
  });
}

void World::send(ConnectionId id, Connection& connection, bool up, Frame frame) {
  if (connection.broken) return forget_if_over(id);
  (up ? connection.up : connection.down).send(std::move(frame));
  pump(id, connection, up);
}

void World::pump(ConnectionId id, Connection& connection, bool up) {
  Stream& stream = up ? connection.up : connection.down;
  Browser& one = *browser(connection.browser);
  Link& link = up ? one.up() : one.down();
  while (auto departure = stream.take(link, now_)) {
    timeline_.plan(departure->arrives, FrameArrives{id, up, std::move(departure->frame)});
  }
  if (stream.waits() && stream.retry() > now_ && stream.take_unplanned())
    timeline_.plan(stream.retry(), Resend{id, up});
}

void World::happen(Resend& resend) {
  const auto at = connections_.find(resend.connection);
  if (at == connections_.end() || at->second.broken) return;
  (resend.up ? at->second.up : at->second.down).planned();
  pump(resend.connection, at->second, resend.up);
}

void World::happen(FrameArrives& arrival) {
  const auto at = connections_.find(arrival.connection);
  if (at == connections_.end() || at->second.broken) return;
  ++events_;
  note(as_bytes(arrival.frame.text));
  if (at->second.peer != 0 && arrival.up) {
    media_arrives_at_server(arrival.connection, at->second, arrival.frame);
  } else if (at->second.peer != 0) {
    media_arrives_at_client(arrival.connection, at->second, arrival.frame);
  } else if (arrival.up) {
    arrives_at_server(arrival.connection, at->second, std::move(arrival.frame));
  } else {
    arrives_at_client(arrival.connection, at->second, arrival.frame);
  }
  forget_if_over(arrival.connection);
}

void World::arrives_at_server(ConnectionId id, Connection& connection, Frame frame) {
  Server& server = *servers_[connection.server];
  switch (frame.kind) {
    case Frame::Kind::connect:
      // A machine without the process refuses; one without power says nothing.
      if (!server.running()) return send(id, connection, false, {Frame::Kind::reset});
      return send(id, connection, false, {Frame::Kind::accept});
    case Frame::Kind::text: {
      if (!connection.server_open) {
        // Of a process that is gone.
        return send(id, connection, false, {Frame::Kind::reset});
      }
      return server.message(id, std::move(frame.text));
    }
    case Frame::Kind::close:
      if (std::exchange(connection.server_open, false)) server.disconnected(id);
      return;
    case Frame::Kind::accept:
    case Frame::Kind::datagram:
    case Frame::Kind::reset:
      return;
  }
}

void World::arrives_at_client(ConnectionId id, Connection& connection, const Frame& frame) {
  Browser& to = *browser(connection.browser);
  switch (frame.kind) {
    case Frame::Kind::accept:
      if (connection.client_gone) return;
      if (connection.round_trips-- > 0) return send(id, connection, true, {Frame::Kind::connect});
      if (!servers_[connection.server]->running())
        return send(id, connection, true, {Frame::Kind::connect});
      connection.client_open = true;
      connection.server_open = true;
      servers_[connection.server]->connected(id, to.nat().ip().to_string());
      // The server may have refused it at once, and what it said is behind this.
      return to.socket_opened(connection.socket);
    case Frame::Kind::text:
      if (!connection.client_gone) to.socket_message(connection.socket, frame.text);
      return;
    case Frame::Kind::close:
    case Frame::Kind::reset:
      if (!std::exchange(connection.client_gone, true)) to.socket_closed(connection.socket);
      return;
    case Frame::Kind::connect:
    case Frame::Kind::datagram:
      return;
  }
}

void World::forget_if_over(ConnectionId id) {
  const auto at = connections_.find(id);
  if (at == connections_.end()) return;
  const Connection& connection = at->second;
  const bool carries = !connection.broken && (connection.up.waits() || connection.down.waits());
  if (connection.client_gone && !connection.server_open && !carries) connections_.erase(at);
}

// ── Media over TCP ──

std::uint32_t World::open_tcp(Peer& peer, const SocketAddress& inside, const SocketAddress& to) {
  const ConnectionId id{++last_connection_};
  const auto number = static_cast<std::uint32_t>(id.value);
  Browser& from = peer.browser();
  Connection& connection = connections_[id];
  connection.browser = from.id();
  connection.peer = peer.number();
  connection.seen = from.nat().outward(inside);
  connection.server = static_cast<std::uint8_t>(to.ip.bytes[15] - 1);
  tcp_owners_[number] = peer.number();
  trace("{}: opens TCP connection {} for media", from.name(), number);
  send(id, connection, true, {Frame::Kind::connect});
  return number;
}

void World::send_over_tcp(std::uint32_t number, Bytes bytes, Bytes rtcp) {
  const auto at = connections_.find(ConnectionId{number});
  if (at == connections_.end() || at->second.client_gone) return;
  Frame frame{Frame::Kind::datagram, std::string(as_text(bytes)), 0, std::string(as_text(rtcp))};
  // Browsers have no more patience than the server.
  if (at->second.up.bytes_waiting() + frame.size() > transport::tcp_queue_bytes) return;
  send(at->first, at->second, true, std::move(frame));
}

void World::close_tcp(std::uint32_t number) {
  const auto at = connections_.find(ConnectionId{number});
  if (at == connections_.end() || std::exchange(at->second.client_gone, true)) return;
  send(at->first, at->second, true, {Frame::Kind::close});
}

void World::refuse_tcp(std::uint32_t number) {
  const auto at = connections_.find(ConnectionId{number});
  if (at != connections_.end()) end_tcp(at->first, at->second, "nobody's");
}

void World::end_tcp(ConnectionId id, Connection& connection, std::string_view why) {
  if (!std::exchange(connection.server_open, false)) return;
  Server& server = *servers_[connection.server];
  trace("server {} closes TCP connection {} of {}: {}", server.number(), id.value,
        browser(connection.browser)->name(), why);
  server.tcp_closed(static_cast<std::uint32_t>(id.value));
  send(id, connection, false, {Frame::Kind::close});
}

void World::end_idle_tcp() {
  each_connection([&](ConnectionId id, Connection& connection) {
    if (connection.peer == 0 || !connection.server_open) return;
    const auto stuck = connection.down.stuck_since();
    if (stuck && now_ - *stuck >= transport::tcp_user_timeout) {
      // The system gives up what it could not send.
      connection.down.clear();
      end_tcp(id, connection, "nothing gets through");
    } else if (now_ - connection.heard >= (connection.placed
                                               ? transport::tcp_idle_limit
                                               : transport::tcp_first_frame_timeout)) {
      end_tcp(id, connection, "nothing comes");
    }
  });
}

void World::media_arrives_at_server(ConnectionId id, Connection& connection, const Frame& frame) {
  Server& server = *servers_[connection.server];
  const auto number = static_cast<std::uint32_t>(id.value);
  switch (frame.kind) {
    case Frame::Kind::connect:
      if (!server.running()) return send(id, connection, false, {Frame::Kind::reset});
      connection.server_open = true;
      connection.heard = now_;
      return send(id, connection, false, {Frame::Kind::accept});
    case Frame::Kind::datagram: {
      // Of a process that is gone, or closed by it.
      if (!connection.server_open) return send(id, connection, false, {Frame::Kind::reset});
      connection.heard = now_;
      connection.placed = true;
      const Bytes bytes = as_bytes(frame.text);
      capture(connection.seen, {server.ip(), Server::tcp_port}, bytes);
      if (server.tcp_datagram({connection.seen, server.ip(), number}, bytes))
        taken(server, connection.peer, bytes, as_bytes(frame.rtcp));
      return;
    }
    case Frame::Kind::close:
      if (std::exchange(connection.server_open, false)) server.tcp_closed(number);
      return;
    case Frame::Kind::text:
    case Frame::Kind::accept:
    case Frame::Kind::reset:
      return;
  }
}

void World::media_arrives_at_client(ConnectionId id, Connection& connection, const Frame& frame) {
  if (connection.client_gone) return;
  const auto number = static_cast<std::uint32_t>(id.value);
  const std::uint64_t peer = connection.peer;
  Browser& to = *browser(connection.browser);
  switch (frame.kind) {
    case Frame::Kind::accept:
      connection.client_open = true;
      return to.tcp_opened(peer, number);
    case Frame::Kind::datagram:
      return to.tcp_datagram(peer, number, as_bytes(frame.text));
    case Frame::Kind::close:
    case Frame::Kind::reset:
      connection.client_gone = true;
      trace("{}: TCP connection {} is closed", to.name(), number);
      return to.tcp_closed(peer, number);
    case Frame::Kind::text:
    case Frame::Kind::connect:
      return;
  }
}

// ── What the script asks of its browser ──

void World::set_timer(BrowserId id, std::uint32_t timer, Duration after) {
  browser(id)->set_timer(timer, after);
}
void World::cancel_timer(BrowserId id, std::uint32_t timer) { browser(id)->cancel_timer(timer); }
void World::open_peer(BrowserId id, std::uint32_t peer) { browser(id)->open_peer(peer); }
std::string World::offer(BrowserId id, std::uint32_t peer, PersonSlots slots, bool restart,
                         std::uint32_t redundant) {
  return browser(id)->offer(peer, slots, restart, redundant);
}
bool World::answer(BrowserId id, std::uint32_t peer, const std::string& sdp) {
  return browser(id)->answer(peer, sdp);
}
void World::set_sending(BrowserId id, std::uint32_t peer, std::size_t line,
                        std::uint32_t encodings) {
  browser(id)->set_sending(peer, line, encodings);
}
void World::close_peer(BrowserId id, std::uint32_t peer) { browser(id)->close_peer(peer); }
void World::changed(BrowserId id) { browser(id)->changed(); }

// ── The end ──

void World::heal() {
  trace("all faults end");
  for (const auto& one : browsers_) one->heal_network();
  for (const auto& server : servers_) {
    server->disk().set_faults({});
    server->start();
  }
  try_again();
}

// Whose client gave up does what it told them: opens the link again, or a new one.
void World::try_again() {
  for (const auto& one : browsers_) {
    if (!one->wants_in() || one->view().phase != "failed") continue;
    Server& at = *servers_[one->options().server];
    one->join(one->room(),
              at.options().access == node::Access::invite ? at.invite(one->room()) : std::string{});
  }
}

void World::settle() {
  heal();
  std::map<const Check*, Instant> unwell_since;
  Instant unwell = now_;
  while (now_ - unwell < calm) {
    run(look_interval * 10);
    try_again();
    for (const auto& check : checks_) {
      const std::string why = check->unmet(*this);
      if (why.empty()) {
        unwell_since.erase(check.get());
        continue;
      }
      unwell = now_;
      const Instant since = unwell_since.try_emplace(check.get(), now_).first->second;
      if (now_ - since >= check->repair_limit())
        fail(check->name(), fmt::format("for {:.0f} s after all faults have ended: {}",
                                        as_seconds(now_ - since), why));
    }
  }
}

void World::finish() {
  for (const auto& one : browsers_) one->leave();
  run(seconds(5));
  for (const auto& one : browsers_) one->crash();
  run(afterlife);
  check([this](Check& one) { one.ended(*this); });
}

}  // namespace liaison::sim
