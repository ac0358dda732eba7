#include "sfu/loudest.hpp"

#include <algorithm>

namespace liaison::sfu {
namespace {

// Of a packet that is older than this nothing is known: the silence of DTX.
constexpr Duration fresh = milliseconds(150);
constexpr double speech = 127 - 60;  // louder than -60 dBov
// Louder by so much, somebody takes the place of another who still speaks.
constexpr double clearly = 6;

}  // namespace

double Loudest::loudness_at(const Microphone& microphone, Instant now) {
  return now - microphone.last < fresh ? microphone.loudness : 0;
}

Loudest::Verdict Loudest::level(TrackId track, std::uint8_t dbov, Instant now) {
  Microphone& microphone = microphones_[track];
  const double loudness = 127 - std::min<std::uint8_t>(dbov, 127);
  const double before = loudness_at(microphone, now);
  // A voice that begins counts at once.
  microphone.loudness = std::max(loudness, (before + loudness) / 2);
  microphone.last = now;
  if (loudness >= speech) {
    microphone.spoke = now;
    microphone.voice = microphone.loudness;
  }
  const bool was_heard = microphone.heard;
  microphone.heard = takes_place(track, microphone, now) || microphones_.size() <= everybody;
  if (microphone.heard) return Verdict::heard;
  return was_heard ? Verdict::ends : Verdict::quiet;
}

// Whether it has a place, or gets one now.
bool Loudest::takes_place(TrackId track, const Microphone& microphone, Instant now) {
  if (std::ranges::find(places_, track) != places_.end()) return true;
  if (places_.size() < places) {
    places_.push_back(track);
    return true;
  }
  if (microphone.loudness < speech) return false;
  // Those who have nothing to say go first, then the least loud.
  const auto rank = [&](TrackId other) {
    const Microphone& holder = microphones_.at(other);
    const bool holds = holder.spoke && now - *holder.spoke < hold;
    return std::pair(holds, holds ? holder.voice : loudness_at(holder, now));
  };
  const auto least = std::ranges::min_element(places_, {}, rank);
  const auto [holds, loudness] = rank(*least);
  if (holds && microphone.loudness < loudness + clearly) return false;
  *least = track;
  return true;
}

void Loudest::remove(TrackId track) {
  microphones_.erase(track);
  std::erase(places_, track);
}

}  // namespace liaison::sfu
