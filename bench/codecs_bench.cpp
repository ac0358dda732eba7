// Reading and writing RTP and RTCP: what every packet on the media path pays.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/ensure.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/transport_cc.hpp"
#include "rtp/extension.hpp"
#include "rtp/key_frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/vp8.hpp"

namespace {

using namespace liaison;

constexpr std::uint8_t mid_id = 4;
constexpr std::uint8_t transport_cc_id = 3;
constexpr std::uint8_t abs_send_time_id = 2;
constexpr std::uint8_t video_orientation_id = 13;

// A video packet as a browser sends it: four extensions, a VP8 descriptor with 15-bit picture id.
std::vector<std::uint8_t> video_packet() {
  std::vector<std::uint8_t> bytes(1200, 0x5a);
  const auto sequence = rtp::write_transport_sequence(1234);
  const auto time = rtp::write_abs_send_time(Instant(seconds(12)));
  constexpr std::array<std::uint8_t, 1> orientation = {0};
  const std::array<rtp::ExtensionElement, 4> elements = {{{abs_send_time_id, time},
                                                          {transport_cc_id, sequence},
                                                          {mid_id, as_bytes("1")},
                                                          {video_orientation_id, orientation}}};
  const std::size_t header = rtp::write_header(
      bytes, {.marker = true, .payload_type = 96, .sequence = 7, .timestamp = 8, .ssrc = 9},
      elements);
  ENSURE(header != 0);
  constexpr std::array<std::uint8_t, 7> descriptor = {0x90, 0xe0, 0x92, 0x34, 0x56, 0x60, 0x00};
  std::copy(descriptor.begin(), descriptor.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

void parse_packet_and_extensions(benchmark::State& state) {
  const auto bytes = video_packet();
  for (auto _ : state) {
    const auto packet = rtp::PacketView::parse(bytes);
    ENSURE(packet);
    std::size_t sizes = 0;
    rtp::ExtensionReader reader(*packet);
    while (const auto element = reader.next()) sizes += element->value.size();
    benchmark::DoNotOptimize(sizes);
    benchmark::DoNotOptimize(packet->payload());
  }
}
BENCHMARK(parse_packet_and_extensions);

void write_packet_header(benchmark::State& state) {
  std::array<std::uint8_t, 80> out;
  std::uint16_t number = 0;
  for (auto _ : state) {
    const auto sequence = rtp::write_transport_sequence(++number);
    const std::array<rtp::ExtensionElement, 2> elements = {
        {{mid_id, as_bytes("12")}, {transport_cc_id, sequence}}};
    benchmark::DoNotOptimize(rtp::write_header(
        out, {.payload_type = 96, .sequence = number, .timestamp = 8, .ssrc = 9}, elements));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_packet_header);

void parse_vp8_descriptor(benchmark::State& state) {
  const auto bytes = video_packet();
  const Bytes payload = rtp::PacketView::parse(bytes)->payload();
  for (auto _ : state) benchmark::DoNotOptimize(rtp::parse_vp8(payload));
}
BENCHMARK(parse_vp8_descriptor);

void rewrite_vp8_descriptor(benchmark::State& state) {
  auto bytes = video_packet();
  const auto packet = rtp::PacketView::parse(bytes);
  const MutableBytes payload = MutableBytes(bytes).subspan(packet->header_size());
  const auto descriptor = rtp::parse_vp8(payload);
  std::uint16_t picture = 0;
  for (auto _ : state) {
    ++picture;
    rtp::rewrite_vp8(payload, *descriptor, picture & 0x7fff, static_cast<std::uint8_t>(picture));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(rewrite_vp8_descriptor);

void find_key_frame(benchmark::State& state) {
  const auto codec = static_cast<rtp::CodecName>(state.range(0));
  const auto bytes = video_packet();
  const Bytes payload = rtp::PacketView::parse(bytes)->payload();
  for (auto _ : state) benchmark::DoNotOptimize(rtp::starts_key_frame(codec, payload));
}
BENCHMARK(find_key_frame)
    ->ArgName("codec")
    ->Arg(static_cast<int>(rtp::CodecName::vp8))
    ->Arg(static_cast<int>(rtp::CodecName::vp9))
    ->Arg(static_cast<int>(rtp::CodecName::av1))
    ->Arg(static_cast<int>(rtp::CodecName::h264));

void parse_nack(benchmark::State& state) {
  std::vector<std::uint16_t> sequences;
  for (int i = 0; i < state.range(0); ++i) sequences.push_back(static_cast<std::uint16_t>(i * 3));
  std::array<std::uint8_t, 1200> buffer;
  Writer out(buffer);
  ENSURE(rtcp::write_nack(out, 1, 2, sequences) == sequences.size());
  for (auto _ : state) {
    const auto compound = rtcp::Compound::parse(out.written());
    std::uint32_t sum = 0;
    for (const rtcp::PacketView& packet : *compound) {
      if (const auto nack = rtcp::Nack::parse(packet)) {
        nack->for_each([&](std::uint16_t sequence) { sum += sequence; });
      }
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(parse_nack)->Arg(1)->Arg(50);

// The packets of 50 ms: at 1, 5 and 40 Mbit/s, 2 % lost.
void write_transport_feedback(benchmark::State& state) {
  std::vector<rtcp::Arrival> arrivals;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) {
    if (i % 50 != 49) arrivals.push_back({65536 + i, Instant(seconds(1) + microseconds(i * 700))});
  }
  std::array<std::uint8_t, 1200> buffer;
  for (auto _ : state) {
    Writer out(buffer);
    benchmark::DoNotOptimize(rtcp::write_transport_feedback(out, {1, 2, 3}, 65536, arrivals));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_transport_feedback)->Arg(6)->Arg(26)->Arg(210);

void parse_transport_feedback(benchmark::State& state) {
  std::vector<rtcp::Arrival> arrivals;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(state.range(0)); ++i) {
    if (i % 50 != 49) arrivals.push_back({65536 + i, Instant(seconds(1) + microseconds(i * 700))});
  }
  std::array<std::uint8_t, 1200> buffer;
  Writer out(buffer);
  ENSURE(rtcp::write_transport_feedback(out, {1, 2, 3}, 65536, arrivals) == arrivals.size());
  for (auto _ : state) {
    const auto compound = rtcp::Compound::parse(out.written());
    const auto feedback = rtcp::TransportFeedback::parse(*compound->begin());
    Duration sum{};
    feedback->for_each([&](std::uint16_t, std::optional<Duration> arrival) {
      if (arrival) sum += *arrival;
    });
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(parse_transport_feedback)->Arg(6)->Arg(26)->Arg(210);

}  // namespace
