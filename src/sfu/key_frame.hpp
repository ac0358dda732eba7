// Who wants a key frame of one encoding, and when to ask the publisher for it.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace liaison::sfu {

// Merges the wishes of all subscribers into as few requests (PLI, RFC 4585 section 6.3.1) as will
// do: a key frame costs the publisher several times an ordinary frame, and a room full of people
// that joins at once must cause one. It does not know who asked: whoever still waits when packets
// come without a key frame asks again.
class KeyFrameRequester {
 public:
  static constexpr Duration min_interval = milliseconds(300);
  static constexpr Duration answer_margin = milliseconds(250);  // on top of the RTT
  static constexpr int max_tries = 4;
  static constexpr Duration back_off = seconds(2);

  // Not heard within min_interval after a key frame began: that one answers it.
  void request(Instant now);
  // The first packet of a key frame is here, asked for or not.
  void key_frame_started(Instant now);

  Instant deadline() const { return pending_ ? next_ : never; }
  // True if a request is to be sent now.
  bool tick(Instant now, Duration rtt);

 private:
  bool pending_ = false;
  int tries_ = 0;
  Instant next_ = Instant::min();  // no request before it
  std::optional<Instant> key_frame_;
};

}  // namespace liaison::sfu
