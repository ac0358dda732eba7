// Clients that say anything, connections that come and go, events of endpoints, and time that
// passes: whatever happens, nobody gets media before a join, and all is gone in the end.
#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include "base/bytes.hpp"
#include "node/node.hpp"
#include "signaling/message.hpp"
#include "signaling/test_offer.hpp"

namespace {

using namespace liaison;
namespace message = signaling::message;

void require(bool condition) {
  if (!condition) std::abort();
}

class Play {
 public:
  Play() : node_(config()) {
    give(node::WallClockSet{UnixTime(hours(480'000))});
    give(node::StoreLoaded{});
  }

  void step(Reader& input) {
    const std::uint8_t what = input.u8();
    const ConnectionId connection{1U + (what >> 4) % 6U};
    switch (what & 15) {
      case 0:
        if (open_.try_emplace(connection, next_).second)
          give(node::ConnectionOpened{id(connection), "192.0.2.1"}), ++next_;
        return;
      case 1:
        if (open_.contains(connection)) give(node::ConnectionClosed{id(connection)});
        open_.erase(connection);
        return;
      case 2:
        return say(connection, as_text(input.take(input.u8())));
      case 3:
        return say(connection, message::Join{1, "room", "Anna", {}, {}, {}});
      case 4:
        return say(connection, message::Join{1, "room", "Anna", {}, resume_, {}});
      case 5:
        return say(connection,
                   message::Offer{1, signaling::test_offer(input.u8(), input.u8(), what >> 6)});
      case 6:
        return say(connection, message::Offer{2, std::string(as_text(input.take(input.u16())))});
      case 7: {
        const std::uint8_t bits = input.u8();
        return say(connection, message::Publish{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                                                (bits & 8) != 0});
      }
      case 8:
        return say(connection, message::Leave{});
      case 9:
      case 10:
      case 11:
      case 12:
        return event(what & 15, input.u8());
      case 13: {
        // A secret of the client's own: a good one, or not quite.
        const std::uint8_t bits = input.u8();
        std::optional<std::uint64_t> attempt;
        if ((bits & 8) != 0) attempt = bits >> 5;
        return say(connection, message::Join{1,
                                             (bits & 16) != 0 ? "room" : "other",
                                             "Anna",
                                             {},
                                             std::string(64, static_cast<char>('a' + bits % 8)),
                                             attempt});
      }
      case 14:
        return request(what >> 4, input);
      default:
        return wait(milliseconds(input.u16()));
    }
  }

  void finish() {
    for (const auto& [slot, connection] : open_)
      give(node::ConnectionClosed{ConnectionId{connection}});
    // Media that is up would hold a place for ever.
    for (const auto& [endpoint, call] : std::map(endpoints_))
      give(node::WorkerEvent{{}, sfu::EndpointDisconnected{endpoint}});
    wait(hours(30));
    require(endpoints_.empty());
    require(node_.stats().rooms == 0 && node_.stats().people == 0 && node_.stats().viewers == 0);
    require(requests_.empty());
    require(node_.stats().connections == 0 && node_.stats().sessions == 0);
  }

 private:
  static node::Config config() {
    node::Config config;
    config.workers = {{*SocketAddress::parse("192.0.2.1:5000")}};
    config.fingerprint.digest.assign(32, 1);
    config.limits.connections = 5;
    config.limits.people_per_room = 3;
    config.limits.rooms = 2;
    config.limits.sessions = 4;
    config.limits.person_slots = 2;
    return config;
  }

  ConnectionId id(ConnectionId slot) const { return ConnectionId{open_.at(slot)}; }

  void say(ConnectionId slot, const signaling::ClientMessage& message) {
    say(slot, signaling::write_message(message));
  }
  void say(ConnectionId slot, std::string_view text) {
    if (open_.contains(slot)) give(node::MessageReceived{id(slot), std::string(text)});
  }

  // Of a WHIP or WHEP client. Each is answered at once: there is no store to wait for.
  void request(unsigned kind, Reader& input) {
    signaling::whip::Request content;
    const std::uint8_t bits = input.u8();
    const bool whip = (bits & 1) != 0;
    content.method = (kind & 3) == 0 ? "PATCH" : (kind & 3) == 1 ? "DELETE" : "POST";
    content.target = whip ? "/whip/room" : (bits & 2) != 0 ? "/whep/room/speaker" : "/whep/room";
    content.content_type = "application/sdp";
    content.body = signaling::test_whip_offer(bits >> 4, whip ? "sendonly" : "recvonly");
    if ((bits & 4) != 0) content.authorization = "Bearer one";
    if ((kind & 3) < 2) {
      content.target = locations_[(bits >> 4) % locations_.size()];
      content.content_type = "application/trickle-ice-sdpfrag";
      content.if_match = (bits & 4) != 0 ? "*" : "\"1\"";
      content.body = as_text(input.take(bits & 8 ? 60 : 0));
    }
    if ((kind & 4) != 0) content.target = as_text(input.take(input.u8()));
    if ((kind & 8) != 0) content.body = as_text(input.take(input.u8()));
    const ConnectionId id{next_++};
    requests_.insert(id);
    give(node::RequestReceived{id, "192.0.2.1", std::move(content)});
  }

  void event(unsigned kind, std::uint8_t which) {
    if (endpoints_.empty()) return;
    auto at = endpoints_.begin();
    std::advance(at, which % endpoints_.size());
    const auto [endpoint, open] = *at;
    sfu::Event event = sfu::EndpointConnected{endpoint};
    if (kind == 10) event = sfu::EndpointDisconnected{endpoint};
    if (kind == 11 && !open.media.up.empty())
      event = sfu::SpeakerChanged{open.call, endpoint, open.media.up[0].track};
    if (kind == 12) {
      endpoints_.erase(at);
      event = sfu::EndpointClosed{endpoint, sfu::CloseReason::handshake_failed};
    }
    give(node::WorkerEvent{{}, event});
  }

  void give(const node::Input& input) {
    out_.clear();
    node_.receive(input, now_, out_);
    collect();
  }
  void wait(Duration duration) {
    const Instant end = now_ + duration;
    while (node_.deadline() <= end) {
      now_ = std::max(now_, node_.deadline());
      out_.clear();
      node_.tick(now_, out_);
      collect();
    }
    now_ = end;
  }

  void collect() {
    for (const node::SendMessage& one : out_.messages) {
      const auto message = signaling::read_server_message(one.text);
      require(message.has_value());
      if (const auto* joined = std::get_if<message::Joined>(&*message)) resume_ = joined->resume;
    }
    for (const node::CloseConnection& one : out_.closes)
      std::erase_if(open_, [&](const auto& pair) { return pair.second == one.connection.value; });
    for (const node::Respond& one : out_.responses) {
      require(requests_.erase(one.request) == 1);
      require(one.content.status != 500);
      for (const auto& [name, value] : one.content.headers) {
        require(!value.contains('\n') && !value.contains('\r'));
        if (name == "Location") locations_[next_ % locations_.size()] = value;
      }
    }
    for (const node::SendCommand& one : out_.commands) {
      if (const auto* open = std::get_if<sfu::OpenEndpoint>(&one.command)) {
        require(endpoints_.emplace(open->endpoint, *open).second);
        require(node_.stats().joins + node_.stats().publications > 0);
      } else if (const auto* close = std::get_if<sfu::CloseEndpoint>(&one.command)) {
        require(endpoints_.erase(close->endpoint) == 1);
      }
    }
  }

  node::Node node_;
  node::Output out_;
  Instant now_{hours(1)};
  std::uint64_t next_ = 1;
  std::map<ConnectionId, std::uint64_t> open_;  // by one of six places
  std::map<EndpointId, sfu::OpenEndpoint> endpoints_;
  std::optional<std::string> resume_;
  std::set<ConnectionId> requests_;  // not answered yet
  std::array<std::string, 3> locations_ = {"/whip/s/a", "/whip/s/b", "/whip/s/c"};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Play play;
  Reader input({data, size});
  for (int i = 0; i < 300 && input.remaining() > 0; ++i) play.step(input);
  play.finish();
  return 0;
}
