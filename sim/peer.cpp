#include "sim/peer.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"
#include "base/random.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/transport_cc.hpp"
#include "sim/browser.hpp"
#include "sim/world.hpp"

namespace liaison::sim {
namespace {

constexpr Duration report_interval = seconds(1);
// Chromium's and Firefox's failures come between these after the last sign of life.
constexpr Duration failed_after = seconds(15);
constexpr std::size_t rtcp_room = 1'200;
// Checks over TCP begin so much later: browsers prefer UDP, and begin with it.
constexpr Duration tcp_after = milliseconds(400);

// RFC 3550 section 4: seconds since 1900.
std::uint64_t ntp(UnixTime wall) {
  constexpr std::uint64_t since_1900 = 2'208'988'800;
  const auto us = static_cast<std::uint64_t>(wall.time_since_epoch().count());
  return (us / 1'000'000 + since_1900) << 32 | (us % 1'000'000 << 32) / 1'000'000;
}

}  // namespace

Peer::Peer(Browser& browser, std::uint64_t number, std::uint32_t script_number, std::uint16_t port,
           Random random)
    : browser_(browser),
      number_(number),
      script_number_(script_number),
      inside_{browser.inside(), port},
      random_(random),
      certificate_(transport::generate_certificate(browser.world().wall())),
      session_(random_.next() >> 1),
      asks_by_fir_(random_.chance(0.1)),
      patience_(browser.options().engine.flavour == Flavour::chromium
                    ? random_.between(milliseconds(2'600), milliseconds(5'100))
                    : random_.between(milliseconds(4'000), milliseconds(6'000))),
      rtcp_ssrc_(static_cast<std::uint32_t>(random_.between(1, 0xffffffff))),
      arrivals_(rtcp_ssrc_),
      cname_(random_ice_chars(16)) {
  transport_sequence_ = static_cast<std::uint16_t>(random_.below(65'536));
}

Peer::~Peer() = default;

Instant Peer::now() const { return browser_.local(); }

std::string Peer::offer(const OfferOptions& options, bool restart) {
  if (restart || local_.ufrag.empty()) {
    local_ = {random_ice_chars(8), random_ice_chars(24)};
    restarts_ = client_ != nullptr;
  }
  OfferOptions made = options;
  made.session = session_;
  made.version = ++version_;
  made.local = local_;
  made.fingerprint = certificate_.fingerprint;
  offered_ = made.person_slots;
  return write_offer(made);
}

bool Peer::answer(std::string_view sdp) {
  auto answer = read_answer(sdp);
  if (!answer) return false;
  if (client_ != nullptr) {
    // The DTLS association goes on (RFC 8842 section 5.5).
    if (answer->fingerprint != answer_->fingerprint ||
        answer->lines.size() != 6 + 2 * offered_.count())
      return false;
    answer_->remote = answer->remote;
    add_streams(*answer);
    if (std::exchange(restarts_, false)) {
      client_->restart_ice(local_, answer->remote, now());
      // Nobody knows whether the old connections still live. They end when something new works.
      for (const transport::Path& tcp : tcp_) client_->remove_path(tcp);
      tcp_at_ = now() + tcp_after;
    }
    look();
    return true;
  }
  if (answer->candidates.empty()) return false;
  answer_ = std::move(*answer);
  slots_ = offered_;
  server_ = answer_->candidates.front();
  transport::ConnectorOptions options;
  options.local = local_;
  options.remote = answer_->remote;
  options.remote_fingerprint = answer_->fingerprint;
  World::set_clock(now());
  client_ = std::make_unique<transport::Connector>(options, certificate_);
  udp_ = {inside_, server_.ip, 0};
  client_->add_path(udp_, now());
  tcp_at_ = now() + tcp_after;
  state_ = "connecting";
  make_streams();
  return true;
}

void Peer::make_streams() {
  down_.resize(answer_->lines.size());
  for (std::size_t line = 0; line < answer_->lines.size(); ++line) {
    const AnsweredLine& answered = answer_->lines[line];
    if (line < up_.size()) {
      up_[line] =
          std::make_unique<UpStream>(UpStream::Identity{browser_.room_number(), browser_.id().value,
                                                        static_cast<Source>(line)},
                                     answered, browser_.options().media, random_.fork(), now());
      up_[line]->send(wanted_[line]);
      if (line == 0) up_[line]->talk(browser_.talks());
      continue;
    }
    make_down(line);
  }
}

// What a later offer has added.
void Peer::add_streams(const Answer& answer) {
  slots_ = offered_;
  for (std::size_t line = 0; line < up_.size(); ++line) up_[line]->answered(answer.lines[line]);
  down_.resize(answer.lines.size());
  for (std::size_t line = answer_->lines.size(); line < answer.lines.size(); ++line) {
    answer_->lines.push_back(answer.lines[line]);
    make_down(line);
  }
}

void Peer::make_down(std::size_t line) {
  const AnsweredLine& answered = answer_->lines[line];
  const bool video = (line % 2 == 1) != slots_.is_screen(line);
  down_[line] = std::make_unique<DownStream>(answered.ssrc, video);
  lines_[answered.ssrc] = {line, false};
  if (answered.rtx_ssrc != 0) lines_[answered.rtx_ssrc] = {line, true};
}

void Peer::set_sending(std::size_t line, std::uint32_t encodings) {
  wanted_[line] = encodings;
  if (up_[line]) up_[line]->send(encodings);
}

std::optional<Peer::Line> Peer::line_of(std::uint32_t ssrc) const {
  const auto at = lines_.find(ssrc);
  return at == lines_.end() ? std::nullopt : std::optional(at->second);
}

const DownStream* Peer::down(std::size_t line) const {
  return line < down_.size() ? down_[line].get() : nullptr;
}

std::optional<rtp::CodecName> Peer::codec(std::size_t line, std::uint8_t payload_type) const {
  for (const AnsweredLine::Format& format : answer_->lines[line].formats) {
    if (format.payload_type == payload_type || format.rtx_payload_type == payload_type)
      return format.codec;
  }
  return std::nullopt;
}

void Peer::close() {
  if (!client_) return;
  World::set_clock(now());
  if (client_->connected()) {
    std::array<std::uint8_t, rtcp_room> room;
    Writer writer(room);
    rtcp::write_bye(writer, rtcp_ssrc_);
    send_rtcp(writer.written());
  }
  client_->close(out_);
  flush();
}

void Peer::open_tcp() {
  tcp_at_ = never;
  if (client_->nominated()) return;
  for (const SocketAddress& to : answer_->tcp_candidates) {
    const SocketAddress inside{inside_.ip, browser_.draw_port()};
    tcp_.push_back({inside, to.ip, browser_.world().open_tcp(*this, inside, to)});
  }
}

void Peer::tcp_opened(std::uint32_t connection) {
  const auto at = std::ranges::find(tcp_, connection, &transport::Path::tcp_connection);
  if (at != tcp_.end()) client_->add_path(*at, now());
}

void Peer::tcp_closed(std::uint32_t connection) {
  const auto at = std::ranges::find(tcp_, connection, &transport::Path::tcp_connection);
  if (at == tcp_.end()) return;
  client_->remove_path(*at);
  tcp_.erase(at);
}

void Peer::tcp_datagram(std::uint32_t connection, Bytes bytes) {
  const auto at = std::ranges::find(tcp_, connection, &transport::Path::tcp_connection);
  if (at != tcp_.end()) receive(transport::Path(*at), bytes);  // it may be erased meanwhile
}

// UDP whenever it works, as browsers have it; and of TCP only what is in use.
void Peer::choose_path() {
  if (over_tcp() && client_->works(udp_)) client_->select(udp_, now());
  if (!client_->nominated()) return;
  std::erase_if(tcp_, [&](const transport::Path& tcp) {
    if (tcp == *client_->selected()) return false;
    client_->remove_path(tcp);
    browser_.world().close_tcp(tcp.tcp_connection);
    return true;
  });
}

void Peer::receive(const transport::Path& from, Bytes bytes) {
  if (!client_) return;
  World::set_clock(now());
  client_->receive(from, bytes, now(), out_);
  for (const auto& packet : client_->take_rtp()) take_rtp(packet);
  for (const auto& packet : client_->take_rtcp()) take_rtcp(packet);
  flush();
  choose_path();
  look();
}

std::optional<Peer::Read> Peer::read(const rtp::PacketView& packet) const {
  const auto line = line_of(packet.ssrc());
  if (!line) return std::nullopt;
  const auto codec = this->codec(line->line, packet.payload_type());
  Bytes payload = packet.payload();
  if (!codec || payload.size() < (line->rtx ? 2U : 0U)) return std::nullopt;
  std::uint16_t sequence = packet.sequence();
  if (line->rtx) {
    // RFC 4588 section 4.
    sequence = load_u16(payload.data());
    payload = payload.subspan(2);
  }
  const auto reading = read_payload(*codec, payload);
  if (!reading) return std::nullopt;
  return Read{line->line, line->rtx, sequence, *reading};
}

void Peer::take_rtp(Bytes bytes) {
  const auto view = rtp::PacketView::parse(bytes);
  if (!view) return;
  const auto line = line_of(view->ssrc());
  arrivals_.receive(*view, answer_->lines, line ? std::optional(line->line) : std::nullopt, now());
  const auto read = this->read(*view);
  if (!read) return;
  down_[read->line]->receive(read->sequence, read->rtx, read->reading, now());
  World& world = browser_.world();
  const Forwarded taken{world.now(), nullptr,   this,           *view,
                        read->line,  read->rtx, read->sequence, read->reading};
  world.check([&](Check& check) { check.received(world, taken); });
}

void Peer::take_rtcp(Bytes bytes) {
  const auto compound = rtcp::Compound::parse(bytes);
  if (!compound) browser_.world().fail("rtcp", "the server sends RTCP that cannot be read");
  const auto blocks = [&](const rtcp::ReportBlocks& reports) {
    for (std::size_t i = 0; i < reports.size(); ++i) {
      for (const auto& up : up_) up->reported(reports[i].ssrc);
    }
  };
  std::optional<std::uint32_t> reporting;
  bool named = false;
  for (const rtcp::PacketView packet : *compound) {
    if (reporting) named |= rtcp::find_cname(packet, *reporting).has_value();
    if (const auto sender = rtcp::parse_sender_report(packet)) {
      reporting = sender->ssrc;
      if (const auto line = line_of(sender->ssrc))
        down_[line->line]->sender_report(sender->info, now());
      blocks(sender->blocks);
    } else if (const auto receiver = rtcp::parse_receiver_report(packet)) {
      blocks(receiver->blocks);
    } else if (const auto nack = rtcp::Nack::parse(packet)) {
      sequences_.clear();
      nack->for_each([&](std::uint16_t sequence) { sequences_.push_back(sequence); });
      for (const auto& up : up_) up->nacked(nack->media_ssrc(), sequences_, *this);
    } else if (const auto pli = rtcp::parse_pli(packet)) {
      for (const auto& up : up_) up->key_frame_wanted(pli->media_ssrc);
    } else if (const auto feedback = rtcp::TransportFeedback::parse(packet)) {
      take_feedback(*feedback);
    }
  }
  // RFC 3550 section 6.1: lips and voice are matched by it.
  if (reporting && !named)
    browser_.world().fail("rtcp", "a sender report comes without the CNAME of its source");
}

void Peer::take_feedback(const rtcp::TransportFeedback& feedback) {
  feedback.for_each([&](std::uint16_t, std::optional<Duration> arrival) {
    ++feedback_expected_;
    if (!arrival) ++feedback_lost_;
  });
}

Instant Peer::deadline() const {
  if (!client_) return never;
  Instant at = std::min(client_->deadline(), tcp_at_);
  if (client_->heard() && (state_ == "connected" || state_ == "disconnected"))
    at = std::min(at, *client_->heard() + (state_ == "connected" ? patience_ : failed_after));
  if (!client_->connected()) return at;
  at = std::min({at, next_report_, arrivals_.deadline()});
  for (const auto& up : up_) at = std::min(at, up->deadline());
  for (const auto& down : down_) {
    if (down) at = std::min(at, down->deadline());
  }
  return at;
}

void Peer::tick() {
  if (!client_) return;
  World::set_clock(now());
  if (tcp_at_ <= now()) open_tcp();
  if (client_->deadline() <= now()) client_->tick(now(), out_);
  flush();
  if (client_->connected()) {
    for (const auto& up : up_) up->tick(now(), *this);
    for (std::size_t line = 0; line < down_.size(); ++line) {
      if (down_[line] && down_[line]->deadline() <= now()) send_wishes(line, *down_[line]);
    }
    send_feedback();
    if (next_report_ == never) next_report_ = now() + random_.between(Duration{}, report_interval);
    if (next_report_ <= now()) send_reports();
  }
  look();
}

void Peer::send_wishes(std::size_t line, DownStream& stream) {
  wishes_.again.clear();
  wishes_.key_frame = false;
  stream.collect(now(), wishes_);
  std::array<std::uint8_t, rtcp_room> room;
  std::span<const std::uint16_t> rest(wishes_.again);
  const bool can_repeat = answer_->lines[line].rtx_ssrc != 0;
  while (can_repeat && !rest.empty()) {
    Writer writer(room);
    const std::size_t taken = rtcp::write_nack(writer, rtcp_ssrc_, stream.ssrc(), rest);
    if (taken == 0) break;
    send_rtcp(writer.written());
    rest = rest.subspan(taken);
  }
  if (!wishes_.key_frame) return;
  Writer writer(room);
  if (asks_by_fir_) {
    rtcp::write_fir(writer, rtcp_ssrc_, {stream.ssrc(), next_fir_++});
  } else {
    rtcp::write_pli(writer, rtcp_ssrc_, stream.ssrc());
  }
  send_rtcp(writer.written());
}

void Peer::send_reports() {
  next_report_ = now() + report_interval;
  if (feedback_expected_ >= 20) {
    const double loss =
        static_cast<double>(feedback_lost_) / static_cast<double>(feedback_expected_);
    for (const auto& up : up_) up->adapt(loss);
    feedback_expected_ = feedback_lost_ = 0;
  }
  std::array<std::uint8_t, rtcp_room> room;
  Writer writer(room);
  reports_.clear();
  const std::uint64_t time = ntp(browser_.local_clock().wall(browser_.world().now()));
  for (const auto& up : up_) up->reports(time, now(), reports_);
  std::vector<rtcp::ReportBlock> blocks;
  for (const auto& down : down_) {
    if (blocks.size() == rtcp::max_report_blocks) break;
    if (!down) continue;
    if (const auto block = down->report(now())) blocks.push_back(*block);
  }
  for (const UpStream::Report& report : reports_)
    rtcp::write_sender_report(writer, report.ssrc, report.info);
  if (!blocks.empty() || reports_.empty()) rtcp::write_receiver_report(writer, rtcp_ssrc_, blocks);
  rtcp::write_cname(writer, reports_.empty() ? rtcp_ssrc_ : reports_.front().ssrc, cname_);
  ENSURE(writer.ok());
  send_rtcp(writer.written());
}

void Peer::send_feedback() {
  for (;;) {
    std::array<std::uint8_t, rtcp_room> room;
    Writer writer(room);
    if (!arrivals_.write(writer, now())) return;
    send_rtcp(writer.written());
  }
}

void Peer::send_rtcp(Bytes compound) {
  browser_.world().check([&](Check& check) {
    check.sent(browser_.world(), {browser_.world().now(), this, true, compound});
  });
  if (!client_->seal_rtcp(compound, out_)) flush(compound);
}

void Peer::send_rtp(Bytes header, Bytes payload) {
  browser_.world().check([&](Check& check) {
    check.sent(browser_.world(), {browser_.world().now(), this, false, header});
  });
  if (!client_->seal_rtp(header, payload, out_)) flush();
}

void Peer::flush(Bytes rtcp) {
  for (const transport::Transmit& transmit : out_.transmits) {
    if (transmit.path.is_tcp()) {
      browser_.world().send_over_tcp(transmit.path.tcp_connection, out_.bytes(transmit), rtcp);
    } else {
      browser_.world().send_to_server(browser_, *this, inside_, server_, out_.bytes(transmit),
                                      rtcp);
    }
  }
  out_.clear();
}

// RTCPeerConnection.connectionState as browsers find it.
void Peer::look() {
  if (client_->failed() || client_->closed_by_server()) {
    state_ = "failed";
  } else if (client_->connected() && client_->heard()) {
    const Duration silent = now() - *client_->heard();
    const bool up = client_->nominated() && silent < patience_;
    if (up) {
      state_ = "connected";
    } else if (silent >= failed_after) {
      state_ = "failed";
    } else if (silent >= patience_ && state_ == "connected") {
      state_ = "disconnected";
    }
  }
}

}  // namespace liaison::sim
