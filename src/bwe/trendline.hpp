// Whether the queue on the way grows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace liaison::bwe {

// Fits a line to the smoothed one-way delay of the last groups and compares its slope with a
// threshold that adapts to the jitter of the path (draft-ietf-rmcat-gcc-02 section 5.4; the filter
// is the trendline of libwebrtc instead of that draft's Kalman filter).
class Trendline {
 public:
  enum class Usage : std::uint8_t { normal, over, under };

  static constexpr std::size_t window = 20;
  static constexpr double smoothing = 0.9;
  static constexpr double gain = 4.0;
  static constexpr int max_counted = 60;
  static constexpr double first_threshold_ms = 12.5;
  static constexpr double overuse_time_ms = 10;

  void update(Duration sent_apart, Duration arrived_apart, Instant arrived);
  void reset();

  Usage usage() const { return usage_; }
  // The slope as it is compared with the threshold.
  double trend() const { return trend_; }
  double threshold() const { return threshold_; }
  // Three groups in a row well below the threshold: what queue there was has gone.
  bool calm() const { return calm_ >= 3; }

 private:
  struct Point {
    double arrived_ms;
    double delay_ms;
  };
  double slope() const;
  void detect(double slope, double sent_apart_ms);
  void adapt(Instant arrived);

  std::array<Point, window> points_;
  std::size_t count_ = 0;  // of points
  std::size_t next_ = 0;
  int differences_ = 0;
  Instant first_arrived_;
  double delay_ms_ = 0;
  double smoothed_ms_ = 0;

  double trend_ = 0;
  double threshold_ = first_threshold_ms;
  Instant adapted_;
  double slope_ = 0;
  double over_ms_ = -1;  // below zero: not over
  int over_count_ = 0;
  int calm_ = 0;
  Usage usage_ = Usage::normal;
};

}  // namespace liaison::bwe
