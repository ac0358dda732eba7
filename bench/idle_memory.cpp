// How much memory a client costs that is connected and neither sends nor is sent anything: the
// slope of what malloc has given out, between calls of 50 and of 250 people.
#include <fmt/format.h>
#include <malloc.h>

#include <array>
#include <cstdint>
#include <string>

#include "bench/call.hpp"

namespace {

using namespace liaison;

// As browsers offer it: tracks to send, four or none, and a pair to receive for the screen and each
// person.
template <std::size_t person_slots, std::size_t sent>
sfu::MediaDescription offered(std::uint64_t number) {
  sfu::MediaDescription media;
  media.audio_codecs = {{{rtp::CodecName::opus, 0}, bench::opus, std::nullopt, 48'000},
                        {{rtp::CodecName::red, 0}, 63, std::nullopt, 48'000}};
  media.video_codecs = {{{rtp::CodecName::vp8, 0}, bench::vp8, 97, 90'000},
                        {{rtp::CodecName::vp9, 0}, 98, 99, 90'000},
                        {{rtp::CodecName::h264, 0}, 100, 101, 90'000},
                        {{rtp::CodecName::av1, 0}, 102, 103, 90'000}};
  for (rtp::ExtensionIds* ids : {&media.audio_extensions, &media.video_extensions}) {
    (*ids)[rtp::Extension::mid] = bench::mid_extension;
    (*ids)[rtp::Extension::transport_cc] = 3;
  }
  media.cname = "bench";
  for (std::uint64_t i = 0; i < sent; ++i) {
    const auto kind = i % 2 == 0 ? rtp::MediaKind::audio : rtp::MediaKind::video;
    media.up.push_back({std::to_string(i), {number * 4 + i}, kind, true});
  }
  for (std::uint16_t slot = 0; slot < 2 * (person_slots + 1); ++slot) {
    const auto kind = slot % 2 == 0 ? rtp::MediaKind::audio : rtp::MediaKind::video;
    const auto ssrc = static_cast<std::uint32_t>(number * 1024 + 2 * slot);
    media.down.push_back({std::to_string(4 + slot), slot, kind, ssrc, ssrc + 1});
  }
  return media;
}

struct Sizes {
  std::size_t handshaken, idle;
};

// Of a whole call, without the far ends.
template <std::size_t person_slots, std::size_t sent>
Sizes measure(std::uint64_t people) {
  const auto given_out = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::size_t before = given_out();
  bench::Call call(people, offered<person_slots, sent>);
  const std::size_t connected = given_out();
  call.idle(seconds(60));
  const std::size_t later = given_out();
  call.forget_clients();
  const std::size_t idle = given_out() - before;
  return {idle + connected - later, idle};
}

template <std::size_t person_slots, std::size_t sent>
void print() {
  constexpr std::uint64_t few = 50;
  constexpr std::uint64_t many = 250;
  measure<person_slots, sent>(few);  // what is made once
  const Sizes small = measure<person_slots, sent>(few);
  const Sizes large = measure<person_slots, sent>(many);
  fmt::print("{:>12} {:>12} {:>20} {:>14}\n", sent, person_slots,
             (large.handshaken - small.handshaken) / (many - few),
             (large.idle - small.idle) / (many - few));
}

}  // namespace

int main() {
  fmt::print("Bytes for each client:\n{:>12} {:>12} {:>20} {:>14}\n", "tracks up", "person slots",
             "after the handshake", "idle for 60 s");
  print<1, 0>();
  print<1, 4>();
  print<8, 4>();
  print<48, 4>();
}
