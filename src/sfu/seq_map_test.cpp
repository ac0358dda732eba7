#include "sfu/seq_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace liaison::sfu {
namespace {

constexpr std::uint64_t base = 1 << 16;

// Only the sequence numbers, for tests that look at nothing else.
class Map : public SeqMap {
 public:
  using SeqMap::SeqMap;
  std::optional<std::uint64_t> translate(std::uint64_t in) {
    const auto number = SeqMap::translate(in);
    return number ? std::optional(number->seq) : std::nullopt;
  }
  std::optional<std::uint64_t> reverse(std::uint16_t out) const {
    const auto number = SeqMap::reverse(out);
    return number ? std::optional(number->seq) : std::nullopt;
  }
};

TEST(SeqMap, ContinuesWithoutGapAcrossSources) {
  Map map(99);
  EXPECT_FALSE(map.translate(base));
  map.start(base + 500);
  EXPECT_EQ(map.translate(base + 500), base + 100);
  EXPECT_EQ(map.translate(base + 502), base + 102);
  EXPECT_EQ(map.translate(base + 501), base + 101)
      << "a late packet gets the place that was kept for it";
  map.start(7);
  EXPECT_EQ(map.translate(7), base + 103);
  map.start(90'000, 1);
  EXPECT_EQ(map.translate(90'000), base + 105) << "one number is left free";
}

TEST(SeqMap, RefusesWhatIsBeforeTheFirst) {
  Map map(0);
  map.start(1000);
  EXPECT_TRUE(map.translate(1000));
  EXPECT_FALSE(map.translate(999));
}

TEST(SeqMap, ClosesTheGapOfWhatIsLeftOut) {
  Map map(0);
  map.start(10);
  EXPECT_EQ(map.translate(10), base + 1);
  map.leave_out(11);
  EXPECT_EQ(map.translate(12), base + 2);
  map.leave_out(13);
  map.leave_out(14);
  EXPECT_EQ(map.translate(16), base + 4);
  EXPECT_EQ(map.translate(15), base + 3);
  EXPECT_FALSE(map.translate(11));
  EXPECT_FALSE(map.translate(13));
  EXPECT_FALSE(map.translate(14));
}

TEST(SeqMap, LeavingOutTheVeryFirstCostsNoNumber) {
  Map map(0);
  map.start(10);
  map.leave_out(10);
  EXPECT_EQ(map.translate(11), base + 1);
}

TEST(SeqMap, ReversesOnlyWhatWentOut) {
  Map map(0xfffe);
  map.start(10);
  EXPECT_EQ(map.translate(10), base + 0xffff);
  EXPECT_EQ(map.translate(11), base + 0x10000);
  map.leave_out(12);
  EXPECT_EQ(map.translate(13), base + 0x10001);
  EXPECT_EQ(map.reverse(0xffff), 10);
  EXPECT_EQ(map.reverse(0), 11);
  EXPECT_EQ(map.reverse(1), 13);
  EXPECT_FALSE(map.reverse(2)) << "nobody can ask for what has not been sent";
  EXPECT_FALSE(map.reverse(0xfffe)) << "before the first";
}

TEST(SeqMap, KnowsWhichSourceAndOffsetsANumberHad) {
  SeqMap map(99);
  const SeqMap::Offsets small{.timestamp = 5, .picture_id = 6, .tl0_index = 7, .encoding = 0};
  const SeqMap::Offsets large{.timestamp = 8, .picture_id = 9, .tl0_index = 1, .encoding = 2};
  map.start(500, 0, small);
  EXPECT_EQ(map.translate(500), (SeqMap::Number{base + 100, small}));
  EXPECT_EQ(map.translate(501), (SeqMap::Number{base + 101, small}));
  SeqMap::Offsets after = small;
  after.picture_id = 5;
  EXPECT_TRUE(map.leave_out(502, after));
  EXPECT_EQ(map.translate(503), (SeqMap::Number{base + 102, after}));
  EXPECT_FALSE(map.leave_out(501, after)) << "it has its number already";
  map.start(70, 1, large);
  EXPECT_EQ(map.translate(70), (SeqMap::Number{base + 104, large}));
  EXPECT_FALSE(map.translate(69));
  EXPECT_EQ(map.reverse(101), (SeqMap::Number{501, small}));
  EXPECT_EQ(map.reverse(102), (SeqMap::Number{503, after}));
  EXPECT_FALSE(map.reverse(103)) << "the number that was left free";
  EXPECT_EQ(map.reverse(104), (SeqMap::Number{70, large}));
  map.forget();
  EXPECT_FALSE(map.reverse(104));
  map.start(9);
  EXPECT_EQ(map.translate(9)->seq, base + 105);
}

TEST(SeqMap, TakesBackWhatWasNotSent) {
  Map map(99);
  map.start(500);
  for (std::uint64_t in = 500; in < 510; ++in) map.translate(in);
  map.leave_out(510);
  map.translate(511);
  map.take_back(base + 104);
  EXPECT_EQ(map.last_out(), base + 103);
  EXPECT_EQ(map.reverse(103), 503);
  EXPECT_FALSE(map.reverse(104));
  map.start(600, 1);
  EXPECT_EQ(map.translate(600), base + 105);
  map.take_back(base + 100);
  EXPECT_FALSE(map.translate(601)) << "nothing is left of the source";
  map.start(700);
  EXPECT_EQ(map.translate(700), base + 100);
  for (std::uint64_t in = 800; in < 900; in += 10) {
    map.start(in, 1);
    EXPECT_EQ(map.translate(in), base + 102) << "what is left free does not grow";
    map.take_back(base + 102);
  }
}

// Against a map that remembers everything.
TEST(SeqMap, AgreesWithAnUnboundedModel) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Map map(static_cast<std::uint16_t>(random()));
    const std::uint64_t begin = 5'000'000;
    map.start(begin);
    std::map<std::uint64_t, std::uint64_t> model;
    std::set<std::uint64_t> outs;
    for (std::uint64_t in = begin; in < begin + 1'000; ++in) {
      if (random() % 20 == 0) continue;  // lost
      if (random() % 30 == 0) {
        map.leave_out(in);
        EXPECT_FALSE(map.translate(in));
        continue;
      }
      const auto out = map.translate(in);
      ASSERT_TRUE(out);
      ASSERT_TRUE(outs.insert(*out).second) << "never the same number twice";
      if (!model.empty()) {
        ASSERT_GT(*out, model.rbegin()->second);
      }
      model[in] = *out;
      ASSERT_EQ(map.reverse(static_cast<std::uint16_t>(*out)), in);
      // Something of a little while ago still maps the same way both times.
      const auto older = model.lower_bound(in > begin + 60 ? in - 60 : begin);
      ASSERT_EQ(map.translate(older->first), older->second);
      ASSERT_EQ(map.reverse(static_cast<std::uint16_t>(older->second)), older->first);
    }
  }
}

}  // namespace
}  // namespace liaison::sfu
