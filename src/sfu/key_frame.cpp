#include "sfu/key_frame.hpp"

#include <algorithm>

namespace liaison::sfu {

void KeyFrameRequester::request(Instant now) {
  if (pending_) return;
  if (key_frame_ && now - *key_frame_ < min_interval) return;
  pending_ = true;
  next_ = std::max(next_, now);
}

void KeyFrameRequester::key_frame_started(Instant now) {
  // The publisher answers: whatever it was waited for, or backed off from, is over.
  next_ = now + min_interval;
  pending_ = false;
  tries_ = 0;
  key_frame_ = now;
}

bool KeyFrameRequester::tick(Instant now, Duration rtt) {
  if (!pending_ || now < next_) return false;
  ++tries_;
  if (tries_ < max_tries) {
    next_ = now + std::max(rtt + answer_margin, min_interval);
  } else {
    // The publisher does not answer. Those who still wait ask again, and are heard after a while.
    pending_ = false;
    tries_ = 0;
    next_ = now + back_off;
  }
  return true;
}

}  // namespace liaison::sfu
