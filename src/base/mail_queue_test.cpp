#include "base/mail_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace liaison {
namespace {

TEST(MailQueue, SaysOnceThatThereIsSomethingNew) {
  MailQueue<int> queue(8);
  EXPECT_TRUE(queue.flush());
  EXPECT_FALSE(queue.take_posted());
  queue.post(1);
  queue.post(2);
  EXPECT_TRUE(queue.flush());
  EXPECT_TRUE(queue.take_posted());
  EXPECT_FALSE(queue.take_posted());
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), 2);
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(MailQueue, LosesNoPostAndKeepsTheOrderWhenFull) {
  MailQueue<int> queue(4);
  for (int i = 0; i < 10; ++i) queue.post(i);
  EXPECT_FALSE(queue.flush());
  EXPECT_EQ(queue.waiting(), 6U);
  EXPECT_FALSE(queue.offer(99));
  EXPECT_EQ(queue.take(), 0);
  queue.post(10);  // behind what waits, though there is room now
  std::vector<int> taken = {0};
  while (taken.size() < 11) {
    queue.flush();
    while (const auto value = queue.take()) taken.push_back(*value);
  }
  EXPECT_TRUE(queue.flush());
  for (int i = 0; i < 11; ++i) EXPECT_EQ(taken[static_cast<std::size_t>(i)], i);
}

TEST(MailQueue, WhatMovesOnIsNew) {
  MailQueue<int> queue(1);
  queue.post(1);
  queue.post(2);
  EXPECT_FALSE(queue.flush());
  EXPECT_TRUE(queue.take_posted());
  EXPECT_FALSE(queue.flush());
  EXPECT_FALSE(queue.take_posted());  // nothing moved
  EXPECT_EQ(queue.take(), 1);
  EXPECT_TRUE(queue.flush());
  EXPECT_TRUE(queue.take_posted());
  EXPECT_EQ(queue.take(), 2);
}

TEST(MailQueue, AnOfferIsLostOnlyWhenFullAndIsThenNoNews) {
  MailQueue<std::unique_ptr<int>> queue(2);
  EXPECT_TRUE(queue.offer(std::make_unique<int>(1)));
  EXPECT_TRUE(queue.offer(std::make_unique<int>(2)));
  EXPECT_TRUE(queue.take_posted());
  EXPECT_FALSE(queue.offer(std::make_unique<int>(3)));
  EXPECT_FALSE(queue.take_posted());
  EXPECT_EQ(**queue.take(), 1);
  EXPECT_TRUE(queue.offer(std::make_unique<int>(4)));
  EXPECT_EQ(**queue.take(), 2);
  EXPECT_EQ(**queue.take(), 4);
}

TEST(MailQueueDeathTest, AStuckReaderStopsTheProcessRatherThanFillTheMemory) {
  MailQueue<char> queue(1);
  for (std::size_t i = 0; i <= MailQueue<char>::max_waiting; ++i) queue.post('x');
  EXPECT_DEATH(queue.post('x'), "broken invariant");
}

}  // namespace
}  // namespace liaison
