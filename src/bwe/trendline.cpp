#include "bwe/trendline.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace liaison::bwe {

namespace {

double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void Trendline::update(Duration sent_apart, Duration arrived_apart, Instant arrived) {
  if (differences_ == 0) {
    first_arrived_ = arrived;
    adapted_ = arrived;
  }
  differences_ = std::min(differences_ + 1, max_counted);
  delay_ms_ += to_ms(arrived_apart - sent_apart);
  smoothed_ms_ = smoothing * smoothed_ms_ + (1 - smoothing) * delay_ms_;
  points_[next_] = {to_ms(arrived - first_arrived_), smoothed_ms_};
  next_ = (next_ + 1) % window;
  count_ = std::min(count_ + 1, window);
  detect(count_ == window ? slope() : slope_, to_ms(sent_apart));
  adapt(arrived);
}

// Least squares.
double Trendline::slope() const {
  double x_mean = 0;
  double y_mean = 0;
  for (const Point& point : points_) {
    x_mean += point.arrived_ms / window;
    y_mean += point.delay_ms / window;
  }
  double numerator = 0;
  double denominator = 0;
  for (const Point& point : points_) {
    const double x = point.arrived_ms - x_mean;
    numerator += x * (point.delay_ms - y_mean);
    denominator += x * x;
  }
  return denominator > 0 ? numerator / denominator : slope_;
}

void Trendline::detect(double slope, double sent_apart_ms) {
  if (differences_ < 2) return;
  trend_ = differences_ * slope * gain;
  calm_ = trend_ < threshold_ / 2 ? calm_ + 1 : 0;
  calm_ = std::min(calm_, 3);
  if (trend_ > threshold_) {
    over_ms_ = over_ms_ < 0 ? sent_apart_ms / 2 : over_ms_ + sent_apart_ms;
    ++over_count_;
    if (over_ms_ > overuse_time_ms && over_count_ > 1 && slope >= slope_) {
      over_ms_ = 0;
      over_count_ = 0;
      usage_ = Usage::over;
    }
  } else {
    over_ms_ = -1;
    over_count_ = 0;
    usage_ = trend_ < -threshold_ ? Usage::under : Usage::normal;
  }
  slope_ = slope;
}

void Trendline::adapt(Instant arrived) {
  constexpr double max_excess_ms = 15;  // a spike by more is no jitter to adapt to
  constexpr double up = 0.0087;
  constexpr double down = 0.039;
  const double size = std::abs(trend_);
  if (size <= threshold_ + max_excess_ms) {
    const double elapsed_ms = std::clamp(to_ms(arrived - adapted_), 0.0, 100.0);
    threshold_ += (size < threshold_ ? down : up) * (size - threshold_) * elapsed_ms;
    threshold_ = std::clamp(threshold_, 6.0, 600.0);
  }
  adapted_ = arrived;
}

void Trendline::reset() { *this = Trendline(); }

}  // namespace liaison::bwe
