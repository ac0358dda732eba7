// A queue in one piece of memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/ensure.hpp"

namespace liaison {

// It takes memory with its first element (std::deque does before), doubles it when it is full, and
// keeps it. What its limit is, is up to the owner. T is made by default and assigned.
template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // The oldest is 0.
  T& operator[](std::size_t i) { return places_[place(i)]; }
  const T& operator[](std::size_t i) const { return places_[place(i)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }
  const T& back() const { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == places_.size()) grow();
    places_[place(size_++)] = std::move(value);
  }
  void pop_front() {
    ENSURE(size_ != 0);
    begin_ = place(1);
    --size_;
  }
  void pop_back() {
    ENSURE(size_ != 0);
    --size_;
  }
  void clear() { size_ = 0; }

  // Takes out all that `matches` and gives how many; the others keep their order.
  template <typename Matches>
  std::size_t erase_if(Matches&& matches) {
    const std::size_t before = size_;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < before; ++i) {
      if (matches(std::as_const((*this)[i]))) continue;
      if (kept != i) (*this)[kept] = std::move((*this)[i]);
      ++kept;
    }
    size_ = kept;
    return before - kept;
  }

 private:
  std::size_t place(std::size_t i) const { return (begin_ + i) & (places_.size() - 1); }
  void grow() {
    std::ranges::rotate(places_, places_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    places_.resize(std::max<std::size_t>(4, 2 * places_.size()));
  }

  std::vector<T> places_;  // a power of two, or none
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace liaison
