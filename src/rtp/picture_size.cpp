#include "rtp/picture_size.hpp"

#include <algorithm>
#include <array>

#include "rtp/bit_reader.hpp"
#include "rtp/key_frame.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"

namespace liaison::rtp {
namespace {

// No encoder of today goes beyond it; of what is larger it is likelier that it was misread.
constexpr std::uint32_t longest_side = 16'384;

std::optional<PictureSize> plausible(bool read, PictureSize size) {
  const auto good = [](std::uint32_t side) { return side > 0 && side <= longest_side; };
  if (!read || !good(size.width) || !good(size.height)) return std::nullopt;
  return size;
}

// RFC 6386 section 9.1: the frame tag, a start code, then two sides of 14 bits with two bits of
// scaling above each, little-endian.
std::optional<PictureSize> read_vp8(Bytes payload) {
  const auto descriptor = parse_vp8(payload);
  if (!descriptor || !descriptor->starts_frame || !descriptor->key_frame) return std::nullopt;
  Reader reader(payload.subspan(descriptor->size));
  reader.skip(3);
  if (reader.u24() != 0x9d012a) return std::nullopt;
  const auto side = [&] {
    const std::uint32_t low = reader.u8();
    return low | (reader.u8() & 0x3fU) << 8;
  };
  const std::uint32_t width = side();
  const std::uint32_t height = side();
  return plausible(reader.ok(), {width, height});
}

// The uncompressed header of VP9, section 6.2, of profile 0 (the only one that we let pass).
std::optional<PictureSize> read_vp9(Bytes payload) {
  const auto descriptor = parse_vp9(payload);
  if (!descriptor || !descriptor->starts_frame || descriptor->inter_predicted) return std::nullopt;
  BitReader reader(payload.subspan(descriptor->size));
  const bool marker = reader.bits(2) == 2;
  const bool profile_0 = reader.bits(2) == 0;
  const bool shows_existing = reader.flag();
  const bool inter = reader.flag();
  reader.skip(2);  // show_frame, error_resilient_mode
  if (!marker || !profile_0 || shows_existing || inter) return std::nullopt;
  if (reader.bits(24) != 0x498342) return std::nullopt;
  constexpr std::uint32_t srgb = 7;
  if (reader.bits(3) == srgb) return std::nullopt;  // not in profile 0
  reader.skip(1);                                   // color_range
  const std::uint32_t width = reader.bits(16) + 1;
  const std::uint32_t height = reader.bits(16) + 1;
  return plausible(reader.ok(), {width, height});
}

// AV1 section 5.5.1.
std::optional<PictureSize> read_sequence_header(Bytes obu) {
  BitReader reader(obu);
  reader.skip(4);  // seq_profile, still_picture
  const bool reduced = reader.flag();
  if (reduced) {
    reader.skip(5);  // seq_level_idx
  } else {
    bool decoder_model = false;
    std::size_t delay_bits = 0;
    if (reader.flag()) {                             // timing_info_present_flag
      reader.skip(64);                               // num_units_in_display_tick, time_scale
      if (reader.flag()) (void)reader.exp_golomb();  // num_ticks_per_picture
      decoder_model = reader.flag();
      if (decoder_model) {
        delay_bits = reader.bits(5) + 1;
        reader.skip(32 + 5 + 5);
      }
    }
    const bool display_delay = reader.flag();
    const std::uint32_t points = reader.bits(5) + 1;
    for (std::uint32_t i = 0; i < points && reader.ok(); ++i) {
      reader.skip(12);                         // operating_point_idc
      if (reader.bits(5) > 7) reader.skip(1);  // seq_tier
      if (decoder_model && reader.flag()) reader.skip(2 * delay_bits + 1);
      if (display_delay && reader.flag()) reader.skip(4);
    }
  }
  const std::size_t width_bits = reader.bits(4) + 1;
  const std::size_t height_bits = reader.bits(4) + 1;
  const std::uint32_t width = reader.bits(width_bits) + 1;
  const std::uint32_t height = reader.bits(height_bits) + 1;
  return plausible(reader.ok(), {width, height});
}

// LEB128 (AV1 section 4.10.5).
std::size_t leb128(Reader& reader) {
  std::size_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    const std::uint8_t byte = reader.u8();
    value |= static_cast<std::size_t>(byte & 0x7f) << 7 * i;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

// The OBUs of one packet ("RTP Payload Format For AV1", section 4).
std::optional<PictureSize> read_av1(Bytes payload) {
  Reader reader(payload);
  const std::uint8_t first = reader.u8();  // Z|Y|W(2)|N|RSV(3)
  if ((first & 0x88) != 0x08) return std::nullopt;
  const unsigned count = first >> 4 & 3U;
  for (unsigned i = 1; reader.ok() && reader.remaining() > 0; ++i) {
    const bool last = i == count;  // it has no length
    Reader element(reader.take(last ? reader.remaining() : leb128(reader)));
    const std::uint8_t header = element.u8();  // F|type(4)|X|S|R
    if ((header & 0x04) != 0) element.skip(1);
    if ((header & 0x02) != 0) (void)leb128(element);
    if (!element.ok()) return std::nullopt;
    constexpr unsigned sequence_header = 1;
    if ((header >> 3 & 15U) == sequence_header) return read_sequence_header(element.rest());
  }
  return std::nullopt;
}

void skip_scaling_list(BitReader& reader, unsigned size) {
  std::int32_t last = 8;
  std::int32_t next = 8;
  for (unsigned i = 0; i < size && reader.ok(); ++i) {
    if (next != 0) next = (last + reader.signed_exp_golomb() % 256 + 256) % 256;
    if (next != 0) last = next;
  }
}

// H.264 section 7.3.2.1.1. `unit` is behind the header.
std::optional<PictureSize> read_parameter_set(Bytes unit) {
  // Section 7.4.1: after two zeros a 3 stands only to keep start codes apart. What we read is near
  // the beginning.
  std::array<std::uint8_t, 128> plain{};
  std::size_t size = 0;
  unsigned zeros = 0;
  for (const std::uint8_t byte : unit.first(std::min(unit.size(), plain.size()))) {
    const bool stuffed = zeros >= 2 && byte == 3;
    zeros = byte == 0 ? zeros + 1 : 0;
    if (!stuffed) plain[size++] = byte;
  }
  BitReader reader(Bytes(plain).first(size));
  const std::uint32_t profile = reader.bits(8);
  reader.skip(16);
  (void)reader.exp_golomb();
  constexpr std::array<std::uint32_t, 13> with_chroma = {100, 110, 122, 244, 44,  83, 86,
                                                         118, 128, 138, 139, 134, 135};
  std::uint32_t chroma = 1;
  if (std::ranges::find(with_chroma, profile) != with_chroma.end()) {
    chroma = reader.exp_golomb();
    if (chroma == 3) reader.skip(1);
    (void)reader.exp_golomb();
    (void)reader.exp_golomb();
    reader.skip(1);
    const bool scaling = reader.flag();
    for (unsigned i = 0; scaling && i < (chroma == 3 ? 12U : 8U); ++i) {
      if (reader.flag()) skip_scaling_list(reader, i < 6 ? 16 : 64);
    }
  }
  (void)reader.exp_golomb();  // log2_max_frame_num_minus4
  const std::uint32_t order = reader.exp_golomb();
  if (order == 0) (void)reader.exp_golomb();
  if (order == 1) {
    reader.skip(1);
    (void)reader.exp_golomb();
    (void)reader.exp_golomb();
    const std::uint32_t cycle = reader.exp_golomb();
    for (std::uint32_t i = 0; i < cycle && reader.ok(); ++i) (void)reader.exp_golomb();
  }
  (void)reader.exp_golomb();  // max_num_ref_frames
  reader.skip(1);
  // Of 16 pixels; more than longest_side says is not added up.
  const std::uint32_t columns = std::min(reader.exp_golomb(), longest_side) + 1;
  const std::uint32_t rows = std::min(reader.exp_golomb(), longest_side) + 1;
  const std::uint32_t fields = reader.flag() ? 1 : 2;
  if (fields == 2) reader.skip(1);
  reader.skip(1);
  PictureSize picture{16 * columns, 16 * rows * fields};
  if (reader.flag()) {  // section 7.4.2.1.1: what is cut off, in units of the chroma
    const std::uint32_t x = chroma == 1 || chroma == 2 ? 2 : 1;
    const std::uint32_t y = (chroma == 1 ? 2 : 1) * fields;
    const auto cut = [&](std::uint32_t& side, std::uint32_t unit_size) {
      const std::uint64_t off =
          (std::uint64_t{reader.exp_golomb()} + reader.exp_golomb()) * unit_size;
      side = off < side ? side - static_cast<std::uint32_t>(off) : 0;
    };
    cut(picture.width, x);
    cut(picture.height, y);
  }
  return plausible(reader.ok(), picture);
}

// RFC 6184: alone, or in a STAP-A.
std::optional<PictureSize> read_h264(Bytes payload) {
  constexpr unsigned parameter_set = 7;
  constexpr unsigned stap_a = 24;
  Reader reader(payload);
  const unsigned type = reader.u8() & 0x1fU;
  if (type == parameter_set) return read_parameter_set(reader.rest());
  if (type != stap_a) return std::nullopt;
  while (reader.ok() && reader.remaining() > 0) {
    Reader unit(reader.take(reader.u16()));
    if ((unit.u8() & 0x1fU) == parameter_set && unit.ok()) return read_parameter_set(unit.rest());
  }
  return std::nullopt;
}

}  // namespace

std::optional<PictureSize> picture_size(CodecName codec, Bytes payload) {
  // What looks like a header elsewhere, as in the middle of a fragment, is none.
  if (!starts_key_frame(codec, payload)) return std::nullopt;
  switch (codec) {
    case CodecName::vp8:
      return read_vp8(payload);
    case CodecName::vp9:
      return read_vp9(payload);
    case CodecName::av1:
      return read_av1(payload);
    case CodecName::h264:
      return read_h264(payload);
    case CodecName::opus:
    case CodecName::red:
      break;
  }
  return std::nullopt;
}

}  // namespace liaison::rtp
