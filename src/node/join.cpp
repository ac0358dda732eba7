// How somebody gets into a room: by its name, by a token, or back by the secret of a session.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"
#include "base/random.hpp"
#include "node/state.hpp"
#include "signaling/token.hpp"

namespace liaison::node {

namespace message = signaling::message;

namespace {
// When to try again where something is full.
constexpr Duration full_retry = seconds(10);
constexpr std::size_t secret_bytes = 32;

// Whether it has the form of our own secrets: one that a client draws is to be as hard to guess.
bool is_secret(std::string_view text) {
  return text.size() == 2 * secret_bytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}
}  // namespace

void Node::State::join(ConnectionHandle handle, const message::Join& join, Instant now,
                       Output& out) {
  if (resume(handle, join, now, out)) return;
  if (config_.access == Access::invite) return check_token(handle, join, now, out);
  if (admit(handle, join.room, now, out)) enter(handle, join, secret_for(join), now, out);
}

// The secret of a new session. One that the client has drawn finds the session again even if no
// word of ours about it arrives. But no secret opens two sessions.
std::string Node::State::secret_for(const message::Join& join) {
  if (join.resume && is_secret(*join.resume) && sessions_.find_secret(*join.resume) == nullptr)
    return *join.resume;
  return random_hex(secret_bytes);
}

// False if there is nothing to resume: the join goes on as a new one.
bool Node::State::resume(ConnectionHandle handle, const message::Join& join, Instant now,
                         Output& out) {
  if (!join.resume) return false;
  Sessions::Session* session = sessions_.find_secret(*join.resume);
  if (session == nullptr || session->record.room != join.room) return false;
  // Of two connections the older may be the slower: what a page that is gone has said must not put
  // out the page that lives.
  if (!Sessions::take_attempt(*session, join.attempt)) {
    refuse_replaced(handle, now, out);
    return true;
  }
  if (session->participant) {
    ++stats_.resumes;
    reattach(handle, *session, *join.resume, now, out);
    return true;
  }
  // Coming back does not get anybody past a limit.
  if (!admit(handle, join.room, now, out)) return true;
  ++stats_.resumes;
  const CallHandle call = find_or_start_call(join.room, now, out);
  const ParticipantId participant =
      seat(handle, call, session->record.participant, session->record.name, now, out);
  members_.at(participant).session = session->record.resume_hash;
  sessions_.enter(*session, participant, now);
  welcome(handle, participant, *join.resume, true, now, out);
  return true;
}

void Node::State::refuse_replaced(ConnectionHandle handle, Instant now, Output& out) {
  fail_connection(handle, {"replaced", "This session goes on in another window or tab."},
                  std::nullopt, now, out);
}

// The participant has been in the call all the time.
void Node::State::reattach(ConnectionHandle handle, Sessions::Session& session,
                           std::string_view secret, Instant now, Output& out) {
  const ParticipantId participant = session.participant;
  Member& member = members_.at(participant);
  if (Connection* before = connections_.get(member.connection)) {
    before->participant = {};
    refuse_replaced(member.connection, now, out);
  }
  member.connection = handle;
  Connection& connection = *connections_.get(handle);
  connection.participant = participant;
  connection.session.joined();
  calls_.get(member.call)->room.attach(participant, now, room_out_);
  deliver(member.call, now, out);
  welcome(handle, participant, secret, true, now, out);
}

void Node::State::check_token(ConnectionHandle handle, const message::Join& join, Instant now,
                              Output& out) {
  const auto refuse = [&](const Error& error) {
    fail_connection(handle, error, std::nullopt, now, out);
  };
  if (!join.token)
    return refuse(
        {"token_required", "This room is for invited people: open the link of your invitation."});
  const auto claims = signaling::verify_token(config_.invite_key, *join.token, unix_time(now));
  if (!claims) return refuse(claims.error());
  if (claims->room != join.room)
    return refuse({"token_wrong_room",
                   "This invitation is for another room: open the link as you received it."});
  if (!admit(handle, join.room, now, out)) return;
  PendingJoin pending{join, claims->id};
  const std::string secret = secret_for(join);
  pending.join.resume = secret;
  // Who invites may have said who comes.
  if (claims->name) pending.join.name = signaling::person_name(*claims->name).value_or(join.name);
  Connection& connection = *connections_.get(handle);
  connection.pending = std::move(pending);
  ++pending_[join.room];
  out.store.emplace_back(
      UseToken{connection.id, claims->id, claims->expires, Sessions::hash_of(secret)});
}

void Node::State::take(const TokenChecked& checked, Instant now, Output& out) {
  const auto at = connection_ids_.find(checked.connection);
  if (at == connection_ids_.end()) return take_post_checked(checked, now, out);
  const ConnectionHandle handle = at->second;
  Connection& connection = *connections_.get(handle);
  if (!connection.pending || connection.pending->token_id != checked.token_id) return;
  const message::Join join = connection.pending->join;
  release_pending(connection);
  // Another try of the same client may have made the session meanwhile: this one goes on with it.
  // If it is in another room the secret is taken after all, and the token counts as used: it was,
  // for a session that there cannot be.
  if (resume(handle, join, now, out)) {
    count();
    return;
  }
  if (!checked.fresh || sessions_.find_secret(*join.resume) != nullptr) {
    fail_connection(handle, {"token_used", "This invitation has been used. Ask for a new link."},
                    std::nullopt, now, out);
  } else if (admit(handle, join.room, now, out)) {
    enter(handle, join, *join.resume, now, out);
  }
  count();
}

void Node::State::release_pending(Connection& connection) {
  if (!connection.pending) return;
  release_place(connection.pending->join.room);
  connection.pending.reset();
}

void Node::State::release_place(const std::string& room) {
  const auto at = pending_.find(room);
  if (--at->second == 0) pending_.erase(at);
}

bool Node::State::admit(ConnectionHandle handle, const std::string& room, Instant now,
                        Output& out) {
  const auto error = full(room);
  if (error) fail_connection(handle, *error, full_retry, now, out);
  return !error;
}

std::optional<Error> Node::State::full(const std::string& room) const {
  const auto pending = pending_.find(room);
  const std::size_t waiting = pending == pending_.end() ? 0 : pending->second;
  const auto at = rooms_.find(room);
  const std::size_t inside = at == rooms_.end() ? 0 : calls_.get(at->second)->room.size();
  if (inside + waiting >= config_.limits.people_per_room)
    return Error{"room_full", fmt::format("The room has {} people, its most. Try again when "
                                          "somebody has left.",
                                          config_.limits.people_per_room)};
  if (at == rooms_.end() && rooms_.size() >= config_.limits.rooms)
    return Error{"server_full", fmt::format("The server has {} calls, its most. Try again "
                                            "when one has ended.",
                                            config_.limits.rooms)};
  return std::nullopt;
}

void Node::State::enter(ConnectionHandle handle, const message::Join& join,
                        const std::string& secret, Instant now, Output& out) {
  if (!sessions_.has_room()) {
    fail_connection(handle,
                    {"server_full", "The server has all the people it can hold. Try again."},
                    full_retry, now, out);
    return;
  }
  ++stats_.joins;
  SessionRecord record;
  record.participant = random_hex(8);
  record.room = join.room;
  record.name = join.name;
  const CallHandle call = find_or_start_call(join.room, now, out);
  const ParticipantId participant = seat(handle, call, record.participant, join.name, now, out);
  const std::string hash =
      sessions_.add(secret, std::move(record), participant, now, unix_time(now), out.store);
  Sessions::take_attempt(*sessions_.find(hash), join.attempt);
  members_.at(participant).session = hash;
  welcome(handle, participant, secret, false, now, out);
}

Node::State::CallHandle Node::State::find_or_start_call(const std::string& room, Instant now,
                                                        Output& out) {
  if (const auto at = rooms_.find(room); at != rooms_.end()) return at->second;
  // It lives on one worker, the one with the least to do, until that has enough of it.
  const std::vector<std::size_t> load = expected_load();
  const auto least = std::ranges::min_element(load) - load.begin();
  const WorkerIndex home{static_cast<std::uint8_t>(least)};
  const CallId id = ids_.next<CallId>();
  const CallHandle handle = calls_.emplace(id, random_hex(8), room, home, now,
                                           signaling::Room({id, codecs_, config_.limits, ids_}),
                                           std::vector<std::size_t>(addresses_.size()));
  rooms_.emplace(room, handle);
  call_ids_.emplace(id, handle);
  ++stats_.calls;
  log(out, LogLevel::info, "call_started", calls_.get(handle)->public_id,
      {{"room", room}, {"worker", std::to_string(least)}});
  out.store.emplace_back(SaveRoom{room, unix_time(now)});
  return handle;
}

// Puts whoever is at this connection into a call.
ParticipantId Node::State::seat(ConnectionHandle handle, CallHandle call, std::string public_id,
                                std::string name, Instant now, Output& out) {
  Connection& connection = *connections_.get(handle);
  const ParticipantId participant = ids_.next<ParticipantId>();
  connection.participant = participant;
  connection.session.joined();
  members_.emplace(participant, Member{call, handle, public_id, {}});
  calls_.get(call)->room.join(participant, std::move(public_id), std::move(name), now, room_out_);
  deliver(call, now, out);
  return participant;
}

void Node::State::welcome(ConnectionHandle handle, ParticipantId participant,
                          std::string_view secret, bool resumed, Instant now, Output& out) {
  const Connection& connection = *connections_.get(handle);
  const Member& member = members_.at(participant);
  Call& call = *calls_.get(member.call);
  const bool kept = call.room.has_media(participant);
  message::Joined joined;
  joined.you = member.public_id;
  joined.room = call.room_name;
  joined.call = call.public_id;
  joined.resume = secret;
  joined.resumed = resumed;
  joined.media = kept ? message::Media::kept : message::Media::new_;
  joined.person_slots = config_.limits.person_slots;
  joined.simulcast = true;
  joined.people = call.room.people(participant);
  send(connection, joined, out);
  log(out, LogLevel::info, "joined", call.public_id,
      {{"participant", member.public_id},
       {"room", call.room_name},
       {"remote", connection.remote},
       {"resumed", resumed ? "true" : "false"},
       {"media", kept ? "kept" : "new"}});
  call.room.greet(participant, room_out_);
  deliver(member.call, now, out);
}

}  // namespace liaison::node
