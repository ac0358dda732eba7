#include "sfu/seq_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace liaison::sfu {
namespace {

constexpr std::uint64_t base = 1 << 16;

TEST(SeqMap, ContinuesWithoutGapAcrossSources) {
  SeqMap map(99);
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
  SeqMap map(0);
  map.start(1000);
  EXPECT_TRUE(map.translate(1000));
  EXPECT_FALSE(map.translate(999));
}

TEST(SeqMap, ClosesTheGapOfWhatIsLeftOut) {
  SeqMap map(0);
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
  SeqMap map(0);
  map.start(10);
  map.leave_out(10);
  EXPECT_EQ(map.translate(11), base + 1);
}

TEST(SeqMap, ReversesOnlyWhatWentOut) {
  SeqMap map(0xfffe);
  map.start(10);
  EXPECT_EQ(map.translate(10), base + 0xffff);
  EXPECT_EQ(map.translate(11), base + 0x10000);
  map.leave_out(12);
  EXPECT_EQ(map.translate(13), base + 0x10001);
  EXPECT_EQ(map.reverse(0xffff), 10);
  EXPECT_EQ(map.reverse(0), 11);
  EXPECT_EQ(map.reverse(1), 13);
  EXPECT_FALSE(map.reverse(2)) << "nobody can ask for what has not been sent";
  EXPECT_FALSE(map.reverse(0xfffe)) << "of the source before";
}

// Against a map that remembers everything.
TEST(SeqMap, AgreesWithAnUnboundedModel) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    SeqMap map(static_cast<std::uint16_t>(random()));
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
