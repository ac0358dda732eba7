#include "sim/browser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/world.hpp"

namespace liaison::sim {

Browser::Browser(World& world, BrowserId id, BrowserOptions options, Random random)
    : world_(world),
      id_(id),
      options_(std::move(options)),
      random_(random),
      clock_(options_.drift, world.now(), world.wall() + options_.wall_error),
      nat_(IpAddress::v4(11, static_cast<std::uint8_t>(id.value >> 8),
                         static_cast<std::uint8_t>(id.value), 1),
           random_.fork()),
      up_(options_.network, random_.fork()),
      down_(options_.network, random_.fork()) {}

Browser::~Browser() = default;

Instant Browser::local() const { return clock_.local(world_.now()); }

void Browser::open_page() {
  if (std::exchange(page_, true)) world_.close_page(*this);
  end_peer();
  timers_.clear();
  timer_due_.clear();
  const auto half = static_cast<std::uint16_t>((options_.person_slots + 1) / 2);
  const std::uint16_t first = options_.first_person_slots == 0 ? half : options_.first_person_slots;
  world_.script().open_page(id_, first, options_.person_slots, local());
}

void Browser::join(std::string_view room, std::string_view token) {
  room_ = room;
  token_ = token;
  room_number_ = world_.number_of_room(options_.server, room);
  came_at_ = world_.now();
  wants_in_ = true;
  world_.trace("{}: joins {}", name(), room);
  open_page();
  world_.script().publish(id_, options_.wishes.microphone, options_.wishes.camera,
                          options_.wishes.screen, options_.wishes.screen_audio, local());
  world_.script().join(id_, room, name(), token, false, local());
  look();
}

void Browser::leave() {
  if (!std::exchange(wants_in_, false) || !page_) return;
  world_.trace("{}: leaves", name());
  world_.script().leave(id_, local());
  look();
}

void Browser::publish(const Wishes& wishes) {
  options_.wishes = wishes;
  if (!page_) return;
  world_.trace("{}: publishes{}{}{}{}", name(), wishes.microphone ? " microphone" : "",
               wishes.camera ? " camera" : "", wishes.screen ? " screen" : "",
               wishes.screen_audio ? " screen_audio" : "");
  world_.script().publish(id_, wishes.microphone, wishes.camera, wishes.screen, wishes.screen_audio,
                          local());
  look();
}

void Browser::talk(bool talking) {
  talks_ = talking;
  if (peer_ && peer_->up(0) != nullptr) peer_->up(0)->talk(talking);
}

void Browser::reload() {
  if (!page_ || !wants_in_) return;
  world_.trace("{}: reloads", name());
  open_page();
  // A screen must be chosen anew; the microphone and the camera come back as they were.
  options_.wishes.screen = options_.wishes.screen_audio = false;
  world_.script().publish(id_, options_.wishes.microphone, options_.wishes.camera, false, false,
                          local());
  world_.script().join(id_, room_, name(), token_, true, local());
  look();
}

void Browser::crash() {
  if (!page_) return;
  world_.trace("{}: crashes", name());
  wants_in_ = false;
  page_ = false;
  world_.script().close_page(id_, local());
  world_.close_page(*this);
  end_peer();
  timers_.clear();
  timer_due_.clear();
  view_ = {};
  world_.touch(*this);
}

void Browser::change_network(const LinkOptions& options) {
  up_.change(options);
  down_.change(options);
}

void Browser::cut(bool cut) {
  world_.trace("{}: network {}", name(), cut ? "cut" : "back");
  up_.cut(cut);
  down_.cut(cut);
}

void Browser::block_udp(bool block) {
  world_.trace("{}: UDP {}", name(), block ? "blocked" : "let through");
  udp_blocked_ = block;
}

void Browser::move(bool silently) {
  ++moves_;
  moved_at_ = world_.now();
  world_.trace("{}: moves to another network{}", name(), silently ? ", silently" : "");
  nat_.move(IpAddress::v4(static_cast<std::uint8_t>(11 + moves_ % 80),
                          static_cast<std::uint8_t>(id_.value >> 8),
                          static_cast<std::uint8_t>(id_.value), 1));
  world_.break_connections(*this);
  if (silently || !page_) return;
  world_.script().network_changed(id_, local());
  look();
}

void Browser::rebind() {
  world_.trace("{}: its translator forgets", name());
  nat_.rebind();
  moved_at_ = world_.now();
  world_.break_connections(*this);
}

void Browser::heal_network() {
  cut(false);
  block_udp(false);
  LinkOptions clean;
  clean.latency = options_.network.latency;
  change_network(clean);
}

Instant Browser::next() const {
  Instant at = timers_.empty() ? never : timers_.begin()->first.first;
  if (peer_) at = std::min(at, peer_->deadline());
  return clock_.world(at);
}

void Browser::wake() {
  while (!timers_.empty() && timers_.begin()->first.first <= local()) {
    const std::uint32_t timer = timers_.begin()->first.second;
    timers_.erase(timers_.begin());
    timer_due_.erase(timer);
    world_.script().timer_fired(id_, timer, local());
  }
  tick_peer();
  look();
}

void Browser::tick_peer() {
  if (peer_ && peer_->deadline() <= local()) peer_->tick();
}

// Tells the script what became of the connection, and everybody what became of the page.
void Browser::look() {
  for (int turn = 0; turn < 8; ++turn) {
    if (!peer_ || told_state_ == peer_->state()) break;
    told_state_ = peer_->state();
    world_.trace("{}: peer {} is {}", name(), peer_->number(), told_state_);
    world_.script().connection_state(id_, peer_->script_number(), told_state_, local());
  }
  if (std::exchange(stale_view_, false)) {
    const ClientScript::View& view = world_.script().view(id_);
    if (view.phase != view_.phase)
      world_.trace("{}: {}{}{}", name(), view.phase, view.failure.empty() ? "" : ": ",
                   view.failure);
    view_ = view;
    if (!view_.failure.empty() && !world_.expects_failure(view_.failure))
      world_.fail("client", fmt::format("{} is told \"{}\"", name(), view_.failure));
  }
  world_.touch(*this);
}

void Browser::changed() { stale_view_ = true; }

const std::vector<ClientScript::Person>& Browser::people() const {
  return world_.script().people(id_);
}

void Browser::let_in(bool resumed) {
  was_let_in_ = true;
  if (!resumed || inside_ == 0) ++inside_;
  put_out_at_.reset();
}

void Browser::put_out() {
  if (inside_ > 0) --inside_;
  if (inside_ == 0) put_out_at_ = world_.now();
}

std::map<std::string, const Browser*> Browser::others() const {
  std::map<std::string, const Browser*> others;
  for (const auto& one : world_.browsers()) {
    if (one.get() != this && one->wants_in() && one->room_number() == room_number_)
      others[one->view().you] = one.get();
  }
  return others;
}

// ── What the script asks ──

void Browser::set_timer(std::uint32_t timer, Duration after) {
  const Instant due = local() + std::max(after, Duration{});
  timers_[{due, timer}] = true;
  timer_due_[timer] = due;
}

void Browser::cancel_timer(std::uint32_t timer) {
  const auto at = timer_due_.find(timer);
  if (at == timer_due_.end()) return;
  timers_.erase({at->second, timer});
  timer_due_.erase(at);
}

void Browser::open_peer(std::uint32_t peer) {
  end_peer();
  peer_ = std::make_unique<Peer>(*this, world_.number_of_peer(), peer, draw_port(), random_.fork());
  told_state_ = "new";
  world_.add(*peer_);
}

std::string Browser::offer(std::uint32_t peer, PersonSlots slots, bool restart,
                           std::uint32_t redundant) {
  if (!peer_ || peer_->script_number() != peer) return {};
  ++offers_;
  OfferOptions options = options_.engine;
  options.person_slots = slots;
  options.redundant = redundant;
  return peer_->offer(options, restart);
}

bool Browser::answer(std::uint32_t peer, const std::string& sdp) {
  return peer_ && peer_->script_number() == peer && peer_->answer(sdp);
}

void Browser::set_sending(std::uint32_t peer, std::size_t line, std::uint32_t encodings) {
  if (peer_ && peer_->script_number() == peer) peer_->set_sending(line, encodings);
}

void Browser::close_peer(std::uint32_t peer) {
  if (!peer_ || peer_->script_number() != peer) return;
  peer_->close();
  end_peer();
}

void Browser::end_peer() {
  if (!peer_) return;
  world_.forget(*peer_);
  peer_.reset();
}

// ── What comes ──

void Browser::socket_opened(std::uint32_t socket) {
  world_.script().socket_opened(id_, socket, local());
  look();
}
void Browser::socket_message(std::uint32_t socket, std::string_view text) {
  world_.script().socket_message(id_, socket, text, local());
  look();
}
void Browser::socket_closed(std::uint32_t socket) {
  world_.script().socket_closed(id_, socket, local());
  look();
}

void Browser::receive(const SocketAddress& to, const SocketAddress& from, Bytes bytes) {
  if (!peer_ || peer_->inside() != to) return;
  peer_->receive({to, from.ip, 0}, bytes);
  peer_changed();
}

void Browser::tcp_opened(std::uint64_t peer, std::uint32_t connection) {
  if (!peer_ || peer_->number() != peer) return;
  peer_->tcp_opened(connection);
  peer_changed();
}
void Browser::tcp_closed(std::uint64_t peer, std::uint32_t connection) {
  if (!peer_ || peer_->number() != peer) return;
  peer_->tcp_closed(connection);
  peer_changed();
}
void Browser::tcp_datagram(std::uint64_t peer, std::uint32_t connection, Bytes bytes) {
  if (!peer_ || peer_->number() != peer) return;
  peer_->tcp_datagram(connection, bytes);
  peer_changed();
}

void Browser::peer_changed() {
  tick_peer();
  look();
}

}  // namespace liaison::sim
