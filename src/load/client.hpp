// One client of a load test: a publisher (WHIP) or a viewer (WHEP).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/sequence.hpp"
#include "load/arrival_check.hpp"
#include "load/description.hpp"
#include "load/histogram.hpp"
#include "load/media_source.hpp"
#include "sfu/nack.hpp"
#include "sfu/reception.hpp"
#include "sfu/twcc_feedback.hpp"
#include "transport/connector.hpp"

namespace liaison::load {

// What all clients together have seen since the caller last cleared it.
struct Tally {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets = 0;  // received, in order or late
  std::uint64_t bytes = 0;    // of them, with all headers
  std::int64_t lost = 0;      // published between two that came, and not come (yet)
  std::uint64_t late = 0;     // behind a later one: reordered, or repaired
  std::uint64_t repeated = 0;
  std::uint64_t damaged = 0;  // authentic, and not what a publisher of a load test sends
  std::uint64_t nacks = 0;
  std::uint64_t key_frame_requests = 0;
  Histogram audio, video;  // from a publisher's stamp to arrival

  void add(const Tally& other);
};

struct Output {
  transport::Output transport;
  Tally tally;
};

struct ClientOptions {
  std::uint32_t number = 0;  // among all of this test; names its tracks
  bool publishes = false;
  std::uint64_t audio_bits_per_second = 64'000;  // 0 = no audio
  std::uint64_t video_bits_per_second = 2'500'000;
  // A viewer's: the arrival of each packet is reported, as browsers do. Without it servers do not
  // estimate the path.
  bool transport_cc = true;
};

// Everything between its HTTP requests and its socket. What browsers do it does too: receiver
// reports, NACKs and RTX, transport-wide feedback, requests for key frames; as publisher, sender
// reports and answers to those requests (a publisher repeats nothing). It has one path, that of the
// first candidate that works.
class Client {
 public:
  enum class State : std::uint8_t { offering, connecting, connected, failed };

  Client(const ClientOptions& options, const transport::Certificate& certificate);

  // `candidate`: where it is, if the caller knows.
  std::string offer(std::optional<SocketAddress> candidate) const;
  // Begins to connect. Errors: "bad_answer".
  Result<void> answer(std::string_view text, Instant now);
  State state() const;

  // `from` is where the datagram came from.
  void receive(const SocketAddress& from, Bytes datagram, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;
  // Says that it leaves.
  void close(Output& out);

  // Frames that it should have sent, and did not in time.
  std::uint64_t skipped() const;
  // Something of what it is to receive has come.
  bool receives() const { return receives_; }
  // Whether something of each track came since the last call.
  bool take_complete();

 private:
  struct Up {
    AnsweredLine line;
    MediaSource source;
    std::uint32_t ssrc;
    std::uint32_t octets = 0;
  };
  struct Down {
    Down(AnsweredLine answered, Duration first_patience)
        : line(std::move(answered)),
          patience(first_patience),
          reception(line.kind == rtp::MediaKind::audio ? 48'000 : 90'000) {}
    AnsweredLine line;
    Duration patience;  // until the request after the next
    Unwrapper<std::uint16_t> unwrapper;
    sfu::Reception reception;
    sfu::NackGenerator nack;
    ArrivalCheck check;
    bool began = false;    // of video: with a key frame
    bool arrived = false;  // since take_complete()
    Instant next_request;  // for a key frame
  };

  transport::Path path(const SocketAddress& remote) const { return {remote, {}, 0}; }
  void begin(Instant now);
  void choose_path();
  void send(Up& up, Instant now, Output& out);
  void take_rtp(std::vector<std::uint8_t>& bytes, Instant now, Output& out);
  void take_media(Down& down, const rtp::PacketView& packet, bool repaired, Instant now,
                  Output& out);
  void take_rtcp(Bytes bytes, Instant now);
  void send_wishes(Down& down, Instant now, Output& out);
  void send_reports(Instant now, Output& out);
  void send_feedback(Instant now, Output& out);
  void send_rtcp(Bytes compound, Output& out);

  ClientOptions options_;
  const transport::Certificate& certificate_;
  transport::IceCredentials local_;
  std::array<std::uint32_t, 2> ssrcs_;  // audio, video; a viewer reports under the first
  std::optional<Answer> answer_;
  std::optional<transport::Connector> connector_;
  bool begun_ = false;
  bool chosen_ = false;
  bool receives_ = false;
  std::vector<Up> up_;
  std::vector<Down> down_;
  std::uint16_t transport_sequence_ = 0;
  sfu::FeedbackSender arrivals_;
  Instant next_report_ = never;
  std::vector<std::uint16_t> sequences_;  // reused
};

}  // namespace liaison::load
