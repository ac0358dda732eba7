// What the client's code calls an RTCPeerConnection.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "rtcp/transport_cc.hpp"
#include "sim/arrivals.hpp"
#include "sim/down_stream.hpp"
#include "sim/offer.hpp"
#include "sim/random.hpp"
#include "sim/up_stream.hpp"
#include "transport/certificate.hpp"
#include "transport/connector.hpp"

namespace liaison::sim {

class Browser;

// One peer connection with all that is below it: ICE, DTLS, SRTP (Connector), the streams of its
// m-lines, RTCP. Times are its browser's own. It offers and takes answers as it is told, and does
// not know why.
class Peer : private UpStream::Sink {
 public:
  Peer(Browser& browser, std::uint64_t number, std::uint32_t script_number, std::uint16_t port,
       Random random);
  ~Peer() override;

  // Unique in the world.
  std::uint64_t number() const { return number_; }
  // What the script calls it.
  std::uint32_t script_number() const { return script_number_; }
  Browser& browser() const { return browser_; }
  const SocketAddress& inside() const { return inside_; }
  const std::string& local_ufrag() const { return local_.ufrag; }

  std::string offer(const OfferOptions& options, bool restart);
  // False if the answer is of no use.
  bool answer(std::string_view sdp);
  // `encodings` of the m-line are sent, as bits.
  void set_sending(std::size_t line, std::uint32_t encodings);
  // RTCPeerConnection.connectionState.
  std::string_view state() const { return state_; }
  // The page or the browser ends it; DTLS says so to the server.
  void close();

  void receive(const transport::Path& from, Bytes bytes);
  // TCP, under the world's numbers: it opens them by itself, where UDP does not help.
  void tcp_opened(std::uint32_t connection);
  void tcp_closed(std::uint32_t connection);
  void tcp_datagram(std::uint32_t connection, Bytes bytes);
  void tick();
  Instant deadline() const;

  // What the server sends to it, decrypted in place, where it leaves.
  std::optional<MutableBytes> tap(MutableBytes bytes) {
    return client_ ? client_->tap(bytes) : std::nullopt;
  }
  bool has_keys() const { return client_ && client_->has_keys(); }
  bool connected() const { return client_ && client_->connected(); }
  // Whether it uses TCP now.
  bool over_tcp() const { return client_ && client_->nominated() && client_->selected()->is_tcp(); }
  // The m-line of an SSRC that the server sends, and whether it repeats.
  struct Line {
    std::size_t line = 0;
    bool rtx = false;
  };
  std::optional<Line> line_of(std::uint32_t ssrc) const;
  // What one RTP packet of the server says; nothing if it is damaged, or for no m-line.
  struct Read {
    std::size_t line = 0;
    bool rtx = false;
    std::uint16_t sequence = 0;  // the original one, if it repeats
    PayloadReading reading;
  };
  std::optional<Read> read(const rtp::PacketView& packet) const;
  const AnsweredLine& answered(std::size_t line) const { return answer_->lines[line]; }
  std::size_t line_count() const { return answer_ ? answer_->lines.size() : 0; }
  // It has offered more slots than the answer that it has.
  bool adds_slots() const { return offered_.count() > slots_.count(); }
  // The beginning of a stream that came before the answer with its slot is not seen.
  void note_early(std::uint32_t ssrc) { early_.insert(ssrc); }
  bool came_early(std::uint32_t ssrc) const { return early_.contains(ssrc); }
  // As the answer has them.
  const PersonSlots& person_slots() const { return slots_; }
  const DownStream* down(std::size_t line) const;
  const UpStream* up(std::size_t line) const { return up_[line].get(); }
  UpStream* up(std::size_t line) { return up_[line].get(); }
  bool sends(std::size_t line) const { return up_[line] != nullptr && up_[line]->on(); }
  // The codec of a payload type that comes on this m-line.
  std::optional<rtp::CodecName> codec(std::size_t line, std::uint8_t payload_type) const;

 private:
  void send_rtp(Bytes header, Bytes payload) override;
  std::uint16_t next_transport_sequence() override { return transport_sequence_++; }
  void make_streams();
  void add_streams(const Answer& answer);
  void make_down(std::size_t line);
  void take_rtp(Bytes bytes);
  void take_rtcp(Bytes bytes);
  void take_feedback(const rtcp::TransportFeedback& feedback);
  void send_rtcp(Bytes compound);
  void send_wishes(std::size_t line, DownStream& stream);
  void send_reports();
  void send_feedback();
  void flush(Bytes rtcp = {});
  void open_tcp();
  void choose_path();
  void look();
  Instant now() const;

  Browser& browser_;
  std::uint64_t number_;
  std::uint32_t script_number_;
  SocketAddress inside_;
  Random random_;
  transport::Certificate certificate_;
  transport::IceCredentials local_;
  std::uint64_t session_;
  std::uint64_t version_ = 0;
  bool restarts_ = false;  // the latest offer has new credentials
  std::optional<Answer> answer_;
  SocketAddress server_;
  transport::Path udp_;
  std::vector<transport::Path> tcp_;  // those that are not closed
  Instant tcp_at_ = never;            // when UDP has had its chance
  std::unique_ptr<transport::Connector> client_;
  transport::Output out_;
  std::string_view state_ = "new";
  bool asks_by_fir_;  // instead of PLI, as old endpoints do (RFC 5104)
  std::uint8_t next_fir_ = 0;
  Duration patience_;  // without a sign of life until it is disconnected
  std::array<std::uint32_t, 4> wanted_{};
  std::array<std::unique_ptr<UpStream>, 4> up_;
  std::vector<std::unique_ptr<DownStream>> down_;  // by m-line; empty for those we send on
  std::unordered_map<std::uint32_t, Line> lines_;
  std::set<std::uint32_t> early_;
  PersonSlots offered_;
  PersonSlots slots_;
  std::uint16_t transport_sequence_ = 0;
  std::uint32_t rtcp_ssrc_;
  ArrivalReporter arrivals_;
  std::string cname_;
  Instant next_report_ = never;
  std::uint64_t feedback_expected_ = 0, feedback_lost_ = 0;

  // Reused.
  DownStream::Wishes wishes_;
  std::vector<UpStream::Report> reports_;
  std::vector<std::uint16_t> sequences_;
};

}  // namespace liaison::sim
