// What is written down of a simulated call while its networks are bad.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/sequence.hpp"
#include "sim/browser.hpp"
#include "sim/check.hpp"
#include "sim/link.hpp"
#include "sim/tcp_flow.hpp"

namespace liaison::bench {

// Everything that reaches one viewer, and what its server does for it. It changes nothing, and does
// not know what would be good.
class Recorder : public sim::Check {
 public:
  explicit Recorder(const sim::Browser& viewer) : viewer_(viewer) {}

  std::string_view name() const override { return "recorder"; }
  void commanded(sim::World& world, const sim::Server& server, std::size_t worker,
                 const sfu::Command& command) override;
  void forwarded(sim::World& world, const sim::Forwarded& sent) override;
  void reported(sim::World& world, sim::Peer& peer, Bytes rtcp) override;
  void reached(sim::World& world, sim::Peer& peer, const sim::Server& server, Bytes rtcp) override;
  void received(sim::World& world, const sim::Forwarded& taken) override;

  // ── Pictures, by m-line ──
  struct Shown {
    Instant at;
    std::uint32_t person = 0;
    std::uint8_t encoding = 0;
    std::uint8_t temporal = 0;
  };
  const std::map<std::size_t, std::vector<Shown>>& shown() const { return shown_; }
  // Its server has (not) stopped to send video in this m-line for want of room.
  void pause(std::size_t line, bool paused, Instant now);
  // The longest time without a new picture in any m-line, of those that `from` to `to` touch; while
  // the page says that the picture is paused, nobody waits for one.
  Duration longest_gap(Instant from, Instant to) const;
  // The share of the time that such gaps took, of those above `limit`; over all m-lines.
  double frozen(Duration limit, Instant from, Instant to) const;
  double paused(Instant from, Instant to) const;
  // Layers that are shown at a time: 1 for the lowest encoding at half of the frames, 2 with all of
  // them, and so on; 0 for nothing.
  int layers(std::size_t line, Instant at) const;

  // ── Numbers that did not come ──
  struct Hole {
    Instant seen;
    Instant filled = never;
    bool upstream = false;  // the server had not got it itself
    bool needless = false;  // a key frame came
  };
  const std::vector<Hole>& holes() const { return holes_; }
  // From each request's arrival at the server to the repetition.
  const std::vector<Duration>& answers() const { return answers_; }

  // ── Sound ──
  // Share of the frames of 20 ms that were not there in time for a receiver that plays everything
  // `delay` after the soonest that a frame can be there.
  double concealed(Duration delay) const;

  // ── Switches ──
  // From the assignment of somebody to a slot to their first picture.
  const std::vector<Duration>& switches() const { return switches_; }
  // By how much sound is early where a receiver plays pictures and sound together that have the
  // same time by the newest sender reports; one for each picture.
  const std::vector<Duration>& lip_sync() const { return lip_sync_; }

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t repairs() const { return repairs_; }

 private:
  struct Down {
    Unwrapper<std::uint16_t> sequence;
    std::optional<std::uint64_t> highest;
    std::map<std::uint64_t, std::size_t> open;  // places in holes_
    std::uint64_t frames = 0;
  };
  struct Left {
    std::set<std::uint16_t> sent;
    std::unordered_map<std::uint16_t, Instant> asked;
    std::unordered_map<std::uint16_t, Instant> repeated;  // last
  };
  struct Sound {
    Instant captured;
    Instant arrived;
  };
  // What the latest sender report says, and how it places the latest packet against the truth.
  struct Times {
    std::optional<std::pair<std::uint64_t, std::uint32_t>> report;  // NTP, RTP
    std::uint32_t person = 0;
    std::optional<Duration> error;
  };
  struct Wait {
    std::uint32_t person = 0;
    Instant since;
  };
  bool is_of_viewer(const sim::Peer* peer) const { return peer == viewer_.peer(); }
  void take_video(const sim::Forwarded& taken, const sim::DownStream& stream);
  void take_sound(const sim::Forwarded& taken);
  void hear(const sim::Stamp& stamp, Instant now);
  // Times without a new picture, without those in which it was paused.
  template <typename Visit>
  void each_gap(Instant from, Instant to, Visit&& visit) const;
  Duration pause_from(std::size_t line, Instant from, Instant to) const;

  const sim::Browser& viewer_;
  std::map<std::size_t, std::vector<Shown>> shown_;
  std::map<std::size_t, std::vector<std::pair<Instant, Instant>>> pauses_;
  std::map<std::size_t, Down> down_;
  std::map<std::size_t, Left> left_;
  std::vector<Hole> holes_;
  std::vector<Duration> answers_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Sound> sound_;  // by person and frame
  std::map<std::size_t, Times> times_;
  std::map<std::size_t, Wait> waits_;
  std::vector<Duration> switches_;
  std::vector<Duration> lip_sync_;
  std::uint64_t bytes_ = 0;
  std::uint64_t repairs_ = 0;
};

// One line of what is drawn: a tenth of a second.
struct Sample {
  double time = 0;          // s
  double capacity = 0;      // kbit/s; 0 = no limit
  double estimate = 0;      // kbit/s
  double delivered = 0;     // kbit/s of media
  double queue = 0;         // ms, the least within it: what stands
  double queue_peak = 0;    // ms
  std::vector<int> layers;  // by tile
  double frozen = 0;        // ms since the latest picture, of the tile that has waited longest
  std::uint64_t lost = 0;
  std::uint64_t repaired = 0;
  double other = 0;  // kbit/s of TCP beside it
};

// Lets the time of a world pass and looks at a viewer all the while.
class Observation {
 public:
  static constexpr Duration interval = milliseconds(100);

  Observation(sim::World& world, sim::Browser& viewer);

  // The viewer has this instead of a line of their own.
  void share(const sim::Bottleneck& bottleneck) { bottleneck_ = &bottleneck; }
  // From now on there is TCP on it.
  void compete(sim::TcpFlow& flow) { flow_ = &flow; }
  void run(Duration how_long);
  Recorder& recorder() { return *recorder_; }
  const std::vector<Sample>& samples() const { return samples_; }
  // Since the observation began.
  double time() const;
  Instant now() const;
  // Video m-lines in which anything was ever shown.
  std::vector<std::size_t> tiles() const;
  int layers(Instant at) const;
  // Of the samples from `from` to `to` seconds.
  std::vector<Sample> between(double from, double to) const;

 private:
  static constexpr Duration step = milliseconds(10);
  void sample();
  void look_for_pauses();
  double capacity() const;

  sim::World& world_;
  sim::Browser& viewer_;
  Recorder* recorder_;  // the world owns it
  const sim::Bottleneck* bottleneck_ = nullptr;
  sim::TcpFlow* flow_ = nullptr;
  Instant begun_;
  std::vector<Sample> samples_;
  Duration least_ = Duration::max(), most_{};
  std::uint64_t bytes_ = 0, lost_ = 0, repairs_ = 0, other_ = 0;
};

}  // namespace liaison::bench
