#include "sim/packetizer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "rtp/av1.hpp"
#include "rtp/dependency_descriptor.hpp"
#include "rtp/frame_info.hpp"
#include "rtp/key_frame.hpp"
#include "rtp/red.hpp"
#include "rtp/vp8.hpp"
#include "rtp/vp9.hpp"
#include "sim/frame_describer.hpp"

namespace liaison::sim {
namespace {

using Buffer = std::vector<std::uint8_t>;
using rtp::CodecName;

const Instant start = Instant{} + seconds(100);
const Stamp base{.room = 7, .person = 8, .source = Source::camera, .number = 70'000};

// A source, and what it packs: everything that a codec and a layering can write.
struct Kind {
  VideoOptions options;
  bool flexible = true;
  std::string name;
};

class Packets : public testing::TestWithParam<Kind> {
 protected:
  const CodecName codec_ = GetParam().options.codec;
  const PacketizerOptions packing_{.codec = codec_, .flexible = GetParam().flexible};

  // Calls visit(frame, payloads) for each frame of a few seconds, with key frames between.
  template <typename Visit>
  void each_frame(Visit visit) {
    VideoSource source(GetParam().options, Random(1), start);
    Payloads payloads;
    std::vector<EncodedFrame> frames;
    for (int i = 0; i < 150; ++i) {
      frames.clear();
      if (i % 40 == 39) source.request_key_frame(0);
      source.capture(source.deadline(), frames);
      for (const EncodedFrame& frame : frames) {
        payloads.clear();
        packetize(frame, packing_, base, payloads);
        visit(frame, payloads);
      }
    }
  }
};

TEST_P(Packets, SayWhatTheFrameIs) {
  std::size_t several = 0;
  each_frame([&](const EncodedFrame& frame, const Payloads& payloads) {
    ASSERT_GT(payloads.size(), 0U);
    several += payloads.size() > 2;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      ASSERT_LE(payloads[i].size(), packing_.max_payload);
      bytes += payloads[i].size();
      EXPECT_EQ(payloads.marker(i), frame.ends_picture && i + 1 == payloads.size());
      const auto reading = read_payload(codec_, payloads[i]);
      ASSERT_TRUE(reading);
      EXPECT_EQ(reading->starts_frame, i == 0);
      EXPECT_EQ(reading->ends_frame, i + 1 == payloads.size());
      EXPECT_EQ(reading->key, i == 0 && frame.key && frame.spatial == 0);
      const bool layered = frame.temporal_layers > 1 || frame.spatial_layers > 1;
      if (codec_ == CodecName::vp8 || codec_ == CodecName::vp9) {
        EXPECT_EQ(reading->picture_id, frame.picture & 0x7fff);
        if (layered) {
          EXPECT_EQ(reading->temporal, frame.temporal);
        }
      }
      if (layered && (codec_ == CodecName::vp8 || !packing_.flexible)) {
        EXPECT_EQ(reading->tl0, frame.tl0_picture);
      }
      if (frame.spatial_layers > 1) {
        EXPECT_EQ(reading->spatial, frame.spatial);
      }
      const Stamp expected{.room = base.room,
                           .person = base.person,
                           .source = base.source,
                           .encoding = frame.encoding,
                           .spatial = frame.spatial,
                           .temporal = frame.temporal,
                           .key = frame.key,
                           .frame = frame.frame,
                           .picture = frame.picture,
                           .packet = static_cast<std::uint16_t>(i),
                           .packets = static_cast<std::uint16_t>(payloads.size()),
                           .references = frame.references,
                           .timestamp = frame.timestamp,
                           .number = base.number + i,
                           .captured = frame.captured};
      EXPECT_EQ(reading->stamp, expected);
    }
    EXPECT_GE(bytes, frame.bytes);
    EXPECT_LE(bytes, frame.bytes + payloads.size() * 32 + 128);
  });
  EXPECT_GT(several, 0U);
}

TEST_P(Packets, AreWhatTheServerReads) {
  each_frame([&](const EncodedFrame& frame, const Payloads& payloads) {
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      const Bytes payload = payloads[i];
      const bool first = i == 0;
      const bool last = i + 1 == payloads.size();
      const bool starts_key = first && frame.key && frame.spatial == 0;
      EXPECT_EQ(rtp::starts_key_frame(codec_, payload), starts_key);
      if (codec_ == CodecName::vp8) {
        const auto descriptor = rtp::parse_vp8(payload);
        ASSERT_TRUE(descriptor);
        EXPECT_EQ(descriptor->starts_frame, first);
        EXPECT_EQ(descriptor->key_frame, starts_key);
        EXPECT_EQ((payload[0] & 0x20) != 0, frame.discardable);
        EXPECT_TRUE(descriptor->long_picture_id);
        EXPECT_EQ(descriptor->picture_id, frame.picture & 0x7fff);
        EXPECT_EQ(descriptor->temporal_id, frame.temporal);
        EXPECT_EQ(descriptor->layer_sync, frame.layer_sync);
        EXPECT_EQ(descriptor->tl0_index_offset != 0, frame.temporal_layers > 1);
        if (frame.temporal_layers > 1) {
          EXPECT_EQ(descriptor->tl0_index, frame.tl0_picture);
          EXPECT_EQ(descriptor->key_index, frame.key_picture & 0x1f);
        }
      } else if (codec_ == CodecName::vp9) {
        const auto descriptor = rtp::parse_vp9(payload);
        ASSERT_TRUE(descriptor);
        EXPECT_EQ(descriptor->starts_frame, first);
        EXPECT_EQ(descriptor->ends_frame, last);
        EXPECT_EQ(descriptor->key_frame(), starts_key);
        EXPECT_EQ(descriptor->inter_predicted, !frame.key);
        EXPECT_EQ(descriptor->inter_layer, frame.key && frame.spatial > 0);
        EXPECT_EQ(descriptor->picture_id, frame.picture & 0x7fff);
        EXPECT_EQ(descriptor->temporal_id, frame.temporal);
        EXPECT_EQ(descriptor->spatial_id, frame.spatial);
        EXPECT_TRUE(read_stamp(payload.subspan(descriptor->size)));
      } else if (codec_ == CodecName::av1) {
        const auto header = rtp::parse_av1(payload);
        ASSERT_TRUE(header);
        EXPECT_EQ(header->continues, !first);
        EXPECT_EQ(header->continued, !last);
        EXPECT_EQ(header->obu_count, starts_key ? 2 : 1);
        EXPECT_EQ(header->starts_sequence, starts_key);
      }
    }
  });
}

// With a dependency descriptor and without, the server learns the same of a frame, and what it
// needs from the descriptor.
TEST_P(Packets, AreDescribedAsTheyAre) {
  if (codec_ == CodecName::h264) return;
  std::vector<FrameDescriber> describers;
  describers.reserve(encoding_limit);
  for (std::uint16_t i = 0; i < encoding_limit; ++i) {
    // So that ids and numbers go round.
    describers.emplace_back(GetParam().options,
                            FrameDescriber::Beginning{62, static_cast<std::uint16_t>(65'500 + i)});
  }
  std::array<std::optional<rtp::DependencyStructure>, encoding_limit> structures;
  each_frame([&](const EncodedFrame& frame, const Payloads& payloads) {
    auto& structure = structures[frame.encoding];
    FrameDescriber& describer = describers[frame.encoding];
    describer.next(frame);
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      const bool first = i == 0;
      const bool last = i + 1 == payloads.size();
      const Bytes value = describer.value(first, last);
      const auto read = rtp::parse_dependency_descriptor(value, structure ? &*structure : nullptr);
      ASSERT_TRUE(read);
      const bool begins = first && frame.key && frame.spatial == 0;
      ASSERT_EQ(read->structure != nullptr, begins);
      if (begins) {
        structure = *read->structure;
        EXPECT_EQ(structure->resolutions[structure->resolution_count - 1U].width, frame.width);
      }
      EXPECT_EQ(read->frame_number,
                static_cast<std::uint16_t>(65'500 + frame.encoding + frame.frame));
      std::vector<std::uint16_t> needed;
      std::ranges::copy_if(frame.references, std::back_inserter(needed),
                           [](std::uint16_t back) { return back != 0; });
      EXPECT_TRUE(std::ranges::equal(read->frame.references(), needed));
      // Every frame is as a template of it says; what is of its own would take more than three
      // bytes.
      if (!begins) {
        EXPECT_EQ(value.size(), 3U);
      }

      const auto info = rtp::frame_info(codec_, {}, payloads.marker(i), &*read);
      const auto plain = rtp::frame_info(codec_, payloads[i], payloads.marker(i), nullptr);
      ASSERT_TRUE(info && plain);
      EXPECT_EQ(info->starts_frame, first);
      EXPECT_EQ(info->ends_frame, last);
      EXPECT_EQ(info->ends_picture, plain->ends_picture);
      EXPECT_EQ(info->key_frame, begins);
      EXPECT_EQ(info->key_picture, frame.key);
      EXPECT_EQ(info->spatial_id, frame.spatial);
      EXPECT_EQ(info->temporal_id, frame.temporal);
      EXPECT_TRUE(info->switch_up);
      EXPECT_EQ(plain->starts_frame, first);
      EXPECT_EQ(plain->key_frame, begins);
      EXPECT_EQ(plain->ends_frame, last);
      if (codec_ == CodecName::av1) continue;
      EXPECT_EQ(plain->spatial_id, frame.spatial);
      EXPECT_EQ(plain->temporal_id, frame.temporal);
    }
  });
}

// Who follows the chain of a decode target misses nothing of what its frames need.
TEST_P(Packets, AreOnTheChainsOfTheirLayers) {
  if (codec_ == CodecName::h264 || GetParam().options.layering == Layering::simulcast) return;
  FrameDescriber describer(GetParam().options, {});
  rtp::DependencyStructure structure;
  std::vector<rtp::FrameDependencies> frames;  // by number
  each_frame([&](const EncodedFrame& frame, const Payloads&) {
    describer.next(frame);
    auto read = rtp::parse_dependency_descriptor(describer.value(true, true), &structure);
    ASSERT_TRUE(read);
    if (read->structure) structure = *read->structure;
    ASSERT_EQ(read->frame_number, frames.size());
    frames.push_back(read->frame);
    for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
      if (read->frame.dtis[target] == rtp::DecodeTargetIndication::not_present) continue;
      const std::size_t chain = structure.protected_by[target];
      // From this frame down its chain to where that begins, or a picture ago.
      std::vector<std::size_t> of_chain;
      for (std::size_t at = frames.size() - 1; frames[at].chain_fdiffs[chain] != 0;) {
        at -= frames[at].chain_fdiffs[chain];
        of_chain.push_back(at);
      }
      for (const std::uint16_t back : read->frame.references()) {
        const std::size_t needed = frames.size() - 1 - back;
        const rtp::FrameDependencies& reference = frames[needed];
        EXPECT_NE(reference.dtis[target], rtp::DecodeTargetIndication::not_present);
        EXPECT_NE(reference.dtis[target], rtp::DecodeTargetIndication::discardable);
        if (reference.temporal_id == 0) {
          EXPECT_TRUE(std::ranges::find(of_chain, needed) != of_chain.end());
        }
      }
    }
  });
}

TEST_P(Packets, OfAnyFrameThatIsDamagedOrCutSayNothing) {
  Random random(2);
  each_frame([&](const EncodedFrame& frame, const Payloads& payloads) {
    if (frame.picture % 10 != 0 && !frame.key) return;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
      const auto whole = read_payload(codec_, payloads[i]);
      ASSERT_TRUE(whole);
      Buffer buffer(payloads[i].begin(), payloads[i].end());
      for (int n = 0; n < 20; ++n) {
        // A stamp is there and is whole, or there is no reading; of the descriptor, what nobody
        // compares may be another.
        const std::size_t at = random.below(buffer.size());
        const auto flipped = static_cast<std::uint8_t>(1U << random.below(8));
        buffer[at] ^= flipped;
        const auto reading = read_payload(codec_, buffer);
        if (reading) {
          EXPECT_EQ(reading->stamp, whole->stamp);
          EXPECT_LT(at, 64U);
        }
        buffer[at] ^= flipped;
        EXPECT_FALSE(read_payload(codec_, Bytes(buffer).first(random.below(buffer.size()))));
      }
    }
  });
}

constexpr auto vp8 = CodecName::vp8;
constexpr auto vp9 = CodecName::vp9;
constexpr auto av1 = CodecName::av1;
constexpr auto h264 = CodecName::h264;
VideoOptions kind(CodecName codec, Layering layering, std::uint8_t temporal_layers,
                  std::uint8_t spatial_layers = 3) {
  return {.codec = codec,
          .layering = layering,
          .temporal_layers = temporal_layers,
          .spatial_layers = spatial_layers};
}
INSTANTIATE_TEST_SUITE_P(
    All, Packets,
    testing::Values(Kind{kind(vp8, Layering::single, 1), true, "Vp8"},
                    Kind{kind(vp8, Layering::single, 2), true, "Vp8L1T2"},
                    Kind{kind(vp8, Layering::simulcast, 3), true, "Vp8SimulcastT3"},
                    Kind{kind(vp9, Layering::single, 1), true, "Vp9"},
                    Kind{kind(vp9, Layering::single, 1), false, "Vp9NotFlexible"},
                    Kind{kind(vp9, Layering::simulcast, 2), false, "Vp9NotFlexibleSimulcastT2"},
                    Kind{kind(vp9, Layering::single, 3), false, "Vp9NotFlexibleL1T3"},
                    Kind{kind(vp9, Layering::key_svc, 1), true, "Vp9L3T1Key"},
                    Kind{kind(vp9, Layering::key_svc, 2, 2), true, "Vp9L2T2Key"},
                    Kind{kind(vp9, Layering::key_svc, 3), true, "Vp9L3T3Key"},
                    Kind{kind(av1, Layering::single, 1), true, "Av1"},
                    Kind{kind(av1, Layering::single, 2), true, "Av1L1T2"},
                    Kind{kind(av1, Layering::single, 3), true, "Av1L1T3"},
                    Kind{kind(av1, Layering::simulcast, 3), true, "Av1SimulcastT3"},
                    Kind{kind(h264, Layering::single, 1), true, "H264"},
                    Kind{kind(h264, Layering::simulcast, 3), true, "H264SimulcastT3"}),
    [](const auto& parameter) { return parameter.param.name; });

EncodedFrame frame_of(std::size_t bytes, bool key) {
  EncodedFrame frame;
  frame.bytes = bytes;
  frame.key = key;
  frame.references[0] = key ? 0 : 1;
  frame.pictures_back = key ? 0 : 1;
  frame.width = 1280;
  frame.height = 720;
  return frame;
}

TEST(Packetizer, WritesWhatItAlwaysWrote) {
  const auto head = [](CodecName codec, const EncodedFrame& frame, std::size_t packet,
                       std::size_t size, bool flexible = true) {
    Payloads payloads;
    packetize(frame, {.codec = codec, .flexible = flexible}, base, payloads);
    const Bytes begin = payloads[packet].first(size);
    return Buffer(begin.begin(), begin.end());
  };
  EncodedFrame key = frame_of(2000, true);
  key.picture = 0x8123;
  key.temporal_layers = 3;
  key.tl0_picture = 0x45;
  key.key_picture = 0x26;
  EncodedFrame delta = frame_of(2000, false);
  delta.picture = 0x8124;
  delta.temporal_layers = 3;
  delta.temporal = 2;
  delta.layer_sync = delta.discardable = true;
  delta.tl0_picture = 0x45;
  delta.key_picture = 0x26;
  // X S | I L T K | picture id | TL0PICIDX | TID Y KEYIDX | tag of a partition of 500 | start code
  // | width | height.
  EXPECT_EQ(head(vp8, key, 0, 16), (Buffer{0x90, 0xf0, 0x81, 0x23, 0x45, 0x06, 0x90, 0x3e, 0x00,
                                           0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}));
  EXPECT_EQ(head(vp8, delta, 0, 7), (Buffer{0xb0, 0xf0, 0x81, 0x24, 0x45, 0xa6, 0x91}));
  EXPECT_EQ(head(vp8, delta, 1, 2), (Buffer{0xa0, 0xf0}));
  // I L B V Z | picture id | TID | TL0PICIDX | N_S Y G | size | N_G, and four pictures.
  EXPECT_EQ(head(vp9, key, 0, 19, false),
            (Buffer{0xab, 0x81, 0x23, 0x00, 0x45, 0x18, 0x05, 0x00, 0x02, 0xd0, 0x04, 0x04, 4, 0x54,
                    1, 0x34, 2, 0x54, 1}));
  // I P L F E Z | picture id | TID U | P_DIFF.
  EXPECT_EQ(head(vp9, delta, 1, 5), (Buffer{0xf5, 0x81, 0x24, 0x50, 0x02}));
  // In a key picture of three spatial layers all but the last are needed by another: I L F B V |
  // picture id | SID D | N_S Y, and I L F B Z.
  EncodedFrame lowest = key;
  lowest.spatial_layers = 3;
  lowest.ends_picture = false;
  EncodedFrame highest = lowest;
  highest.spatial = 2;
  highest.ends_picture = true;
  highest.references[1] = 1;
  EXPECT_EQ(head(vp9, lowest, 0, 9),
            (Buffer{0xba, 0x81, 0x23, 0x00, 0x50, 0x01, 0x40, 0x00, 0xb4}));
  EXPECT_EQ(head(vp9, highest, 0, 4), (Buffer{0xb9, 0x81, 0x23, 0x05}));
  // Y W=2 N | sequence header with its size | frame OBU, temporal layer 0.
  EXPECT_EQ(head(av1, key, 0, 4), (Buffer{0x68, 12, 0x0c, 0x00}));
  EXPECT_EQ(head(av1, key, 1, 1), (Buffer{0x90}));
  EXPECT_EQ(head(av1, delta, 0, 4), (Buffer{0x50, 0x34, 0x40, 0x30}));
  // STAP-A, then an IDR picture in fragments.
  EXPECT_EQ(head(h264, key, 0, 4), (Buffer{0x78, 0, 10, 0x67}));
  EXPECT_EQ(head(h264, key, 1, 3), (Buffer{0x7c, 0x85, 0x88}));
  EXPECT_EQ(head(h264, key, 2, 2), (Buffer{0x7c, 0x45}));
  EXPECT_EQ(head(h264, delta, 0, 3), (Buffer{0x1c, 0x81, 0x9a}));
  EXPECT_EQ(head(h264, frame_of(500, false), 0, 2), (Buffer{0x41, 0x9a}));
}

// The templates of a structure, as the specification draws them.
std::vector<std::string> templates(const VideoOptions& options) {
  VideoSource source(options, Random(1), start);
  std::vector<EncodedFrame> frames;
  source.capture(source.deadline(), frames);
  FrameDescriber describer(options, {});
  describer.next(frames.front());
  const auto read = rtp::parse_dependency_descriptor(describer.value(true, true), nullptr);
  if (!read || !read->structure) return {};
  const rtp::DependencyStructure& structure = *read->structure;
  std::vector<std::string> drawn;
  for (std::size_t i = 0; i < structure.template_count; ++i) {
    const rtp::FrameDependencies& one = structure.templates[i];
    std::string text = fmt::format("S{}T{} ", one.spatial_id, one.temporal_id);
    for (std::size_t target = 0; target < structure.decode_target_count; ++target)
      text += "-DSR"[static_cast<std::size_t>(one.dtis[target])];
    text += " [";
    for (const std::uint16_t back : one.references()) text += fmt::format("{}", back);
    text += "]";
    for (std::size_t chain = 0; chain < structure.chain_count; ++chain)
      text += fmt::format(" {}", one.chain_fdiffs[chain]);
    drawn.push_back(text);
  }
  return drawn;
}

// As libwebrtc has them for these modes.
TEST(FrameDescriber, HasTheTemplatesOfBrowsers) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(templates(kind(vp8, Layering::single, 1)), (Lines{"S0T0 S [] 0", "S0T0 S [1] 1"}));
  EXPECT_EQ(templates(kind(av1, Layering::simulcast, 2)),
            (Lines{"S0T0 SS [] 0", "S0T0 SS [2] 2", "S0T1 -D [1] 1"}));
  EXPECT_EQ(templates(kind(av1, Layering::single, 3)),
            (Lines{"S0T0 SSS [] 0", "S0T0 SSS [4] 4", "S0T1 -DS [2] 2", "S0T2 --D [1] 1",
                   "S0T2 --D [1] 3"}));
  EXPECT_EQ(templates(kind(vp9, Layering::key_svc, 2, 2)),
            (Lines{"S0T0 SSSS [] 0 0", "S0T0 SS-- [4] 4 3", "S0T1 -D-- [2] 2 1",
                   "S1T0 --SS [1] 1 1", "S1T0 --SS [4] 1 4", "S1T1 ---D [2] 3 2"}));
  EXPECT_EQ(
      templates(kind(vp9, Layering::key_svc, 3)),
      (Lines{"S0T0 SSSSSSSSS [] 0 0 0", "S0T0 SSS------ [12] 12 11 10", "S0T1 -DS------ [6] 6 5 4",
             "S0T2 --D------ [3] 3 2 1", "S0T2 --D------ [3] 9 8 7", "S1T0 ---SSSSSS [1] 1 1 1",
             "S1T0 ---SSS--- [12] 1 12 11", "S1T1 ----DS--- [6] 7 6 5", "S1T2 -----D--- [3] 4 3 2",
             "S1T2 -----D--- [3] 10 9 8", "S2T0 ------SSS [1] 2 1 1", "S2T0 ------SSS [12] 2 1 12",
             "S2T1 -------DS [6] 8 7 6", "S2T2 --------D [3] 5 4 3",
             "S2T2 --------D [3] 11 10 9"}));
}

TEST(Packetizer, AnySizeOfAFrameFits) {
  Payloads payloads;
  for (const CodecName codec : {vp8, vp9, av1, h264}) {
    for (const bool key : {false, true}) {
      for (std::size_t bytes = stamp_size; bytes < 5000; bytes += bytes < 3500 ? 1 : 97) {
        payloads.clear();
        packetize(frame_of(bytes, key), {.codec = codec, .max_payload = 1000}, base, payloads);
        for (std::size_t i = 0; i < payloads.size(); ++i) {
          ASSERT_LE(payloads[i].size(), 1000U);
          ASSERT_TRUE(read_payload(codec, payloads[i])) << bytes;
        }
      }
    }
  }
}

TEST(Packetizer, StampsSurviveOtherPictureIds) {
  EncodedFrame frame = frame_of(500, true);
  frame.temporal_layers = 3;
  Payloads payloads;
  packetize(frame, {}, base, payloads);
  Buffer payload(payloads[0].begin(), payloads[0].end());
  const auto descriptor = rtp::parse_vp8(payload);
  ASSERT_TRUE(descriptor);
  rtp::rewrite_vp8(payload, *descriptor, 0x7abc, 0xde);
  const auto reading = read_payload(vp8, payload);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->picture_id, 0x7abc);
  EXPECT_EQ(reading->tl0, 0xde);
  EXPECT_EQ(reading->stamp.number, base.number);
}

TEST(Packetizer, ADescriptorThatContradictsItsStampIsSeen) {
  const auto altered = [](CodecName codec, const EncodedFrame& frame, std::size_t at,
                          std::uint8_t flipped) {
    Payloads payloads;
    packetize(frame, {.codec = codec}, base, payloads);
    Buffer payload(payloads[0].begin(), payloads[0].end());
    EXPECT_TRUE(read_payload(codec, payload));
    payload[at] ^= flipped;
    return read_payload(codec, payload).has_value();
  };
  EncodedFrame layered = frame_of(500, false);
  layered.temporal_layers = 3;
  EXPECT_FALSE(altered(vp8, layered, 0, 0x10)) << "S";
  EXPECT_FALSE(altered(vp8, layered, 5, 0x40)) << "TID";
  EXPECT_FALSE(altered(vp8, layered, 6, 0x01)) << "P";
  EXPECT_FALSE(altered(vp9, layered, 0, 0x08)) << "B";
  EXPECT_FALSE(altered(vp9, layered, 0, 0x04)) << "E";
  EXPECT_FALSE(altered(vp9, layered, 3, 0x20)) << "TID";
  EXPECT_FALSE(altered(vp9, layered, 3, 0x02)) << "SID";
  EXPECT_FALSE(altered(vp9, layered, 3, 0x01)) << "D";
  EXPECT_FALSE(altered(av1, layered, 0, 0x80)) << "Z";
  EXPECT_FALSE(altered(av1, layered, 0, 0x40)) << "Y";
  EXPECT_FALSE(altered(av1, layered, 0, 0x08)) << "N";
  EXPECT_FALSE(altered(av1, frame_of(500, true), 2, 0x20)) << "no sequence header";
  EXPECT_FALSE(altered(h264, frame_of(2000, false), 1, 0x80)) << "S";
  EXPECT_FALSE(altered(h264, frame_of(2000, false), 1, 0x04)) << "type";
}

TEST(Payloads, KeepWhatWasAddedBeforeAndForgetItWhenCleared) {
  Payloads payloads;
  for (int round = 0; round < 2; ++round) {
    for (std::uint8_t i = 0; i < 50; ++i) {
      const MutableBytes added = payloads.add(i, i % 2 == 0);
      ASSERT_EQ(added.size(), i);
      std::ranges::fill(added, i);
    }
    ASSERT_EQ(payloads.size(), 50U);
    for (std::uint8_t i = 0; i < 50; ++i) {
      EXPECT_EQ(payloads[i].size(), i);
      EXPECT_EQ(payloads.marker(i), i % 2 == 0);
      for (const std::uint8_t byte : payloads[i]) EXPECT_EQ(byte, i);
    }
    payloads.clear();
    EXPECT_EQ(payloads.size(), 0U);
  }
}

// Audio.

constexpr std::uint8_t opus = 111;

std::vector<AudioFrame> talk(std::size_t count) {
  AudioSource source({}, Random(3), start);
  source.force(true);
  std::vector<AudioFrame> frames;
  while (frames.size() < count) frames.push_back(*source.next(source.deadline()));
  return frames;
}

TEST(AudioPacketizer, APlainPayloadIsItsStamp) {
  AudioPacketizer packetizer(opus, 0);
  Payloads payloads;
  for (const AudioFrame& frame : talk(10)) {
    payloads.clear();
    Stamp stamp = base;
    stamp.source = Source::microphone;
    packetizer.packetize(frame, false, stamp, payloads);
    ASSERT_EQ(payloads.size(), 1U);
    EXPECT_EQ(payloads[0].size(), frame.size);
    EXPECT_EQ(payloads.marker(0), frame.marker);
    const auto reading = read_payload(CodecName::opus, payloads[0]);
    ASSERT_TRUE(reading);
    EXPECT_TRUE(reading->starts_frame && reading->ends_frame && reading->key);
    EXPECT_EQ(reading->stamp.room, base.room);
    EXPECT_EQ(reading->stamp.source, Source::microphone);
    EXPECT_EQ(reading->stamp.frame, frame.frame);
    EXPECT_EQ(reading->stamp.timestamp, frame.timestamp);
    EXPECT_EQ(reading->stamp.number, base.number);
    EXPECT_EQ(reading->stamp.captured, frame.captured);
  }
}

TEST(AudioPacketizer, RedCarriesTheFramesBefore) {
  for (const std::size_t redundancy : {0U, 1U, 2U}) {
    AudioPacketizer packetizer(opus, redundancy);
    Stamp stamp = base;
    for (const AudioFrame& frame : talk(10)) {
      Payloads payloads;
      packetizer.packetize(frame, true, stamp, payloads);
      const auto red = read_red(payloads[0], opus);
      ASSERT_TRUE(red);
      EXPECT_EQ(red->primary.number, stamp.number);
      ASSERT_EQ(red->redundant_count, std::min<std::size_t>(frame.frame, redundancy));
      for (std::size_t i = 0; i < red->redundant_count; ++i) {
        const std::size_t back = red->redundant_count - i;
        EXPECT_EQ(red->redundant[i].number, stamp.number - back);
        EXPECT_EQ(red->redundant[i].frame, frame.frame - back);
        EXPECT_EQ(red->redundant[i].timestamp, frame.timestamp - 960 * back);
      }
      EXPECT_EQ(read_payload(CodecName::red, payloads[0])->stamp, red->primary);
      EXPECT_FALSE(read_red(payloads[0], opus + 1));
      // What the server makes of it for those who know no RED.
      const auto blocks = rtp::parse_red(payloads[0]);
      ASSERT_TRUE(blocks);
      EXPECT_EQ(blocks->primary.payload_type, opus);
      EXPECT_EQ(read_payload(CodecName::opus, blocks->primary.payload)->stamp, red->primary);
      // Each bit is in a header or in a stamp, and both are compared.
      Buffer damaged(payloads[0].begin(), payloads[0].end());
      for (std::size_t bit = 0; bit < damaged.size() * 8; ++bit) {
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_FALSE(read_red(damaged, opus)) << bit;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      }
      for (std::size_t size = 0; size < damaged.size(); ++size) {
        EXPECT_FALSE(read_red(Bytes(damaged).first(size), opus)) << size;
      }
      ++stamp.number;
    }
  }
}

TEST(AudioPacketizer, WhatIsTooOldForRedIsLeftOut) {
  AudioPacketizer packetizer(opus, 2);
  std::vector<AudioFrame> frames = talk(3);
  // 341 ms are fourteen bits of samples; DTX waits for 400.
  frames[2].timestamp = frames[1].timestamp + 0x3fff;
  Payloads payloads;
  for (const AudioFrame& frame : frames) packetizer.packetize(frame, true, base, payloads);
  EXPECT_EQ(read_red(payloads[2], opus)->redundant_count, 1U);
  AudioFrame dtx = frames[2];
  dtx.timestamp += 19'200;
  packetizer.packetize(dtx, true, base, payloads);
  EXPECT_EQ(read_red(payloads[3], opus)->redundant_count, 0U);
}

// How long making and reading 300 seconds of a 1.5 Mbit/s camera takes is what gtest prints behind
// it: the packets are about 54,000.
TEST(Packetizer, FiveMinutesOfACamera) {
  VideoSource source({}, Random(4), start);
  source.set_target(0, 1'500'000);
  Payloads payloads;
  std::vector<EncodedFrame> frames;
  Stamp stamp = base;
  std::uint64_t read = 0;
  while (source.deadline() < start + seconds(300)) {
    frames.clear();
    payloads.clear();
    source.capture(source.deadline(), frames);
    for (const EncodedFrame& frame : frames) packetize(frame, {}, stamp, payloads);
    for (std::size_t i = 0; i < payloads.size(); ++i, ++read) {
      const auto reading = read_payload(vp8, payloads[i]);
      ASSERT_TRUE(reading);
      ASSERT_EQ(reading->stamp.number, base.number + read);
    }
    stamp.number += payloads.size();
  }
  RecordProperty("packets", std::to_string(read));
  EXPECT_GT(read, 45'000U);
  EXPECT_LT(read, 70'000U);
}

}  // namespace
}  // namespace liaison::sim
