// The rates of many: tokens, addresses.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "signaling/limits.hpp"

namespace liaison::signaling {

// A bucket for each key. It forgets those that are full again, and has room for `limit` others: a
// key for which there is none has to wait.
class Rates {
 public:
  explicit Rates(std::size_t limit) : limit_(limit) {}

  // Takes one of `key`; `fresh` is its bucket where it has none yet. How long to wait, if there is
  // nothing to take.
  std::optional<Duration> take(const std::string& key, const RateLimiter& fresh, Instant now) {
    constexpr Duration later = seconds(10);
    if (buckets_.size() >= limit_ && !buckets_.contains(key)) {
      // A crowd of new keys must not make each of them walk through all the others.
      if (now >= next_sweep_) {
        next_sweep_ = now + seconds(1);
        std::erase_if(buckets_, [&](const auto& entry) { return entry.second.full_at() <= now; });
      }
      if (buckets_.size() >= limit_) return later;
    }
    RateLimiter& bucket = buckets_.try_emplace(key, fresh).first->second;
    if (bucket.take(now)) return std::nullopt;
    return bucket.next() - now;
  }
  std::size_t size() const { return buckets_.size(); }

 private:
  std::size_t limit_;
  std::unordered_map<std::string, RateLimiter> buckets_;
  Instant next_sweep_ = Instant::min();
};

}  // namespace liaison::signaling
