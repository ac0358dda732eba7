#include "sim/ledger.hpp"

#include <algorithm>
#include <variant>

namespace liaison::sim {

void Ledger::changed(TrackId track) {
  for (auto& [ssrc, down] : downs_) {
    if (down.track == track) ++down.changes;
  }
}

void Ledger::close(EndpointId id) {
  const auto at = endpoints_.find(id);
  if (at == endpoints_.end()) return;
  for (const std::uint32_t ssrc : at->second.ssrcs) downs_.erase(ssrc);
  for (const TrackId track : at->second.tracks) {
    const auto up = ups_.find(track);
    if (up == ups_.end() || up->second.endpoint != id) continue;
    ups_.erase(up);
    changed(track);
  }
  endpoints_.erase(at);
}

bool Ledger::connected(const std::string& remote_ufrag) const {
  return std::ranges::any_of(endpoints_, [&](const auto& entry) {
    return entry.second.remote_ufrag == remote_ufrag && entry.second.connected;
  });
}

void Ledger::take(const sfu::Command& command) {
  if (const auto* open = std::get_if<sfu::OpenEndpoint>(&command)) {
    Endpoint& endpoint = endpoints_[open->endpoint];
    endpoint.remote_ufrag = open->remote_ufrag;
    for (const sfu::DownMedia& media : open->media.down) {
      endpoint.ssrcs.push_back(media.ssrc);
      downs_[media.ssrc] = {open->endpoint, media.slot, media.kind, {}, 1};
    }
    for (std::size_t line = 0; line < open->media.up.size(); ++line) {
      const TrackId track = open->media.up[line].track;
      endpoint.tracks.push_back(track);
      ups_[track] = {open->endpoint, line, false};
      changed(track);
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
    const auto up = ups_.find(active->track);
    if (up == ups_.end() || up->second.endpoint != active->endpoint) return;
    up->second.active = active->active;
    changed(active->track);
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

}  // namespace liaison::sim
