// How thousands of machines give one deadline().
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/slot_map.hpp"

namespace liaison {

// For each machine of a SlotMap<T> the instant of its next tick. A binary heap in which an entry
// that was replaced stays until it comes up: setting an earlier deadline costs O(log n), a later
// one nothing until then.
template <typename T>
class Deadlines {
 public:
  // From now on `handle` is due at `at`; never takes it out.
  void set(Handle<T> handle, Instant at) {
    if (handle.index >= due_.size()) due_.resize(handle.index + 1);
    Due& due = due_[handle.index];
    due.handle = handle;
    due.wanted = at;
    queue(due, at);
  }
  // `handle`, which was set before, is due at `at` if it is not due sooner anyway.
  void no_later(Handle<T> handle, Instant at) {
    Due& due = due_[handle.index];
    if (at >= due.wanted) return;
    due.wanted = at;
    queue(due, at);
  }

  // The earliest instant at which due() may return a handle. It may be earlier than any wanted
  // deadline (an entry that has been put off since): due() then finds nothing and moves on.
  Instant next() const { return heap_.empty() ? never : heap_.front().at; }

  // One handle whose deadline has passed, taken out; call until it gives none.
  std::optional<Handle<T>> due(Instant now) {
    while (!heap_.empty() && heap_.front().at <= now) {
      const Entry entry = heap_.front();
      std::ranges::pop_heap(heap_, later);
      heap_.pop_back();
      Due& due = due_[entry.index];
      if (due.queued != entry.at) continue;  // replaced by an earlier one
      due.queued.reset();
      if (due.wanted > now) {
        set(due.handle, due.wanted);
        continue;
      }
      due.wanted = never;
      return due.handle;
    }
    return std::nullopt;
  }

 private:
  struct Entry {
    Instant at;
    std::uint32_t index;
  };
  struct Due {
    Handle<T> handle;
    Instant wanted = never;
    std::optional<Instant> queued;
  };
  void queue(Due& due, Instant at) {
    if (at == never || (due.queued && *due.queued <= at)) return;
    due.queued = at;
    heap_.push_back({at, due.handle.index});
    std::ranges::push_heap(heap_, later);
  }
  static bool later(const Entry& a, const Entry& b) { return a.at > b.at; }

  std::vector<Entry> heap_;
  std::vector<Due> due_;
};

}  // namespace liaison
