#include "node/node.hpp"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "base/ensure.hpp"
#include "node/state.hpp"

namespace liaison::node {

namespace message = signaling::message;

namespace {

std::string_view name(sfu::CloseReason reason) {
  switch (reason) {
    case sfu::CloseReason::commanded:
      return "commanded";
    case sfu::CloseReason::handshake_failed:
      return "handshake_failed";
    case sfu::CloseReason::closed_by_peer:
      return "closed_by_peer";
    case sfu::CloseReason::consent_expired:
      return "consent_expired";
    case sfu::CloseReason::refused:
      return "refused";
  }
  return {};
}

}  // namespace

void log(Output& out, LogLevel level, std::string event, std::string call,
         std::vector<LogField> fields) {
  out.log.push_back({level, std::move(event), std::move(call), std::move(fields)});
}

// ── Node ──

Node::Node(Config config) : state_(std::make_unique<State>(std::move(config))) {}
Node::~Node() = default;

void Node::receive(const Input& input, Instant now, Output& out) {
  std::visit([&](const auto& one) { state_->take(one, now, out); }, input);
}
void Node::tick(Instant now, Output& out) { state_->tick(now, out); }
Instant Node::deadline() const { return state_->deadline(); }
const NodeStats& Node::stats() const { return state_->stats(); }

// ── Inputs ──

Node::State::State(Config config)
    : config_(std::move(config)),
      codecs_{config_.video_codecs, config_.audio_red},
      sessions_(config_.limits),
      rates_(config_.limits.rates) {
  ENSURE(!config_.workers.empty() && config_.workers.size() <= 256);
  viewers_.resize(config_.workers.size());
  load_.resize(config_.workers.size());
  for (std::size_t i = 0; i < config_.workers.size(); ++i)
    addresses_.push_back({WorkerIndex{static_cast<std::uint8_t>(i)}, config_.workers[i],
                          config_.tcp, config_.fingerprint});
}

void Node::State::take(const ConnectionOpened& opened, Instant now, Output& out) {
  const auto refuse = [&](const Error& error) {
    signaling::Session::Output refusal;
    signaling::Session::refuse(error, true, seconds(10), refusal);
    out.messages.push_back({opened.connection, signaling::write_message(refusal.replies.front())});
    out.closes.push_back({opened.connection, refusal.close->code, refusal.close->reason});
    ++stats_.errors[std::string(error.code)];
    log(out, LogLevel::warning, "connection_refused", "",
        {{"code", std::string(error.code)}, {"remote", opened.remote}});
  };
  if (shutting_down_) return refuse({"shutting_down", "The server restarts. Connect again."});
  if (connections_.size() >= config_.limits.connections)
    return refuse({"server_full", "The server has all the connections it can hold. Try again."});
  std::size_t& from_here = per_address_[opened.remote];
  if (from_here >= config_.limits.connections_per_address)
    return refuse({"server_full", "Too many connections from this address. Try again."});
  ++from_here;
  const ConnectionHandle handle =
      connections_.emplace(opened.connection, opened.remote,
                           signaling::Session(config_.limits, now), ParticipantId{}, std::nullopt);
  ENSURE(connection_ids_.emplace(opened.connection, handle).second);
  connection_deadlines_.set(handle, connections_.get(handle)->session.deadline());
  count();
}

void Node::State::take(const MessageReceived& received, Instant now, Output& out) {
  const auto at = connection_ids_.find(received.connection);
  if (at == connection_ids_.end()) return;
  ++stats_.messages_in;
  connections_.get(at->second)->session.receive(received.text, now, session_out_);
  act(at->second, now, out);
  count();
}

void Node::State::take(const ConnectionClosed& closed, Instant now, Output& out) {
  const auto at = connection_ids_.find(closed.connection);
  if (at == connection_ids_.end()) return;
  forget(at->second, now, out);
  count();
}

void Node::State::take(const WorkerEvent& event, Instant now, Output& out) {
  const CallHandle handle = call_of(event.event);
  Call* call = calls_.get(handle);
  if (call == nullptr) return;
  // Each of its workers hears everybody; one of them is enough.
  if (std::holds_alternative<sfu::SpeakerChanged>(event.event) && event.worker != call->home)
    return;
  note(event.event, *call, out);
  call->room.receive(event.event, now, room_out_);
  if (std::holds_alternative<sfu::EndpointClosed>(event.event))
    note_closed(sfu::endpoint_of(event.event), out);
  deliver(handle, now, out);
  count();
}

void Node::State::take(const WallClockSet& set, Instant now, Output&) {
  wall_time_ = set.now;
  wall_set_ = now;
}

void Node::State::take(const StoreLoaded& loaded, Instant now, Output&) {
  sessions_.load(loaded.sessions, now, unix_time(now));
  count();
}

void Node::State::take(const ShutDown&, Instant now, Output& out) {
  shutting_down_ = true;
  const Error error{"shutting_down", "The server restarts. Your client comes back by itself."};
  // Nobody is told how the rooms empty: all of it ends here, and the sessions live on in the store.
  calls_.for_each([&](CallHandle, Call& call) {
    log(out, LogLevel::info, "call_interrupted", call.public_id, {{"room", call.room_name}});
  });
  while (!endpoints_.empty()) {
    const auto [endpoint, at] = *endpoints_.begin();
    out.commands.push_back({at.worker, sfu::CloseEndpoint{endpoint}});
    note_closed(endpoint, out);
  }
  members_.clear();
  connections_.for_each([&](ConnectionHandle handle, Connection& connection) {
    connection.participant = {};
    fail_connection(handle, error, seconds(1), now, out);
  });
  calls_.for_each([&](CallHandle handle, Call&) {
    call_deadlines_.set(handle, never);
    calls_.erase(handle);
  });
  rooms_.clear();
  call_ids_.clear();
  resources_.clear();
  resource_ids_.clear();
  resource_keys_.clear();
  viewers_.assign(viewers_.size(), 0);
  for (const auto& [request, post] : std::exchange(posts_, {}))
    refuse(request, error, out, seconds(1));
  count();
}

void Node::State::tick(Instant now, Output& out) {
  while (const auto handle = connection_deadlines_.due(now)) {
    Connection* connection = connections_.get(*handle);
    if (connection == nullptr) continue;
    connection->session.tick(now, session_out_);
    act(*handle, now, out);
  }
  while (const auto handle = call_deadlines_.due(now)) {
    Call* call = calls_.get(*handle);
    if (call == nullptr) continue;
    call->room.tick(now, room_out_);
    deliver(*handle, now, out);
  }
  if (!shutting_down_) sessions_.tick(now, unix_time(now), out.store);
  count();
}

Instant Node::State::deadline() const {
  const Instant sessions = shutting_down_ ? never : sessions_.deadline();
  return std::min({connection_deadlines_.next(), call_deadlines_.next(), sessions});
}

// ── Connections ──

UnixTime Node::State::unix_time(Instant now) const {
  return wall_time_ + duration_cast<microseconds>(now - wall_set_);
}

void Node::State::count() {
  stats_.connections = connections_.size();
  stats_.rooms = calls_.size();
  stats_.people = members_.size();
  stats_.viewers = std::accumulate(viewers_.begin(), viewers_.end(), std::size_t{0});
  stats_.sessions = sessions_.size();
}

// Does what the session has said of a message or a deadline.
void Node::State::act(ConnectionHandle handle, Instant now, Output& out) {
  const auto replies = std::exchange(session_out_.replies, {});
  const auto request = std::exchange(session_out_.request, std::nullopt);
  const auto end = std::exchange(session_out_.close, std::nullopt);
  for (const signaling::ServerMessage& reply : replies) send(*connections_.get(handle), reply, out);
  if (request) take_request(handle, *request, now, out);
  if (end) close(handle, *end, now, out);
  if (const Connection* connection = connections_.get(handle))
    connection_deadlines_.set(handle, connection->session.deadline());
}

void Node::State::take_request(ConnectionHandle handle, const signaling::ClientMessage& request,
                               Instant now, Output& out) {
  if (const auto* wish = std::get_if<message::Join>(&request)) return join(handle, *wish, now, out);
  if (const auto* made = std::get_if<message::Offer>(&request))
    return offer(handle, *made, now, out);
  if (std::holds_alternative<message::Leave>(request)) return leave(handle, now, out);
  const ParticipantId participant = connections_.get(handle)->participant;
  const CallHandle call = members_.at(participant).call;
  signaling::Room& room = calls_.get(call)->room;
  if (const auto* shown = std::get_if<message::View>(&request)) {
    room.view(participant, *shown, now, room_out_);
  } else {
    const auto* published = std::get_if<message::Publish>(&request);
    ENSURE(published != nullptr);
    room.publish(participant, *published, now, room_out_);
  }
  deliver(call, now, out);
}

void Node::State::offer(ConnectionHandle handle, const message::Offer& offer, Instant now,
                        Output& out) {
  const Connection& connection = *connections_.get(handle);
  const Member& member = members_.at(connection.participant);
  Call& call = *calls_.get(member.call);
  const auto result = call.room.offer(connection.participant, offer, place(call), now, room_out_);
  if (!result) {
    send(connection,
         message::Error{std::string(result.error().code), result.error().message, false, {}}, out);
    log(out, LogLevel::warning, "offer_refused", call.public_id,
        {{"participant", member.public_id}, {"why", result.error().message}});
  }
  deliver(member.call, now, out);
}

void Node::State::leave(ConnectionHandle handle, Instant now, Output& out) {
  Connection& connection = *connections_.get(handle);
  const ParticipantId participant = std::exchange(connection.participant, {});
  const auto at = members_.find(participant);
  ENSURE(at != members_.end());
  const Member member = std::move(at->second);
  members_.erase(at);
  sessions_.erase(member.session, out.store);
  Call& call = *calls_.get(member.call);
  log(out, LogLevel::info, "left", call.public_id, {{"participant", member.public_id}});
  call.room.leave(participant, now, room_out_);
  deliver(member.call, now, out);
  close(handle, {1000, "left"}, now, out);
}

void Node::State::send(const Connection& connection, const signaling::ServerMessage& message,
                       Output& out) {
  if (const auto* error = std::get_if<message::Error>(&message)) ++stats_.errors[error->code];
  out.messages.push_back({connection.id, signaling::write_message(message)});
}

void Node::State::fail_connection(ConnectionHandle handle, const Error& error,
                                  std::optional<Duration> retry_after, Instant now, Output& out) {
  signaling::Session::Output refusal;
  signaling::Session::refuse(error, true, retry_after, refusal);
  send(*connections_.get(handle), refusal.replies.front(), out);
  close(handle, *refusal.close, now, out);
}

void Node::State::close(ConnectionHandle handle, const signaling::Close& close, Instant now,
                        Output& out) {
  Connection* connection = connections_.get(handle);
  if (connection == nullptr) return;
  out.closes.push_back({connection->id, close.code, close.reason});
  if (close.code != 1000)
    log(out, LogLevel::info, "connection_ended", "",
        {{"why", close.reason}, {"remote", connection->remote}});
  forget(handle, now, out);
}

void Node::State::forget(ConnectionHandle handle, Instant now, Output& out) {
  Connection& connection = *connections_.get(handle);
  const ParticipantId participant = connection.participant;
  release_pending(connection);
  if (--per_address_[connection.remote] == 0) per_address_.erase(connection.remote);
  connection_ids_.erase(connection.id);
  connection_deadlines_.set(handle, never);
  connections_.erase(handle);
  if (!participant) return;
  const Member& member = members_.at(participant);
  Call& call = *calls_.get(member.call);
  log(out, LogLevel::info, "signaling_lost", call.public_id, {{"participant", member.public_id}});
  call.room.detach(participant, now, room_out_);
  deliver(member.call, now, out);
}

// ── Calls ──

Node::State::CallHandle Node::State::call_of(const sfu::Event& event) const {
  if (const auto* speaker = std::get_if<sfu::SpeakerChanged>(&event)) {
    const auto at = call_ids_.find(speaker->call);
    return at == call_ids_.end() ? CallHandle{} : at->second;
  }
  const auto at = endpoints_.find(sfu::endpoint_of(event));
  return at == endpoints_.end() ? CallHandle{} : at->second.call;
}

// Takes what a room has said out of room_out_ and passes it on.
void Node::State::deliver(CallHandle handle, Instant now, Output& out) {
  const Call& call = *calls_.get(handle);
  for (const auto& [to, text] : room_out_.messages) {
    const auto member = members_.find(to);
    if (member == members_.end()) continue;
    if (const Connection* connection = connections_.get(member->second.connection))
      send(*connection, text, out);
  }
  for (sfu::Command& command : room_out_.commands) {
    if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
      log(out, LogLevel::info, "endpoint_opened", call.public_id,
          {{"participant", call.room.owner(open->endpoint)},
           {"endpoint", std::to_string(open->endpoint.value)}});
    } else if (const auto* restart = std::get_if<sfu::RestartIce>(&command)) {
      log(out, LogLevel::info, "ice_restart", call.public_id,
          {{"participant", call.room.owner(restart->endpoint)}});
    }
    send_command(std::move(command), handle, out);
  }
  for (const ParticipantId participant : room_out_.departed) {
    forget_resource(participant);
    const auto at = members_.find(participant);
    if (at == members_.end()) continue;
    log(out, LogLevel::info, "left", call.public_id,
        {{"participant", at->second.public_id},
         {"why", at->second.session.empty() ? "media_ended" : "absent"}});
    if (Sessions::Session* session = sessions_.find(at->second.session))
      sessions_.depart(*session, config_.limits.absence, now);
    members_.erase(at);
  }
  room_out_.clear();
  call_deadlines_.set(handle, call.room.deadline());
  if (call.room.size() == 0) end_call(handle, now, out);
}

