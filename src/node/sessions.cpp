#include "node/sessions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/ensure.hpp"

namespace liaison::node {
namespace {

// The record of a session in a call is good for this long in the store, and renewed at half time:
// a process that dies leaves nothing behind for longer.
constexpr Duration record_life = hours(24);

}  // namespace

std::string Sessions::hash_of(std::string_view secret) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(as_bytes(secret).data(), secret.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

void Sessions::load(const std::vector<SessionRecord>& records, Instant now, UnixTime unix_now) {
  for (const SessionRecord& record : records) {
    if (record.expires <= unix_now || sessions_.size() >= limits_.sessions) continue;
    const auto [at, fresh] = sessions_.try_emplace(record.resume_hash, Session{record, {}, never});
    const Duration left = std::min<Duration>(record.expires - unix_now, limits_.resume);
    if (fresh) set_due(at->second, now + left);
  }
}

bool Sessions::has_room() const {
  if (sessions_.size() < limits_.sessions) return true;
  // Those that are not in a call are due first: their time is minutes, the others' hours.
  return !due_.empty() && !sessions_.at(due_.begin()->second).participant;
}

std::string Sessions::add(std::string_view secret, SessionRecord record, ParticipantId participant,
                          Instant now, UnixTime unix_now, std::vector<StoreRequest>& store) {
  ENSURE(has_room());
  if (sessions_.size() >= limits_.sessions) erase(std::string(due_.begin()->second), store);
  record.resume_hash = hash_of(secret);
  std::string hash = record.resume_hash;
  const auto [at, fresh] =
      sessions_.try_emplace(hash, Session{std::move(record), participant, never});
  ENSURE(fresh);
  save(at->second, now, unix_now, store);
  return hash;
}

Sessions::Session* Sessions::find_secret(std::string_view secret) { return find(hash_of(secret)); }

Sessions::Session* Sessions::find(const std::string& hash) {
  const auto at = sessions_.find(hash);
  return at == sessions_.end() ? nullptr : &at->second;
}

bool Sessions::take_attempt(Session& session, std::optional<std::uint64_t> attempt) {
  if (!attempt) return true;
  if (*attempt < session.attempt) return false;
  session.attempt = *attempt;
  return true;
}

void Sessions::enter(Session& session, ParticipantId participant, Instant now) {
  session.participant = participant;
  // Renewed soon: what the store holds may be near its end.
  set_due(session, now);
}

void Sessions::depart(Session& session, Duration absent, Instant now) {
  session.participant = {};
  set_due(session, now + std::max<Duration>(limits_.resume - absent, Duration{0}));
}

void Sessions::erase(const std::string& hash, std::vector<StoreRequest>& store) {
  const auto at = sessions_.find(hash);
  if (at == sessions_.end()) return;
  due_.erase({at->second.due, hash});
  store.emplace_back(DeleteSession{hash});
  sessions_.erase(at);
}

void Sessions::tick(Instant now, UnixTime unix_now, std::vector<StoreRequest>& store) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string hash = due_.begin()->second;
    Session& session = sessions_.at(hash);
    if (session.participant)
      save(session, now, unix_now, store);
    else
      erase(hash, store);
  }
}

void Sessions::set_due(Session& session, Instant due) {
  due_.erase({session.due, session.record.resume_hash});
  session.due = due;
  due_.emplace(due, session.record.resume_hash);
}

void Sessions::save(Session& session, Instant now, UnixTime unix_now,
                    std::vector<StoreRequest>& store) {
  session.record.expires = unix_now + duration_cast<microseconds>(record_life);
  set_due(session, now + record_life / 2);
  store.emplace_back(SaveSession{session.record});
}

}  // namespace liaison::node
