#include "signaling/credentials.hpp"

#include <utility>

#include "base/random.hpp"

namespace liaison::signaling {
namespace {

constexpr std::size_t ufrag_size = 16;
constexpr std::string_view ice_chars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

transport::IceCredentials draw_credentials(WorkerIndex worker) {
  const auto index = std::to_underlying(worker);
  std::string ufrag;
  ufrag += ice_chars[index >> 6];
  ufrag += ice_chars[index & 63];
  return {ufrag + random_ice_chars(ufrag_size - ufrag.size()), random_ice_chars(32)};
}

std::optional<WorkerIndex> worker_of_ufrag(std::string_view ufrag) {
  if (ufrag.size() != ufrag_size) return std::nullopt;
  const std::size_t high = ice_chars.find(ufrag[0]);
  const std::size_t low = ice_chars.find(ufrag[1]);
  if (high > 3 || low == std::string_view::npos) return std::nullopt;
  return WorkerIndex(high << 6 | low);
}

}  // namespace liaison::signaling
