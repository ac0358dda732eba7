#include "sfu/up_track.hpp"

#include <algorithm>
#include <utility>

namespace liaison::sfu {

UpTrack::UpTrack(const UpMedia& media) : media_(media) {
  const std::size_t count = std::max<std::size_t>(1, media.rids.size());
  for (std::size_t i = 0; i < count; ++i)
    encodings_.emplace_back(media.kind, static_cast<std::uint8_t>(i));
}

UpEncoding* UpTrack::encoding(std::optional<std::string_view> rid) {
  if (media_.rids.empty()) return encodings_.data();
  if (!rid) return nullptr;
  const auto found = std::ranges::find(media_.rids, *rid);
  return found == media_.rids.end()
             ? nullptr
             : &encodings_[static_cast<std::size_t>(found - media_.rids.begin())];
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
