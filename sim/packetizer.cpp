#include "sim/packetizer.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "base/ensure.hpp"

namespace liaison::sim {
namespace {

using rtp::CodecName;

// No descriptor with the headers behind it is longer.
constexpr std::size_t head_limit = 32;
constexpr std::size_t least_max_payload = 256;

// RFC 6184 section 5.2 and H.264 table 7-1.
constexpr std::uint8_t nal_slice = 1;
constexpr std::uint8_t nal_idr = 5;
constexpr std::uint8_t nal_sei = 6;
constexpr std::uint8_t nal_sps = 7;
constexpr std::uint8_t nal_pps = 8;
constexpr std::uint8_t nal_stap_a = 24;
constexpr std::uint8_t nal_fu_a = 28;
// Slice headers begin with first_mb_in_slice 0, then slice_type 7 (I) or 5 (P), in Exp-Golomb code.
constexpr std::uint8_t slice_header_i = 0x88;
constexpr std::uint8_t slice_header_p = 0x9a;
// Constrained baseline, level 3.1. Nobody here decodes the rest.
constexpr std::array<std::uint8_t, 10> sps = {0x67, 0x42, 0xe0, 0x1f, 0x8c,
                                              0x8d, 0x40, 0x50, 0x17, 0xfc};
constexpr std::array<std::uint8_t, 4> pps = {0x68, 0xce, 0x3c, 0x80};
constexpr std::uint8_t sei_user_data = 5;  // unregistered: a UUID, then what one likes
constexpr std::array<std::uint8_t, 16> sei_uuid = {'l', 'i', 'a', 'i', 's', 'o', 'n', ' ',
                                                   's', 'i', 'm', 's', 't', 'a', 'm', 'p'};
constexpr std::uint8_t rbsp_stop = 0x80;

// AV1 section 6.2.2.
constexpr std::uint8_t obu_sequence_header = 1;
constexpr std::uint8_t obu_frame = 6;
// As long as encoders make it; nobody here decodes it.
constexpr std::array<std::uint8_t, 10> sequence_header = {0,    0,    0,    0x24, 0xcf,
                                                          0x7f, 0x0d, 0xbf, 0xff, 0x30};

// The pictures of a group, for VP9 without references in each packet (RFC 9628 section 4.2.1).
struct GroupPicture {
  std::uint8_t temporal;
  bool switching_up;
  std::uint8_t picture_difference;
};
constexpr std::array<GroupPicture, 1> group_1 = {{{0, false, 1}}};
constexpr std::array<GroupPicture, 2> group_2 = {{{0, false, 2}, {1, true, 1}}};
constexpr std::array<GroupPicture, 4> group_3 = {
    {{0, false, 4}, {2, true, 1}, {1, true, 2}, {2, true, 1}}};

std::span<const GroupPicture> picture_group(std::uint8_t temporal_layers) {
  if (temporal_layers == 1) return group_1;
  if (temporal_layers == 2) return group_2;
  return group_3;
}

void store_le16(Writer& writer, std::uint16_t value) {
  writer.u8(static_cast<std::uint8_t>(value));
  writer.u8(static_cast<std::uint8_t>(value >> 8));
}

// RFC 7741 section 4.2, and of the first packet the frame header of RFC 6386 section 9.1.
void write_vp8_head(const EncodedFrame& frame, const Stamp& stamp, Writer& writer) {
  const bool layered = frame.temporal_layers > 1;
  const bool first = stamp.packet == 0;
  writer.u8(static_cast<std::uint8_t>(0x80 | (frame.discardable ? 0x20 : 0) | (first ? 0x10 : 0)));
  writer.u8(layered ? 0xf0 : 0x80);
  writer.u16(static_cast<std::uint16_t>(0x8000 | frame.picture));
  if (layered) {
    writer.u8(frame.tl0_picture);
    writer.u8(static_cast<std::uint8_t>(frame.temporal << 6 | (frame.layer_sync ? 0x20 : 0) |
                                        (frame.key_picture & 0x1f)));
  }
  if (!first) return;
  const std::size_t partition = std::min<std::size_t>(frame.bytes / 4, 0x7ffff);
  const std::size_t tag = (frame.key ? 0U : 1U) | 0x10 | partition << 5;
  store_le16(writer, static_cast<std::uint16_t>(tag));
  writer.u8(static_cast<std::uint8_t>(tag >> 16));
  if (!frame.key) return;
  writer.u24(0x9d012a);
  store_le16(writer, frame.width);
  store_le16(writer, frame.height);
}

// RFC 9628 section 4.2.
void write_vp9_head(const EncodedFrame& frame, const Stamp& stamp, bool flexible, Writer& writer) {
  const bool layered = frame.temporal_layers > 1 || frame.spatial_layers > 1;
  const bool predicted = frame.references[0] != 0;
  const bool first = stamp.packet == 0;
  const bool structure = frame.key && frame.spatial == 0 && first;
  const bool upper_needs = frame.key && !frame.ends_picture;
  unsigned flags = 0x80;                                 // I
  if (predicted) flags |= 0x40;                          // P
  if (layered) flags |= 0x20;                            // L
  if (flexible) flags |= 0x10;                           // F
  if (first) flags |= 0x08;                              // B
  if (stamp.packet + 1 == stamp.packets) flags |= 0x04;  // E
  if (structure) flags |= 0x02;                          // V
  if (!upper_needs) flags |= 0x01;                       // Z
  writer.u8(static_cast<std::uint8_t>(flags));
  writer.u16(static_cast<std::uint16_t>(0x8000 | frame.picture));
  if (layered) {
    writer.u8(static_cast<std::uint8_t>(frame.temporal << 5 | (frame.temporal > 0 ? 0x10 : 0) |
                                        frame.spatial << 1 | (frame.references[1] != 0 ? 1 : 0)));
    if (!flexible) writer.u8(frame.tl0_picture);
  }
  if (flexible && predicted) writer.u8(static_cast<std::uint8_t>(frame.pictures_back << 1));
  if (!structure) return;
  writer.u8(
      static_cast<std::uint8_t>((frame.spatial_layers - 1) << 5 | 0x10 | (flexible ? 0 : 0x08)));
  for (int layer = 0; layer < frame.spatial_layers; ++layer) {
    const int halvings = frame.spatial_layers - 1 - layer;
    writer.u16(static_cast<std::uint16_t>(frame.width >> halvings));
    writer.u16(static_cast<std::uint16_t>(frame.height >> halvings));
  }
  if (flexible) return;
  const auto group = picture_group(frame.temporal_layers);
  writer.u8(static_cast<std::uint8_t>(group.size()));
  for (const GroupPicture& picture : group) {
    writer.u8(static_cast<std::uint8_t>(picture.temporal << 5 | (picture.switching_up ? 0x10 : 0) |
                                        1 << 2));
    writer.u8(picture.picture_difference);
  }
}

void write_obu_header(std::uint8_t type, const EncodedFrame& frame, Writer& writer) {
  const bool layered = frame.temporal_layers > 1;
  writer.u8(static_cast<std::uint8_t>(type << 3 | (layered ? 0x04 : 0)));
  if (layered) writer.u8(static_cast<std::uint8_t>(frame.temporal << 5));
}

// "RTP Payload Format For AV1" section 4.4; OBUs come without their size fields.
void write_av1_head(const EncodedFrame& frame, const Stamp& stamp, Writer& writer) {
  const bool first = stamp.packet == 0;
  const bool last = stamp.packet + 1 == stamp.packets;
  const bool sequence = first && frame.key;
  writer.u8(static_cast<std::uint8_t>((first ? 0 : 0x80) | (last ? 0 : 0x40) |
                                      (sequence ? 0x20 : 0x10) | (sequence ? 0x08 : 0)));
  if (sequence) {
    const std::size_t header = frame.temporal_layers > 1 ? 2 : 1;
    writer.u8(static_cast<std::uint8_t>(header + sequence_header.size()));  // LEB128
    write_obu_header(obu_sequence_header, frame, writer);
    writer.bytes(sequence_header);
  }
  if (!first) return;
  write_obu_header(obu_frame, frame, writer);
  writer.u8(frame.key ? 0x10 : 0x30);  // frame_type KEY_FRAME or INTER_FRAME, show_frame
}

std::uint8_t nal_ref_idc(const EncodedFrame& frame) {
  if (frame.key) return 3 << 5;
  return frame.discardable ? 0 : 2 << 5;
}

// A slice, whole or in fragments. What follows has no emulation prevention bytes: nobody looks for
// start codes in a payload.
void write_h264_head(const EncodedFrame& frame, bool first, bool last, Writer& writer) {
  const std::uint8_t importance = nal_ref_idc(frame);
  const std::uint8_t type = frame.key ? nal_idr : nal_slice;
  if (first && last) {
    writer.u8(importance | type);
  } else {
    writer.u8(importance | nal_fu_a);
    writer.u8(static_cast<std::uint8_t>((first ? 0x80 : 0) | (last ? 0x40 : 0) | type));
  }
  if (first) writer.u8(frame.key ? slice_header_i : slice_header_p);
}

// SPS, PPS and an SEI message for the stamp, in one STAP-A.
void write_parameter_sets(const Stamp& stamp, MutableBytes out) {
  Writer writer(out);
  writer.u8(3 << 5 | nal_stap_a);
  writer.u16(sps.size());
  writer.bytes(sps);
  writer.u16(pps.size());
  writer.bytes(pps);
  writer.u16(3 + sei_uuid.size() + stamp_size + 1);
  writer.u8(nal_sei);
  writer.u8(sei_user_data);
  writer.u8(sei_uuid.size() + stamp_size);
  writer.bytes(sei_uuid);
  const std::size_t at = writer.size();
  writer.zeros(stamp_size);
  writer.u8(rbsp_stop);
  ENSURE(writer.ok() && writer.remaining() == 0);
  write_stamp(stamp, out.subspan(at, stamp_size));
}
constexpr std::size_t parameter_sets_size =
    1 + 2 + sps.size() + 2 + pps.size() + 2 + 3 + sei_uuid.size() + stamp_size + 1;
static_assert(parameter_sets_size <= least_max_payload);

// What the descriptor says, and where the stamp is.
struct Descriptor {
  PayloadReading says;
  Bytes stamped;
  std::optional<bool> predicted;    // from an earlier picture
  std::optional<bool> inter_layer;  // from the spatial layer below
};

std::optional<Descriptor> read_vp8(Bytes payload) {
  Reader reader(payload);
  Descriptor descriptor;
  const unsigned first = reader.u8();
  if ((first & 0x4f) != 0)
    return std::nullopt;  // reserved bits, or a partition that we never write
  descriptor.says.starts_frame = (first & 0x10) != 0;
  if ((first & 0x80) != 0) {
    const unsigned present = reader.u8();
    if ((present & 0x80) != 0) {
      unsigned id = reader.u8();
      if ((id & 0x80) != 0) id = (id & 0x7f) << 8 | reader.u8();
      descriptor.says.picture_id = static_cast<std::uint16_t>(id);
    }
    if ((present & 0x40) != 0) descriptor.says.tl0 = reader.u8();
    if ((present & 0x30) != 0) {
      const unsigned layer = reader.u8();
      if ((present & 0x20) != 0) descriptor.says.temporal = static_cast<std::uint8_t>(layer >> 6);
    }
  }
  if (descriptor.says.starts_frame) {
    descriptor.says.key = (reader.u8() & 1) == 0;
    reader.skip(2);
    if (descriptor.says.key) {
      if (reader.u24() != 0x9d012a) return std::nullopt;
      reader.skip(4);
    }
    descriptor.predicted = !descriptor.says.key;
  }
  if (!reader.ok()) return std::nullopt;
  descriptor.stamped = reader.rest();
  return descriptor;
}

std::optional<Descriptor> read_vp9(Bytes payload) {
  Reader reader(payload);
  Descriptor descriptor;
  const unsigned first = reader.u8();
  const bool predicted = (first & 0x40) != 0;
  const bool layered = (first & 0x20) != 0;
  const bool flexible = (first & 0x10) != 0;
  descriptor.says.starts_frame = (first & 0x08) != 0;
  descriptor.says.ends_frame = (first & 0x04) != 0;
  descriptor.predicted = predicted;
  if ((first & 0x80) != 0) {
    unsigned id = reader.u8();
    if ((id & 0x80) != 0) id = (id & 0x7f) << 8 | reader.u8();
    descriptor.says.picture_id = static_cast<std::uint16_t>(id);
  }
  bool inter_layer = false;
  if (layered) {
    const unsigned layer = reader.u8();
    descriptor.says.temporal = static_cast<std::uint8_t>(layer >> 5);
    descriptor.says.spatial = static_cast<std::uint8_t>(layer >> 1 & 0x07);
    inter_layer = (layer & 0x01) != 0;
    if (!flexible) descriptor.says.tl0 = reader.u8();
  }
  descriptor.inter_layer = inter_layer;
  if (flexible && predicted) {
    int references = 1;
    while ((reader.u8() & 0x01) != 0) {
      if (++references > 3) return std::nullopt;
    }
  }
  if ((first & 0x02) != 0) {
    const unsigned structure = reader.u8();
    if ((structure & 0x10) != 0) reader.skip(((structure >> 5) + std::size_t{1}) * 4);
    if ((structure & 0x08) != 0) {
      for (unsigned pictures = reader.u8(); pictures > 0 && reader.ok(); --pictures) {
        reader.skip(reader.u8() >> 2 & 0x03);
      }
    }
  }
  if (!reader.ok()) return std::nullopt;
  descriptor.says.key =
      descriptor.says.starts_frame && !predicted && descriptor.says.spatial.value_or(0) == 0;
  descriptor.stamped = reader.rest();
  return descriptor;
}

std::optional<std::size_t> read_leb128(Reader& reader) {
  std::size_t value = 0;
  for (int i = 0; i < 8; ++i) {
    const std::size_t byte = reader.u8();
    value |= (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return reader.ok() ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<Descriptor> read_av1(Bytes payload) {
  Reader reader(payload);
  Descriptor descriptor;
  const unsigned aggregation = reader.u8();
  const bool continues = (aggregation & 0x80) != 0;
  const unsigned count = aggregation >> 4 & 0x03;
  descriptor.says.ends_frame = (aggregation & 0x40) == 0;
  const bool starts_sequence = (aggregation & 0x08) != 0;
  bool has_sequence = false;
  bool has_frame = false;
  for (unsigned element = 0; reader.ok() && reader.remaining() > 0; ++element) {
    if (has_frame) return std::nullopt;  // there is one frame in a packet, and it comes last
    Bytes bytes;
    if (count == 0 || element + 1 < count) {
      const auto size = read_leb128(reader);
      if (!size) return std::nullopt;
      bytes = reader.take(*size);
    } else if (element + 1 == count) {
      bytes = reader.take(reader.remaining());
    } else {
      return std::nullopt;
    }
    if (continues && element == 0) {
      descriptor.stamped = bytes;
      has_frame = true;
      continue;
    }
    Reader obu(bytes);
    const unsigned header = obu.u8();
    const unsigned type = header >> 3 & 0x0f;
    if ((header & 0x82) != 0) return std::nullopt;  // forbidden bit, or a size field
    std::optional<std::uint8_t> temporal;
    if ((header & 0x04) != 0) temporal = static_cast<std::uint8_t>(obu.u8() >> 5);
    if (type == obu_sequence_header) {
      has_sequence = true;
    } else if (type == obu_frame) {
      has_frame = true;
      descriptor.says.starts_frame = true;
      descriptor.says.temporal = temporal;
      descriptor.says.key = (obu.u8() & 0x60) == 0;
      descriptor.predicted = !descriptor.says.key;
      descriptor.stamped = obu.rest();
    }
    if (!obu.ok()) return std::nullopt;
  }
  if (!reader.ok() || !has_frame) return std::nullopt;
  if (starts_sequence != has_sequence || starts_sequence != descriptor.says.key)
    return std::nullopt;
  return descriptor;
}

std::optional<Descriptor> read_h264_parameter_sets(Reader reader) {
  Descriptor descriptor;
  bool has_sps = false;
  bool has_pps = false;
  while (reader.ok() && reader.remaining() > 0) {
    Reader nal(reader.take(reader.u16()));
    switch (nal.u8() & 0x1f) {
      case nal_sps:
        has_sps = true;
        break;
      case nal_pps:
        has_pps = true;
        break;
      case nal_sei: {
        if (nal.u8() != sei_user_data) return std::nullopt;
        const std::size_t size = nal.u8();
        nal.skip(sei_uuid.size());
        if (size < sei_uuid.size()) return std::nullopt;
        descriptor.stamped = nal.take(size - sei_uuid.size());
        if (nal.u8() != rbsp_stop) return std::nullopt;
        break;
      }
      default:
        return std::nullopt;
    }
    if (!nal.ok()) return std::nullopt;
  }
  if (!reader.ok() || !has_sps || !has_pps) return std::nullopt;
  descriptor.says.starts_frame = true;
  descriptor.says.key = true;
  descriptor.predicted = false;
  return descriptor;
}

std::optional<Descriptor> read_h264(Bytes payload) {
  Reader reader(payload);
  unsigned type = reader.u8() & 0x1f;
  if (type == nal_stap_a) return read_h264_parameter_sets(reader);
  bool first = true;
  bool last = true;
  if (type == nal_fu_a) {
    const unsigned fragment = reader.u8();
    first = (fragment & 0x80) != 0;
    last = (fragment & 0x40) != 0;
    type = fragment & 0x1f;
    if ((first && last) || (fragment & 0x20) != 0) return std::nullopt;  // RFC 6184 section 5.8
  }
  if (type != nal_slice && type != nal_idr) return std::nullopt;
  const bool idr = type == nal_idr;
  if (first && reader.u8() != (idr ? slice_header_i : slice_header_p)) return std::nullopt;
  if (!reader.ok()) return std::nullopt;
  Descriptor descriptor;
  descriptor.says.starts_frame = first && !idr;  // before an IDR slice, the parameter sets do
  descriptor.says.ends_frame = last;
  descriptor.predicted = !idr;
  descriptor.stamped = reader.rest();
  return descriptor;
}

std::optional<Descriptor> read_descriptor(CodecName codec, Bytes payload) {
  switch (codec) {
    case CodecName::vp8:
      return read_vp8(payload);
    case CodecName::vp9:
      return read_vp9(payload);
    case CodecName::av1:
      return read_av1(payload);
    case CodecName::h264:
      return read_h264(payload);
    default:
      return std::nullopt;
  }
}

bool agree(const Descriptor& descriptor, const Stamp& stamp) {
  const PayloadReading& says = descriptor.says;
  return says.starts_frame == (stamp.packet == 0) &&
         says.ends_frame == (stamp.packet + 1 == stamp.packets) &&
         says.key == (stamp.key && stamp.spatial == 0 && stamp.packet == 0) &&
         says.spatial.value_or(stamp.spatial) == stamp.spatial &&
         says.temporal.value_or(stamp.temporal) == stamp.temporal &&
         descriptor.predicted.value_or(stamp.references[0] != 0) == (stamp.references[0] != 0) &&
         descriptor.inter_layer.value_or(stamp.references[1] != 0) == (stamp.references[1] != 0);
}

PayloadReading reading_of_audio(const Stamp& stamp) {
  PayloadReading reading;
  reading.stamp = stamp;
  reading.starts_frame = reading.ends_frame = reading.key = true;
  return reading;
}

// RFC 2198 section 3.
constexpr std::size_t red_block_limit = 0x3ff;
constexpr std::uint32_t red_age_limit = 0x3fff;

struct RedBlock {
  std::uint8_t payload_type = 0;
  std::uint32_t age = 0;
  Bytes payload;
};
struct RedBlocks {
  std::array<RedBlock, 5> blocks;  // the primary one is the last
  std::size_t count = 0;
};

std::optional<RedBlocks> read_red_blocks(Bytes payload) {
  Reader reader(payload);
  RedBlocks red;
  std::array<std::size_t, 5> sizes{};
  for (;;) {
    if (red.count == red.blocks.size()) return std::nullopt;
    RedBlock& block = red.blocks[red.count];
    const unsigned first = reader.u8();
    block.payload_type = first & 0x7f;
    if ((first & 0x80) == 0) break;
    const std::uint32_t rest = reader.u24();
    block.age = rest >> 10;
    sizes[red.count++] = rest & 0x3ff;
  }
  for (std::size_t i = 0; i < red.count; ++i) red.blocks[i].payload = reader.take(sizes[i]);
  if (!reader.ok()) return std::nullopt;
  red.blocks[red.count++].payload = reader.rest();
  return red;
}

}  // namespace

void Payloads::clear() {
  used_ = 0;
  entries_.clear();
}

Bytes Payloads::operator[](std::size_t index) const {
  return Bytes(bytes_).subspan(entries_[index].offset, entries_[index].size);
}

MutableBytes Payloads::add(std::size_t size, bool marker) {
  if (used_ + size > bytes_.size()) bytes_.resize((used_ + size) * 2);
  entries_.push_back({used_, size, marker});
  used_ += size;
  return MutableBytes(bytes_).subspan(used_ - size, size);
}

void packetize(const EncodedFrame& frame, const PacketizerOptions& options, const Stamp& base,
               Payloads& out) {
  ENSURE(options.max_payload >= least_max_payload);
  ENSURE(frame.bytes >= stamp_size);
  ENSURE(options.flexible || frame.spatial_layers == 1);
  const std::size_t room = options.max_payload - head_limit;
  const std::size_t pieces = (frame.bytes + room - 1) / room;
  const bool parameter_sets = options.codec == CodecName::h264 && frame.key;
  const std::size_t packets = pieces + (parameter_sets ? 1 : 0);
  ENSURE(packets <= 0xffff);

  Stamp stamp = base;
  stamp.encoding = frame.encoding;
  stamp.spatial = frame.spatial;
  stamp.temporal = frame.temporal;
  stamp.key = frame.key;
  stamp.frame = frame.frame;
  stamp.picture = frame.picture;
  stamp.packet = 0;
  stamp.packets = static_cast<std::uint16_t>(packets);
  stamp.references = frame.references;
  stamp.timestamp = frame.timestamp;
  stamp.captured = frame.captured;
  const auto step = [&stamp] {
    ++stamp.packet;
    ++stamp.number;
  };

  if (parameter_sets) {
    write_parameter_sets(stamp, out.add(parameter_sets_size, false));
    step();
  }
  for (std::size_t i = 0; i < pieces; ++i, step()) {
    std::array<std::uint8_t, head_limit> head;
    Writer writer(head);
    switch (options.codec) {
      case CodecName::vp8:
        write_vp8_head(frame, stamp, writer);
        break;
      case CodecName::vp9:
        write_vp9_head(frame, stamp, options.flexible, writer);
        break;
      case CodecName::av1:
        write_av1_head(frame, stamp, writer);
        break;
      case CodecName::h264:
        write_h264_head(frame, i == 0, i + 1 == pieces, writer);
        break;
      default:
        ENSURE(false);
    }
    ENSURE(writer.ok());
    // Packets of a frame are about equally long, as browsers make them.
    const std::size_t piece = frame.bytes / pieces + (i < frame.bytes % pieces ? 1 : 0);
    const MutableBytes payload =
        out.add(writer.size() + piece, frame.ends_picture && i + 1 == pieces);
    std::memcpy(payload.data(), head.data(), writer.size());
    write_stamp(stamp, payload.subspan(writer.size()));
  }
}

std::optional<PayloadReading> read_payload(CodecName codec, Bytes payload) {
  if (codec == CodecName::opus) {
    const auto stamp = read_stamp(payload);
    return stamp ? std::optional(reading_of_audio(*stamp)) : std::nullopt;
  }
  if (codec == CodecName::red) {
    const auto red = read_red_blocks(payload);
    if (!red) return std::nullopt;
    auto reading = read_payload(CodecName::opus, red->blocks[red->count - 1].payload);
    for (std::size_t i = 0; reading && i + 1 < red->count; ++i) {
      const auto stamp = read_stamp(red->blocks[i].payload);
      if (!stamp) return std::nullopt;
      const bool same =
          stamp->person == reading->stamp.person && stamp->source == reading->stamp.source;
      if (same && reading->stamp.timestamp - stamp->timestamp != red->blocks[i].age)
        return std::nullopt;
      reading->redundant[reading->redundant_count++] = *stamp;
    }
    return reading;
  }
  auto descriptor = read_descriptor(codec, payload);
  if (!descriptor) return std::nullopt;
  const auto stamp = read_stamp(descriptor->stamped);
  if (!stamp) return std::nullopt;
  if (codec == CodecName::vp8) descriptor->says.ends_frame = stamp->packet + 1 == stamp->packets;
  if (!agree(*descriptor, *stamp)) return std::nullopt;
  descriptor->says.stamp = *stamp;
  return descriptor->says;
}

void AudioPacketizer::packetize(const AudioFrame& frame, bool red, const Stamp& base,
                                Payloads& out) {
  Stamp stamp = base;
  stamp.encoding = 0;
  stamp.spatial = 0;
  stamp.temporal = 0;
  stamp.key = true;
  stamp.frame = frame.frame;
  stamp.picture = frame.frame;
  stamp.packet = 0;
  stamp.packets = 1;
  stamp.references = {};
  stamp.timestamp = frame.timestamp;
  stamp.captured = frame.captured;

  // What is too old for the fourteen bits of its age, as it is in DTX, is left out, and what is
  // older with it.
  std::size_t oldest = sent_.size();
  while (red && oldest > 0) {
    const Sent& before = sent_[oldest - 1];
    if (frame.timestamp - before.timestamp > red_age_limit ||
        before.payload.size() > red_block_limit)
      break;
    --oldest;
  }
  const auto redundant = red ? std::span(sent_).subspan(oldest) : std::span<Sent>();
  std::size_t head = red ? 1 : 0;
  for (const Sent& before : redundant) head += 4 + before.payload.size();

  const MutableBytes payload = out.add(head + frame.size, frame.marker);
  Writer writer(payload.first(head));
  for (const Sent& before : redundant) {
    writer.u8(0x80 | opus_);
    writer.u24((frame.timestamp - before.timestamp) << 10 |
               static_cast<std::uint32_t>(before.payload.size()));
  }
  if (red) writer.u8(opus_);
  for (const Sent& before : redundant) writer.bytes(before.payload);
  ENSURE(writer.ok() && writer.remaining() == 0);
  const MutableBytes primary = payload.subspan(head);
  write_stamp(stamp, primary);

  if (redundancy_ == 0) return;
  if (sent_.size() < redundancy_) {
    sent_.emplace_back();
  } else {
    std::rotate(sent_.begin(), sent_.begin() + 1, sent_.end());
  }
  sent_.back().timestamp = frame.timestamp;
  sent_.back().payload.assign(primary.begin(), primary.end());
}

std::optional<RedReading> read_red(Bytes payload, std::uint8_t opus) {
  const auto red = read_red_blocks(payload);
  const auto reading = read_payload(CodecName::red, payload);
  if (!reading) return std::nullopt;
  for (std::size_t i = 0; i < red->count; ++i) {
    if (red->blocks[i].payload_type != opus) return std::nullopt;
  }
  return RedReading{reading->stamp, reading->redundant, reading->redundant_count};
}

}  // namespace liaison::sim
