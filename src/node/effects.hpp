// All that the whole server, as one machine, can be told and can ask of the world.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"
#include "signaling/whip.hpp"

namespace liaison::node {

// ── In
// ──────────────────────────────────────────────────────────────────────────────────────────────────────
// A client's WebSocket is open. `remote` is its address, for limits and logs.
struct ConnectionOpened {
  ConnectionId connection;
  std::string remote;
};
// One text message of it, at most limits::message_bytes.
struct MessageReceived {
  ConnectionId connection;
  std::string text;
};
// It is gone. Not sent for a connection that the node closed itself.
struct ConnectionClosed {
  ConnectionId connection;
};
// An HTTP request of a WHIP or WHEP client, answered by one Respond with the same id: one that no
// connection has, nor any other request.
struct RequestReceived {
  ConnectionId request;
  std::string remote;
  signaling::whip::Request content;
};
struct WorkerEvent {
  WorkerIndex worker{};
  sfu::Event event;
};
// The time of day, at the start and whenever it moved against the monotonic clock.
struct WallClockSet {
  UnixTime now;
};
// A session that outlives its connection and this process (see SaveSession).
struct SessionRecord {
  std::string
      resume_hash;  // SHA-256 of the resume secret, hexadecimal: the secret itself is never stored
  std::string participant;  // the public id
  std::string room;
  std::string name;
  UnixTime expires;
  bool operator==(const SessionRecord&) const = default;
};
// What the store held when the process started. The first input.
struct StoreLoaded {
  std::vector<SessionRecord> sessions;
};
// Answer to UseToken: `fresh` if the id had not been used before, or by the same bearer: whoever
// tries again because no answer reached them.
struct TokenChecked {
  ConnectionId connection;  // or request
  std::string token_id;
  bool fresh = false;
};

// The process is about to end: everybody is told, so that their clients come back to its successor.
// The sessions stay in the store.
struct ShutDown {};

using Input = std::variant<ConnectionOpened, MessageReceived, ConnectionClosed, RequestReceived,
                           WorkerEvent, WallClockSet, StoreLoaded, TokenChecked, ShutDown>;

// ── Out
// ─────────────────────────────────────────────────────────────────────────────────────────────────────
struct SendMessage {
  ConnectionId connection;
  std::string text;
};
// After what was sent to it before. `code` is a WebSocket close code (RFC 6455 section 7.4).
struct CloseConnection {
  ConnectionId connection;
  std::uint16_t code = 1000;
  std::string reason;
};
struct Respond {
  ConnectionId request;
  signaling::whip::Response content;
};
struct SendCommand {
  WorkerIndex worker{};
  sfu::Command command;
};
// To be durable before TokenChecked is answered: a token works once even if the process dies.
struct UseToken {
  ConnectionId connection;  // or request
  std::string token_id;
  UnixTime expires;  // the id may be forgotten after this
  // SHA-256 of the secret of the session that it is used for, as SessionRecord::resume_hash; of a
  // WHIP or WHEP client, of the token itself and what it is used for. Empty: nobody can be told
  // from anybody else.
  std::string bearer;
};
struct SaveSession {
  SessionRecord session;
};
struct DeleteSession {
  std::string resume_hash;
};
// A room that has been used; for the operator's list and later features.
struct SaveRoom {
  std::string name;
  UnixTime last_used;
};
using StoreRequest = std::variant<UseToken, SaveSession, DeleteSession, SaveRoom>;

enum class LogLevel : std::uint8_t { debug, info, warning, error };
struct LogField {
  std::string key;
  std::string value;
};
// One structured line. `call` is the public id of the call it is about, or empty.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string event;  // stable, snake_case
  std::string call;
  std::vector<LogField> fields;
};

struct Output {
  std::vector<SendMessage> messages;
  std::vector<CloseConnection> closes;
  std::vector<Respond> responses;
  std::vector<SendCommand> commands;
  std::vector<StoreRequest> store;
  std::vector<LogLine> log;

  void clear() {
    messages.clear();
    closes.clear();
    responses.clear();
    commands.clear();
    store.clear();
    log.clear();
  }
};

}  // namespace liaison::node
