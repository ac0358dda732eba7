#include "rtp/extension.hpp"

namespace liaison::rtp {

ExtensionReader::ExtensionReader(const PacketView& packet) {
  const auto& block = packet.extension();
  if (!block) return;
  two_byte_ = (block->profile & 0xfff0) == two_byte_profile;
  if (two_byte_ || block->profile == one_byte_profile) data_ = block->data;
}

std::optional<ExtensionElement> ExtensionReader::next() {
  return two_byte_ ? next_two_byte() : next_one_byte();
}

std::optional<ExtensionElement> ExtensionReader::next_one_byte() {
  while (at_ < data_.size() && data_[at_] == 0) ++at_;  // padding
  if (at_ == data_.size()) return std::nullopt;
  const auto id = static_cast<std::uint8_t>(data_[at_] >> 4);
  const std::size_t size = (data_[at_] & 0x0f) + std::size_t{1};
  // Id 15 ends the walk, and so does id 0 with a length (RFC 8285 sections 4.2 and 4.1.1).
  if (id == 15 || id == 0 || data_.size() - at_ - 1 < size) {
    at_ = data_.size();
    return std::nullopt;
  }
  const ExtensionElement element{id, data_.subspan(at_ + 1, size)};
  at_ += 1 + size;
  return element;
}

std::optional<ExtensionElement> ExtensionReader::next_two_byte() {
  while (at_ < data_.size() && data_[at_] == 0) ++at_;  // padding
  if (data_.size() - at_ < 2 || data_.size() - at_ - 2 < data_[at_ + 1]) {
    at_ = data_.size();
    return std::nullopt;
  }
  const std::size_t size = data_[at_ + 1];
  const ExtensionElement element{data_[at_], data_.subspan(at_ + 2, size)};
  at_ += 2 + size;
  return element;
}

std::optional<Bytes> find_extension(const PacketView& packet, std::uint8_t id) {
  if (id == 0) return std::nullopt;
  ExtensionReader reader(packet);
  while (const auto element = reader.next()) {
    if (element->id == id) return element->value;
  }
  return std::nullopt;
}

std::optional<AudioLevel> read_audio_level(Bytes value) {
  if (value.size() != 1) return std::nullopt;
  return AudioLevel{static_cast<std::uint8_t>(value[0] & 0x7f), (value[0] & 0x80) != 0};
}

std::array<std::uint8_t, 1> write_audio_level(AudioLevel level) {
  return {static_cast<std::uint8_t>((level.voice ? 0x80 : 0) | (level.level & 0x7f))};
}

std::optional<std::uint16_t> read_transport_sequence(Bytes value) {
  if (value.size() != 2) return std::nullopt;
  return load_u16(value.data());
}

std::array<std::uint8_t, 2> write_transport_sequence(std::uint16_t sequence) {
  std::array<std::uint8_t, 2> value;
  store_u16(value.data(), sequence);
  return value;
}

std::optional<Duration> read_abs_send_time(Bytes value) {
  if (value.size() != 3) return std::nullopt;
  const std::int64_t ticks = Reader(value).u24();
  return nanoseconds(ticks * 1'000'000'000 >> 18);
}

std::array<std::uint8_t, 3> write_abs_send_time(Instant at) {
  // Reduced to one circle of 64 s first, lest the shift overflow.
  constexpr std::int64_t circle = 64'000'000'000;
  const std::int64_t ns = (at.time_since_epoch().count() % circle + circle) % circle;
  std::array<std::uint8_t, 3> value;
  store_u24(value.data(), static_cast<std::uint32_t>((ns << 18) / 1'000'000'000));
  return value;
}

std::optional<std::string_view> read_sdes_text(Bytes value) {
  while (!value.empty() && value.back() == 0) value = value.first(value.size() - 1);
  if (value.empty()) return std::nullopt;
  for (const std::uint8_t byte : value) {
    if (byte <= 0x20 || byte >= 0x7f) return std::nullopt;
  }
  return as_text(value);
}

}  // namespace liaison::rtp
