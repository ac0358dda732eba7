// The inside of Sfu, for sfu.cpp and link.cpp only.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/deadlines.hpp"
#include "base/slot_map.hpp"
#include "rtcp/feedback.hpp"
#include "sfu/endpoint.hpp"
#include "sfu/link.hpp"
#include "sfu/router.hpp"
#include "sfu/sfu.hpp"
#include "sfu/start_rates.hpp"
#include "transport/dtls.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

class Sfu::State {
 public:
  State(const transport::Certificate& certificate, Instant now)
      : server_(certificate), next_stats_(now + seconds(1)) {}

  // As Sfu has it, for datagrams and messages, with so many datagrams in `out` at a time.
  template <typename Arrived>
  bool receive(std::span<Arrived>& arrived, std::size_t enough, Instant now, Output& out);
  void run(Command command, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;
  void count(Drop drop) { stats_.drops.add(drop); }
  std::optional<std::uint64_t> estimate(EndpointId id);

 private:
  static constexpr std::size_t endpoint_limit = 4096;
  static constexpr std::size_t call_limit = 1024;
  // So many packets of a publisher are taken in before they are forwarded: a frame, and never as
  // many as the history of a track of sound holds, out of which they are sent.
  static constexpr std::size_t together = 32;
  using EndpointHandle = Handle<Endpoint>;
  // What is kept about an endpoint outside it.
  struct Entry {
    EndpointHandle handle;
    transport::TransportState state = transport::TransportState::connecting;
    std::vector<std::string> ufrags;
  };

  // A publisher whose tracks come by a link.
  struct Mirror {
    CallId call;
    LinkId from;
    Uplink up;
  };
  using MirrorHandle = Handle<Mirror>;

  void receive_some(std::span<transport::Datagram>& datagrams, Instant now, Output& out);
  void receive_some(std::span<LinkReceived>& messages, Instant now, Output& out);
  void receive_stun(const transport::Path& from, Bytes datagram, Instant now, Output& out);
  void claim(const transport::Path& path, EndpointHandle handle, Instant now);
  void receive_rtp(Endpoint& endpoint, const transport::Path& from, Packet datagram, Instant now,
                   Output& out);
  void take(Uplink& publisher, Router& router, const Uplink::Accepted& accepted, Instant now,
            Output& out);
  bool forward_taken(std::size_t enough, Instant now, Output& out);
  bool prepare_batch(Instant now);
  void finish_batch(Instant now, Output& out);
  void allocate_all(const Router& router, TrackId track, Instant now, Output& out);
  void reorder(Router& router, TrackId track, Instant now, Output& out);
  void receive_rtcp(Endpoint& endpoint, const transport::Path& from, MutableBytes datagram,
                    Instant now, Output& out);
  void answer_nack(Endpoint& subscriber, const rtcp::Nack& nack, Instant now, Output& out);

  void open(OpenEndpoint command, Instant now, Output& out);
  void publish(Endpoint& endpoint, Output& out);
  void restart_ice(RestartIce command, Instant now);
  void close(Endpoint& endpoint, Instant now, Output& out);
  void forget(EndpointId id, transport::CloseReason reason, Instant now, Output& out);
  void set_active(const SetTrackActive& command, Instant now, Output& out);
  void set_active(Router& router, UpTrack& track, bool active, Instant now, Output& out);
  void assign(const AssignSlot& command, Instant now, Output& out);

  // Who publishes what a down-track carries; null if nobody does.
  struct Source {
    Uplink* publisher = nullptr;
    UpTrack* up = nullptr;
  };
  Source source_of(const DownTrack& down, const Endpoint& subscriber);
  void allocate(Endpoint& subscriber, Instant now, Output& out);
  static bool hold_back(Downlink& link, DownTrack& down, const Uplink& publisher, Instant now);
  void begin(Endpoint& subscriber, DownTrack& down, const Source& source, Instant now, Output& out);
  void update_demand(const Router& router, TrackId track);
  void settle_demand(Instant now, Output& out);
  void tell_demand(const Uplink& publisher, const UpTrack& up,
                   const std::optional<LayerDemand::Wanted>& wanted, Output& out);

  Endpoint* find(EndpointId id);
  Router& router_of(const Endpoint& endpoint) { return routers_.at(endpoint.call()); }
  void index_ufrags(EndpointId id, Entry& entry, const Endpoint& endpoint);
  void request_key_frame(Uplink& publisher, UpEncoding& encoding, Instant now);
  // To be called after anything happened to an endpoint: tells state changes and keeps its
  // deadline.
  void touched(Endpoint& endpoint, Instant now, Output& out);
  void connected(Endpoint& endpoint, Instant now, Output& out);
  void tick_endpoint(Endpoint& endpoint, Instant now, Output& out);
  void send_sender_reports(Endpoint& endpoint, Instant now, Output& out);
  // What an endpoint has counted since last time.
  void count_of(Endpoint& endpoint);
  // What was sent since there were `before` transmits.
  void count_sent(std::size_t before, const Output& out);
  // What is due of a publisher, here or mirrored, may be due sooner now.
  void reschedule(const Uplink& publisher);

  // link.cpp
  void open_link(const OpenLink& command, Output& out);
  void close_link(const CloseLink& command, Instant now);
  // The router of a call that has this link; null if there is none.
  Router* linked(CallId call, LinkId link);
  void hear(LinkId from, const LinkHello& hello, Instant now, Output& out);
  void hear(LinkId from, const LinkAnnounce& announced, Instant now, Output& out);
  void hear(LinkId from, const LinkWithdraw& withdrawn, Instant now, Output& out);
  void hear(LinkId from, const LinkDemand& demand, Instant now, Output& out);
  void hear(LinkId from, const LinkKeyFrame& wish, Instant now, Output& out);
  void hear(LinkId from, const LinkNack& nack, Instant now, Output& out);
  void hear(LinkId from, const LinkReport& report, Instant now, Output& out);
  void hear(LinkId from, const LinkPacket& header, Packet packet, Instant now, Output& out);
  static void say(LinkId to, LinkMessage message, Output& out);
  static void announce(const Endpoint& endpoint, LinkId to, Output& out);
  void announce(const Endpoint& endpoint, Output& out);
  void withdraw(const Endpoint& endpoint, Output& out);
  void relay(const Uplink& publisher, const Uplink::Accepted& accepted, Instant now, Output& out);
  void relay(EndpointId publisher, UpTrack::Relay& to, const UpTrack& track, std::uint8_t rid,
             const ReceivedPacket& packet, LinkPacket::Time time, Instant now, Output& out);
  bool relay_past(EndpointId publisher, UpTrack::Relay& to, const UpTrack& track, std::uint8_t rid,
                  Instant now, Output& out);
  void relay_reports(const Uplink& publisher, const UpTrack& track, std::uint32_t ssrc,
                     const rtcp::SenderInfo& info, Output& out);
  // What `link` has demanded of the call's publishers is over.
  void stop_relaying(CallId call, LinkId link);
  Mirror* mirror(EndpointId publisher, LinkId from);
  void drop_mirrors(CallId call, LinkId from, Instant now);
  void drop_mirror(EndpointId publisher, Instant now);
  void tick_mirror(Mirror& mirror, Instant now, Output& out);
  // Of a mirrored track: all sound of speech, so that every router finds the same speaker.
  LayerDemand::Wanted wanted_of(const Router& router, const UpTrack& up);

  transport::DtlsServer server_;
  StartRates start_rates_;
  Endpoints endpoints_;
  std::unordered_map<EndpointId, Entry> entries_;
  std::unordered_map<std::string, EndpointId, TextHash, std::equal_to<>> by_ufrag_;
  std::unordered_map<transport::Path, EndpointHandle> by_path_;
  std::unordered_map<CallId, Router> routers_;
  Deadlines<Endpoint> deadlines_;
  SlotMap<Mirror> mirrors_;
  std::unordered_map<EndpointId, MirrorHandle> mirror_ids_;
  Deadlines<Mirror> mirror_deadlines_;
  std::map<TrackId, CallId> stale_demand_;  // of commands, until the next tick
  WorkerStats stats_;
  Instant next_stats_;
  std::vector<EndpointHandle> reached_;  // reused

  // What has been taken in of one publisher and is not forwarded yet. Everything else waits for it.
  struct Taken {
    Uplink* publisher = nullptr;
    Router* router = nullptr;
    std::vector<Uplink::Accepted> packets;
    std::size_t done = 0;  // of them
    // Those that are being forwarded now: one of sound, or several of one track of video.
    std::size_t count = 0;
    std::vector<const ReceivedPacket*> in_batch;
    Router::Batch batch;
  };
  Taken taken_;
};

}  // namespace liaison::sfu
