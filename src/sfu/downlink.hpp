// All that one subscriber is sent, over one path.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/drop.hpp"
#include "bwe/estimator.hpp"
#include "rtcp/transport_cc.hpp"
#include "sfu/allocator.hpp"
#include "sfu/audio_redundancy.hpp"
#include "sfu/command.hpp"
#include "sfu/down_track.hpp"
#include "sfu/output.hpp"
#include "sfu/pacer.hpp"
#include "sfu/rise_limit.hpp"
#include "sfu/up_track.hpp"
#include "transport/transport.hpp"

namespace liaison::sfu {

// The down-tracks of an endpoint, and what they share: the estimate of what the path carries, the
// pacer through which all but sound leaves, and the allocation of the estimate to what is shown. It
// does not know where packets come from: who asks it to send what waits tells it where that is.
class Downlink {
 public:
  // What there is of a down-track's source; null if nothing.
  using Source = const UpTrack*;

  // `transport` must outlive it.
  Downlink(transport::Transport& transport, Instant now);

  // Takes over m-lines that were added.
  void update(const MediaDescription& media, Instant now);
  std::vector<DownTrack>& tracks() { return tracks_; }
  const std::vector<DownTrack>& tracks() const { return tracks_; }
  DownTrack* track(std::uint16_t slot) { return slot < tracks_.size() ? &tracks_[slot] : nullptr; }
  DownTrack* track_of_ssrc(std::uint32_t ssrc);

  // ── Packets ──
  // Forwards a packet of the track, at once or when the pacer lets it; or says why not.
  std::optional<Drop> forward(DownTrack& track, const ReceivedPacket& packet, Instant now,
                              Output& out);
  // Begins with the newest picture of `encoding` out of its history, if it is whole, not older than
  // `oldest`, and small enough to be sent within a moment.
  bool replay(DownTrack& track, const UpEncoding& encoding, Instant oldest, Instant now,
              Output& out);
  // Answers a NACK for one number. True if it is, or will be, repeated.
  bool repeat(DownTrack& track, std::uint16_t seq, Source source, Duration rtt, Instant now,
              Output& out);
  // The source stops: what waits of it is not sent, and it begins anew.
  void interrupt(DownTrack& track);
  // Something else has left on this path: RTCP.
  void count_sent(const Output& out, Instant now);

  // Sends what may leave now, and fills what a probe still needs. `find` is called with a DownTrack
  // and gives its Source.
  template <typename Find>
  void send_waiting(Find&& find, Instant now, Output& out) {
    while (const auto entry = pacer_.pop(now)) {
      DownTrack& track = tracks_[entry->slot];
      send_entry(track, *entry, find(track), now, out);
    }
    probe(now, out);
  }

  // ── The path ──
  void feedback(const rtcp::TransportFeedback& feedback, Instant now);
  // It is another than before, or has come back.
  void route_changed(Instant now);
  // So much was carried, in bit/s, when the client was last here. Not heard once it tells itself.
  void begin_with(std::uint64_t rate, Instant now);
  // The estimate, if it is one: nothing while nothing is heard, or nothing more.
  std::optional<std::uint64_t> measured(Instant now) const {
    return heard_ && !silent(now) ? estimate() : std::nullopt;
  }
  // bit/s; nothing if the client does not tell what arrives.
  std::optional<std::uint64_t> estimate() const;
  // A queue that has built up on it is being let out.
  bool draining() const { return estimator_ && estimator_->draining(); }
  // True if what comes in `lead` from now comes before that is done. Then the estimate is shared
  // anew when it no longer does.
  bool hold_back(Duration lead, Instant now);
  // When the last one was gone. All that has followed a key frame of before would wait once more.
  Instant drained_at() const { return drained_at_; }
  void tick(Instant now);
  Instant deadline() const;

