// The sessions that a client may resume, in memory and in the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "node/effects.hpp"
#include "signaling/limits.hpp"

namespace liaison::node {

// Finds a session by its secret, of which only the SHA-256 is kept. A session lives as long as its
// participant is in a call, and can be resumed for a while after; what the store holds outlives
// this process. It does not know who is in a call: the node says so.
class Sessions {
 public:
  struct Session {
    SessionRecord record;
    ParticipantId participant;  // none: not in a call now
    Instant due;                // of its renewal in the store, or of its end
    std::uint64_t attempt = 0;  // the highest that a join of it has had
  };

  explicit Sessions(const signaling::Limits& limits) : limits_(limits) {}

  // Of a secret, as in SessionRecord::resume_hash.
  static std::string hash_of(std::string_view secret);

  // What the store held. Nobody is in a call yet: each can be resumed for a while from now.
  void load(const std::vector<SessionRecord>& records, Instant now, UnixTime unix_now);

  // A new one; returns its hash. Only if has_room(), and there is none of this secret.
  std::string add(std::string_view secret, SessionRecord record, ParticipantId participant,
                  Instant now, UnixTime unix_now, std::vector<StoreRequest>& store);
  // Whether one more may live, if need be in place of one that is not in a call.
  bool has_room() const;

  // Null if there is none of this secret, or hash, now.
  Session* find_secret(std::string_view secret);
  Session* find(const std::string& hash);

  // False if a join of this attempt comes too late: a later one was here before. A join without one
  // is always in time.
  static bool take_attempt(Session& session, std::optional<std::uint64_t> attempt);

  // Its participant is in a call (again).
  void enter(Session& session, ParticipantId participant, Instant now);
  // Its participant is in no call any more since `absent`.
  void depart(Session& session, Duration absent, Instant now);
  // It is over.
  void erase(const std::string& hash, std::vector<StoreRequest>& store);

  void tick(Instant now, UnixTime unix_now, std::vector<StoreRequest>& store);
  Instant deadline() const { return due_.empty() ? never : due_.begin()->first; }

  std::size_t size() const { return sessions_.size(); }

 private:
  void set_due(Session& session, Instant due);
  void save(Session& session, Instant now, UnixTime unix_now, std::vector<StoreRequest>& store);

  const signaling::Limits& limits_;
  std::unordered_map<std::string, Session> sessions_;  // by hash
  std::set<std::pair<Instant, std::string>> due_;
};

}  // namespace liaison::node
