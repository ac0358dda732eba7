#include "sim/up_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "rtp/dependency_descriptor.hpp"
#include "rtp/extension.hpp"

namespace liaison::sim {
namespace {

using rtp::CodecName;
using rtp::Extension;

const Instant start = Instant{} + seconds(100);
constexpr std::uint8_t descriptor_id = 12;

class Taken : public UpStream::Sink {
 public:
  struct Packet {
    std::vector<std::uint8_t> bytes;
    Instant at;

    rtp::PacketView view() const { return *rtp::PacketView::parse(bytes); }
    std::optional<Bytes> descriptor() const { return rtp::find_extension(view(), descriptor_id); }
  };

  void send_rtp(Bytes header, Bytes payload) override {
    Packet& packet = packets.emplace_back();
    packet.bytes.assign(header.begin(), header.end());
    packet.bytes.insert(packet.bytes.end(), payload.begin(), payload.end());
    packet.at = now;
  }
  std::uint16_t next_transport_sequence() override { return transport_sequence_++; }

  std::vector<Packet> of(std::uint32_t ssrc) const {
    std::vector<Packet> found;
    std::ranges::copy_if(packets, std::back_inserter(found),
                         [ssrc](const Packet& packet) { return packet.view().ssrc() == ssrc; });
    return found;
  }

  std::vector<Packet> packets;
  Instant now = start;

