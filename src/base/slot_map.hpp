// An owning table with generational handles: what others hold instead of a shared_ptr.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace liaison {

// Names an element of a SlotMap<T>. It goes stale when the element is erased and is never reused
// for another (within 2^32 lives of one place).
template <typename T>
struct Handle {
  std::uint32_t index = UINT32_MAX;
  std::uint32_t generation = 0;
  explicit operator bool() const { return index != UINT32_MAX; }
  bool operator==(const Handle&) const = default;
};

// Elements do not move while they live.
template <typename T>
class SlotMap {
 public:
  template <typename... Args>
  Handle<T> emplace(Args&&... args) {
    std::uint32_t index;
    if (free_.empty()) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    slots_[index].value = std::make_unique<T>(std::forward<Args>(args)...);
    ++size_;
    return {index, slots_[index].generation};
  }

  // Null if the handle is stale: a counted miss for the caller, never an error.
  T* get(Handle<T> handle) {
    if (handle.index >= slots_.size()) return nullptr;
    const Slot& slot = slots_[handle.index];
    return slot.generation == handle.generation ? slot.value.get() : nullptr;
  }
  const T* get(Handle<T> handle) const { return const_cast<SlotMap*>(this)->get(handle); }

  bool erase(Handle<T> handle) {
    if (get(handle) == nullptr) return false;
    Slot& slot = slots_[handle.index];
    slot.value.reset();
    ++slot.generation;
    free_.push_back(handle.index);
    --size_;
    return true;
  }

  std::size_t size() const { return size_; }

  // visit(Handle<T>, T&) for each element. It must not add elements; it may erase the one it is at.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].value != nullptr)
        visit(Handle<T>{index, slots_[index].generation}, *slots_[index].value);
    }
  }

 private:
  struct Slot {
    std::unique_ptr<T> value;
    std::uint32_t generation = 1;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace liaison
