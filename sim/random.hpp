// The one source of chance in a simulation: the same on every machine, for a seed.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "base/clock.hpp"
#include "base/ensure.hpp"

namespace liaison::sim {

// xoshiro256++ (Blackman and Vigna, 2019), seeded by SplitMix64. The distributions are our own,
// since those of the standard library differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t mixed = seed;
      mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
      word = mixed ^ mixed >> 31;
    }
  }

  std::uint64_t next() {
    const std::uint64_t result = rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  // From 0 to bound - 1, each equally often; bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    ENSURE(bound > 0);
    const std::uint64_t uneven = -bound % bound;  // 2^64 mod bound
    for (;;) {
      const std::uint64_t drawn = next();
      if (drawn >= uneven) return drawn % bound;
    }
  }
  // From low to high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    ENSURE(low <= high);
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t drawn = span + 1 == 0 ? next() : below(span + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + drawn);
  }
  Duration between(Duration low, Duration high) {
    return Duration(between(std::int64_t{low.count()}, std::int64_t{high.count()}));
  }
  // From 0 up to, but not including, 1.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double probability) { return unit() < probability; }
  // Times between events that know nothing of each other.
  Duration exponential(Duration mean) {
    return Duration(
        static_cast<Duration::rep>(-static_cast<double>(mean.count()) * std::log(1.0 - unit())));
  }
  // Another generator, so that what one part of a world draws does not move what another one does.
  Random fork() { return Random(next()); }

 private:
  static std::uint64_t rotate(std::uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace liaison::sim