  // ── What is shown ──
  void set_view(const SetView& view);
  // How large a slot's video is shown; nothing = not at all.
  std::optional<SetView::Shown> shown(const DownTrack& track) const;
  // When the estimate is to be shared anew.
  Instant allocation_due() const { return allocation_due_; }
  // What all shown video may take, in bit/s.
  std::uint64_t video_budget(Instant now) const;
  // It is shown in clearly another size than when the estimate was last shared.
  bool resized(const DownTrack& track) const;
  // It got nothing when the estimate was last shared.
  bool paused(const DownTrack& track) const {
    return std::ranges::find(paused_, track.media().slot) != paused_.end();
  }
  // Whether somebody may go to a larger picture now.
  bool may_rise(Instant now) const;
  // What was shared, so that it is known when to do so again.
  void allocated(const Allocation& allocation, Instant now);
  // True if other slots are paused than when it was last called.
  bool take_paused(const std::vector<std::uint16_t>& slots) {
    return std::exchange(paused_, slots) != slots;
  }
  std::uint64_t wanted() const { return wanted_; }
  bool limited() const { return limited_; }

  struct Totals {
    std::uint64_t packets = 0, bytes = 0;
  };
  const Totals& totals() const { return totals_; }
  // What waited, or was asked for, and was not sent, since last asked.
  struct Unsent {
    std::uint64_t given_up = 0;     // packets that waited
    std::uint64_t repetitions = 0;  // too many
  };
  Unsent take_unsent() { return std::exchange(unsent_, {}); }

 private:
  // A cluster of packets at a steady rate, by which the estimator tries whether there is more room.
  struct Probing {
    bwe::Probe probe;
    Instant next;
  };

  DownTrack::Outlet outlet(Output& out);
  void after_send(const DownTrack& track, Instant now, const Output& out);
  std::optional<Drop> send(DownTrack& track, const ReceivedPacket& packet,
                           const SeqMap::Number& number, Instant now, Output& out);
  void send_entry(DownTrack& track, const Pacer::Entry& entry, Source source, Instant now,
                  Output& out);
  // How long the video that waits takes to leave.
  Duration backlog() const;
  // What waits of it cannot be sent: its numbers are free, and it begins anew.
  void give_up(DownTrack& track);
  void probe(Instant now, Output& out);
  void start_probe(Instant now);
  // Much was sent and nothing is heard of it.
  bool silent(Instant now) const { return heard_ && estimator_ && estimator_->feedback_lost(now); }
  // The track whose RTX stream carries padding.
  DownTrack* padded();
  bool pad(DownTrack& track, Instant now, Output& out);
  // Of the estimate, without what is kept for what nobody foresees. bit/s.
  std::uint64_t usable() const;
  // Of that, for sound.
  std::uint64_t audio_reserved() const;
  void measure_audio(std::size_t bytes, Instant now);
  // How many tracks of sound there are, up to as many as anybody hears at a time.
  std::size_t heard() const;
  void set_redundancy(Instant now);
  void set_pacing(Instant now);
  void allocate_soon(Instant now);

  transport::Transport& transport_;
  std::vector<DownTrack> tracks_;
  std::optional<bwe::Estimator> estimator_;  // if the client sends transport-wide feedback
  bool heard_ = false;                       // any
  Pacer pacer_;
  std::optional<Probing> probing_;
  static constexpr Duration question_interval = milliseconds(500);
  Instant next_question_ = never;
  Totals totals_;
  Unsent unsent_;
  AudioRedundancy redundancy_;
  std::uint64_t audio_bytes_ = 0;  // sent since audio_since_
  Instant audio_since_;
  std::uint64_t audio_rate_ = 0;  // bit/s, the most of late

  std::vector<SetView::Shown> shown_;
  bool has_view_ = false;
  Instant allocation_due_ = never;
  Instant allocated_at_;
  Instant drained_at_ = Instant::min();
  std::optional<Duration>
      held_back_;                    // by how much sooner than the queue is gone it is to be shared
  std::uint64_t allocated_for_ = 0;  // the estimate of then
  std::uint64_t wanted_ = 0;
  std::vector<SetView::Shown> served_;  // as shown when it was last shared
  RiseLimit rise_limit_;
  std::vector<std::uint16_t> paused_;
  bool limited_ = false;
};

}  // namespace liaison::sfu
