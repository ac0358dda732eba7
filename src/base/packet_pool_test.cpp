#include "base/packet_pool.hpp"

#include <gtest/gtest.h>

namespace liaison {
namespace {

TEST(PacketPool, GivesWhatItHasAndTakesItBack) {
  PacketPool pool(2);
  EXPECT_EQ(pool.size(), 2U);
  Packet a = pool.take();
  {
    Packet b = pool.take();
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    EXPECT_NE(a.block().data(), b.block().data());
    EXPECT_FALSE(pool.take());
    EXPECT_EQ(pool.free_count(), 0U);
  }
  EXPECT_EQ(pool.free_count(), 1U);
  EXPECT_TRUE(pool.take());
}

TEST(Packet, HasTheSizeItWasGiven) {
  PacketPool pool(1);
  Packet packet = pool.take();
  EXPECT_EQ(packet.size(), 0U);
  EXPECT_TRUE(packet.bytes().empty());
  EXPECT_EQ(packet.block().size(), Packet::capacity);
  packet.resize(Packet::capacity);
  packet.bytes().back() = 7;
  EXPECT_EQ(packet.block().back(), 7);
}

TEST(Packet, MovesItsBlock) {
  PacketPool pool(2);
  Packet a = pool.take();
  a.resize(3);
  const auto* data = a.block().data();
  Packet b = std::move(a);
  EXPECT_FALSE(a);  // NOLINT: the moved-from state is what is tested
  EXPECT_EQ(b.block().data(), data);
  EXPECT_EQ(b.size(), 3U);
  Packet c = pool.take();
  EXPECT_EQ(pool.free_count(), 0U);
  c = std::move(b);  // gives back the block it had
  EXPECT_EQ(pool.free_count(), 1U);
  EXPECT_EQ(c.block().data(), data);
  c = Packet{};
  EXPECT_EQ(pool.free_count(), 2U);
}

TEST(PacketPoolDeathTest, EndsOnBrokenInvariants) {
  EXPECT_DEATH(
      {
        PacketPool pool(1);
        pool.take().resize(Packet::capacity + 1);
      },
      "broken invariant");
}

}  // namespace
}  // namespace liaison
