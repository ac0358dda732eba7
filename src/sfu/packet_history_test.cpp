#include "sfu/packet_history.hpp"

#include <gtest/gtest.h>

#include <random>

namespace liaison::sfu {
namespace {

Instant at(int ms) { return Instant{} + milliseconds(ms); }

class History : public testing::Test {
 protected:
  const ReceivedPacket* insert(std::uint64_t seq, int ms) {
    ReceivedPacket packet;
    packet.seq = seq;
    packet.arrival = at(ms);
    packet.block = pool.take();
    EXPECT_TRUE(packet.block);
    packet.block.resize(8);
    store_u64(packet.block.bytes().data(), seq);
    return history.insert(packet);
  }
  bool holds(std::uint64_t seq) {
    const ReceivedPacket* found = history.find(seq);
    return found != nullptr && load_u64(found->block.bytes().data()) == seq;
  }
  std::size_t held() const { return pool.size() - pool.free_count(); }

  PacketPool pool{64};
  PacketHistory history{16, seconds(2)};
};

TEST_F(History, FindsWhatWasInserted) {
  EXPECT_EQ(history.find(100), nullptr);
  EXPECT_NE(insert(100, 0), nullptr);
  EXPECT_NE(insert(102, 1), nullptr);
  EXPECT_TRUE(holds(100));
  EXPECT_FALSE(holds(101));
  EXPECT_TRUE(holds(102));
  EXPECT_NE(insert(101, 2), nullptr) << "late, but within the ring";
  EXPECT_TRUE(holds(101));
  EXPECT_NE(insert(99, 3), nullptr) << "before the first";
  EXPECT_TRUE(holds(99));
}

TEST_F(History, RefusesDuplicatesAndWhatIsBeyondItsReach) {
  insert(100, 0);
  EXPECT_EQ(insert(100, 1), nullptr);
  insert(120, 2);
  EXPECT_EQ(insert(104, 3), nullptr);
  EXPECT_NE(insert(105, 3), nullptr);
}

TEST_F(History, KeepsNoMoreThanItsRing) {
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) insert(seq, 0);
  EXPECT_EQ(held(), 16U);
  EXPECT_TRUE(holds(1000));
  EXPECT_TRUE(holds(985));
  EXPECT_FALSE(holds(984));
}

TEST_F(History, ForgetsWhatIsTooOld) {
  insert(1, 0);
  insert(2, 1000);
  insert(3, 2001);
  EXPECT_FALSE(holds(1));
  EXPECT_TRUE(holds(2));
  EXPECT_EQ(held(), 2U);
}

TEST_F(History, StartsAgainAfterALargeJump) {
  insert(1, 0);
  insert(1'000'000, 1);
  EXPECT_FALSE(holds(1));
  EXPECT_TRUE(holds(1'000'000));
  EXPECT_EQ(held(), 1U);
}

TEST_F(History, ClearGivesAllBlocksBack) {
  for (std::uint64_t seq = 1; seq <= 10; ++seq) insert(seq, 0);
  history.clear();
  EXPECT_EQ(held(), 0U);
  EXPECT_FALSE(holds(5));
  EXPECT_NE(insert(3, 0), nullptr);
}

TEST_F(History, NeverGivesAWrongPacketNorLosesBlocks) {
  std::mt19937 random(11);
  std::uint64_t newest = 1000;
  int ms = 0;
  for (int step = 0; step < 20'000; ++step) {
    ms += static_cast<int>(random() % 300);
    if (random() % 500 == 0) newest += random() % 100;
    const std::uint64_t seq = newest + 5 - random() % 20;
    newest = std::max(newest, seq);
    insert(seq, ms);
    ASSERT_LE(held(), 16U);
    for (std::uint64_t probe = newest - 20; probe <= newest + 2; ++probe) {
      const ReceivedPacket* found = history.find(probe);
      if (found != nullptr) {
        ASSERT_EQ(load_u64(found->block.bytes().data()), probe);
      }
    }
  }
}

}  // namespace
}  // namespace liaison::sfu
