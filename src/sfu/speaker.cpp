#include "sfu/speaker.hpp"

#include <algorithm>
#include <cmath>

namespace liaison::sfu {
namespace {

// N1, N2, N3 of the paper: levels of an immediate, immediates of a medium, mediums of a long.
constexpr int n1 = 13;
constexpr int n2 = 5;
constexpr int n3 = 10;
constexpr int max_level = 127;
constexpr int subunit = (max_level + n1 - 1) / n1;  // 10
constexpr int medium_threshold = 7;
constexpr int long_threshold = 4;
constexpr double immediate_lambda = 0.78;
constexpr double medium_lambda = 24;
constexpr double long_lambda = 47;
constexpr double min_score = 1e-10;
// How much more active than the dominant speaker, as the logarithm of a ratio, over each span.
constexpr double c1 = 3;
constexpr double c2 = 2;
constexpr double c3 = 0;

constexpr Duration level_interval = milliseconds(20);
constexpr Duration level_idle = milliseconds(40);
// The longest packet (RFC 7587: Opus frames go up to 60 ms): its level holds for all its time.
constexpr Duration longest_packet = milliseconds(60);
constexpr int floor_window = 750;  // samples, 15 s
// Of what a track is remembered by while others want its place, in dB a second.
constexpr double fading = 20;
// How much louder a newcomer must be, in dB.
constexpr double louder = 10;

double log_binomial(int n, int k) {
  double sum = 0;
  for (int i = 1; i <= k; ++i) sum += std::log(static_cast<double>(n - k + i) / i);
  return sum;
}

// Log-likelihood that v of n subunits are active because of speech and not of noise, p = 0.5.
double score_of(int v, int n, double lambda) {
  const double score = log_binomial(n, v) + n * std::log(0.5) - std::log(lambda) + lambda * v;
  return std::max(score, min_score);
}

// score_of for every possible v.
template <int n>
std::array<double, n + 1> score_table(double lambda) {
  std::array<double, n + 1> table;
  for (int v = 0; v <= n; ++v) table[static_cast<std::size_t>(v)] = score_of(v, n, lambda);
  return table;
}

}  // namespace

void SpeakerDetector::Speaker::push(std::uint8_t level, std::int64_t times) {
  for (std::int64_t i = std::min<std::int64_t>(times, level_count); i > 0; --i) {
    levels[next] = level;
    next = static_cast<std::uint8_t>((next + 1) % level_count);
  }
}

void SpeakerDetector::Speaker::track_floor(std::uint8_t level) {
  if (level == 0) return;
  if (floor == 0 || level < floor) {
    floor = level;
    next_floor = 0;
    next_floor_samples = 0;
  } else if (next_floor == 0) {
    next_floor = level;
    next_floor_samples = 1;
  } else {
    next_floor = std::min(next_floor, level);
    if (++next_floor_samples < floor_window) return;
    floor = static_cast<std::uint8_t>(std::sqrt(static_cast<double>(floor) * next_floor));
    next_floor = 0;
    next_floor_samples = 0;
  }
}

void SpeakerDetector::Speaker::fill_idle(Instant now) {
  // With DTX (RFC 7587 section 3.1.3) silence has no packets.
  if (now - last_level <= level_idle) return;
  push(0, (now - last_level) / level_interval);
  loudness = loudness_at(now);
  last_level = now;
}

SpeakerDetector::Scores SpeakerDetector::Speaker::scores() const {
  static const auto immediate_scores = score_table<n1>(immediate_lambda);
  static const auto medium_scores = score_table<n2>(medium_lambda);
  static const auto long_scores = score_table<n3>(long_lambda);

  const int threshold = floor + subunit;
  std::size_t newest = 0;
  std::size_t newest_medium = 0;
  std::size_t active_mediums = 0;
  std::size_t at = next;
  for (int medium = 0; medium < n3; ++medium) {
    std::size_t active = 0;
    for (int i = 0; i < n2; ++i) {
      at = (at == 0 ? level_count : at) - 1;  // newest first
      const int immediate = levels[at] < threshold ? 0 : levels[at] / subunit;
      if (medium == 0 && i == 0) newest = static_cast<std::size_t>(immediate);
      if (immediate > medium_threshold) ++active;
    }
    if (medium == 0) newest_medium = active;
    if (active > long_threshold) ++active_mediums;
  }
  return {immediate_scores[newest], medium_scores[newest_medium], long_scores[active_mediums]};
}

SpeakerDetector::Speaker* SpeakerDetector::find(TrackId track) {
  const auto it = std::ranges::find(speakers_, track, &Speaker::track);
  return it == speakers_.end() ? nullptr : &*it;
}

double SpeakerDetector::Speaker::loudness_at(Instant now) const {
  return loudness - fading * std::chrono::duration<double>(now - last_level).count();
}

SpeakerDetector::Speaker* SpeakerDetector::admit(TrackId track, std::uint8_t level, Instant now) {
  Speaker* place = nullptr;
  if (speakers_.size() < max_speakers) {
    place = &speakers_.emplace_back();
  } else {
    for (Speaker& speaker : speakers_) {
      if (speaker.track == dominant_ || speaker.track == published_) continue;
      if (place == nullptr || speaker.loudness_at(now) < place->loudness_at(now)) place = &speaker;
    }
    if (place == nullptr || level < place->loudness_at(now) + louder) return nullptr;
    // What it stands out from: its own noise is not known, and this may be the middle of a
    // sentence.
    const double before = place->loudness_at(now);
    *place = {};
    place->floor = static_cast<std::uint8_t>(std::max(before, 1.0));
  }
  place->track = track;
  place->last_level = now - level_interval;
  return place;
}

void SpeakerDetector::level(TrackId track, std::uint8_t dbov, Instant now) {
  const auto level = static_cast<std::uint8_t>(max_level - std::min<int>(dbov, max_level));
  Speaker* speaker = find(track);
  if (speaker == nullptr) {
    if (level == 0) return;  // only sound takes a place
    speaker = admit(track, level, now);
    if (speaker == nullptr) return;
  }
  const Duration elapsed = now - speaker->last_level;
  if (elapsed < Duration::zero()) return;
  const std::int64_t samples = std::max<std::int64_t>(elapsed / level_interval, 1);
  if (elapsed <= longest_packet) {
    speaker->push(level, samples);
  } else {
    speaker->push(0, samples - 1);
    speaker->push(level, 1);
  }
  speaker->loudness = std::max<double>(level, speaker->loudness_at(now));
  speaker->last_level = now;
  speaker->track_floor(level);
  if (level > 0) {
    heard_ = true;
    if (deadline_ == never) {
      deadline_ =
          last_decision_ == Instant::min() ? now + period : std::max(now, last_decision_ + period);
    }
  }
}

void SpeakerDetector::remove(TrackId track, Instant now) {
  std::erase_if(speakers_, [&](const Speaker& speaker) { return speaker.track == track; });
  if (dominant_ == track) dominant_ = {};
  // What is gone cannot stay published.
  if (published_ == track) deadline_ = now;
}

TrackId SpeakerDetector::decide(Instant now) {
  for (Speaker& speaker : speakers_) speaker.fill_idle(now);
  const Speaker* dominant = dominant_ ? find(dominant_) : nullptr;
  // Without a dominant speaker they have to be more active than silence.
  const Scores reference =
      dominant != nullptr ? dominant->scores() : Scores{min_score, min_score, min_score};
  TrackId winner = dominant_;
  double best = c2;
  for (const Speaker& speaker : speakers_) {
    if (&speaker == dominant) continue;
    const Scores scores = speaker.scores();
    const double medium = std::log(scores.medium / reference.medium);
    if (medium <= best || std::log(scores.immediate / reference.immediate) <= c1 ||
        std::log(scores.lasting / reference.lasting) <= c3) {
      continue;
    }
    best = medium;
    winner = speaker.track;
  }
  return winner;
}

std::optional<TrackId> SpeakerDetector::tick(Instant now) {
  if (now < deadline_) return std::nullopt;
  const TrackId before = dominant_;
  dominant_ = decide(now);
  last_decision_ = now;

  std::optional<TrackId> changed;
  const bool gone = published_ && find(published_) == nullptr;
  if (dominant_ != published_ && (gone || dominant_ == before)) {
    published_ = gone ? TrackId{} : dominant_;
    changed = published_;
  }
  // Asleep until the next sound, once nothing can change any more.
  deadline_ = heard_ || dominant_ != published_ ? now + period : never;
  heard_ = false;
  return changed;
}

}  // namespace liaison::sfu
