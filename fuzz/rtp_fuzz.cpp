// Everything of src/rtp on one datagram. What it returns must lie within the input, and what is
// written again must read the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ensure.hpp"
#include "rtp/av1.hpp"
#include "rtp/extension.hpp"
#include "rtp/h264.hpp"
#include "rtp/key_frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/red.hpp"
#include "rtp/rtx.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"

namespace {

using namespace liaison;

void read_payload(Bytes payload) {
  for (const auto codec : {rtp::CodecName::opus, rtp::CodecName::red, rtp::CodecName::vp8,
                           rtp::CodecName::vp9, rtp::CodecName::av1, rtp::CodecName::h264}) {
    rtp::starts_key_frame(codec, payload);
  }
  if (const auto primary = rtp::red_primary(payload)) {
    ENSURE(primary->payload.size() < payload.size());
  }
  if (const auto descriptor = rtp::parse_vp9(payload)) ENSURE(descriptor->size < payload.size());
  if (const auto descriptor = rtp::parse_vp8(payload)) {
    ENSURE(descriptor->size < payload.size());
    std::vector<std::uint8_t> copy(payload.begin(), payload.end());
    rtp::rewrite_vp8(copy, *descriptor, 0x55, 0x77);
    const auto again = rtp::parse_vp8(copy);
    ENSURE(again && again->size == descriptor->size && again->key_frame == descriptor->key_frame);
    ENSURE(again->picture_id_offset == 0 || again->picture_id == 0x55);
    ENSURE(again->tl0_index_offset == 0 || again->tl0_index == 0x77);
  }
}

void read_extensions(const rtp::PacketView& packet) {
  std::vector<rtp::ExtensionElement> elements;
  rtp::ExtensionReader reader(packet);
  while (const auto element = reader.next()) {
    ENSURE(element->id != 0);
    rtp::read_audio_level(element->value);
    rtp::read_transport_sequence(element->value);
    rtp::read_abs_send_time(element->value);
    rtp::read_sdes_text(element->value);
    elements.push_back(*element);
  }

  const rtp::HeaderFields fields{.marker = packet.marker(),
                                 .payload_type = packet.payload_type(),
                                 .sequence = packet.sequence(),
                                 .timestamp = packet.timestamp(),
                                 .ssrc = packet.ssrc()};
  // Two bytes and a value for each element, at most twice what was read.
  std::vector<std::uint8_t> out(packet.bytes().size() * 2 + 32);
  const std::size_t size = rtp::write_header(out, fields, elements);
  if (size == 0) return;  // more words than the length field can say
  const auto again = rtp::PacketView::parse(Bytes(out).first(size));
  ENSURE(again && again->header_size() == size);
  rtp::ExtensionReader second(*again);
  for (const rtp::ExtensionElement& element : elements) {
    const auto copy = second.next();
    ENSURE(copy && copy->id == element.id && std::ranges::equal(copy->value, element.value));
  }
  ENSURE(!second.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  read_payload(bytes);
  const auto packet = rtp::PacketView::parse(bytes);
  if (!packet) return 0;
  ENSURE(packet->header_size() + packet->payload().size() + packet->padding_size() == size);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < packet->csrc_count(); ++i) sum += packet->csrc(i);
  static_cast<void>(sum);
  read_extensions(*packet);
  read_payload(packet->payload());

  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  if (const auto restored = rtp::unwrap_rtx(copy, *packet, 96, 1)) {
    ENSURE(*restored + 2 == size);
    const auto original = rtp::PacketView::parse(Bytes(copy).first(*restored));
    ENSURE(original && original->ssrc() == 1 && original->payload_type() == 96);
    ENSURE(original->payload().size() + 2 == packet->payload().size());
  }
  return 0;
}
