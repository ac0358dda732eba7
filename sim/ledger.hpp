// What one server's workers were told, as far as they have taken it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"

namespace liaison::sim {

// Reads along with the commands and events of a server, for checks that must know what is assigned
// to what at this very moment. It knows nothing of packets.
class Ledger {
 public:
  void take(const sfu::Command& command);
  void take(const sfu::Event& event);

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
  };
  struct Endpoint {
    std::string remote_ufrag;
    bool connected = false;
    std::uint64_t disconnections = 0;
    std::vector<std::uint32_t> ssrcs;   // of its slots
    std::vector<TrackId> tracks;        // that it publishes
    std::vector<std::uint16_t> paused;  // slots that its path has no room for
  };
  const Down* down(std::uint32_t ssrc) const { return get(downs_, ssrc); }
  const Up* up(TrackId track) const { return get(ups_, track); }
  // Whether the peer connection that offers this is connected.
  bool connected(const std::string& remote_ufrag) const;
  const Endpoint* endpoint(EndpointId id) const { return get(endpoints_, id); }

 private:
  template <typename Map, typename Key>
  static const typename Map::mapped_type* get(const Map& map, const Key& key) {
    const auto at = map.find(key);
    return at == map.end() ? nullptr : &at->second;
  }
  void changed(TrackId track);
  void close(EndpointId id);

  std::unordered_map<EndpointId, Endpoint> endpoints_;
  std::unordered_map<std::uint32_t, Down> downs_;
  std::unordered_map<TrackId, Up> ups_;
};

}  // namespace liaison::sim