 private:
  std::uint16_t transport_sequence_ = 0;
};

AnsweredLine line(CodecName codec, bool simulcast) {
  AnsweredLine made;
  made.mid = "1";
  made.formats = {{96, codec, 97}};
  made.extensions[Extension::mid] = 4;
  made.extensions[Extension::transport_cc] = 3;
  made.extensions[Extension::rid] = 10;
  made.extensions[Extension::dependency_descriptor] = descriptor_id;
  made.mixed_extensions = true;
  made.simulcast = simulcast;
  return made;
}

UpStream stream(const AnsweredLine& line, const MediaOptions& options = {}) {
  UpStream made({.room = 1, .person = 2, .source = Source::camera}, line, options, Random(3),
                start);
  made.send(0b111);
  return made;
}

void run(UpStream& up, Duration time, Taken& taken) {
  const Instant end = taken.now + time;
  while (up.deadline() < end) {
    taken.now = std::max(up.deadline(), taken.now);
    up.tick(taken.now, taken);
  }
  taken.now = end;
}

// In the order in which they were first seen: of the smallest picture, the middle one, the largest.
std::vector<std::uint32_t> ssrcs(const Taken& taken) {
  std::vector<std::uint32_t> found;
  for (const Taken::Packet& packet : taken.packets) {
    const std::uint32_t ssrc = packet.view().ssrc();
    if (std::ranges::find(found, ssrc) == found.end()) found.push_back(ssrc);
  }
  return found;
}

TEST(UpStream, SendsNoEncodingThatIsNotWanted) {
  Taken taken;
  UpStream up = stream(line(CodecName::vp8, true));
  run(up, seconds(1), taken);
  const std::vector<std::uint32_t> all = ssrcs(taken);
  ASSERT_EQ(all.size(), 3U);

  taken.packets.clear();
  up.send(0b011);
  run(up, seconds(1), taken);
  EXPECT_EQ(ssrcs(taken), (std::vector{all[0], all[1]}));
  const std::uint16_t last_key = up.last_key(all[2]);

  taken.packets.clear();
  up.send(0b111);
  run(up, seconds(1), taken);
  EXPECT_EQ(ssrcs(taken), all);
  const auto again = taken.of(all[2]);
  EXPECT_EQ(again.front().at, taken.packets.front().at);  // at once, with the next picture
  EXPECT_EQ(up.last_key(all[2]), again.front().view().sequence());
  EXPECT_NE(up.last_key(all[2]), last_key);
  EXPECT_TRUE(read_payload(CodecName::vp8, again.front().view().payload())->key);
  // Those that went on did so without a key frame.
  EXPECT_FALSE(read_payload(CodecName::vp8, taken.of(all[0]).front().view().payload())->key);

  taken.packets.clear();
  up.send(0);
  run(up, seconds(1), taken);
  EXPECT_TRUE(taken.packets.empty());
  EXPECT_EQ(up.deadline(), never);
  up.send(0b001);
  run(up, seconds(1), taken);
  EXPECT_EQ(ssrcs(taken), std::vector{all[0]});
}

TEST(UpStream, SendsSoundRedundantlyWhenTheAnswerPutsThatFirst) {
  AnsweredLine audio = line(CodecName::opus, false);
  audio.formats.push_back({.payload_type = 63, .codec = CodecName::red});
  UpStream up({.source = Source::microphone}, audio, {}, Random(1), start);
  up.send(1);
  up.talk(true);
  Taken taken;
  run(up, seconds(1), taken);
  ASSERT_FALSE(taken.packets.empty());
  const std::uint8_t opus = taken.packets.front().view().payload_type();
  for (const Taken::Packet& packet : taken.packets) EXPECT_EQ(packet.view().payload_type(), opus);
  std::swap(audio.formats[0], audio.formats[1]);
  up.answered(audio);
  taken.packets.clear();
  run(up, seconds(1), taken);
  ASSERT_FALSE(taken.packets.empty());
  for (const Taken::Packet& packet : taken.packets) {
    EXPECT_EQ(packet.view().payload_type(), 63);
    const auto red = read_red(packet.view().payload(), opus);
    ASSERT_TRUE(red);
    if (&packet != &taken.packets.front()) {
      EXPECT_EQ(red->redundant_count, 1U);
    }
  }
}

TEST(UpStream, DescribesEveryPacketOfEveryEncoding) {
  Taken taken;
  UpStream up = stream(line(CodecName::av1, true), {.temporal_layers = 3});
  run(up, seconds(2), taken);
  for (const std::uint32_t ssrc : ssrcs(taken)) {
    std::optional<rtp::DependencyStructure> structure;
    std::optional<std::uint16_t> number;
    bool ended = true;
    for (const Taken::Packet& packet : taken.of(ssrc)) {
      ASSERT_LE(packet.bytes.size(), 1'200U);
      const auto value = packet.descriptor();
      ASSERT_TRUE(value);
      const auto read = rtp::parse_dependency_descriptor(*value, structure ? &*structure : nullptr);
      ASSERT_TRUE(read);
      if (read->structure) structure = *read->structure;
      EXPECT_EQ(read->starts_frame, ended);
      if (number) {
        EXPECT_EQ(read->frame_number, static_cast<std::uint16_t>(*number + (ended ? 1 : 0)));
      }
      number = read->frame_number;
      ended = read->ends_frame;
      EXPECT_EQ(ended, packet.view().marker());
      const auto reading = read_payload(CodecName::av1, packet.view().payload());
      ASSERT_TRUE(reading);
      EXPECT_EQ(read->frame.temporal_id, reading->stamp.temporal);
      EXPECT_EQ(read->frame.references().size(), reading->stamp.key ? 0U : 1U);
    }
  }
}

TEST(UpStream, RepeatsWithTheDescriptorOfTheOriginal) {
  Taken taken;
  UpStream up = stream(line(CodecName::vp9, false), {.key_svc = true});
  run(up, seconds(1), taken);
  const std::vector<Taken::Packet> originals = taken.packets;
  ASSERT_GT(originals.front().descriptor()->size(), 16U);  // its structure
  for (std::size_t i = 0; i < 20; ++i) {
    taken.packets.clear();
    const std::uint16_t asked = originals[i].view().sequence();
    up.nacked(originals[i].view().ssrc(), std::span(&asked, 1), taken);
    ASSERT_EQ(taken.packets.size(), 1U);
    EXPECT_NE(taken.packets[0].view().ssrc(), originals[i].view().ssrc());
    EXPECT_TRUE(std::ranges::equal(*taken.packets[0].descriptor(), *originals[i].descriptor()));
  }
}

TEST(UpStream, LeavesOutWhatTheAnswerDoesNotAllow) {
  Taken taken;
  AnsweredLine short_only = line(CodecName::vp9, false);
  short_only.mixed_extensions = false;
  UpStream up = stream(short_only, {.key_svc = true});
  run(up, seconds(1), taken);
  for (std::size_t i = 0; i < taken.packets.size(); ++i) {
    // Without the structure, nobody can read the rest.
    EXPECT_EQ(taken.packets[i].descriptor().has_value(), i != 0);
    EXPECT_EQ(taken.packets[i].view().extension()->profile, rtp::one_byte_profile);
  }

  for (const CodecName codec : {CodecName::av1, CodecName::h264}) {
    AnsweredLine without = line(codec, false);
    if (codec == CodecName::av1) without.extensions[Extension::dependency_descriptor] = 0;
    UpStream plain = stream(without);
    taken.packets.clear();
    run(plain, seconds(1), taken);
    ASSERT_FALSE(taken.packets.empty());
    for (const Taken::Packet& packet : taken.packets) EXPECT_FALSE(packet.descriptor());
  }
}

}  // namespace
}  // namespace liaison::sim
