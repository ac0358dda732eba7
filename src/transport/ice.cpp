#include "transport/ice.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"

namespace liaison::transport {
namespace {

template <typename Paths, typename Value, typename Member>
auto* find_by(Paths& paths, const Value& value, Member member) {
  const auto found = std::ranges::find(paths, value, member);
  return found == paths.end() ? nullptr : &*found;
}

}  // namespace

bool IceAgent::Rate::admit(Instant now) {
  constexpr Duration interval = Duration(seconds(1)) / max_checks_per_second;
  if (next > now + seconds(1) - interval) return false;
  next = std::max(next, now) + interval;
  return true;
}

IceAgent::IceAgent(IceCredentials local, std::string remote_ufrag)
    : current_{std::move(local), std::move(remote_ufrag)} {}

IceAgent::KnownPath* IceAgent::find(const Path& path) {
  return find_by(paths_, path, &KnownPath::path);
}

IceAgent::KnownPath* IceAgent::find_serial(std::uint32_t serial) {
  return find_by(paths_, serial, &KnownPath::serial);
}

bool IceAgent::validated(const Path& path) const {
  return find_by(paths_, path, &KnownPath::path) != nullptr;
}

bool IceAgent::alive(const Path& path, Instant now) const {
  const KnownPath* known = find_by(paths_, path, &KnownPath::path);
  return known != nullptr && now - known->last_packet < silence;
}

IceAgent::Rate& IceAgent::rate_of(const Path& path) {
  if (KnownPath* known = find(path)) return known->rate;
  const std::size_t hash = std::hash<SocketAddress>{}({.ip = path.remote.ip, .port = 0});
  return unknown_sources_[hash % unknown_sources_.size()];
}

const IceAgent::Credentials* IceAgent::credentials_of(std::string_view username) const {
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos) return nullptr;
  const std::string_view local = username.substr(0, colon);
  const std::string_view remote = username.substr(colon + 1);
  const auto match = [&](const Credentials& c) {
    return c.local.ufrag == local && c.remote_ufrag == remote;
  };
  if (match(current_)) return &current_;
  if (previous_ && match(*previous_)) return &*previous_;
  return nullptr;
}

std::expected<PathChange, Drop> IceAgent::receive(const Path& from, Bytes datagram, Instant now,
                                                  Output& out) {
  tick(now);
  if (!rate_of(from).admit(now)) return std::unexpected(Drop::stun_rate);
  const auto message = stun::parse(datagram);
  if (!message) return std::unexpected(Drop::stun_malformed);
  // A lite agent sends no requests, so nothing but requests can be for it. Indications need no
  // integrity (RFC 8445 section 11) and therefore must not have any effect.
  if (message->kind != stun::Class::request) return std::unexpected(Drop::stun_malformed);
  const Credentials* credentials = credentials_of(message->username);
  if (credentials == nullptr) return std::unexpected(Drop::stun_unknown_user);
  const std::string_view password = credentials->local.password;
  if (!stun::integrity_matches(*message, datagram, password)) {
    return std::unexpected(Drop::stun_bad_integrity);
  }

  const auto answer = [&](MutableBytes written) { out.commit(from, written.size()); };
  const MutableBytes room = out.reserve(stun::max_response_size);
  if (message->unknown_count > 0) {
    answer(stun::write_error(room, *message, stun::ErrorCode::unknown_attribute, password));
    return PathChange{};
  }
  // RFC 8445 section 7.3.1.1: a lite agent facing a full one is always controlled.
  if (message->ice_controlled) {
    answer(stun::write_error(room, *message, stun::ErrorCode::role_conflict, password));
    return PathChange{};
  }

  const Transaction transaction{.id = load_u64(&message->transaction[4]), .serial = 0};
  const auto seen = std::ranges::find(transactions_, transaction.id, &Transaction::id);
  if (seen != transactions_.end()) {
    const KnownPath* known = find(from);
    if (known == nullptr || known->serial != seen->serial) {
      return std::unexpected(Drop::stun_replay);
    }
    // The far end did not get the answer; or somebody plays back what it sent. Answering is
    // harmless, and nothing else follows from it.
    answer(stun::write_success(room, message->transaction, from.remote, password));
    return PathChange{};
  }

  PathChange change;
  KnownPath& path = admit(from, now, change);
  const Transaction passed{.id = transaction.id, .serial = path.serial};
  if (transactions_.size() < max_transactions) {
    transactions_.push_back(passed);
  } else {
    transactions_[oldest_transaction_++ % max_transactions] = passed;
  }
  note(path, now);
  answer(stun::write_success(room, message->transaction, from.remote, password));
  if (message->use_candidate) nominate(path, *credentials, now);
  return change;
}

