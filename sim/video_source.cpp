#include "sim/video_source.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/ensure.hpp"
#include "sim/stamp.hpp"

namespace liaison::sim {
namespace {

constexpr double second_ns = 1e9;

// One picture of the repeating pattern of temporal layers.
struct Phase {
  std::uint8_t temporal;
  std::uint8_t back;  // pictures, to the one that it needs
  bool layer_sync;
  bool discardable;
  double weight;  // size relative to the mean; the shares of the layers are those of libwebrtc
};
constexpr std::array<Phase, 1> one_layer = {{{0, 1, false, false, 1.0}}};
constexpr std::array<Phase, 2> two_layers = {{
    {0, 2, false, false, 1.2},
    {1, 1, true, true, 0.8},
}};
constexpr std::array<Phase, 4> three_layers = {{
    {0, 4, false, false, 1.6},
    {2, 1, true, true, 0.8},
    {1, 2, true, false, 0.8},
    {2, 1, false, true, 0.8},
}};

std::span<const Phase> pattern(std::uint8_t temporal_layers) {
  switch (temporal_layers) {
    case 1:
      return one_layer;
    case 2:
      return two_layers;
    default:
      return three_layers;
  }
}

// Of the bits of a picture with one, two and three spatial layers.
constexpr std::array<std::array<double, 3>, 3> spatial_share = {
    {{1.0}, {0.3, 0.7}, {0.12, 0.28, 0.60}}};

std::uint32_t usual_bitrate(std::uint32_t width, std::uint32_t height) {
  const std::uint32_t pixels = width * height;
  if (pixels <= 320 * 180) return 150'000;
  if (pixels <= 640 * 360) return 500'000;
  if (pixels <= 1280 * 720) return 1'700'000;
  return 3'000'000;
}

constexpr Duration screen_rests = seconds(3);  // between changes, on average
constexpr Duration screen_moves = seconds(2);  // when something scrolls

}  // namespace

VideoSource::VideoSource(const VideoOptions& options, Random random, Instant begin)
    : options_(options), random_(random), begin_(begin) {
  ENSURE(options.fps > 0);
  ENSURE(options.temporal_layers >= 1 && options.temporal_layers <= 3);
  ENSURE(options.spatial_layers >= 1 && options.spatial_layers <= spatial_share.size());
  ENSURE(options.layering != Layering::key_svc || options.codec == rtp::CodecName::vp9);
  count_ = options.layering == Layering::simulcast ? encoding_limit : 1;
  for (std::size_t i = 0; i < count_; ++i) {
    Encoding& encoding = encodings_[i];
    const std::size_t halvings = count_ - 1 - i;
    encoding.width = static_cast<std::uint16_t>(options.width >> halvings);
    encoding.height = static_cast<std::uint16_t>(options.height >> halvings);
    encoding.max = options.max_bitrate[i] != 0 ? options.max_bitrate[i]
                                               : usual_bitrate(encoding.width, encoding.height);
    encoding.target = encoding.max;
    // Where browsers begin is left to chance, so that what wraps does so early in some runs.
    encoding.picture = static_cast<std::uint32_t>(random_.below(0x8000));
    encoding.tl0_picture = static_cast<std::uint8_t>(random_.below(0x100));
    encoding.timestamp_offset = static_cast<std::uint32_t>(random_.next());
  }
  changes_ = begin + random_.exponential(screen_rests);
  moves_until_ = begin;
}

void VideoSource::set_target(std::size_t encoding, std::uint32_t bits_per_second) {
  ENSURE(encoding < count_);
  encodings_[encoding].target = std::min(bits_per_second, encodings_[encoding].max);
}

std::uint32_t VideoSource::target(std::size_t encoding) const {
  ENSURE(encoding < count_);
  return encodings_[encoding].target;
}

void VideoSource::set_active(std::size_t encoding, bool active) {
  ENSURE(encoding < count_);
  Encoding& changed = encodings_[encoding];
  if (active && !changed.active) {
    changed.key_wanted = true;
    changed.debt = 0;
  }
  changed.active = active;
}

void VideoSource::request_key_frame(std::size_t encoding) {
  ENSURE(encoding < count_);
  encodings_[encoding].key_wanted = true;
}

Instant VideoSource::deadline() const {
  const bool any = std::any_of(encodings_.begin(), encodings_.begin() + count_,
                               [](const Encoding& encoding) { return encoding.active; });
  if (!any) return never;
  // Rounded up, so that capture() at that instant finds that this picture is due.
  return begin_ + (Duration(seconds(next_)) + Duration(options_.fps - 1)) / options_.fps;
}

// Of mean 0, variance 1 and nearly the shape of a bell: a sum of four even draws, which is cheap
// and has no far ends.
double VideoSource::normal() {
  const double sum = random_.unit() + random_.unit() + random_.unit() + random_.unit();
  return (sum - 2) * 1.7320508075688772;
}

VideoSource::Scene VideoSource::look(Instant now) {
  if (!options_.screen) return Scene::moves;
  if (now < changes_) return now < moves_until_ ? Scene::moves : Scene::still;
  if (random_.chance(0.3)) moves_until_ = now + random_.exponential(screen_moves);
  changes_ = now + random_.exponential(screen_rests);
  return Scene::changes;
}

double VideoSource::draw_size(Encoding& encoding, Scene scene, bool key, double weight) {
  const auto fps = static_cast<double>(options_.fps);
  const double second = encoding.target / 8.0;  // bytes
  const double budget = second / fps;

  constexpr double spread = 0.3;
  const double variation = std::exp(spread * normal() - spread * spread / 2);
  double size = budget * weight * variation;
  // What was spent too much is saved, and the other way round, over about a second.
  const double repay = encoding.debt / fps * 1.4;
  if (key || scene == Scene::changes) {
    // A page of text is large whatever the frame rate; less is left for it if the last one was a
    // moment ago.
    const double rested = std::clamp(0.5 - encoding.debt / second / 2, 0.25, 1.0);
    size = options_.screen ? std::max(budget, second * (0.2 + 0.4 * random_.unit()) * rested)
                           : budget * (5 + 5 * random_.unit());
  } else if (scene == Scene::still) {
    size = std::min(budget, 100 * variation);
  } else {
    size = std::max(size - repay, size / 4);
  }
  return size;
}

void VideoSource::encode(std::uint8_t index, Scene scene, Instant now,
                         std::vector<EncodedFrame>& out) {
  Encoding& encoding = encodings_[index];
  const auto phases = pattern(options_.temporal_layers);
  const double unasked =
      options_.unasked_key_frames == Duration::max()
          ? 0.0
          : second_ns / (static_cast<double>(options_.unasked_key_frames.count()) *
                         static_cast<double>(options_.fps));
  const bool key = encoding.key_wanted || random_.chance(unasked);
  encoding.key_wanted = false;
  if (key) {
    encoding.phase = 0;
    ++encoding.key_picture;
  }
  const Phase& phase = phases[encoding.phase];
  encoding.phase = static_cast<std::uint8_t>((encoding.phase + 1) % phases.size());
  ++encoding.picture;
  if (phase.temporal == 0) ++encoding.tl0_picture;

  const double size = draw_size(encoding, scene, key, phase.weight);
  const std::uint8_t layers =
      options_.layering == Layering::key_svc ? options_.spatial_layers : std::uint8_t{1};
  const std::uint32_t first = encoding.frame;
  encoding.first_frames[encoding.picture % encoding.first_frames.size()] = first;
  const std::uint32_t needed =
      encoding.first_frames[(encoding.picture - phase.back) % encoding.first_frames.size()];
  double spent = 0;
  for (std::uint8_t layer = 0; layer < layers; ++layer) {
    EncodedFrame frame;
    frame.encoding = index;
    frame.spatial = layer;
    frame.temporal = phase.temporal;
    frame.spatial_layers = layers;
    frame.temporal_layers = options_.temporal_layers;
    frame.key = key;
    frame.discardable = phase.discardable;
    frame.layer_sync = phase.layer_sync;
    frame.ends_picture = layer + 1 == layers;
    frame.frame = encoding.frame++;
    frame.picture = encoding.picture;
    frame.tl0_picture = encoding.tl0_picture;
    frame.key_picture = encoding.key_picture;
    if (!key) {
      frame.references[0] = static_cast<std::uint16_t>(first - needed);
      frame.pictures_back = phase.back;
    } else if (layer > 0) {
      frame.references[1] = 1;
    }
    const auto ticks = (now - begin_).count() * 9 / 100'000;  // 90 kHz from nanoseconds
    frame.timestamp = encoding.timestamp_offset + static_cast<std::uint32_t>(ticks);
    const double share = spatial_share[layers - 1U][layer];
    frame.bytes = std::max(stamp_size, static_cast<std::size_t>(size * share));
    frame.width = encoding.width;
    frame.height = encoding.height;
    frame.captured = now;
    spent += static_cast<double>(frame.bytes);
    out.push_back(frame);
  }
  const double second = encoding.target / 8.0;
  // A screen may save for a second and a camera for less: after a rest, a burst, but a short one.
  // The debt has a limit too, for targets that are below what the least frames need.
  const double saved = options_.screen ? second : second / 4;
  const double budget = second / static_cast<double>(options_.fps);
  encoding.debt = std::clamp(encoding.debt + spent - budget, -saved, 3 * second);
}

void VideoSource::capture(Instant now, std::vector<EncodedFrame>& out) {
  if (now < deadline()) return;
  const Scene scene = look(now);
  for (std::size_t i = 0; i < count_; ++i) {
    if (encodings_[i].active) encode(static_cast<std::uint8_t>(i), scene, now, out);
  }
  next_ = (now - begin_) / Duration(seconds(1)) * options_.fps +
          (now - begin_) % Duration(seconds(1)) * options_.fps / Duration(seconds(1)) + 1;
}

}  // namespace liaison::sim
