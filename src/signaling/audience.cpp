#include "signaling/audience.hpp"

#include <utility>

#include "base/ensure.hpp"
#include "signaling/credentials.hpp"

namespace liaison::signaling {

std::string Audience::open(ParticipantId id, std::string public_id, EndpointId endpoint,
                           const Offer& offer, const std::string& watched, const Tracks& tracks,
                           const MediaAddress& place, Commands& out) {
  ENSURE(offer.role == Role::viewer);
  Viewer viewer;
  viewer.public_id = std::move(public_id);
  viewer.endpoint = endpoint;
  viewer.place = &place;
  viewer.local = draw_local_media(offer, draw_credentials(place.worker), {});
  viewer.watched = watched;
  sfu::MediaDescription description = describe_media(offer, viewer.local);
  for (const sfu::DownMedia& down : description.down)
    (down.kind == rtp::MediaKind::audio ? viewer.audio_slot : viewer.video_slot) = down.slot;
  out.emplace_back(sfu::OpenEndpoint{endpoint, call_, viewer.local.credentials, offer.remote.ufrag,
                                     offer.fingerprint, std::move(description)});
  Group& group = groups_.try_emplace(watched, Group{tracks, {}}).first->second;
  group.viewers.insert(id);
  assign(viewer, {}, group.tracks, out);
  endpoints_.emplace(endpoint, id);
  std::string answer = write_answer(offer, viewer.local, place);
  ENSURE(viewers_.emplace(id, std::move(viewer)).second);
  return answer;
}

void Audience::assign(const Viewer& viewer, const Tracks& before, const Tracks& tracks,
                      Commands& out) {
  if (viewer.audio_slot && tracks.audio != before.audio)
    out.emplace_back(sfu::AssignSlot{viewer.endpoint, *viewer.audio_slot, tracks.audio});
  if (viewer.video_slot && tracks.video != before.video)
    out.emplace_back(sfu::AssignSlot{viewer.endpoint, *viewer.video_slot, tracks.video});
}

void Audience::close(ParticipantId id, Commands& out) {
  const auto at = viewers_.find(id);
  if (at == viewers_.end()) return;
  out.emplace_back(sfu::CloseEndpoint{at->second.endpoint});
  forget(id);
}

void Audience::close_all(std::vector<ParticipantId>& departed, Commands& out) {
  while (!viewers_.empty()) {
    departed.push_back(viewers_.begin()->first);
    close(departed.back(), out);
  }
}

void Audience::forget(ParticipantId id) {
  const auto at = viewers_.find(id);
  endpoints_.erase(at->second.endpoint);
  const auto group = groups_.find(at->second.watched);
  group->second.viewers.erase(id);
  if (group->second.viewers.empty()) groups_.erase(group);
  viewers_.erase(at);
}

std::optional<std::string> Audience::restart_ice(ParticipantId id, const std::string& remote_ufrag,
                                                 Commands& out) {
  const auto at = viewers_.find(id);
  if (at == viewers_.end()) return std::nullopt;
  Viewer& viewer = at->second;
  viewer.local.credentials = draw_credentials(viewer.place->worker);
  out.emplace_back(sfu::RestartIce{viewer.endpoint, viewer.local.credentials, remote_ufrag});
  return write_restart(viewer.local, *viewer.place);
}

bool Audience::receive(const sfu::Event& event, std::vector<ParticipantId>& departed) {
  const EndpointId endpoint = sfu::endpoint_of(event);
  const auto at = endpoints_.find(endpoint);
  if (at == endpoints_.end()) return false;
  if (!std::holds_alternative<sfu::EndpointClosed>(event)) return true;
  const ParticipantId viewer = at->second;
  departed.push_back(viewer);
  forget(viewer);
  return true;
}

void Audience::follow(const std::function<Tracks(const std::string& watched)>& tracks_of,
                      Commands& out) {
  for (auto& [watched, group] : groups_) {
    const Tracks now = tracks_of(watched);
    const Tracks before = std::exchange(group.tracks, now);
    if (now == before) continue;
    for (const ParticipantId viewer : group.viewers) assign(viewers_.at(viewer), before, now, out);
  }
}

std::string Audience::owner(EndpointId endpoint) const {
  const auto at = endpoints_.find(endpoint);
  return at == endpoints_.end() ? std::string() : viewers_.at(at->second).public_id;
}

}  // namespace liaison::signaling