IceAgent::KnownPath& IceAgent::admit(const Path& path, Instant now, PathChange& change) {
  if (KnownPath* known = find(path)) return *known;
  if (paths_.size() == max_paths) {
    // The one silent for longest makes room, but neither the one in use nor the one to go back to.
    auto victim = paths_.end();
    for (auto it = paths_.begin(); it != paths_.end(); ++it) {
      if (it->serial == selected_ || (it->nominated && now - it->last_packet < silence)) continue;
      if (victim == paths_.end() || it->last_packet < victim->last_packet) victim = it;
    }
    if (victim == paths_.end()) {
      victim = std::ranges::find_if(
          paths_, [this](const KnownPath& known) { return known.serial != selected_; });
    }
    change.removed = victim->path;
    paths_.erase(victim);
  }
  change.added = path;
  paths_.push_back({.path = path, .serial = next_serial_++, .last_packet = now, .rate = {}});
  return paths_.back();
}

void IceAgent::nominate(KnownPath& path, const Credentials& by, Instant now) {
  if (&by == &current_) {
    if (!nominated_on_current_ && previous_) {
      previous_expires_ = std::min(previous_expires_, now + overlap_after_nomination);
    }
    nominated_on_current_ = true;
  } else if (nominated_on_current_) {
    return;  // A late check of the time before the restart.
  }
  path.nominated = true;
  if (path.serial == selected_) return;

  const KnownPath* before = find_serial(selected_);
  if (before != nullptr) {
    if (path.banned_until > now && now - before->last_packet < silence) return;
    probation_ = {.began = now, .ends = now + probation};
  }
  selected_ = path.serial;
  last_consent_ = now;
}

void IceAgent::note(KnownPath& path, Instant now) {
  path.last_packet = now;
  if (path.serial == selected_) probation_.reset();
  if (selected_ == 0 || path.serial == selected_) {
    last_consent_ = now;
    return;
  }
  const KnownPath* selected = find_serial(selected_);
  const bool unconfirmed = probation_ && probation_->ends == never;
  const bool silent = selected != nullptr && now - selected->last_packet >= silence;
  if (path.nominated && (unconfirmed || silent)) replace_selected(path, now);
}

void IceAgent::replace_selected(KnownPath& by, Instant now) {
  KnownPath* selected = find_serial(selected_);
  if (probation_ && selected != nullptr) selected->banned_until = now + ban;
  selected_ = by.serial;
  last_consent_ = by.last_packet;
  probation_.reset();
}

void IceAgent::confirm(const Path& path, Instant now) {
  tick(now);
  if (KnownPath* known = find(path)) note(*known, now);
}

void IceAgent::restart(IceCredentials local, std::string remote_ufrag, Instant now) {
  previous_ = std::exchange(current_, {std::move(local), std::move(remote_ufrag)});
  previous_expires_ = now + max_overlap;
  nominated_on_current_ = false;
  // What failed on the network of before may do well now.
  for (KnownPath& path : paths_) path.banned_until = Instant::min();
}

void IceAgent::tick(Instant now) {
  if (previous_ && now >= previous_expires_) {
    previous_.reset();
    previous_expires_ = never;
  }
  if (probation_ && now >= probation_->ends) {
    KnownPath* heard = nullptr;
    for (KnownPath& path : paths_) {
      if (path.serial == selected_ || !path.nominated || path.last_packet <= probation_->began) {
        continue;
      }
      if (heard == nullptr || path.last_packet > heard->last_packet) heard = &path;
    }
    if (heard != nullptr) {
      replace_selected(*heard, now);
    } else {
      probation_->ends = never;
    }
  }
}

Instant IceAgent::deadline() const {
  return std::min(previous_ ? previous_expires_ : never, probation_ ? probation_->ends : never);
}

const Path* IceAgent::selected() const {
  const KnownPath* path = find_by(paths_, selected_, &KnownPath::serial);
  return path == nullptr ? nullptr : &path->path;
}

std::vector<Path> IceAgent::paths() const {
  std::vector<Path> paths;
  paths.reserve(paths_.size());
  for (const KnownPath& known : paths_) paths.push_back(known.path);
  return paths;
}

std::array<std::string_view, 2> IceAgent::local_ufrags() const {
  return {current_.local.ufrag,
          previous_ ? std::string_view(previous_->local.ufrag) : std::string_view{}};
}

}  // namespace liaison::transport
