// Everything of src/rtp on one datagram. What it returns must lie within the input, and what is
// written again must read the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ensure.hpp"
#include "rtp/dependency_descriptor.hpp"
#include "rtp/extension.hpp"
#include "rtp/frame_info.hpp"
#include "rtp/key_frame.hpp"
#include "rtp/packet.hpp"
#include "rtp/picture_size.hpp"
#include "rtp/red.hpp"
#include "rtp/rtx.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"

namespace {

using namespace liaison;

void read_payload(Bytes payload) {
  for (const auto codec : {rtp::CodecName::opus, rtp::CodecName::red, rtp::CodecName::vp8,
                           rtp::CodecName::vp9, rtp::CodecName::av1, rtp::CodecName::h264}) {
    const auto info = rtp::frame_info(codec, payload, true, nullptr);
    ENSURE(rtp::starts_key_frame(codec, payload) == (info && info->key_frame));
    ENSURE(!info || !info->key_frame || (info->starts_frame && info->key_picture));
    ENSURE(!info || info->ends_picture);
    if (const auto size = rtp::picture_size(codec, payload)) {
      ENSURE(info && info->key_frame);
      ENSURE(size->width > 0 && size->height > 0);
    }
  }
  if (const auto red = rtp::parse_red(payload)) {
    // Without what was too old, it is written in no more bytes, and reads the same.
    std::vector<std::uint8_t> room(payload.size());
    Writer writer(room);
    rtp::write_red(writer, red->redundant(), red->primary.payload_type, red->primary.payload);
    ENSURE(writer.ok());
    const auto again = rtp::parse_red(writer.written());
    ENSURE(again && again->count == red->count);
    ENSURE(std::ranges::equal(again->primary.payload, red->primary.payload));
    for (std::size_t i = 0; i < red->count; ++i) {
      ENSURE(again->blocks[i].age == red->blocks[i].age);
      ENSURE(std::ranges::equal(again->blocks[i].payload, red->blocks[i].payload));
    }
  }
  if (const auto descriptor = rtp::parse_vp9(payload)) {
    ENSURE(descriptor->size < payload.size());
    ENSURE(descriptor->picture_id_offset < descriptor->size);
    ENSURE(descriptor->tl0_index_offset < descriptor->size);
    ENSURE(!descriptor->tl0_index ||
           payload[descriptor->tl0_index_offset] == *descriptor->tl0_index);
  }
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

// What can be read can be written, in no more bytes, and reads the same. With and without a
// structure from before, for which there is one of every kind of thing.
void read_dependency_descriptor(Bytes value) {
  static const rtp::DependencyStructure before = [] {
    rtp::DependencyStructure structure;
    structure.template_count = 2;
    structure.decode_target_count = 2;
    structure.chain_count = 1;
    structure.templates[0].dtis[0] = rtp::DecodeTargetIndication::switch_point;
    structure.templates[1].temporal_id = 1;
    structure.templates[1].dtis[1] = rtp::DecodeTargetIndication::discardable;
    structure.templates[1].fdiff_count = 1;
    structure.templates[1].fdiffs[0] = 1;
    structure.find_decode_target_layers();
    return structure;
  }();
  for (const rtp::DependencyStructure* current : {&before, {}}) {
    const auto read = rtp::parse_dependency_descriptor(value, current);
    if (!read) continue;
    std::vector<std::uint8_t> out(value.size());
    out.resize(rtp::write_dependency_descriptor(out, *read, current));
    ENSURE(!out.empty());
    const auto again = rtp::parse_dependency_descriptor(out, current);
    ENSURE(again && again->starts_frame == read->starts_frame &&
           again->ends_frame == read->ends_frame && again->template_id == read->template_id &&
           again->frame_number == read->frame_number && again->frame == read->frame &&
           again->own_indication == read->own_indication &&
           again->within_picture == read->within_picture &&
           again->active_decode_targets == read->active_decode_targets);
    const auto info = rtp::frame_info(rtp::CodecName::av1, {}, false, &*read);
    ENSURE(info && info->starts_frame == read->starts_frame);
    ENSURE(!info->key_frame || (info->starts_frame && info->key_picture));
    ENSURE((again->structure == nullptr) == (read->structure == nullptr));
    if (!read->structure) continue;
    ENSURE(*again->structure == *read->structure);
    ENSURE(again->structure->nearest(read->frame).has_value());
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
    read_dependency_descriptor(element->value);
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
  read_dependency_descriptor(bytes);
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
