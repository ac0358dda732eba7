// Publishing by WHIP (RFC 9725) and watching by WHEP (draft-ietf-wish-whep-03): one HTTP request,
// one response. Whoever comes this way has no connection to say anything on, and no session in the
// store: media that ends is the end, and to come back is to POST again.
#include <fmt/format.h>

#include <utility>

#include "base/ensure.hpp"
#include "base/random.hpp"
#include "node/state.hpp"
#include "sdp/session.hpp"
#include "signaling/token.hpp"

namespace liaison::node {

namespace whip = signaling::whip;
using whip::Protocol;

namespace {

constexpr std::string_view offer_type = "application/sdp";
constexpr std::string_view fragment_type = "application/trickle-ice-sdpfrag";
// What its publisher is called who has not said it.
constexpr std::string_view nameless = "WHIP";

std::string_view name(Protocol protocol) { return protocol == Protocol::whip ? "whip" : "whep"; }

std::string etag(std::uint64_t generation) { return fmt::format("\"{}\"", generation); }

// RFC 9110 section 10.2.3: whole seconds, and not too early.
std::uint64_t whole_seconds(Duration duration) {
  return static_cast<std::uint64_t>(ceil<seconds>(duration).count());
}

// When to try again, where nothing else says it.
std::optional<Duration> usual_retry(std::string_view code) {
  if (code == "no_publisher") return seconds(5);
  if (code == "room_full" || code == "server_full") return seconds(10);
  return std::nullopt;
}

}  // namespace

void Node::State::respond(ConnectionId request, whip::Response response, Output& out) {
  out.responses.push_back({request, std::move(response)});
}

void Node::State::refuse(ConnectionId request, const Error& error, Output& out,
                         std::optional<Duration> retry_after) {
  ++stats_.errors[std::string(error.code)];
  if (!retry_after) retry_after = usual_retry(error.code);
  whip::Response refusal =
      whip::refusal(error, retry_after ? std::optional(whole_seconds(*retry_after)) : std::nullopt);
  if (error.code == "unsupported_type") {
    refusal.headers.emplace_back("Accept-Post", std::string(offer_type));
    refusal.headers.emplace_back("Accept-Patch", std::string(fragment_type));
  }
  respond(request, std::move(refusal), out);
}

void Node::State::take(const RequestReceived& received, Instant now, Output& out) {
  ++stats_.requests_in;
  const std::size_t answered = out.responses.size();
  if (shutting_down_) {
    refuse(received.request, {"shutting_down", "The server restarts. Try again."}, out, seconds(1));
  } else if (auto target = whip::parse_target(received.content.target); !target) {
    refuse(received.request, target.error(), out);
  } else if (auto* endpoint = std::get_if<whip::Endpoint>(&*target)) {
    take_endpoint(received, std::move(*endpoint), now, out);
  } else {
    take_session(received, std::get<whip::Session>(*target), now, out);
  }
  if (out.responses.size() > answered && out.responses.back().content.status >= 400) {
    const whip::Response& refusal = out.responses.back().content;
    log(out, LogLevel::info, "request_refused", "",
        {{"method", received.content.method.substr(0, 16)},
         {"status", std::to_string(refusal.status)},
         {"why", refusal.body.substr(0, refusal.body.find('\n'))},
         {"remote", received.remote}});
  }
  count();
}

void Node::State::take_endpoint(const RequestReceived& received, whip::Endpoint endpoint,
                                Instant now, Output& out) {
  const std::string& method = received.content.method;
  if (method == "POST") return post(received, std::move(endpoint), now, out);
  whip::Response response = whip::response(200);
  if (method == "OPTIONS") {
    response.headers.emplace_back("Allow", "OPTIONS, GET, HEAD, POST");
    response.headers.emplace_back("Accept-Post", std::string(offer_type));
    response.headers.emplace_back("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST");
    response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
  } else if (method == "HEAD" && endpoint.protocol == Protocol::whep) {
    // By which a player that is given an address finds out that WHEP is spoken there.
    response.headers.emplace_back("Content-Type", std::string(offer_type));
  } else if (method == "GET" || method == "HEAD") {
    response.status = 204;  // there is nothing to be shown (RFC 9725 section 4.1)
  } else {
    response = whip::refusal({"method_not_allowed", "Here one can only POST an offer."});
    ++stats_.errors["method_not_allowed"];
    response.headers.emplace_back("Allow", "OPTIONS, GET, HEAD, POST");
  }
  respond(received.request, std::move(response), out);
}

void Node::State::take_session(const RequestReceived& received, const whip::Session& session,
                               Instant now, Output& out) {
  const std::string& method = received.content.method;
  constexpr std::string_view methods = "OPTIONS, GET, HEAD, PATCH, DELETE";
  whip::Response response = whip::response(200);
  if (method == "OPTIONS") {
    response.headers.emplace_back("Allow", std::string(methods));
    response.headers.emplace_back("Accept-Patch", std::string(fragment_type));
    response.headers.emplace_back("Access-Control-Allow-Methods", std::string(methods));
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, If-Match");
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
    return respond(received.request, std::move(response), out);
  }
  const auto at = resources_.find(session.id);
  if (at == resources_.end() || at->second.protocol != session.protocol)
    return refuse(received.request, {"not_found", "This session is over. POST a new offer."}, out);
  Resource& resource = at->second;
  // Who knows the address of a session may use it; but not with the token of another.
  const auto token = whip::bearer(received.content.authorization);
  if (token && !resource.key.empty() &&
      resource.key != resource_key(resource.protocol, calls_.get(resource.call)->room_name, *token))
    return refuse(received.request,
                  {"token_wrong_room", "This token is not the one of this session."}, out);
  if (method == "GET" || method == "HEAD")
    return respond(received.request, whip::response(204), out);
  if (method == "PATCH") return patch(received, resource, now, out);
  if (method != "DELETE") {
    response = whip::refusal(
        {"method_not_allowed", "A session takes PATCH, for ICE, and DELETE, to end it."});
    ++stats_.errors["method_not_allowed"];
    response.headers.emplace_back("Allow", std::string(methods));
    return respond(received.request, std::move(response), out);
  }
  end(resource, now, out);
  respond(received.request, std::move(response), out);
}

// ── POST ──

std::string Node::State::resource_key(Protocol protocol, std::string_view room,
                                      std::string_view token) {
  return Sessions::hash_of(fmt::format("{} {} {}", name(protocol), room, token));
}

// True if the address has asked for too much, and was told so.
bool Node::State::limit_address(const RequestReceived& received, Instant now, Output& out) {
  const signaling::Limits& limits = config_.limits;
  const auto wait = rates_.take(
      "address " + received.remote,
      signaling::RateLimiter(limits.requests_per_second, limits.request_burst, now), now);
  if (!wait) return false;
  refuse(received.request, {"rate_limited", "Too many requests from this address."}, out, wait);
  return true;
}

void Node::State::post(const RequestReceived& received, whip::Endpoint endpoint, Instant now,
                       Output& out) {
  const auto refused = [&](const Error& error, std::optional<Duration> retry_after = {}) {
    refuse(received.request, error, out, retry_after);
  };
  const signaling::Limits& limits = config_.limits;
  if (limit_address(received, now, out)) return;
  if (!whip::is_type(received.content.content_type, offer_type))
    return refused({"unsupported_type", "Send the offer as Content-Type: application/sdp."});
  if (received.content.body.size() > limits.request_bytes)
    return refused(
        {"message_too_large", fmt::format("An offer may have {} bytes.", limits.request_bytes)});

  if (auto token = whip::bearer(received.content.authorization)) endpoint.token = std::move(token);
  Post post;
  post.endpoint = std::move(endpoint);
  post.remote = received.remote;
  const std::optional<std::string>& token = post.endpoint.token;
  std::optional<signaling::TokenClaims> claims;
  if (config_.access == Access::invite) {
    if (!token)
      return refused({"token_required",
                      "This room is for invited people: send the token of an invitation, as "
                      "Authorization: Bearer TOKEN, or behind the address as ?token=TOKEN."});
    auto verified = signaling::verify_token(config_.invite_key, *token, unix_time(now));
    if (!verified) return refused(verified.error());
    if (verified->room != post.endpoint.room)
      return refused({"token_wrong_room", "This invitation is for another room."});
    claims = std::move(*verified);
    // Who invites may have said who comes.
    if (claims->name) post.endpoint.name = *claims->name;
  }
  const bool publishes = post.endpoint.protocol == Protocol::whip;
  if (token) {
    if (const auto wait = rates_.take(
            "token " + Sessions::hash_of(*token),
            signaling::RateLimiter(limits.post_interval, limits.posts_per_token, now), now))
      return refused({"rate_limited", "Too many sessions were begun with this token."}, wait);
    // Without invitations anybody may watch with any token, and many with the same.
    if (publishes || claims)
      post.key = resource_key(post.endpoint.protocol, post.endpoint.room, *token);
  }
  auto offer =
      signaling::read_offer(received.content.body, codecs_,
                            publishes ? signaling::Role::publisher : signaling::Role::viewer);
  if (!offer) return refused(offer.error());
  post.offer = std::move(*offer);
  if (const auto error = obstacle(post)) return refused(*error);
  if (!claims) return open(received.request, post, now, out);
  if (posts_.size() >= limits.pending_requests)
    return refused({"server_full", "Too many are waiting to begin. Try again."});
  post.token_id = claims->id;
  out.store.emplace_back(UseToken{received.request, claims->id, claims->expires, post.key});
  if (publishes) ++pending_[post.endpoint.room];
  posts_.emplace(received.request, std::move(post));
}

std::optional<Error> Node::State::obstacle(const Post& post) {
  const auto at = rooms_.find(post.endpoint.room);
  const bool returns = !post.key.empty() && resource_keys_.contains(post.key);
  if (post.endpoint.protocol == Protocol::whip) {
    // Whoever takes the place of another needs none.
    return returns ? std::nullopt : full(post.endpoint.room);
  }
  if (at == rooms_.end())
    return Error{"no_publisher", "There is nobody in this room now. Try again."};
  const Call& call = *calls_.get(at->second);
  const std::string& watched = post.endpoint.watched;
  if (!watched.empty() && !call.room.has_person(watched))
    return Error{"not_found",
                 "There is nobody with this id in the room: expected a participant's id, speaker "
                 "or program."};
  if (!returns &&
      viewers_[std::to_underlying(place(call).worker)] >= config_.limits.viewers_per_worker)
    return Error{"server_full", "The server has all the viewers it can hold. Try again."};
  return std::nullopt;
}

void Node::State::take_post_checked(const TokenChecked& checked, Instant now, Output& out) {
  const auto at = posts_.find(checked.connection);
  if (at == posts_.end() || at->second.token_id != checked.token_id) return;
  const Post post = std::move(at->second);
  posts_.erase(at);
  if (post.endpoint.protocol == Protocol::whip) release_place(post.endpoint.room);
  if (!checked.fresh) {
    refuse(checked.connection, {"token_used", "This invitation has been used. Ask for a new one."},
           out);
  } else if (const auto error = obstacle(post)) {
    refuse(checked.connection, *error, out);
  } else {
    open(checked.connection, post, now, out);
  }
  count();
}

// There is no obstacle.
void Node::State::open(ConnectionId request, const Post& post, Instant now, Output& out) {
  const bool publishes = post.endpoint.protocol == Protocol::whip;
  Resource resource{.protocol = post.endpoint.protocol,
                    .call = {},
                    .participant = {},
                    .key = post.key,
                    .remote = post.offer.remote};
  std::string public_id;
  std::string answer;
  if (publishes) {
    resource.participant = publisher(post, now, out);
    const Member& member = members_.at(resource.participant);
    resource.call = member.call;
    public_id = member.public_id;
    Call& call = *calls_.get(resource.call);
    answer = call.room.publish(resource.participant, post.offer, place(call), now, room_out_);
    ++stats_.publications;
  } else {
    const auto before = resource_keys_.find(post.key);
    if (!post.key.empty() && before != resource_keys_.end())
      end(resources_.at(resource_ids_.at(before->second)), now, out);
    resource.participant = ids_.next<ParticipantId>();
    resource.call = rooms_.at(post.endpoint.room);
    public_id = random_hex(8);
    Call& call = *calls_.get(resource.call);
    const signaling::MediaAddress& at = place(call);
    answer = call.room.watch(resource.participant, public_id, post.offer, post.endpoint.watched, at,
                             room_out_);
    resource.worker = at.worker;
    ++viewers_[std::to_underlying(at.worker)];
    ++stats_.viewings;
  }
  const CallHandle handle = resource.call;
  const Call& call = *calls_.get(handle);
  log(out, LogLevel::info, publishes ? "publishing" : "watching", call.public_id,
      {{"participant", public_id}, {"room", call.room_name}, {"remote", post.remote}});
  const std::string id = random_hex(whip::session_id_bytes);
  resource_ids_.emplace(resource.participant, id);
  if (!resource.key.empty()) resource_keys_.emplace(resource.key, resource.participant);
  whip::Response created = whip::response(201);
  created.headers.emplace_back("Content-Type", std::string(offer_type));
  created.headers.emplace_back("Location", whip::session_path(resource.protocol, id));
  created.headers.emplace_back("ETag", etag(resource.generation));
  // Where exactly this can be watched (RFC 8288).
  if (publishes)
    created.headers.emplace_back(
        "Link", fmt::format("</whep/{}/{}>; rel=\"related\"", call.room_name, public_id));
  created.body = std::move(answer);
  resources_.emplace(id, std::move(resource));
  deliver(handle, now, out);
  respond(request, std::move(created), out);
}

// Who published with this token before, or somebody new.
ParticipantId Node::State::publisher(const Post& post, Instant now, Output& out) {
  if (const auto before = resource_keys_.find(post.key);
      !post.key.empty() && before != resource_keys_.end()) {
    const ParticipantId participant = before->second;
    forget_resource(participant);
    return participant;
  }
  const CallHandle handle = find_or_start_call(post.endpoint.room, now, out);
  Call& call = *calls_.get(handle);
  const ParticipantId participant = ids_.next<ParticipantId>();
  const std::string public_id = random_hex(8);
  members_.emplace(participant, Member{handle, {}, public_id, {}});
  const std::string given = post.endpoint.name.value_or(std::string(nameless));
  call.room.join_publisher(participant, public_id,
                           signaling::person_name(given).value_or(std::string(nameless)), now,
                           room_out_);
  return participant;
}

// ── A session ──

void Node::State::patch(const RequestReceived& received, Resource& resource, Instant now,
                        Output& out) {
  const auto refused = [&](const Error& error, std::optional<Duration> retry_after = {}) {
    refuse(received.request, error, out, retry_after);
  };
  const signaling::Limits& limits = config_.limits;
  if (limit_address(received, now, out)) return;
  if (!whip::is_type(received.content.content_type, fragment_type))
    return refused({"unsupported_type",
                    "A session takes Content-Type: application/trickle-ice-sdpfrag, and no new "
                    "offer or answer."});
  switch (whip::match(received.content.if_match, etag(resource.generation))) {
    case whip::Match::missing:
      return refused({"precondition_required",
                      "Send If-Match, with the ETag of this session, or with * to restart ICE."});
    case whip::Match::no:
      return refused(
          {"precondition_failed",
           fmt::format("ICE was restarted meanwhile: its ETag is {}.", etag(resource.generation))});
    case whip::Match::yes:
      break;
  }
  if (received.content.body.size() > limits.request_bytes)
    return refused(
        {"message_too_large", fmt::format("A fragment may have {} bytes.", limits.request_bytes)});
  const auto fragment = sdp::parse_fragment(received.content.body);
  if (!fragment)
    return refused(
        {"bad_sdp", fmt::format("The fragment is malformed: {}.", fragment.error().message)});
  const sdp::Transport& said =
      fragment->media.empty() ? fragment->transport : fragment->media.front().transport;
  const transport::IceCredentials remote{said.ufrag, said.password};
  // Its candidates are of no use to us: whoever checks us shows where they are (RFC 8445 section
  // 7.3.1.3).
  if ((remote.ufrag.empty() && remote.password.empty()) || remote == resource.remote)
    return respond(received.request, whip::response(204), out);
  // RFC 8839 section 5.4.
  if (remote.ufrag.size() < 4 || remote.password.size() < 22)
    return refused({"bad_offer",
                    "An ICE restart needs ice-ufrag (4 characters or more) and ice-pwd (22 or "
                    "more)."});
  const CallHandle handle = resource.call;
  const auto answer = calls_.get(handle)->room.restart_ice(resource.participant, remote, room_out_);
  if (!answer) return refused({"not_found", "The media of this session is over. POST again."});
  resource.remote = remote;
  ++resource.generation;
  whip::Response restarted = whip::response(200);
  restarted.headers.emplace_back("Content-Type", std::string(fragment_type));
  restarted.headers.emplace_back("ETag", etag(resource.generation));
  restarted.body = *answer;
  deliver(handle, now, out);
  respond(received.request, std::move(restarted), out);
}

void Node::State::end(const Resource& resource, Instant now, Output& out) {
  const ParticipantId participant = resource.participant;
  const CallHandle handle = resource.call;
  const bool publishes = resource.protocol == Protocol::whip;
  forget_resource(participant);  // `resource` is gone
  Call& call = *calls_.get(handle);
  if (publishes) {
    const auto at = members_.find(participant);
    log(out, LogLevel::info, "left", call.public_id, {{"participant", at->second.public_id}});
    members_.erase(at);
    call.room.leave(participant, now, room_out_);
  } else {
    call.room.stop_watching(participant, room_out_);
  }
  deliver(handle, now, out);
}

void Node::State::forget_resource(ParticipantId participant) {
  const auto id = resource_ids_.find(participant);
  if (id == resource_ids_.end()) return;
  const auto at = resources_.find(id->second);
  const Resource& resource = at->second;
  if (resource.protocol == Protocol::whep) --viewers_[std::to_underlying(resource.worker)];
  if (!resource.key.empty()) resource_keys_.erase(resource.key);
  resources_.erase(at);
  resource_ids_.erase(id);
}

}  // namespace liaison::node
