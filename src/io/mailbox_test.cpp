#include "io/mailbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <thread>

namespace liaison::io {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

TEST(Mailbox, WakesItsReaderOnceForManyPosts) {
  Mailbox<int> mailbox(8);
  EXPECT_TRUE(mailbox.flush());
  EXPECT_FALSE(readable(mailbox.fd(), 0));
  mailbox.post(1);
  mailbox.post(2);
  EXPECT_FALSE(readable(mailbox.fd(), 0));
  EXPECT_TRUE(mailbox.flush());
  EXPECT_TRUE(readable(mailbox.fd(), 0));
  mailbox.acknowledge();
  EXPECT_FALSE(readable(mailbox.fd(), 0));
  EXPECT_EQ(mailbox.take(), 1);
  EXPECT_EQ(mailbox.take(), 2);
  EXPECT_EQ(mailbox.take(), std::nullopt);
}

TEST(Mailbox, WakesItsReaderForWhatHadToWait) {
  Mailbox<int> mailbox(1);
  mailbox.post(1);
  mailbox.post(2);
  EXPECT_FALSE(mailbox.flush());
  EXPECT_EQ(mailbox.waiting(), 1U);
  EXPECT_FALSE(mailbox.offer(3));
  mailbox.acknowledge();
  EXPECT_EQ(mailbox.take(), 1);
  EXPECT_TRUE(mailbox.flush());
  EXPECT_TRUE(readable(mailbox.fd(), 0));
  EXPECT_EQ(mailbox.take(), 2);
}

TEST(Mailbox, CarriesEverythingBetweenTwoThreadsInOrder) {
  constexpr std::uint64_t count = 20'000;
  Mailbox<std::unique_ptr<std::uint64_t>> there(64);
  Mailbox<std::uint64_t> back(64);
  std::thread reader([&] {
    std::uint64_t expected = 0;
    bool delivered = true;
    while (expected < count || !delivered) {
      if (delivered) readable(there.fd(), -1);
      there.acknowledge();
      while (const auto value = there.take()) {
        ENSURE(**value == expected);
        ++expected;
        back.post(**value);
      }
      delivered = back.flush();
    }
  });
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  while (received < count) {
    for (int burst = 0; burst < 100 && sent < count && sent - received < 2'000; ++burst)
      there.post(std::make_unique<std::uint64_t>(sent++));
    if (there.flush()) readable(back.fd(), -1);
    back.acknowledge();
    while (const auto value = back.take()) {
      ASSERT_EQ(*value, received);
      ++received;
    }
  }
  reader.join();
}

}  // namespace
}  // namespace liaison::io
