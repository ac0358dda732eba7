#include "sfu/up_track.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace liaison::sfu {

UpTrack::UpTrack(const UpMedia& media, const LayerDemand::Wanted& first_demand)
    : media_(media), first_demand_(first_demand), demand_(first_demand) {
  const std::size_t count = std::max<std::size_t>(1, media.rids.size());
  for (std::size_t i = 0; i < count; ++i) {
    encodings_.emplace_back(media.kind, static_cast<std::uint8_t>(i));
    places_.push_back(static_cast<std::uint8_t>(i));
  }
}

std::optional<std::uint8_t> UpTrack::rid_number(std::optional<std::string_view> rid) const {
  if (media_.rids.empty()) return 0;
  if (!rid) return std::nullopt;
  const auto found = std::ranges::find(media_.rids, *rid);
  if (found == media_.rids.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - media_.rids.begin());
}

bool UpTrack::resized(std::uint8_t place, const rtp::PictureSize& size) {
  if (encodings_[place].picture_size() == size) return false;
  encodings_[place].set_picture_size(size);
  const auto area = [&](std::size_t at) {
    const auto& picture = encodings_[at].picture_size();
    return picture ? std::uint64_t{picture->width} * picture->height : 0;
  };
  // Those of which nothing is known stay where they are.
  std::vector<std::size_t> known;
  for (std::size_t at = 0; at < encodings_.size(); ++at) {
    if (area(at) != 0) known.push_back(at);
  }
  std::vector<std::size_t> sorted = known;
  std::ranges::stable_sort(sorted, {}, area);
  if (sorted == known) return false;
  std::vector<std::size_t> from(encodings_.size());
  std::iota(from.begin(), from.end(), std::size_t{0});
  for (std::size_t i = 0; i < known.size(); ++i) from[known[i]] = sorted[i];

  std::vector<UpEncoding> ordered;
  ordered.reserve(encodings_.size());
  std::vector<std::uint8_t> moved(encodings_.size());
  for (std::size_t to = 0; to < from.size(); ++to) {
    moved[from[to]] = static_cast<std::uint8_t>(to);
    ordered.push_back(std::move(encodings_[from[to]]));
    ordered.back().renumber(static_cast<std::uint8_t>(to));
  }
  encodings_ = std::move(ordered);
  for (std::uint8_t& at : places_) at = moved[at];
  demand_ = LayerDemand(first_demand_);
  return true;
}

LayerDemand::Wanted UpTrack::by_rid(const LayerDemand::Wanted& by_place) const {
  LayerDemand::Wanted wanted = by_place;
  for (std::size_t rid = 0; rid < places_.size(); ++rid)
    wanted.encodings[rid] = by_place.encodings[places_[rid]];
  return wanted;
}

LayerDemand::Wanted UpTrack::by_place(const LayerDemand::Wanted& by_rid) const {
  LayerDemand::Wanted wanted = by_rid;
  for (std::size_t rid = 0; rid < places_.size(); ++rid)
    wanted.encodings[places_[rid]] = by_rid.encodings[rid];
  return wanted;
}

UpEncoding* UpTrack::encoding_of_ssrc(std::uint32_t ssrc) {
  const auto found = std::ranges::find(encodings_, ssrc, &UpEncoding::ssrc);
  return found == encodings_.end() ? nullptr : &*found;
}

bool UpTrack::known() const {
  return std::ranges::any_of(
      encodings_, [](const UpEncoding& encoding) { return encoding.ssrc().has_value(); });
}

std::optional<bool> UpTrack::take_redundancy_changed(Instant now) {
  if (media_.kind != rtp::MediaKind::audio) return std::nullopt;
  // Nobody knows the queues on the way to us.
  redundancy_.update(encodings_[0].path_loss(), Duration{}, now);
  const bool wanted = redundancy_.frames() > 0;
  return std::exchange(redundant_, wanted) == wanted ? std::nullopt : std::optional(wanted);
}

UpEncoding::Loss UpTrack::take_loss() {
  UpEncoding::Loss sum;
  for (UpEncoding& encoding : encodings_) {
    const UpEncoding::Loss loss = encoding.take_loss();
    sum.expected += loss.expected;
    sum.lost += loss.lost;
  }
  return sum;
}

}  // namespace liaison::sfu