// Of a call that ends: there is nobody left whom they could watch.
void Node::State::dismiss_viewers(CallHandle handle, Output& out) {
  calls_.get(handle)->room.dismiss_audience(room_out_);
  for (sfu::Command& command : room_out_.commands) send_command(std::move(command), handle, out);
  for (const ParticipantId viewer : room_out_.departed) forget_resource(viewer);
  room_out_.clear();
}

void Node::State::note(const sfu::Event& event, const Call& call, Output& out) {
  const std::string participant = call.room.owner(sfu::endpoint_of(event));
  if (std::holds_alternative<sfu::EndpointConnected>(event)) {
    log(out, LogLevel::info, "endpoint_connected", call.public_id, {{"participant", participant}});
  } else if (std::holds_alternative<sfu::EndpointDisconnected>(event)) {
    log(out, LogLevel::warning, "endpoint_disconnected", call.public_id,
        {{"participant", participant}});
  } else if (const auto* closed = std::get_if<sfu::EndpointClosed>(&event)) {
    log(out, LogLevel::info, "endpoint_closed", call.public_id,
        {{"participant", participant},
         {"why", std::string(name(closed->reason))},
         {"bytes_in", std::to_string(closed->bytes_in)},
         {"bytes_out", std::to_string(closed->bytes_out)}});
  }
}

void Node::State::end_call(CallHandle handle, Instant now, Output& out) {
  Call& call = *calls_.get(handle);
  dismiss_viewers(handle, out);
  const auto lasted = duration_cast<seconds>(now - call.started);
  log(out, LogLevel::info, "call_ended", call.public_id,
      {{"room", call.room_name}, {"seconds", std::to_string(lasted.count())}});
  out.store.emplace_back(SaveRoom{call.room_name, unix_time(now)});
  rooms_.erase(call.room_name);
  call_ids_.erase(call.id);
  call_deadlines_.set(handle, never);
  calls_.erase(handle);
}

}  // namespace liaison::node
