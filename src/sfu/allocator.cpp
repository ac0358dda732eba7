#include "sfu/allocator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace liaison::sfu {
namespace {

constexpr std::uint32_t stage_height = 360;  // what the stage gets before anybody else gets more
constexpr std::uint64_t screen_excess = 300'000;
// The stage is shown so many times larger than the next.
constexpr std::uint64_t stage_ratio = 2;

double quality(const LayerOption& option) {
  // Twice the lines are four times the pixels.
  return 2 * std::log2(std::max<double>(1, option.height)) + 0.5 * std::log2(option.frame_share);
}

// Another picture, for which a key frame is needed, and larger.
bool larger(const Layer& a, const Layer& b) {
  return a.encoding > b.encoding || (a.encoding == b.encoding && a.spatial > b.spatial);
}

// A wish on its way through the tiers.
struct Candidate {
  const Wish* wish = nullptr;
  std::vector<LayerOption> options;  // rising in rate and in quality
  std::size_t had = 0;               // the level that it was granted last
  std::size_t most = 0;              // the level that it may have
  std::size_t level = 0;             // how many steps of options it has: 0 = none

  std::uint64_t rate_at(std::size_t at) const { return at == 0 ? 0 : options[at - 1].rate; }
  // What it takes to be at a level, with what those above the one it had cost more.
  std::uint64_t cost_at(std::size_t at) const {
    const std::uint64_t rate = rate_at(at);
    if (at <= had) return rate;
    if (had != 0) return rate + rate / 10;
    return wish->paused ? rate + rate / 5 : rate;
  }
  bool done() const { return level == options.size(); }
  bool paused() const { return level == 0 && !options.empty(); }
  bool could_have_less() const { return had > 1; }
  bool grows_to(std::size_t at) const {
    return had != 0 && at != 0 && larger(options[at - 1].layer, options[had - 1].layer);
  }
  std::uint64_t area() const { return std::uint64_t{wish->width} * wish->height; }
};

// Those that are worth their rate, up to the least that fills the size at which it is shown.
std::vector<LayerOption> useful(const Wish& wish) {
  std::vector<LayerOption> sorted = wish.options;
  std::ranges::stable_sort(sorted, {}, &LayerOption::rate);
  std::uint32_t enough = 0;
  for (const LayerOption& option : sorted) enough = std::max(enough, option.height);
  if (wish.height != 0) {
    // A tile may be a little larger than its picture: nobody sees it.
    for (const LayerOption& option : sorted) {
      if (option.height * 10 >= wish.height * 9) enough = std::min(enough, option.height);
    }
  }
  std::vector<LayerOption> rising;
  for (const LayerOption& option : sorted) {
    if (option.height > enough) continue;
    if (!rising.empty() && quality(option) <= quality(rising.back())) continue;
    // A step that costs nothing replaces the one below.
    if (!rising.empty() && option.rate == rising.back().rate) rising.pop_back();
    rising.push_back(option);
  }
  return rising;
}

// How many of the options are not better than what was granted.
std::size_t level_of(const Wish& wish, const std::vector<LayerOption>& options) {
  if (!wish.granted) return 0;
  const auto granted = std::ranges::find(wish.options, *wish.granted, &LayerOption::layer);
  if (granted == wish.options.end()) return 0;
  const auto better = std::ranges::find_if(
      options, [&](const LayerOption& option) { return quality(option) > quality(*granted); });
  return static_cast<std::size_t>(better - options.begin());
}

class Sharing {
 public:
  Sharing(std::span<const Wish> wishes, std::uint64_t budget, bool may_rise)
      : budget_(budget), may_rise_(may_rise) {
    candidates_.reserve(wishes.size());
    for (const Wish& wish : wishes) {
      Candidate candidate{.wish = &wish, .options = useful(wish)};
      candidate.had = level_of(wish, candidate.options);
      candidate.most = candidate.options.size();
      candidates_.push_back(std::move(candidate));
    }
    // From the largest to the smallest, as the eye finds them.
    order_.resize(candidates_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::ranges::stable_sort(order_, [&](std::size_t a, std::size_t b) {
      return candidates_[a].area() > candidates_[b].area();
    });
    for (const std::size_t i : order_) {
      Candidate& candidate = candidates_[i];
      (candidate.wish->screen ? screens_ : others_).push_back(&candidate);
    }
    const bool one_stands_out =
        others_.size() == 1 ||
        (others_.size() > 1 && others_[0]->area() >= stage_ratio * others_[1]->area() &&
         others_[1]->area() != 0);
    if (one_stands_out) {
      stage_ = others_.front();
      others_.erase(others_.begin());
    }
  }

  Allocation share() {
    const bool anew = std::ranges::any_of(
        candidates_, [](const Candidate& candidate) { return candidate.wish->resized; });
    limited_ = !anew;
    const bool kept = !anew && keep();
    if (anew || kept) raise_all();
    // Nobody gets more while others get less; and whoever has none gets the least.
    if (!anew && (!kept || (has(&Candidate::paused) && has(&Candidate::could_have_less)))) {
      spent_ = 0;
      risen_ = nullptr;
      for (Candidate& candidate : candidates_) {
        candidate.level = 0;
        candidate.most =
            std::min(candidate.options.size(), std::max<std::size_t>(1, candidate.had));
      }
      raise_all();
    }
    return result();
  }

 private:
  std::uint64_t left() const { return budget_ > spent_ ? budget_ - spent_ : 0; }

  bool has(bool (Candidate::*what)() const) const {
    return std::ranges::any_of(candidates_, [&](const Candidate& one) { return (one.*what)(); });
  }

  // All stay where they are. False if that is too much.
  bool keep() {
    for (Candidate& candidate : candidates_) {
      candidate.level = candidate.had;
      spent_ += candidate.rate_at(candidate.level);
    }
    // A screen may have a little more than there is.
    const bool excess = screens_.size() == candidates_.size();
    return spent_ <= budget_ + (excess ? screen_excess : 0);
  }

  void raise_all() {
    if (stage_ != nullptr) {
      if (stage_->level == 0) raise(*stage_, 1);
      while (!stage_->done() && stage_->options[stage_->level].height <= stage_height &&
             raise(*stage_, 1)) {
      }
    }
    budget_ += screen_excess;
    for (Candidate* screen : screens_) {
      if (screen->level == 0) raise(*screen, 1);
    }
    budget_ -= std::min(budget_, screen_excess);
    for (Candidate* other : others_) {
      if (other->level == 0) raise(*other, 1);
    }
    if (stage_ != nullptr) fill(*stage_);
    for (Candidate* screen : screens_) fill(*screen);
    fill_by_value();
  }

  bool may_be(const Candidate& candidate, std::size_t to) const {
    if (to > candidate.most) return false;
    if (!limited_ || !candidate.grows_to(to)) return true;
    return may_rise_ && (risen_ == nullptr || risen_ == &candidate);
  }

  bool raise(Candidate& candidate, std::size_t steps) {
    const std::size_t to = candidate.level + steps;
    if (!may_be(candidate, to)) return false;
    const std::uint64_t now = candidate.rate_at(candidate.level);
    const std::uint64_t cost = candidate.cost_at(to);
    if (cost > now + left()) return false;
    spent_ += candidate.rate_at(to) - now;
    candidate.level = to;
    if (candidate.grows_to(to)) risen_ = &candidate;
    return true;
  }

  // To the best that fits, even if a step on the way does not: a layer may cost less than the one
  // below it with more frames.
  void fill(Candidate& candidate) {
    for (std::size_t steps = candidate.most - candidate.level; steps > 0; --steps) {
      if (raise(candidate, steps)) return;
    }
  }

  void fill_by_value() {
    while (true) {
      Candidate* best = nullptr;
      double best_value = 0;
      for (Candidate* other : others_) {
        if (other->level == 0 || other->done() || !may_be(*other, other->level + 1)) continue;
        const LayerOption& now = other->options[other->level - 1];
        const LayerOption& next = other->options[other->level];
        if (other->cost_at(other->level + 1) - now.rate > left()) continue;
        const double value = (quality(next) - quality(now)) /
                             std::max<double>(1, static_cast<double>(next.rate - now.rate));
        if (value > best_value) {
          best = other;
          best_value = value;
        }
      }
      if (best == nullptr) return;
      raise(*best, 1);
    }
  }

  Allocation result() const {
    Allocation allocation;
    std::uint64_t cheapest = 0;
    for (const Candidate& candidate : candidates_) {
      Grant& grant = allocation.grants.emplace_back();
      grant.slot = candidate.wish->slot;
      if (candidate.level > 0)
        grant.option = candidate.options[candidate.level - 1];
      else if (candidate.paused())
        allocation.paused = true;
      allocation.granted += candidate.rate_at(candidate.level);
      if (candidate.had != 0) {
        const Layer& had = candidate.options[candidate.had - 1].layer;
        allocation.rises |= grant.option && larger(grant.option->layer, had);
        allocation.falls |= !grant.option || larger(had, grant.option->layer);
      }
      allocation.wanted += candidate.rate_at(candidate.options.size());
      if (candidate.done()) continue;
      const std::uint64_t step =
          candidate.cost_at(candidate.level + 1) - candidate.rate_at(candidate.level);
      if (cheapest == 0 || step < cheapest) cheapest = step;
    }
    if (cheapest != 0) allocation.next_step = allocation.granted + cheapest;
    return allocation;
  }

  std::uint64_t budget_;
  bool may_rise_;
  bool limited_ = true;  // at most one may get a larger picture
  const Candidate* risen_ = nullptr;
  std::uint64_t spent_ = 0;
  std::vector<Candidate> candidates_;
  std::vector<std::size_t> order_;
  std::vector<Candidate*> screens_;
  std::vector<Candidate*> others_;
  Candidate* stage_ = nullptr;
};

}  // namespace

Allocation allocate(std::span<const Wish> wishes, std::uint64_t budget, bool may_rise) {
  return Sharing(wishes, budget, may_rise).share();
}

}  // namespace liaison::sfu
