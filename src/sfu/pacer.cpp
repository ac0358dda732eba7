#include "sfu/pacer.hpp"

#include <algorithm>

namespace liaison::sfu {

void Pacer::set_rate(std::uint64_t rate, Instant now) {
  refill(now);
  rate_ = rate;
  // What a faster path had room for, and what it would have paid soon, is too much for a slower
  // one.
  room_ = std::clamp(room_, -most_debt(), most_room());
}

void Pacer::set_burst(Duration most, Instant now) {
  refill(now);
  burst_ = most;
  room_ = std::min(room_, most_room());
}

double Pacer::most_room() const {
  return std::max<double>(
      least_burst, static_cast<double>(rate_) / 8 * std::chrono::duration<double>(burst_).count());
}

double Pacer::most_debt() const {
  constexpr double seconds_to_pay = 0.5;
  return static_cast<double>(rate_) / 8 * seconds_to_pay;
}

void Pacer::refill(Instant now) {
  if (now <= refilled_) return;
  const double seconds_passed = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  room_ = std::min(most_room(), room_ + static_cast<double>(rate_) / 8 * seconds_passed);
}

bool Pacer::has_room(Instant now, double credit) {
  if (rate_ == 0) return true;
  refill(now);
  return room_ > -credit;
}

void Pacer::sent(std::size_t bytes, Instant now) {
  if (rate_ == 0) return;
  refill(now);
  room_ = std::max(room_ - static_cast<double>(bytes), -most_debt());
}

bool Pacer::push(const Entry& entry) {
  if (size() >= entry_limit) return false;
  (entry.repetition ? repetitions_ : queue_).push_back(entry);
  if (!entry.repetition) waiting_bytes_ += entry.bytes;
  return true;
}

std::optional<Pacer::Entry> Pacer::pop(Instant now) {
  Ring<Entry>& from = repetitions_.empty() ? queue_ : repetitions_;
  if (from.empty() || !has_room(now, repetitions_.empty() ? 0 : repetition_credit))
    return std::nullopt;
  const Entry entry = from.front();
  from.pop_front();
  if (!entry.repetition) waiting_bytes_ -= entry.bytes;
  return entry;
}

std::size_t Pacer::remove(std::uint16_t slot) {
  const auto of_slot = [&](const Entry& entry) { return entry.slot == slot; };
  repetitions_.erase_if(of_slot);
  return queue_.erase_if([&](const Entry& entry) {
    if (of_slot(entry)) waiting_bytes_ -= entry.bytes;
    return of_slot(entry);
  });
}

Instant Pacer::deadline() const {
  if (size() == 0) return never;
  const double room = room_ + (repetitions_.empty() ? 0 : repetition_credit);
  if (rate_ == 0 || room > 0) return refilled_;
  const double wait = (1 - room) * 8 / static_cast<double>(rate_);
  return refilled_ + std::max<Duration>(milliseconds(1), duration_cast<Duration>(
                                                             std::chrono::duration<double>(wait)));
}

}  // namespace liaison::sfu
