// The inside of Node, for node.cpp, join.cpp and whip.cpp only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/deadlines.hpp"
#include "base/slot_map.hpp"
#include "node/node.hpp"
#include "node/sessions.hpp"
#include "signaling/message.hpp"
#include "signaling/rates.hpp"
#include "signaling/room.hpp"
#include "signaling/session.hpp"
#include "signaling/whip.hpp"

namespace liaison::node {

// Appends one structured line.
void log(Output& out, LogLevel level, std::string event, std::string call,
         std::vector<LogField> fields);

class Node::State {
 public:
  explicit State(Config config);

  void take(const ConnectionOpened& opened, Instant now, Output& out);
  void take(const MessageReceived& received, Instant now, Output& out);
  void take(const ConnectionClosed& closed, Instant now, Output& out);
  void take(const RequestReceived& received, Instant now, Output& out);
  void take(const WorkerEvent& event, Instant now, Output& out);
  void take(const WallClockSet& set, Instant now, Output& out);
  void take(const StoreLoaded& loaded, Instant now, Output& out);
  void take(const TokenChecked& checked, Instant now, Output& out);
  void take(const ShutDown& shut_down, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;
  const NodeStats& stats() const { return stats_; }

 private:
  // A join that waits until the store has said whether its token is fresh. Its `resume` is there:
  // it is the secret of the session to come.
  struct PendingJoin {
    signaling::message::Join join;
    std::string token_id;
  };
  struct Connection {
    ConnectionId id;
    std::string remote;
    signaling::Session session;
    ParticipantId participant;  // once it has joined
    std::optional<PendingJoin> pending;
  };
  using ConnectionHandle = Handle<Connection>;

  // One call: from the first person in a room to the last.
  struct Call {
    CallId id;
    std::string public_id;
    std::string room_name;
    WorkerIndex home{};  // whose word counts for who speaks
    Instant started;
    signaling::Room room;
    std::vector<std::size_t> endpoints;  // by worker
  };
  using CallHandle = Handle<Call>;

  struct Member {
    CallHandle call;
    ConnectionHandle connection;  // stale or empty while its signaling is lost
    std::string public_id;
    std::string session;  // hash; empty: a publisher by WHIP has none
  };

  // A WHIP or WHEP session (RFC 9725): what its Location names.
  struct Resource {
    signaling::whip::Protocol protocol{};
    CallHandle call;
    ParticipantId participant;  // or viewer
    WorkerIndex worker{};       // of a viewer
    // Who publishes with the same token takes its place. Empty: nobody does.
    std::string key;
    transport::IceCredentials remote;
    std::uint64_t generation = 1;  // of ICE; its entity tag
  };
  // A POST that all is well with, as far as is known yet.
  struct Post {
    signaling::whip::Endpoint endpoint;
    signaling::Offer offer;
    std::string remote;
    std::string key;
    std::string token_id;  // where it waits for the store
  };

  // node.cpp
  UnixTime unix_time(Instant now) const;
  void count();
  void act(ConnectionHandle handle, Instant now, Output& out);
  void take_request(ConnectionHandle handle, const signaling::ClientMessage& request, Instant now,
                    Output& out);
  void offer(ConnectionHandle handle, const signaling::message::Offer& offer, Instant now,
             Output& out);
  void leave(ConnectionHandle handle, Instant now, Output& out);
  void send(const Connection& connection, const signaling::ServerMessage& message, Output& out);
  void fail_connection(ConnectionHandle handle, const Error& error,
                       std::optional<Duration> retry_after, Instant now, Output& out);
  void close(ConnectionHandle handle, const signaling::Close& close, Instant now, Output& out);
  // Forgets a connection; whoever joined on it is detached.
  void forget(ConnectionHandle handle, Instant now, Output& out);
  void deliver(CallHandle handle, Instant now, Output& out);
  void note(const sfu::Event& event, const Call& call, Output& out);
  void dismiss_viewers(CallHandle handle, Output& out);
  void end_call(CallHandle handle, Instant now, Output& out);
  CallHandle call_of(const sfu::Event& event) const;

  // placement.cpp
  // Where the next endpoint of the call is to be.
  const signaling::MediaAddress& place(const Call& call) const;
  std::vector<std::size_t> expected_load();  // endpoints, by worker
  void note_opened(const sfu::OpenEndpoint& opened, CallHandle handle, Output& out);
  void note_closed(EndpointId endpoint, Output& out);
  // Of a worker with all others that have part of the call.
  template <typename LinkCommand>
  void link(const Call& call, WorkerIndex worker, Output& out);
  // To the worker of the endpoint that it is about.
  void send_command(sfu::Command command, CallHandle call, Output& out);

  // join.cpp
  void join(ConnectionHandle handle, const signaling::message::Join& join, Instant now,
            Output& out);
  bool resume(ConnectionHandle handle, const signaling::message::Join& join, Instant now,
              Output& out);
  // For the end of a connection beside which another goes on.
  void refuse_replaced(ConnectionHandle handle, Instant now, Output& out);
  void reattach(ConnectionHandle handle, Sessions::Session& session, std::string_view secret,
                Instant now, Output& out);
  void check_token(ConnectionHandle handle, const signaling::message::Join& join, Instant now,
                   Output& out);
  // Refuses, with a room_full or server_full, if one more would be too many.
  bool admit(ConnectionHandle handle, const std::string& room, Instant now, Output& out);
  // As somebody new, whose session is to have this secret. There is none of it yet.
  void enter(ConnectionHandle handle, const signaling::message::Join& join,
             const std::string& secret, Instant now, Output& out);
  std::string secret_for(const signaling::message::Join& join);
  void welcome(ConnectionHandle handle, ParticipantId participant, std::string_view secret,
               bool resumed, Instant now, Output& out);
  void release_pending(Connection& connection);
  void release_place(const std::string& room);
  CallHandle find_or_start_call(const std::string& room, Instant now, Output& out);
  // "room_full" or "server_full".
  std::optional<Error> full(const std::string& room) const;
  ParticipantId seat(ConnectionHandle handle, CallHandle call, std::string public_id,
                     std::string name, Instant now, Output& out);

  // whip.cpp
  void respond(ConnectionId request, signaling::whip::Response response, Output& out);
  void refuse(ConnectionId request, const Error& error, Output& out,
              std::optional<Duration> retry_after = {});
  void take_endpoint(const RequestReceived& received, signaling::whip::Endpoint endpoint,
                     Instant now, Output& out);
  void take_session(const RequestReceived& received, const signaling::whip::Session& session,
                    Instant now, Output& out);
  bool limit_address(const RequestReceived& received, Instant now, Output& out);
  void post(const RequestReceived& received, signaling::whip::Endpoint endpoint, Instant now,
            Output& out);
  // What tells sessions with the same token from all others; it does not tell the token.
  static std::string resource_key(signaling::whip::Protocol protocol, std::string_view room,
                                  std::string_view token);
  // What is in the way of an otherwise good POST now.
  std::optional<Error> obstacle(const Post& post);
  void take_post_checked(const TokenChecked& checked, Instant now, Output& out);
  void open(ConnectionId request, const Post& post, Instant now, Output& out);
  ParticipantId publisher(const Post& post, Instant now, Output& out);
  void patch(const RequestReceived& received, Resource& resource, Instant now, Output& out);
  // Its participant leaves.
  void end(const Resource& resource, Instant now, Output& out);
  // Of somebody who has gone.
  void forget_resource(ParticipantId participant);

  Config config_;
  signaling::CodecPolicy codecs_;
  std::vector<signaling::MediaAddress> addresses_;  // by worker
  signaling::IdSource ids_;
  UnixTime wall_time_;  // at wall_set_
  Instant wall_set_;
  bool shutting_down_ = false;

  SlotMap<Connection> connections_;
  std::unordered_map<ConnectionId, ConnectionHandle> connection_ids_;
  std::unordered_map<std::string, std::size_t> per_address_;
  Deadlines<Connection> connection_deadlines_;

  SlotMap<Call> calls_;
  std::unordered_map<std::string, CallHandle> rooms_;
  std::unordered_map<CallId, CallHandle> call_ids_;
  Deadlines<Call> call_deadlines_;

  struct Place {
    CallHandle call;
    WorkerIndex worker{};
  };
  std::unordered_map<EndpointId, Place> endpoints_;
  std::vector<std::size_t> load_;  // endpoints, by worker
  std::unordered_map<ParticipantId, Member> members_;
  std::unordered_map<std::string, std::size_t> pending_;  // joins waiting for the store, by room
  Sessions sessions_;

  std::unordered_map<std::string, Resource> resources_;           // by id
  std::unordered_map<ParticipantId, std::string> resource_ids_;   // by whose it is
  std::unordered_map<std::string, ParticipantId> resource_keys_;  // by key
  std::unordered_map<ConnectionId, Post> posts_;                  // that wait for the store
  std::vector<std::size_t> viewers_;                              // by worker
  signaling::Rates rates_;
  NodeStats stats_;

  // Reused.
  signaling::Session::Output session_out_;
  signaling::Room::Output room_out_;
};

}  // namespace liaison::node
