// Shares what a subscriber's path can carry among the tracks that it shows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sfu/layer_selector.hpp"

namespace liaison::sfu {

// One way to send a track: a layer with what it takes and how good it is.
struct LayerOption {
  Layer layer;
  std::uint32_t rate = 0;    // bit/s
  std::uint32_t height = 0;  // of the picture, pixels
  double frame_share = 1;    // of all frames that there are: 0.5 without the upper temporal layer
  bool operator==(const LayerOption&) const = default;
};

// A video track that is shown.
struct Wish {
  std::uint16_t slot = 0;
  bool screen = false;
  std::uint32_t width = 0;  // as shown, device pixels; 0 = as large as there is
  std::uint32_t height = 0;
  std::vector<LayerOption> options;  // in any order
  std::optional<Layer> granted;      // what it was granted last …
  bool resized = false;              // … when it was shown in another size
  bool paused = false;               // it was granted nothing although it was shown
};

struct Grant {
  std::uint16_t slot = 0;
  std::optional<LayerOption> option;  // nothing = paused
};

struct Allocation {
  std::vector<Grant> grants;    // in the order of the wishes
  std::uint64_t granted = 0;    // bit/s of all that is granted …
  std::uint64_t wanted = 0;     // … of the best for every wish …
  std::uint64_t next_step = 0;  // … and what is needed for the next better layer; 0 = none
  bool paused = false;
  bool rises = false;  // somebody gets a larger picture than before …
  bool falls = false;  // … or a smaller one, or none
};

// A change of size costs a key frame, which is worth many other frames, so that nobody's picture
// changes without a reason: as long as what was granted fits, it stays, and more comes on top of
// it; at most one gets a larger picture at a time, and none unless `may_rise`. Where it does not
// fit, some get less and nobody more. Only when something is shown in another size all is shared
// anew.
// In tiers: the stage (what is shown much larger than anything else) as far as 360 lines, a layer
// of the screen in which text can be read, the least of everybody else, the stage in full, the
// screen in full, everybody else in full; in the last, whatever gives most for its bits. Nothing is
// granted beyond what its size on the screen can show. A layer above the one it has costs a tenth
// more than it takes, and one for what is paused a fifth. The screen may exceed the budget by
// 300 kbit/s with its least layer. Deterministic.
Allocation allocate(std::span<const Wish> wishes, std::uint64_t budget, bool may_rise = true);

}  // namespace liaison::sfu
