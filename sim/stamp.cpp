#include "sim/stamp.hpp"

#include <cstring>

#include "base/ensure.hpp"

namespace liaison::sim {
namespace {

constexpr std::size_t word_size = sizeof(std::uint64_t);
// Six words, and a seventh whose upper half is the checksum of all the rest.
using Words = std::array<std::uint64_t, stamp_size / word_size>;
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

// Each step is a bijection of the word, so that two stamps that differ in one word never mix to the
// same: where there is filler, which begins with all 64 bits of this, such damage is seen for sure.
std::uint64_t mix(const Words& words) {
  std::uint64_t mixed = 0x6c6961697365;  // "liaise"
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    mixed = (mixed ^ words[i]) * 0xd6e8feb86659fd93;
    mixed ^= mixed >> 32;
  }
  mixed = (mixed ^ (words.back() & 0xffffffff)) * 0xd6e8feb86659fd93;
  return mixed ^ mixed >> 32;
}

std::uint64_t checksum(std::uint64_t mixed) { return mixed >> 32 ^ (mixed & 0xffffffff); }

Words pack(const Stamp& stamp, std::size_t size) {
  return {
      std::uint64_t{stamp.room} | std::uint64_t{stamp.person} << 32,
      stamp.number,
      static_cast<std::uint64_t>(stamp.captured.time_since_epoch().count()),
      std::uint64_t{stamp.frame} | std::uint64_t{stamp.picture} << 32,
      std::uint64_t{stamp.timestamp} | std::uint64_t{stamp.packet} << 32 |
          std::uint64_t{stamp.packets} << 48,
      std::uint64_t{stamp.references[0]} | std::uint64_t{stamp.references[1]} << 16 |
          std::uint64_t{size} << 32 | std::uint64_t{stamp.encoding} << 48 |
          std::uint64_t{stamp.spatial} << 56,
      std::uint64_t{stamp.temporal} | static_cast<std::uint64_t>(stamp.source) << 8 |
          std::uint64_t{stamp.key} << 16,
  };
}

Stamp unpack(const Words& words) {
  const auto field = [&words](std::size_t word, int shift) { return words[word] >> shift; };
  Stamp stamp;
  stamp.room = static_cast<std::uint32_t>(field(0, 0));
  stamp.person = static_cast<std::uint32_t>(field(0, 32));
  stamp.number = words[1];
  stamp.captured = Instant(Duration(static_cast<Duration::rep>(words[2])));
  stamp.frame = static_cast<std::uint32_t>(field(3, 0));
  stamp.picture = static_cast<std::uint32_t>(field(3, 32));
  stamp.timestamp = static_cast<std::uint32_t>(field(4, 0));
  stamp.packet = static_cast<std::uint16_t>(field(4, 32));
  stamp.packets = static_cast<std::uint16_t>(field(4, 48));
  stamp.references = {static_cast<std::uint16_t>(field(5, 0)),
                      static_cast<std::uint16_t>(field(5, 16))};
  stamp.encoding = static_cast<std::uint8_t>(field(5, 48));
  stamp.spatial = static_cast<std::uint8_t>(field(5, 56));
  stamp.temporal = static_cast<std::uint8_t>(field(6, 0));
  stamp.source = static_cast<Source>(field(6, 8) & 0xff);
  stamp.key = (field(6, 16) & 1) != 0;
  return stamp;
}

}  // namespace

void write_stamp(const Stamp& stamp, MutableBytes out) {
  ENSURE(out.size() >= stamp_size && out.size() <= stamped_limit);
  Words words = pack(stamp, out.size());
  std::uint64_t filler = mix(words);
  words.back() |= checksum(filler) << 32;
  std::memcpy(out.data(), words.data(), stamp_size);

  std::uint8_t* at = out.data() + stamp_size;
  std::uint8_t* const end = out.data() + out.size();
  for (; static_cast<std::size_t>(end - at) >= word_size; at += word_size) {
    filler += golden;
    std::memcpy(at, &filler, word_size);
  }
  filler += golden;
  std::memcpy(at, &filler, static_cast<std::size_t>(end - at));
}

std::optional<Stamp> read_stamp(Bytes bytes) {
  if (bytes.size() < stamp_size || bytes.size() > stamped_limit) return std::nullopt;
  Words words;
  std::memcpy(words.data(), bytes.data(), stamp_size);
  std::uint64_t filler = mix(words);
  if (words.back() >> 32 != checksum(filler)) return std::nullopt;
  if ((words[5] >> 32 & 0xffff) != bytes.size()) return std::nullopt;

  const std::uint8_t* at = bytes.data() + stamp_size;
  const std::uint8_t* const end = bytes.data() + bytes.size();
  std::uint64_t different = 0;
  for (; static_cast<std::size_t>(end - at) >= word_size; at += word_size) {
    filler += golden;
    std::uint64_t word = 0;
    std::memcpy(&word, at, word_size);
    different |= word ^ filler;
  }
  filler += golden;
  const bool tail = std::memcmp(at, &filler, static_cast<std::size_t>(end - at)) == 0;
  if (different != 0 || !tail) return std::nullopt;
  return unpack(words);
}

}  // namespace liaison::sim
