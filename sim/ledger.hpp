// What one server's workers were told, as far as each of them has taken it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"
#include "sfu/link.hpp"

namespace liaison::sim {

// Reads along with the commands and events of a server and with what its workers tell each other,
// for checks that must know what is assigned to what at this very moment. What one worker knows of
// a publisher another may not know yet. It knows nothing of packets.
class Ledger {
 public:
  void take(std::size_t worker, const sfu::Command& command);
  void take(const sfu::Event& event);
  // From the worker to which `link` leads.
  void take(std::size_t worker, LinkId link, const sfu::LinkMessage& message);

  // A place in which an endpoint receives, by its SSRC or that of its repetitions.
  struct Down {
    EndpointId endpoint;
    std::uint16_t slot = 0;
    rtp::MediaKind kind = rtp::MediaKind::audio;
    TrackId track;
    // How often anything changed that lets a forwarded track begin anew: the track that is
    // assigned, whether it is active, who publishes it.
    std::uint64_t changes = 0;
  };
  struct Up {
    EndpointId endpoint;
    std::size_t line = 0;  // m-line, 0 to 3
    bool active = false;
    CallId call = {};
    LinkId from = {};  // none: published at this worker
  };
  struct Endpoint {
    std::size_t worker = 0;
    std::string remote_ufrag;
    bool connected = false;
    std::uint64_t disconnections = 0;
    std::vector<std::uint32_t> ssrcs;   // of its slots
    std::vector<TrackId> tracks;        // that it publishes
    std::vector<std::uint16_t> paused;  // slots that its path has no room for
  };
  const Down* down(std::uint32_t ssrc) const { return get(downs_, ssrc); }
  // Of the track in a place, as the worker of that place knows it.
  const Up* up(const Down& down) const;
  // Whether the peer connection that offers this is connected.
  bool connected(const std::string& remote_ufrag) const;
  const Endpoint* endpoint(EndpointId id) const { return get(endpoints_, id); }

 private:
  template <typename Map, typename Key>
  static const typename Map::mapped_type* get(const Map& map, const Key& key) {
    const auto at = map.find(key);
    return at == map.end() ? nullptr : &at->second;
  }
  using At = std::pair<std::size_t, TrackId>;  // worker
  void changed(const At& at);
  void close(EndpointId id);
  void set_active(const At& at, bool active);
  void announced(std::size_t worker, LinkId link, const sfu::LinkAnnounce& message);
  template <typename Predicate>
  void erase_ups(std::size_t worker, Predicate&& predicate);

  std::unordered_map<EndpointId, Endpoint> endpoints_;
  std::unordered_map<std::uint32_t, Down> downs_;
  std::map<At, Up> ups_;
  std::set<std::pair<std::size_t, std::pair<CallId, LinkId>>> links_;  // by worker
};

}  // namespace liaison::sim
