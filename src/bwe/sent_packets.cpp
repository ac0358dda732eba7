#include "bwe/sent_packets.hpp"

#include <algorithm>
#include <limits>

namespace liaison::bwe {

namespace {

constexpr Duration circle = (std::int64_t{1} << 24) * rtcp::TransportFeedback::reference_unit;
constexpr std::size_t first_size = 64;

}  // namespace

Instant ArrivalClock::extend(Duration arrival) const {
  Duration since = (arrival - theirs_) % circle;
  if (since >= circle / 2) since -= circle;
  if (since < -circle / 2) since += circle;
  return ours_ + since;
}

bool ArrivalClock::begin(Duration arrival, Instant now) {
  const Instant extended = set_ ? extend(arrival) : now;
  const bool jumped = !set_ || extended > now + max_distance || extended < now - max_distance;
  ours_ = jumped ? now : extended;
  theirs_ = arrival;
  const bool set_anew = set_ && jumped;
  set_ = true;
  return set_anew;
}

std::optional<Instant> ArrivalClock::ours(Duration arrival, Instant now) const {
  const Instant extended = extend(arrival);
  if (extended > now + max_distance || extended < now - max_distance) return std::nullopt;
  return extended;
}

std::uint16_t SentPackets::add(std::size_t bytes, ProbeId probe, Instant now) {
  forget(now);
  if (kept() == ring_.size()) {
    if (ring_.size() < max_kept) {
      grow();
    } else {
      answer_until(++oldest_);
    }
  }
  constexpr std::size_t most = std::numeric_limits<std::uint16_t>::max();
  at(next_) = {now, static_cast<std::uint16_t>(std::min(bytes, most)), probe, State::in_flight};
  unanswered_bytes_ += at(next_).bytes;
  return static_cast<std::uint16_t>(next_++);
}

void SentPackets::forget(Instant now) {
  while (oldest_ != next_) {
    const Packet& packet = at(oldest_);
    const bool done = packet.state == State::received ||
                      (packet.state == State::lost && now - packet.sent > lost_age) ||
                      now - packet.sent > max_age;
    if (!done) return;
    answer_until(++oldest_);
  }
}

// Nothing is expected any more of what comes before.
void SentPackets::answer_until(std::uint64_t number) {
  for (; answered_ < number; ++answered_) unanswered_bytes_ -= at(answered_).bytes;
}

void SentPackets::grow() {
  std::vector<Packet> larger(std::max(first_size, ring_.size() * 2));
  for (std::uint64_t number = oldest_; number != next_; ++number) {
    larger[number & (larger.size() - 1)] = at(number);
  }
  ring_ = std::move(larger);
}

bool SentPackets::match(const rtcp::TransportFeedback& feedback, Instant now,
                        std::vector<PacketResult>& out) {
  bool begun = false;
  bool jumped = false;
  feedback.for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
    // At most max_kept are kept, so that 16 bits name one of them at most.
    const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(next_) - sequence);
    if (behind == 0 || behind > kept()) return;
    const std::uint64_t number = next_ - behind;
    Packet& packet = at(number);
    if (packet.state == State::received || (packet.state == State::lost && !arrival)) return;
    PacketResult result;
    result.sent = packet.sent;
    result.bytes = packet.bytes;
    result.probe = packet.probe;
    result.was_lost = packet.state == State::lost;
    if (arrival) {
      if (!begun) jumped = clock_.begin(*arrival, now);
      begun = true;
      const auto arrived = clock_.ours(*arrival, now);
      if (!arrived) return;
      result.arrived = *arrived;
      result.received = true;
      packet.state = State::received;
    } else {
      packet.state = State::lost;
    }
    answer_until(number + 1);
    out.push_back(result);
  });
  forget(now);
  return jumped;
}

}  // namespace liaison::bwe
