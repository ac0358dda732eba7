#include "sim/up_stream.hpp"

#include <algorithm>
#include <utility>

#include "base/ensure.hpp"

namespace liaison::sim {
namespace {

constexpr std::array<std::string_view, encoding_limit> rids = {"q", "h", "f"};
constexpr double least_rate = 0.05;

const AnsweredLine::Format* choose(const AnsweredLine& line, const MediaOptions& options) {
  for (const AnsweredLine::Format& format : line.formats) {
    if (options.codec == format.codec) return &format;
  }
  return line.formats.empty() ? nullptr : &line.formats.front();
}

}  // namespace

UpStream::UpStream(const Identity& identity, const AnsweredLine& line, const MediaOptions& options,
                   Random random, Instant now)
    : identity_(identity), line_(line) {
  const bool video = identity.source == Source::camera || identity.source == Source::screen;
  const AnsweredLine::Format* format = choose(line, options);
  if (format == nullptr) return;
  codec_ = format->codec;
  payload_type_ = format->payload_type;
  rtx_payload_type_ = format->rtx_payload_type;
  if (video) {
    const bool screen = identity.source == Source::screen;
    VideoOptions made{.codec = codec_,
                      .temporal_layers = screen ? std::uint8_t{1} : options.temporal_layers,
                      .spatial_layers = options.spatial_layers,
                      .screen = screen,
                      .fps = screen ? 10 : options.fps};
    if (codec_ == rtp::CodecName::vp9 && options.key_svc && !screen)
      made.layering = Layering::key_svc;
    if (line.simulcast) made.layering = Layering::simulcast;
    if (codec_ == rtp::CodecName::h264 && !screen) made.temporal_layers = 1;
    most_ = screen ? options.screen_bitrate : options.camera_bitrate;
    if (made.layering != Layering::simulcast) made.max_bitrate[0] = most_;
    video_.emplace(made, random.fork(), now);
    packetizer_.codec = codec_;
    encodings_.resize(video_->encodings());
    if (line.extensions[rtp::Extension::dependency_descriptor] != 0 &&
        codec_ != rtp::CodecName::h264) {
      for (Encoding& encoding : encodings_) {
        const FrameDescriber::Beginning beginning{
            static_cast<std::uint8_t>(random.below(rtp::max_dependency_templates)),
            static_cast<std::uint16_t>(random.below(65'536))};
        encoding.describer.emplace(made, beginning);
      }
    }
  } else {
    red_ = codec_ == rtp::CodecName::red;
    std::uint8_t opus = payload_type_;
    for (const AnsweredLine::Format& other : line.formats) {
      if (other.codec == rtp::CodecName::opus) opus = other.payload_type;
    }
    audio_.emplace(options.audio, random.fork(), now);
    audio_packets_.emplace(opus, options.redundancy);
    encodings_.resize(1);
  }
  for (Encoding& encoding : encodings_) {
    encoding.ssrc = static_cast<std::uint32_t>(random.between(1, 0xffffffff));
    encoding.rtx_ssrc = static_cast<std::uint32_t>(random.between(1, 0xffffffff));
    // As libwebrtc: in the lower half, so that a receiver that misses the beginning does not also
    // miss that the numbers have wrapped (RFC 3711 section 3.3.1).
    encoding.next = 65'536 + options.first_sequence.value_or(1 + random.below(32'767));
    encoding.next_rtx = static_cast<std::uint16_t>(random.below(65'536));
    if (video) encoding.kept.resize(history);
  }
}

void UpStream::send(std::uint32_t encodings) {
  on_ = encodings != 0;
  for (std::size_t i = 0; video_ && i < encodings_.size(); ++i)
    video_->set_active(i, (encodings >> i & 1) != 0);
}

void UpStream::answered(const AnsweredLine& line) {
  if (!audio_ || line.formats.empty()) return;
  codec_ = line.formats.front().codec;
  payload_type_ = line.formats.front().payload_type;
  red_ = codec_ == rtp::CodecName::red;
}

void UpStream::talk(std::optional<bool> talking) {
  if (audio_) audio_->force(talking);
}

Instant UpStream::deadline() const {
  if (!on_) return never;
  if (audio_) return audio_->deadline();
  return video_ ? video_->deadline() : never;
}

Stamp UpStream::base(std::size_t index) const {
  Stamp stamp;
  stamp.room = identity_.room;
  stamp.person = identity_.person;
  stamp.source = identity_.source;
  stamp.number = encodings_[index].next;
  return stamp;
}

void UpStream::tick(Instant now, Sink& sink) {
  if (!on_ || now < deadline()) return;
  now_ = now;
  payloads_.clear();
  if (audio_) {
    const auto frame = audio_->next(now);
    if (!frame) return;
    level_ = frame->level;
    audio_packets_->packetize(*frame, red_, base(0), payloads_);
    encodings_[0].last_captured = frame->captured;
    send(0, payload_type_, frame->timestamp, sink);
    return;
  }
  captured_.clear();
  video_->capture(now, captured_);
  for (const EncodedFrame& frame : captured_) {
    payloads_.clear();
    PacketizerOptions packing = packetizer_;
    if (auto& describer = encodings_[frame.encoding].describer) {
      describer->next(frame);
      // The first packet has the longest, and the frame is in packets of one size.
      packing.max_payload -= describer->value(true, true).size();
    }
    packetize(frame, packing, base(frame.encoding), payloads_);
    if (frame.key && frame.spatial == 0)
      encodings_[frame.encoding].key = encodings_[frame.encoding].next;
    encodings_[frame.encoding].last_captured = frame.captured;
    send(frame.encoding, payload_type_, frame.timestamp, sink);
  }
}

void UpStream::send(std::size_t index, std::uint8_t payload_type, std::uint32_t timestamp,
                    Sink& sink) {
  Encoding& encoding = encodings_[index];
  encoding.last_timestamp = timestamp;
  for (std::size_t i = 0; i < payloads_.size(); ++i) {
    const std::uint64_t number = encoding.next++;
    const Bytes payload = payloads_[i];
    const bool marker = payloads_.marker(i);
    Bytes descriptor;
    if (encoding.describer)
      descriptor = encoding.describer->value(i == 0, i + 1 == payloads_.size());
    const std::size_t size = header(index, false,
                                    {.marker = marker,
                                     .payload_type = payload_type,
                                     .sequence = static_cast<std::uint16_t>(number),
                                     .timestamp = timestamp,
                                     .ssrc = encoding.ssrc},
                                    descriptor, sink);
    sink.send_rtp(Bytes(header_).first(size), payload);
    ++encoding.packets;
    encoding.octets += static_cast<std::uint32_t>(payload.size());
    if (encoding.kept.empty()) continue;
    Kept& kept = encoding.kept[number % history];
    kept.number = number;
    kept.timestamp = timestamp;
    kept.marker = marker;
    kept.descriptor.assign(descriptor.begin(), descriptor.end());
    kept.payload.assign(payload.begin(), payload.end());
  }
}

std::size_t UpStream::header(std::size_t index, bool rtx, const rtp::HeaderFields& fields,
                             Bytes descriptor, Sink& sink) {
  const Encoding& encoding = encodings_[index];
  const auto mid = as_bytes(line_.mid);
  const auto transport = rtp::write_transport_sequence(sink.next_transport_sequence());
  const auto level = rtp::write_audio_level(level_);
  const auto time = rtp::write_abs_send_time(now_);
  std::array<rtp::ExtensionElement, 6> elements;
  std::size_t count = 0;
  const auto add = [&](rtp::Extension extension, Bytes value) {
    elements[count++] = {line_.extensions[extension], value};
  };
  if (!(rtx ? encoding.rtx_known : encoding.known)) {
    add(rtp::Extension::mid, mid);
    if (encodings_.size() > 1)
      add(rtx ? rtp::Extension::repaired_rid : rtp::Extension::rid, as_bytes(rids[index]));
  }
  add(rtp::Extension::transport_cc, transport);
  if (audio_) add(rtp::Extension::audio_level, level);
  if (video_) add(rtp::Extension::abs_send_time, time);
  // As libwebrtc: a value that the form in use does not allow is left out.
  if (!descriptor.empty() && (line_.mixed_extensions || descriptor.size() <= 16))
    add(rtp::Extension::dependency_descriptor, descriptor);
  const std::size_t size = rtp::write_header(header_, fields, std::span(elements).first(count));
  ENSURE(size != 0);
  return size;
}

bool UpStream::is_media(std::uint32_t ssrc) const {
  return std::ranges::find(encodings_, ssrc, &Encoding::ssrc) != encodings_.end();
}

std::uint16_t UpStream::last_key(std::uint32_t ssrc) const {
  const auto at = std::ranges::find(encodings_, ssrc, &Encoding::ssrc);
  return at == encodings_.end() ? std::uint16_t{0} : static_cast<std::uint16_t>(at->key);
}

void UpStream::nacked(std::uint32_t ssrc, std::span<const std::uint16_t> sequences, Sink& sink) {
  const auto at = std::ranges::find(encodings_, ssrc, &Encoding::ssrc);
  if (at == encodings_.end() || at->kept.empty() || rtx_payload_type_ == 0 || !on_) return;
  const auto index = static_cast<std::size_t>(at - encodings_.begin());
  for (const std::uint16_t sequence : sequences) {
    // The newest number with these low bits that was sent.
    const std::uint64_t last = at->next - 1;
    const std::uint64_t number = last - static_cast<std::uint16_t>(last - sequence);
    const Kept& kept = at->kept[number % history];
    if (kept.number != number || kept.payload.empty()) continue;
    std::size_t size = header(index, true,
                              {.marker = kept.marker,
                               .payload_type = rtx_payload_type_,
                               .sequence = at->next_rtx++,
                               .timestamp = kept.timestamp,
                               .ssrc = at->rtx_ssrc},
                              kept.descriptor, sink);
    store_u16(&header_[size], sequence);  // RFC 4588 section 4
    size += 2;
    sink.send_rtp(Bytes(header_).first(size), kept.payload);
  }
}

void UpStream::key_frame_wanted(std::uint32_t ssrc) {
  const auto at = std::ranges::find(encodings_, ssrc, &Encoding::ssrc);
  if (at != encodings_.end() && video_)
    video_->request_key_frame(static_cast<std::size_t>(at - encodings_.begin()));
}

void UpStream::reported(std::uint32_t ssrc) {
  for (Encoding& encoding : encodings_) {
    if (encoding.ssrc == ssrc) encoding.known = true;
    if (encoding.rtx_ssrc == ssrc) encoding.rtx_known = true;
  }
}

void UpStream::adapt(double loss) {
  if (!video_ || most_ == 0) return;
  if (loss > 0.1) rate_ = std::max(least_rate, rate_ * (1 - loss / 2));
  if (loss < 0.02) rate_ = std::min(1.0, rate_ * 1.08);
  for (std::size_t i = 0; i < encodings_.size(); ++i)
    video_->set_target(i, static_cast<std::uint32_t>(static_cast<double>(most_) * rate_));
}

void UpStream::reports(std::uint64_t ntp, Instant now, std::vector<Report>& out) const {
  const std::int64_t rate = audio_ ? 48'000 : 90'000;
  for (const Encoding& encoding : encodings_) {
    if (encoding.packets == 0) continue;
    const std::int64_t gone =
        duration_cast<microseconds>(now - encoding.last_captured).count() * rate / 1'000'000;
    out.push_back({encoding.ssrc,
                   {.ntp = ntp,
                    .rtp_timestamp = encoding.last_timestamp + static_cast<std::uint32_t>(gone),
                    .packets = encoding.packets,
                    .octets = encoding.octets}});
  }
}

}  // namespace liaison::sim
