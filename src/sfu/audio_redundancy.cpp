#include "sfu/audio_redundancy.hpp"

#include <array>

namespace liaison::sfu {

void AudioRedundancy::update(double loss, Duration queue, Instant now) {
  if (queue >= full_queue) full_at_ = now;
  if (full_at_ && now - *full_at_ < memory) return;
  // From how much loss on there are so many.
  constexpr std::array<double, 4> needs = {0, some_loss, much_loss, heavy_loss};
  std::size_t wanted = 0;
  while (wanted + 1 < needs.size() && loss > needs[wanted + 1]) ++wanted;
  if (wanted >= frames_ || loss > needs[frames_] / 2) lossy_at_ = now;
  if (wanted > frames_ || now - lossy_at_ >= calm) {
    frames_ = wanted;
    lossy_at_ = now;
  }
}

}  // namespace liaison::sfu
