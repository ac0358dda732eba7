// A call without sockets: datagram in, datagrams out, with real ICE, DTLS and SRTP, in virtual
// time.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/ensure.hpp"
#include "base/packet_pool.hpp"
#include "rtp/packet.hpp"
#include "sfu/sfu.hpp"
#include "transport/certificate.hpp"
#include "transport/connector.hpp"
#include "transport/test_clock.hpp"

namespace liaison::bench {

inline constexpr std::uint8_t opus = 111;
inline constexpr std::uint8_t vp8 = 96;
inline constexpr std::uint8_t mid_extension = 4;
inline constexpr std::size_t batch = 4096;  // packets sealed at a time, outside the measurement

struct Kind {
  rtp::MediaKind kind;
  const char* mid;
  std::uint8_t payload_type;
  std::size_t payload_size;
};
inline constexpr Kind audio = {rtp::MediaKind::audio, "0", opus, 120};
inline constexpr Kind video = {rtp::MediaKind::video, "1", vp8, 1100};

inline sfu::MediaDescription description(std::uint64_t number) {
  const auto ssrc = static_cast<std::uint32_t>(number * 16);
  sfu::MediaDescription media;
  media.audio_codecs = {{{rtp::CodecName::opus, 0}, opus, std::nullopt, 48'000}};
  media.video_codecs = {{{rtp::CodecName::vp8, 0}, vp8, std::nullopt, 90'000}};
  media.audio_extensions[rtp::Extension::mid] = mid_extension;
  media.video_extensions[rtp::Extension::mid] = mid_extension;
  media.cname = "bench";
  media.up = {{audio.mid, {number * 2}, audio.kind, true},
              {video.mid, {number * 2 + 1}, video.kind, false}};
  media.down = {{"2", 0, audio.kind, ssrc, 0}, {"3", 1, video.kind, ssrc + 1, 0}};
  return media;
}

// One publisher and its subscribers, connected. Time stands still once they are, but for idle().
class Call {
 public:
  explicit Call(std::uint64_t subscribers,
                sfu::MediaDescription (*describe)(std::uint64_t number) = description) {
    for (std::uint64_t number = 1; number <= subscribers + 1; ++number) {
      auto& client = *clients_.emplace_back(std::make_unique<Client>(number, certificate_));
      sfu_.receive(sfu::OpenEndpoint{{number},
                                     {1},
                                     client.remote,
                                     client.local.ufrag,
                                     certificate_.fingerprint,
                                     describe(number)},
                   now_, out_);
      client.machine.add_path(client.path, now_);
    }
    for (int i = 0; i < 200 && !connected(); ++i) step();
    ENSURE(connected());
    for (const std::uint64_t kind : {std::uint64_t{0}, std::uint64_t{1}}) {
      sfu_.receive(sfu::SetTrackActive{{1}, {2 + kind}, true}, now_, out_);
      for (std::uint64_t number = 2; number <= subscribers + 1; ++number) {
        sfu_.receive(sfu::AssignSlot{{number}, static_cast<std::uint16_t>(kind), {2 + kind}}, now_,
                     out_);
      }
    }
  }

  // The publisher's next packets, as they come off the network.
  void refill(const Kind& kind) {
    datagrams_.clear();
    std::vector<std::uint8_t> payload(kind.payload_size, 0x5a);
    std::array<std::uint8_t, 64> header;
    const std::array<rtp::ExtensionElement, 1> mid = {{{mid_extension, as_bytes(kind.mid)}}};
    for (std::size_t i = 0; i < batch; ++i) {
      if (kind.kind == rtp::MediaKind::video) {
        // RFC 7741: X and S, then I with a picture id of two bytes; the first frame is a key frame.
        payload[0] = 0x90;
        payload[1] = 0x80;
        payload[2] = static_cast<std::uint8_t>(0x80 | (sequence_ >> 8 & 0x7f));
        payload[3] = static_cast<std::uint8_t>(sequence_);
        payload[4] = sequence_ == 0 && !begun_ ? 0x00 : 0x01;
      }
      const std::size_t size = rtp::write_header(
          header, {true, kind.payload_type, sequence_, std::uint32_t{sequence_} * 960, 42}, mid);
      begun_ = true;
      ++sequence_;
      client_out_.clear();
      ENSURE(!clients_[0]->machine.seal_rtp(Bytes(header).first(size), payload, client_out_));
      const Bytes sealed = client_out_.bytes(client_out_.transmits[0]);
      datagrams_.emplace_back(sealed.begin(), sealed.end());
    }
    next_ = 0;
  }
  // Nobody sends media; checks and reports go on.
  void idle(Duration duration) {
    for (const Instant end = now_ + duration; now_ < end;) step(milliseconds(500));
  }
  // The far ends are gone, and nobody has noticed yet.
  void forget_clients() { clients_.clear(); }

  bool empty() const { return next_ == datagrams_.size(); }

  // The path of a packet; gives how many datagrams go out.
  std::size_t forward() {
    out_.clear();
    sfu_.receive({clients_[0]->path, pool_.take(datagrams_[next_++])}, now_, out_);
    return out_.transport.transmits.size();
  }

 private:
  struct Client {
    Client(std::uint64_t number, const transport::Certificate& certificate)
        : path{{IpAddress::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                              static_cast<std::uint8_t>(number)),
                5000},
               IpAddress::v4(10, 1, 0, 1),
               0},
          local{fmt::format("client{}", number), "clientpasswordclientpassword"},
          remote{fmt::format("serverufrag{:05}", number), "serverpasswordserverpassword0000"},
          machine({.local = local, .remote = remote, .remote_fingerprint = certificate.fingerprint},
                  certificate) {}
    transport::Path path;
    transport::IceCredentials local, remote;
    transport::Connector machine;
  };

  bool connected() const {
    return std::ranges::all_of(clients_,
                               [](const auto& client) { return client->machine.connected(); });
  }
  void step(Duration length = milliseconds(10)) {
    now_ += length;
    transport::set_test_clock(now_);
    sfu_.tick(now_, out_);
    for (const auto& client : clients_) {
      client_out_.clear();
      client->machine.tick(now_, client_out_);
      deliver(*client);
    }
    for (int rounds = 0; rounds < 8; ++rounds) {
      sfu::Output sent;
      std::swap(sent, out_);
      for (const auto& transmit : sent.transport.transmits) {
        for (const auto& client : clients_) {
          if (client->path != transmit.path) continue;
          client_out_.clear();
          client->machine.receive(client->path, sent.transport.bytes(transmit), now_, client_out_);
          deliver(*client);
        }
      }
    }
  }
  // What a client has to say, to the Sfu.
  void deliver(const Client& client) {
    for (const auto& transmit : client_out_.transmits) {
      sfu_.receive({client.path, pool_.take(client_out_.bytes(transmit))}, now_, out_);
    }
  }

  Instant now_ = Instant{} + seconds(1000);
  PacketPool pool_{16'384};
  transport::Certificate certificate_ =
      transport::generate_certificate(UnixTime{} + std::chrono::hours(24 * 365 * 50));
  sfu::Sfu sfu_{certificate_, now_};
  sfu::Output out_;
  transport::Output client_out_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::vector<std::uint8_t>> datagrams_;
  std::size_t next_ = 0;
  std::uint16_t sequence_ = 0;
  bool begun_ = false;
};

}  // namespace liaison::bench
