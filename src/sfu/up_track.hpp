// One published track: its encodings.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sfu/audio_redundancy.hpp"
#include "sfu/command.hpp"
#include "sfu/layer_demand.hpp"
#include "sfu/up_encoding.hpp"

namespace liaison::sfu {

// What an endpoint sends on one m-line: one encoding, or several of the same picture in different
// sizes (simulcast, RFC 8853), the smallest first: in the order of their rids at first, in that of
// their pictures as soon as these say how large they are.
class UpTrack {
 public:
  // `first_demand` is what its publisher takes as wanted before it is told anything.
  explicit UpTrack(const UpMedia& media, const LayerDemand::Wanted& first_demand = {});

  const UpMedia& media() const { return media_; }
  bool active() const { return active_; }
  // What comes while it is not active is never shown, not even afterwards.
  void set_active(bool active) {
    active_ = active;
    for (UpEncoding& encoding : encodings_) encoding.hide_past();
  }

  std::vector<UpEncoding>& encodings() { return encodings_; }
  const std::vector<UpEncoding>& encodings() const { return encodings_; }
  // The number of a rid (RFC 8852) among media().rids; a track without rids has one encoding,
  // whatever the rid. Nothing if there is none.
  std::optional<std::uint8_t> rid_number(std::optional<std::string_view> rid) const;
  // Numbers of rids are below it.
  std::uint8_t rid_count() const { return static_cast<std::uint8_t>(places_.size()); }
  // Where the encoding with the rid of this number is among encodings().
  std::uint8_t place(std::uint8_t rid_number) const { return places_[rid_number]; }
  // The encoding at this place has pictures of this size. True if the order is another now: all
  // that is known by places is to begin anew.
  bool resized(std::uint8_t place, const rtp::PictureSize& size);
  // What is said of the encodings in the order of encodings(), in that of the rids, and back.
  LayerDemand::Wanted by_rid(const LayerDemand::Wanted& by_place) const;
  LayerDemand::Wanted by_place(const LayerDemand::Wanted& by_rid) const;
  // Null if none has this SSRC.
  UpEncoding* encoding_of_ssrc(std::uint32_t ssrc);
  // Something has arrived of it.
  bool known() const;

  UpEncoding::Loss take_loss();

  // Whether sound is to be sent again within RED, if that has changed. To be called once a second.
  std::optional<bool> take_redundancy_changed(Instant now);

  // A link by which this track goes to another router.
  struct Relay {
    LinkId to;
    LayerDemand::Wanted wanted = LayerDemand::nothing;  // by the numbers of the rids
    std::array<bool, encoding_limit> begun{};           // the same; since it is wanted
  };
  std::vector<Relay>& relays() { return relays_; }
  const std::vector<Relay>& relays() const { return relays_; }

  LayerDemand& demand() { return demand_; }
  const LayerDemand& demand() const { return demand_; }

 private:
  UpMedia media_;
  bool active_ = false;
  std::vector<UpEncoding> encodings_;
  std::vector<std::uint8_t> places_;  // by number of the rid
  LayerDemand::Wanted first_demand_;
  LayerDemand demand_;
  std::vector<Relay> relays_;
  AudioRedundancy redundancy_;
  bool redundant_ = false;
};

}  // namespace liaison::sfu
