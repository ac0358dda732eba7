// The inside of Node, for node.cpp and join.cpp only.
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
#include "signaling/room.hpp"
#include "signaling/session.hpp"

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
    WorkerIndex worker{};
    Instant started;
    signaling::Room room;
  };
  using CallHandle = Handle<Call>;

  struct Member {
    CallHandle call;
    ConnectionHandle connection;  // stale or empty while its signaling is lost
    std::string public_id;
    std::string session;  // hash
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
  void end_call(CallHandle handle, Instant now, Output& out);
  CallHandle call_of(const sfu::Event& event) const;

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
  CallHandle find_or_start_call(const std::string& room, Instant now, Output& out);
  ParticipantId seat(ConnectionHandle handle, CallHandle call, std::string public_id,
                     std::string name, Instant now, Output& out);

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

  std::unordered_map<EndpointId, CallHandle> endpoints_;
  std::unordered_map<ParticipantId, Member> members_;
  std::unordered_map<std::string, std::size_t> pending_;  // joins waiting for the store, by room
  Sessions sessions_;
  NodeStats stats_;

  // Reused.
  signaling::Session::Output session_out_;
  signaling::Room::Output room_out_;
};

}  // namespace liaison::node
