#include "rtp/red.hpp"

namespace liaison::rtp {

std::optional<RedPrimary> red_primary(Bytes payload) {
  // Headers of redundant blocks: F=1, PT(7), timestamp offset(14), length(10); then the header of
  // the primary block: F=0, PT(7); then the data of all in the same order.
  Reader reader(payload);
  std::size_t redundant_size = 0;
  std::uint8_t first = reader.u8();
  while (reader.ok() && (first & 0x80) != 0) {
    redundant_size += reader.u24() & 0x3ff;
    first = reader.u8();
  }
  reader.skip(redundant_size);
  if (!reader.ok()) return std::nullopt;
  return RedPrimary{first, reader.rest()};
}

}  // namespace liaison::rtp
