#include "sim/down_stream.hpp"

#include <algorithm>

namespace liaison::sim {
namespace {

constexpr std::size_t remembered = 128;  // frames

}  // namespace

void DownStream::receive(std::uint16_t sequence, bool rtx, const PayloadReading& reading,
                         Instant now) {
  const std::uint64_t number = rtx ? sequence_.peek(sequence) : sequence_.unwrap(sequence);
  last_packet_ = now;
  if (!rtx) ++originals_;
  if (!first_) first_ = number;
  if (!highest_ || number > *highest_) {
    if (highest_ && video_) {
      for (std::uint64_t gap = *highest_ + 1; gap < number; ++gap)
        missing_.emplace(gap, Missing{now + reordering_wait, 0});
    }
    highest_ = number;
  } else {
    missing_.erase(number);
  }
  if (!video_) {
    for (std::size_t i = 0; i < reading.redundant_count; ++i) hear(reading.redundant[i]);
    hear(reading.stamp);
    shown_ = {reading.stamp, now};
    ++frames_;
    return;
  }
  take_frame(reading.stamp, now);
  if (reading.key) {
    // Nobody needs what is before it.
    const auto end = missing_.lower_bound(number);
    missing_.erase(missing_.begin(), end);
  }
  decode(now);
}

void DownStream::hear(const Stamp& stamp) {
  if (stamp.person != heard_from_ || stamp.frame + 1'000 < next_due_) {
    heard_from_ = stamp.person;
    next_due_ = stamp.frame;
    buffer_.clear();
  }
  if (stamp.frame < next_due_) return;  // too late
  buffer_.insert(stamp.frame);
  while (next_due_ + buffered < *buffer_.rbegin()) {
    ++sound_.due;
    sound_.concealed += buffer_.erase(next_due_++) == 0 ? 1 : 0;
  }
}

void DownStream::take_frame(const Stamp& stamp, Instant now) {
  const FrameKey key{stamp.person, static_cast<std::uint8_t>(stamp.source), stamp.encoding,
                     stamp.frame};
  if (std::ranges::find(decoded_, key) != decoded_.end()) return;
  Assembly& assembly = assemblies_[key];
  assembly.stamp = stamp;
  assembly.packets.insert(stamp.packet);
  if (!stuck_since_) stuck_since_ = now;
  // What is far behind will never be whole.
  while (assemblies_.size() > remembered) {
    const auto oldest = std::ranges::min_element(
        assemblies_, {}, [](const auto& entry) { return entry.second.stamp.captured; });
    assemblies_.erase(oldest);
  }
}

bool DownStream::needs_met(const Stamp& stamp) const {
  if (stamp.key && stamp.references[1] == 0) return true;
  return std::ranges::all_of(stamp.references, [&](std::uint16_t back) {
    if (back == 0) return true;
    const FrameKey needed{stamp.person, static_cast<std::uint8_t>(stamp.source), stamp.encoding,
                          stamp.frame - back};
    return std::ranges::find(decoded_, needed) != decoded_.end();
  });
}

void DownStream::decode(Instant now) {
  bool again = true;
  while (again) {
    again = false;
    for (auto at = assemblies_.begin(); at != assemblies_.end();) {
      const Assembly& assembly = at->second;
      if (assembly.packets.size() < assembly.stamp.packets || !needs_met(assembly.stamp)) {
        ++at;
        continue;
      }
      decoded_.push_back(at->first);
      if (decoded_.size() > remembered) decoded_.pop_front();
      if (!shown_ || shown_->stamp.person != assembly.stamp.person ||
          shown_->stamp.captured <= assembly.stamp.captured || assembly.stamp.key)
        shown_ = {assembly.stamp, now};
      ++frames_;
      at = assemblies_.erase(at);
      again = true;
    }
  }
  // What is older than what was shown will not be.
  if (shown_) {
    std::erase_if(assemblies_, [&](const auto& entry) {
      return entry.second.stamp.captured < shown_->stamp.captured ||
             (entry.second.stamp.person != shown_->stamp.person &&
              entry.second.stamp.captured + seconds(2) < shown_->stamp.captured);
    });
  }
  if (assemblies_.empty()) {
    stuck_since_.reset();
  } else if (shown_ && shown_->at == now) {
    stuck_since_ = now;
  }
}

void DownStream::sender_report(const rtcp::SenderInfo& info, Instant now) {
  last_sr_ = info.ntp;
  last_sr_at_ = now;
}

void DownStream::collect(Instant now, Wishes& out) {
  for (auto at = missing_.begin(); at != missing_.end();) {
    Missing& missing = at->second;
    if (missing.due > now) {
      ++at;
      continue;
    }
    if (missing.tries == tries) {
      at = missing_.erase(at);
      continue;
    }
    out.again.push_back(static_cast<std::uint16_t>(at->first));
    ++missing.tries;
    missing.due = now + repeat;
    ++at;
  }
  if (missing_.size() > 1'000) missing_.clear();
  if (stuck_since_ && now > last_packet_ + active) {
    stuck_since_.reset();
    assemblies_.clear();
  }
  if (stuck_since_ && now >= *stuck_since_ + stuck_limit && now >= next_key_frame_) {
    out.key_frame = true;
    next_key_frame_ = now + key_frame_repeat;
  }
}

Instant DownStream::deadline() const {
  Instant at = never;
  for (const auto& [number, missing] : missing_) at = std::min(at, missing.due);
  if (stuck_since_) at = std::min(at, std::max(*stuck_since_ + stuck_limit, next_key_frame_));
  return at;
}

std::optional<rtcp::ReportBlock> DownStream::report(Instant now) {
  if (!highest_) return std::nullopt;
  const std::uint64_t expected = *highest_ - *first_ + 1;
  rtcp::ReportBlock block;
  block.ssrc = ssrc_;
  const std::uint64_t due = expected - expected_before_;
  const std::uint64_t came = originals_ - received_before_;
  if (due > came) block.fraction_lost = static_cast<std::uint8_t>((due - came) * 255 / due);
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(
      static_cast<std::int64_t>(expected) - static_cast<std::int64_t>(originals_), -0x800000,
      0x7fffff));
  block.highest_sequence = static_cast<std::uint32_t>(*highest_);
  if (last_sr_) {
    block.last_sr = static_cast<std::uint32_t>(*last_sr_ >> 16);
    block.delay_since_last_sr = static_cast<std::uint32_t>(
        duration_cast<microseconds>(now - last_sr_at_).count() * 65'536 / 1'000'000);
  }
  expected_before_ = expected;
  received_before_ = originals_;
  return block;
}

}  // namespace liaison::sim
