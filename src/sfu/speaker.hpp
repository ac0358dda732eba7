// Who speaks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/id.hpp"

namespace liaison::sfu {

// The dominant speaker of one call, after I. Volfin and I. Cohen, "Dominant speaker identification
// for multipoint videoconferencing" (2012), with the constants that Jitsi and mediasoup use. Each
// speaker's levels of the last second are counted over three spans (20 ms, 100 ms, 1 s); who is
// more active than the dominant speaker in all three takes over. Unlike theirs, nobody is dominant
// before somebody has spoken. It reads levels (RFC 6464), never sound, and so works on encrypted
// media.
class SpeakerDetector {
 public:
  static constexpr Duration period = milliseconds(300);
  // Tracks watched at a time. A further one takes the place of whoever was least loud of late, if
  // it is clearly louder: in a large room the noise of those who say nothing must not keep out a
  // voice.
  static constexpr std::size_t max_speakers = 64;

  // A packet of the track with its level: 0 the loudest, 127 silence, in -dBov.
  void level(TrackId track, std::uint8_t dbov, Instant now);
  void remove(TrackId track, Instant now);

  Instant deadline() const { return deadline_; }
  // The dominant speaker, if it is another than was last returned: an empty id for none. A new one
  // must have stayed so for two periods; that one is gone is told at once.
  std::optional<TrackId> tick(Instant now);

  std::size_t size() const { return speakers_.size(); }

 private:
  static constexpr std::size_t level_count = 50;

  struct Scores {
    double immediate, medium, lasting;
  };
  struct Speaker {
    TrackId track;
    Instant last_level;
    double loudness = 0;                             // at last_level: the loudest of late, fading
    std::array<std::uint8_t, level_count> levels{};  // 0 silence, 127 the loudest; a ring
    std::uint8_t next = 0;                           // where the next level goes
    // The noise floor: the least level, slowly rising to the least of the last 15 s.
    std::uint8_t floor = 0;
    std::uint8_t next_floor = 0;
    std::uint16_t next_floor_samples = 0;

    void push(std::uint8_t level, std::int64_t times);
    void track_floor(std::uint8_t level);
    void fill_idle(Instant now);
    double loudness_at(Instant now) const;
    Scores scores() const;
  };

  Speaker* find(TrackId track);
  Speaker* admit(TrackId track, std::uint8_t level, Instant now);
  TrackId decide(Instant now);

  std::vector<Speaker> speakers_;
  TrackId dominant_;   // as of the last decision
  TrackId published_;  // as last returned
  Instant deadline_ = never;
  Instant last_decision_ = Instant::min();
  bool heard_ = false;  // any sound since the last decision
};

}  // namespace liaison::sfu
