// Decrypted RTP and RTCP of a client, as they come out of its transport: whatever an admitted
// client sends must do no harm to the others. The first byte of each chunk chooses what it is, the
// second how long.
#include <cstddef>
#include <cstdint>

#include "base/packet_pool.hpp"
#include "sfu/endpoint.hpp"
#include "transport/certificate.hpp"

namespace {

using namespace liaison;

sfu::OpenEndpoint description() {
  sfu::OpenEndpoint open;
  open.endpoint = {1};
  open.call = {1};
  open.local = {"serverufrag00000", "serverpasswordserverpassword0000"};
  open.remote_ufrag = "client";
  sfu::MediaDescription& media = open.media;
  media.audio_codecs = {{{rtp::CodecName::red, 0}, 63, std::nullopt, 48'000},
                        {{rtp::CodecName::opus, 0}, 111, std::nullopt, 48'000}};
  media.video_codecs = {{{rtp::CodecName::vp8, 0}, 96, 97, 90'000},
                        {{rtp::CodecName::vp9, 0}, 98, 99, 90'000},
                        {{rtp::CodecName::av1, 0}, 45, 46, 90'000},
                        {{rtp::CodecName::h264, 1}, 102, 103, 90'000}};
  for (std::size_t i = 0; i < rtp::extension_count; ++i) {
    media.audio_extensions.ids[i] = media.video_extensions.ids[i] =
        static_cast<std::uint8_t>(i + 1);
  }
  media.up = {{"0", {1}, rtp::MediaKind::audio, true}, {"1", {2}, rtp::MediaKind::video, true}};
  media.down = {{"2", 0, rtp::MediaKind::audio, 1000, 0},
                {"3", 1, rtp::MediaKind::video, 1001, 1002}};
  media.cname = "fuzz";
  return open;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const transport::Certificate certificate =
      transport::generate_certificate(UnixTime{} + hours(500'000));
  static transport::DtlsServer server(certificate);
  static PacketPool pool(4096);
  static const sfu::OpenEndpoint open = description();
  Instant now = Instant{} + seconds(1);
  sfu::Endpoint endpoint(open, server, now);
  endpoint.down().tracks()[0].assign({1}, open.media.audio_codecs);
  endpoint.down().tracks()[1].assign({2}, open.media.video_codecs);
  endpoint.down().tracks()[1].set_target(sfu::Layer{});
  sfu::Output out;
  Reader reader(Bytes(data, size));
  while (reader.remaining() > 2) {
    const std::uint8_t kind = reader.u8();
    const std::size_t length = std::min<std::size_t>(reader.u8(), reader.remaining());
    const Bytes chunk = reader.take(length);
    now += milliseconds(kind >> 2);
    if (kind % 4 == 3) {
      rtcp::ReportBlock block{
          .ssrc = 1001, .highest_sequence = static_cast<std::uint32_t>(length), .last_sr = kind};
      endpoint.report_block(block, now);
      endpoint.tick(now, out);
    } else {
      if (const auto accepted = endpoint.accept(pool.take(chunk), now)) {
        for (sfu::DownTrack& down : endpoint.down().tracks()) {
          if (down.media().kind == accepted->track->media().kind)
            for (std::size_t i = 0; i < accepted->count; ++i)
              endpoint.down().forward(down, *accepted->packets[i], now, out);
        }
      }
    }
    out.clear();
  }
  return 0;
}
