#include "sfu/pacer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace liaison::sfu {
namespace {

const Instant start = Instant{} + seconds(1000);

Pacer::Entry video(std::uint64_t out_seq, std::uint16_t slot = 1, std::size_t bytes = 1200) {
  return {.slot = slot,
          .encoding = 0,
          .repetition = false,
          .in_seq = out_seq + 1000,
          .out_seq = out_seq,
          .bytes = bytes};
}

Pacer::Entry repetition(std::uint64_t out_seq, std::uint16_t slot = 1) {
  Pacer::Entry entry = video(out_seq, slot);
  entry.repetition = true;
  return entry;
}

// All that may leave now, if each takes so many bytes.
std::vector<std::uint64_t> leave(Pacer& pacer, Instant now, std::size_t bytes) {
  std::vector<std::uint64_t> left;
  while (const auto entry = pacer.pop(now)) {
    left.push_back(entry->out_seq);
    pacer.sent(bytes, now);
  }
  return left;
}

using Numbers = std::vector<std::uint64_t>;

TEST(Pacer, LetsEverythingThroughWithoutARate) {
  Pacer pacer;
  EXPECT_EQ(pacer.rate(), 0U);
  pacer.sent(1'000'000'000, start);
  EXPECT_TRUE(pacer.open(start));
  EXPECT_TRUE(pacer.may_repeat(start));
  EXPECT_TRUE(pacer.push(video(1)));
  EXPECT_LE(pacer.deadline(), start);
  EXPECT_EQ(leave(pacer, start, 1'000'000), Numbers{1});
  EXPECT_EQ(pacer.deadline(), never);
}

TEST(Pacer, GivesBackWhatItWasGiven) {
  Pacer pacer;
  ASSERT_TRUE(pacer.push({.slot = 7,
                          .encoding = 2,
                          .repetition = false,
                          .in_seq = 1ULL << 40,
                          .out_seq = 1ULL << 41,
                          .bytes = 900}));
  const auto entry = pacer.pop(start);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->slot, 7);
  EXPECT_EQ(entry->encoding, 2);
  EXPECT_FALSE(entry->repetition);
  EXPECT_EQ(entry->in_seq, 1ULL << 40);
  EXPECT_EQ(entry->out_seq, 1ULL << 41);
  EXPECT_EQ(entry->bytes, 900U);
  EXPECT_FALSE(pacer.pop(start));
}

TEST(Pacer, KeepsItsRate) {
  Pacer pacer;
  pacer.set_rate(1'000'000, start);
  std::size_t left = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_TRUE(pacer.push(video(i)));
  for (Instant now = start; now < start + seconds(4); now += milliseconds(1))
    left += leave(pacer, now, 1000).size();
  // Four seconds at 125 packets a second, and what may leave at once.
  EXPECT_GE(left, 500U);
  EXPECT_LE(left, 500 + Pacer::least_burst / 1000 + 2);
}

TEST(Pacer, LetsABurstOutAfterASilence) {
  Pacer slow;
  slow.set_rate(1'000'000, start);
  for (std::uint64_t i = 0; i < 20; ++i) slow.push(video(i));
  // The last one may go beyond what there is room for.
  EXPECT_EQ(leave(slow, start + seconds(60), 1250).size(), Pacer::least_burst / 1250);

  // 5 ms of 80 Mbit/s are 50,000 bytes.
  Pacer fast;
  fast.set_rate(80'000'000, start);
  for (std::uint64_t i = 0; i < 100; ++i) fast.push(video(i));
  EXPECT_EQ(leave(fast, start + seconds(60), 1250).size(), 40U);
}

TEST(Pacer, LetsOutAsMuchAtOnceAsItIsTold) {
  Pacer pacer;
  pacer.set_rate(4'000'000, start);
  pacer.set_burst(Pacer::roomy_burst, start);
  for (std::uint64_t i = 0; i < 40; ++i) pacer.push(video(i));
  // 20 ms of 4 Mbit/s are 10,000 bytes.
  EXPECT_EQ(leave(pacer, start + seconds(1), 1250).size(), 8U);
  // What was saved up for that is too much for a path that is full.
  pacer.set_burst(Pacer::burst, start + seconds(2));
  EXPECT_EQ(leave(pacer, start + seconds(2), 1250).size(), 2U);
}

TEST(Pacer, IsOpenWhileThereIsRoomAndNothingWaits) {
  Pacer pacer;
  pacer.set_rate(1'000'000, start);
  EXPECT_TRUE(pacer.open(start));
  pacer.sent(Pacer::least_burst - 1, start);
  EXPECT_TRUE(pacer.open(start));
  pacer.sent(1, start);
  EXPECT_FALSE(pacer.open(start));
  EXPECT_TRUE(pacer.may_repeat(start)) << "on credit";
  pacer.sent(static_cast<std::size_t>(Pacer::repetition_credit), start);
  EXPECT_FALSE(pacer.may_repeat(start));
  EXPECT_TRUE(pacer.may_repeat(start + milliseconds(1)));
  EXPECT_FALSE(pacer.open(start + milliseconds(30)));
  EXPECT_TRUE(pacer.open(start + milliseconds(31)));

  // Nothing overtakes what waits, but for a repetition, which waits for its like alone.
  const Instant later = start + seconds(1);
  ASSERT_TRUE(pacer.push(video(1)));
  EXPECT_FALSE(pacer.open(later));
  EXPECT_TRUE(pacer.may_repeat(later));
  ASSERT_TRUE(pacer.push(repetition(2)));
  EXPECT_FALSE(pacer.may_repeat(later));
  EXPECT_EQ(pacer.pop(later)->out_seq, 2U);
  EXPECT_TRUE(pacer.may_repeat(later));
  EXPECT_EQ(pacer.pop(later)->out_seq, 1U);
  EXPECT_TRUE(pacer.open(later));
}

TEST(Pacer, SendsRepetitionsFirstAndEachKindInOrder) {
  Pacer pacer;
  for (const auto& entry : {video(1), repetition(11), video(2), repetition(12), video(3)})
    ASSERT_TRUE(pacer.push(entry));
  EXPECT_EQ(pacer.size(), 5U);
  EXPECT_EQ(leave(pacer, start, 1), (Numbers{11, 12, 1, 2, 3}));
  EXPECT_EQ(pacer.size(), 0U);
}

TEST(Pacer, CountsWhatDoesNotWait) {
  Pacer pacer;
  pacer.set_rate(800'000, start);  // 100 bytes in 1 ms
  ASSERT_TRUE(pacer.push(video(1)));
  // 2,000 bytes of debt.
  pacer.sent(Pacer::least_burst + 2000, start);
  EXPECT_FALSE(pacer.pop(start + milliseconds(20)));
  EXPECT_TRUE(pacer.pop(start + milliseconds(21)));
}

TEST(Pacer, LetsDebtsBePaidWithinHalfASecond) {
  Pacer pacer;
  pacer.set_rate(800'000, start);
  ASSERT_TRUE(pacer.push(video(1)));
  for (int i = 0; i < 100; ++i) pacer.sent(1'000'000, start);
  EXPECT_FALSE(pacer.pop(start + milliseconds(500)));
  EXPECT_TRUE(pacer.pop(start + milliseconds(501)));
}

TEST(Pacer, LetsDebtsBePaidWithinHalfASecondWhenItGetsSlower) {
  Pacer pacer;
  pacer.set_rate(80'000'000, start);
  ASSERT_TRUE(pacer.push(video(1)));
  pacer.sent(100'000'000, start);
  pacer.set_rate(100'000, start);
  EXPECT_FALSE(pacer.pop(start + milliseconds(490)));
  EXPECT_TRUE(pacer.pop(start + milliseconds(510)));
}

TEST(Pacer, KeepsNoLargeBurstWhenItGetsSlower) {
  Pacer pacer;
  pacer.set_rate(80'000'000, start);
  ASSERT_TRUE(pacer.open(start + seconds(1)));
  pacer.set_rate(100'000, start + seconds(1));
  for (std::uint64_t i = 0; i < 20; ++i) pacer.push(video(i));
  EXPECT_EQ(leave(pacer, start + seconds(1), 1250).size(), Pacer::least_burst / 1250);
}

TEST(Pacer, ForgetsItsDebtWithoutARate) {
  Pacer pacer;
  pacer.set_rate(800'000, start);
  pacer.sent(1'000'000, start);
  pacer.set_rate(0, start);
  EXPECT_TRUE(pacer.open(start));
  pacer.set_rate(800'000, start);
  ASSERT_TRUE(pacer.push(video(1)));
  EXPECT_TRUE(pacer.pop(start + milliseconds(1)));
}

TEST(Pacer, RefusesMoreThanItsLimit) {
  Pacer pacer;
  pacer.set_rate(800'000, start);
  for (std::size_t i = 0; i < Pacer::entry_limit; ++i)
    ASSERT_TRUE(pacer.push(i % 2 == 0 ? video(i) : repetition(i)));
  EXPECT_FALSE(pacer.push(video(1)));
  EXPECT_FALSE(pacer.push(repetition(1)));
  EXPECT_EQ(pacer.size(), Pacer::entry_limit);
  ASSERT_TRUE(pacer.pop(start));
  EXPECT_TRUE(pacer.push(video(1)));
}

TEST(Pacer, TakesOutWhatWaitsOfASlot) {
  Pacer pacer;
  for (const auto& entry : {video(1, 1), repetition(2, 1), video(3, 2), repetition(4, 2),
                            video(5, 1), repetition(6, 3)})
    ASSERT_TRUE(pacer.push(entry));
  EXPECT_EQ(pacer.remove(1), 2U);
  EXPECT_EQ(pacer.remove(3), 0U) << "that was a repetition alone";
  EXPECT_EQ(pacer.remove(1), 0U) << "nothing is left of it";
  EXPECT_EQ(pacer.remove(99), 0U);
  EXPECT_EQ(leave(pacer, start, 1), (Numbers{4, 3}));
}

TEST(Pacer, SaysHowMuchVideoWaits) {
  Pacer pacer;
  pacer.push(repetition(1));
  EXPECT_EQ(pacer.waiting_bytes(), 0U) << "repetitions do not count";
  pacer.push(video(2, 1, 1000));
  pacer.push(video(3, 2, 300));
  pacer.push(video(4, 1, 20));
  EXPECT_EQ(pacer.waiting_bytes(), 1320U);
  pacer.pop(start);
  EXPECT_EQ(pacer.waiting_bytes(), 1320U);
  pacer.pop(start);
  EXPECT_EQ(pacer.waiting_bytes(), 320U);
  pacer.remove(1);
  EXPECT_EQ(pacer.waiting_bytes(), 300U);
  pacer.pop(start);
  EXPECT_EQ(pacer.waiting_bytes(), 0U);
}

TEST(Pacer, IsReadyAtItsDeadlineAndNotLongBefore) {
  for (const std::uint64_t rate : {30'000, 333'333, 7'777'777, 100'000'000}) {
    Pacer pacer;
    pacer.set_rate(rate, start);
    EXPECT_EQ(pacer.deadline(), never);
    Instant now = start;
    for (std::uint64_t i = 0; i < 200; ++i) pacer.push(video(i));
    while (pacer.size() != 0) {
      const Instant due = pacer.deadline();
      if (due > now + milliseconds(1)) {
        ASSERT_FALSE(pacer.pop(due - milliseconds(1))) << rate;
      }
      now = std::max(now, due);
      ASSERT_TRUE(pacer.pop(now)) << rate;
      pacer.sent(1200, now);
      if (pacer.size() != 0) {
        ASSERT_LE(pacer.deadline(), now + milliseconds(500)) << rate;
      }
    }
  }
}

TEST(Pacer, SurvivesATimeThatGoesBack) {
  Pacer pacer;
  pacer.set_rate(800'000, start);
  pacer.sent(Pacer::least_burst + 100, start);
  EXPECT_FALSE(pacer.open(start - seconds(10)));
  EXPECT_FALSE(pacer.open(start + milliseconds(1)));
  EXPECT_TRUE(pacer.open(start + milliseconds(2)));
}

}  // namespace
}  // namespace liaison::sfu
