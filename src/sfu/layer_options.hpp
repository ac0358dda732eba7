// In which layers a published track can be had.
#pragma once

#include <vector>

#include "base/clock.hpp"
#include "sfu/allocator.hpp"
#include "sfu/down_track.hpp"
#include "sfu/up_track.hpp"

namespace liaison::sfu {

// With what each takes: as measured while it comes, else as it was, or as is usual for its size. An
// encoding that does not come is among them, since its publisher may send it once it is wanted.
std::vector<LayerOption> layer_options(const UpTrack& track, Instant now);

// Up to which layer the track is to pass now if it may have `down.granted()`. While that does not
// come, whoever sees nothing gets the best below it that does. While a queue is let out nobody goes
// up, and whoever must come down comes down to the least, whose key frame is soonest through.
Layer layer_to_begin_with(const UpTrack& track, const DownTrack& down, bool draining, Instant now);

}  // namespace liaison::sfu
