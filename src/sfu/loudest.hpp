// Who is heard where many microphones are open.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"

namespace liaison::sfu {

// In a large group only the loudest are sent to everybody: nobody can listen to more, and the
// noise of many rooms adds up. A voice that begins is let through with its first packet, and keeps
// its place for two seconds after it has ended. It reads levels (RFC 6464), never sound.
class Loudest {
 public:
  // Up to so many open microphones all are heard.
  static constexpr std::size_t everybody = 8;
  static constexpr std::size_t places = 4;
  static constexpr Duration hold = seconds(2);

  enum class Verdict : std::uint8_t {
    heard,
    ends,  // it was heard until now
    quiet,
  };
  // A packet of the track with its level: 0 the loudest, 127 silence, in -dBov.
  Verdict level(TrackId track, std::uint8_t dbov, Instant now);
  void remove(TrackId track);

 private:
  struct Microphone {
    double loudness = 0;  // 127 - dBov, smoothed
    Instant last;
    std::optional<Instant> spoke;
    double voice = 0;  // its loudness then
    bool heard = false;
  };

  static double loudness_at(const Microphone& microphone, Instant now);
  bool takes_place(TrackId track, const Microphone& microphone, Instant now);

  std::unordered_map<TrackId, Microphone> microphones_;
  std::vector<TrackId> places_;
};

}  // namespace liaison::sfu
