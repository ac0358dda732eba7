#include "sim/ledger.hpp"

#include <algorithm>
#include <variant>

namespace liaison::sim {

const Ledger::Up* Ledger::up(const Down& down) const {
  const Endpoint* subscriber = endpoint(down.endpoint);
  return subscriber == nullptr ? nullptr : get(ups_, At{subscriber->worker, down.track});
}

// Of those who get the track from this worker.
void Ledger::changed(const At& at) {
  for (auto& [ssrc, down] : downs_) {
    const Endpoint* subscriber = endpoint(down.endpoint);
    if (down.track == at.second && subscriber != nullptr && subscriber->worker == at.first)
      ++down.changes;
  }
}

template <typename Predicate>
void Ledger::erase_ups(std::size_t worker, Predicate&& predicate) {
  for (auto up = ups_.begin(); up != ups_.end();) {
    const At at = up->first;
    if (at.first != worker || !predicate(up->second)) {
      ++up;
      continue;
    }
    up = ups_.erase(up);
    changed(at);
  }
}

void Ledger::close(EndpointId id) {
  const auto at = endpoints_.find(id);
  if (at == endpoints_.end()) return;
  for (const std::uint32_t ssrc : at->second.ssrcs) downs_.erase(ssrc);
  erase_ups(at->second.worker, [&](const Up& up) { return up.endpoint == id; });
  endpoints_.erase(at);
}

void Ledger::set_active(const At& at, bool active) {
  ups_.at(at).active = active;
  changed(at);
}

bool Ledger::connected(const std::string& remote_ufrag) const {
  return std::ranges::any_of(endpoints_, [&](const auto& entry) {
    return entry.second.remote_ufrag == remote_ufrag && entry.second.connected;
  });
}

void Ledger::take(std::size_t worker, const sfu::Command& command) {
  if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
    Endpoint& endpoint = endpoints_[open->endpoint];
    endpoint.worker = worker;
    endpoint.remote_ufrag = open->remote_ufrag;
    for (const sfu::DownMedia& media : open->media.down) {
      endpoint.ssrcs.push_back(media.ssrc);
      downs_[media.ssrc] = {open->endpoint, media.slot, media.kind, {}, 1};
    }
    for (std::size_t line = 0; line < open->media.up.size(); ++line) {
      const TrackId track = open->media.up[line].track;
      endpoint.tracks.push_back(track);
      ups_[{worker, track}] = {.endpoint = open->endpoint, .line = line};
      changed({worker, track});
    }
  } else if (const auto* update = std::get_if<sfu::UpdateMedia>(&command)) {
    const auto at = endpoints_.find(update->endpoint);
    if (at == endpoints_.end()) return;
    for (std::size_t i = at->second.ssrcs.size(); i < update->media.down.size(); ++i) {
      const sfu::DownMedia& media = update->media.down[i];
      at->second.ssrcs.push_back(media.ssrc);
      downs_[media.ssrc] = {update->endpoint, media.slot, media.kind, {}, 1};
    }
  } else if (const auto* restart = std::get_if<sfu::RestartIce>(&command)) {
    const auto at = endpoints_.find(restart->endpoint);
    if (at != endpoints_.end()) at->second.remote_ufrag = restart->remote_ufrag;
  } else if (const auto* closed = std::get_if<sfu::CloseEndpoint>(&command)) {
    close(closed->endpoint);
  } else if (const auto* active = std::get_if<sfu::SetTrackActive>(&command)) {
    const auto up = ups_.find({worker, active->track});
    if (up == ups_.end() || up->second.endpoint != active->endpoint) return;
    set_active(up->first, active->active);
  } else if (const auto* linked = std::get_if<sfu::OpenLink>(&command)) {
    links_.insert({worker, {linked->call, linked->link}});
  } else if (const auto* unlinked = std::get_if<sfu::CloseLink>(&command)) {
    links_.erase({worker, {unlinked->call, unlinked->link}});
    erase_ups(worker,
              [&](const Up& up) { return up.from == unlinked->link && up.call == unlinked->call; });
  } else if (const auto* assign = std::get_if<sfu::AssignSlot>(&command)) {
    const auto at = endpoints_.find(assign->endpoint);
    if (at == endpoints_.end() || assign->slot >= at->second.ssrcs.size()) return;
    Down& down = downs_.at(at->second.ssrcs[assign->slot]);
    down.track = assign->track;
    ++down.changes;
  }
}

void Ledger::take(const sfu::Event& event) {
  if (const auto* connected = std::get_if<sfu::EndpointConnected>(&event)) {
    const auto at = endpoints_.find(connected->endpoint);
    if (at != endpoints_.end()) at->second.connected = true;
  } else if (const auto* lost = std::get_if<sfu::EndpointDisconnected>(&event)) {
    const auto at = endpoints_.find(lost->endpoint);
    if (at == endpoints_.end()) return;
    at->second.connected = false;
    ++at->second.disconnections;
    // What could not be sent for a while begins anew.
    for (const std::uint32_t ssrc : at->second.ssrcs) ++downs_.at(ssrc).changes;
  } else if (const auto* paused = std::get_if<sfu::SlotsPaused>(&event)) {
    const auto at = endpoints_.find(paused->endpoint);
    if (at != endpoints_.end()) at->second.paused = paused->slots;
  } else if (const auto* closed = std::get_if<sfu::EndpointClosed>(&event)) {
    close(closed->endpoint);
  }
}

void Ledger::take(std::size_t worker, LinkId link, const sfu::LinkMessage& message) {
  if (const auto* hello = std::get_if<sfu::LinkHello>(&message)) {
    erase_ups(worker, [&](const Up& up) { return up.from == link && up.call == hello->call; });
  } else if (const auto* announce = std::get_if<sfu::LinkAnnounce>(&message)) {
    announced(worker, link, *announce);
  } else if (const auto* gone = std::get_if<sfu::LinkWithdraw>(&message)) {
    erase_ups(worker,
              [&](const Up& up) { return up.from == link && up.endpoint == gone->publisher; });
  }
}

void Ledger::announced(std::size_t worker, LinkId link, const sfu::LinkAnnounce& message) {
  if (!links_.contains({worker, {message.call, link}})) return;
  for (std::size_t line = 0; line < message.media.up.size(); ++line) {
    const At at{worker, message.media.up[line].track};
    const bool active = std::ranges::find(message.active, at.second) != message.active.end();
    const auto [up, fresh] = ups_.try_emplace(at, Up{.endpoint = message.publisher,
                                                     .line = line,
                                                     .active = active,
                                                     .call = message.call,
                                                     .from = link});
    if (fresh)
      changed(at);
    else if (up->second.active != active)
      set_active(at, active);
  }
}

}  // namespace liaison::sim
