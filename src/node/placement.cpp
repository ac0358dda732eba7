// Which worker has which endpoint, and which workers have part of which call.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/ensure.hpp"
#include "node/state.hpp"
#include "sfu/link.hpp"
#include "signaling/credentials.hpp"

namespace liaison::node {

// A call stays together for as long as it can: what crosses from worker to worker is copied twice
// more.
const signaling::MediaAddress& Node::State::place(const Call& call) const {
  const std::size_t home = std::to_underlying(call.home);
  if (load_[home] < config_.limits.endpoints_before_spreading) return addresses_[home];
  const auto least = std::ranges::min_element(load_) - load_.begin();
  return addresses_[static_cast<std::size_t>(least)];
}

// With those who are in a call and have no endpoint yet, as if that were to be at its home.
std::vector<std::size_t> Node::State::expected_load() {
  std::vector<std::size_t> load = load_;
  calls_.for_each([&](CallHandle, const Call& call) {
    const std::size_t here = call.room.size() + call.room.viewers();
    const std::size_t open =
        std::accumulate(call.endpoints.begin(), call.endpoints.end(), std::size_t{0});
    load[std::to_underlying(call.home)] += here - std::min(here, open);
  });
  return load;
}

template <typename LinkCommand>
void Node::State::link(const Call& call, WorkerIndex worker, Output& out) {
  for (std::size_t i = 0; i < call.endpoints.size(); ++i) {
    const WorkerIndex other{static_cast<std::uint8_t>(i)};
    if (other == worker || call.endpoints[i] == 0) continue;
    out.commands.push_back({worker, LinkCommand{call.id, sfu::link_to(other)}});
    out.commands.push_back({other, LinkCommand{call.id, sfu::link_to(worker)}});
  }
}

void Node::State::note_opened(const sfu::OpenEndpoint& opened, CallHandle handle, Output& out) {
  const auto worker = signaling::worker_of_ufrag(opened.local.ufrag);
  ENSURE(worker);
  const std::size_t index = std::to_underlying(*worker);
  Call& call = *calls_.get(handle);
  endpoints_.emplace(opened.endpoint, Place{handle, *worker});
  ++load_[index];
  if (++call.endpoints[index] == 1) link<sfu::OpenLink>(call, *worker, out);
}

void Node::State::note_closed(EndpointId endpoint, Output& out) {
  const auto at = endpoints_.find(endpoint);
  if (at == endpoints_.end()) return;
  const Place place = at->second;
  endpoints_.erase(at);
  const std::size_t index = std::to_underlying(place.worker);
  --load_[index];
  Call& call = *calls_.get(place.call);
  if (--call.endpoints[index] != 0) return;
  link<sfu::CloseLink>(call, place.worker, out);
  if (place.worker != call.home) return;
  const auto most = std::ranges::max_element(call.endpoints);
  if (*most != 0) call.home = WorkerIndex{static_cast<std::uint8_t>(most - call.endpoints.begin())};
}

void Node::State::send_command(sfu::Command command, CallHandle call, Output& out) {
  if (const auto* opened = std::get_if<sfu::OpenEndpoint>(&command))
    note_opened(*opened, call, out);
  const EndpointId endpoint = sfu::endpoint_of(command);
  const auto at = endpoints_.find(endpoint);
  // It has ended by itself meanwhile.
  if (at == endpoints_.end()) return;
  const bool closes = std::holds_alternative<sfu::CloseEndpoint>(command);
  out.commands.push_back({at->second.worker, std::move(command)});
  if (closes) note_closed(endpoint, out);
}

}  // namespace liaison::node
