#include "io/tcp_media.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace liaison::io {
namespace {

// A worker's side and, on the other end of a socket pair, a client.
class TcpMediaTest : public testing::Test {
 protected:
  TcpMediaTest() {
    std::array<int, 2> ends{};
    ENSURE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    far_ = Descriptor(ends[0]);
    near_ = Descriptor(ends[1]);
  }

  void add(std::vector<std::uint8_t> received = {}) {
    media_.add({std::move(near_), path_, std::move(received)}, pool_, now_, got_);
  }
  void write(Bytes bytes) {
    ASSERT_EQ(::send(far_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Handles all that epoll has to say now.
  void run() {
    std::array<epoll_event, 8> events;
    for (int rounds = 0; rounds < 100; ++rounds) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
      if (count <= 0) return;
      for (int i = 0; i < count; ++i)
        media_.ready(static_cast<std::uint32_t>(events[static_cast<std::size_t>(i)].data.u64),
                     pool_, now_, got_);
    }
  }
  std::vector<std::uint8_t> read_all() {
    std::vector<std::uint8_t> all;
    std::array<std::uint8_t, 65'536> piece;
    for (;;) {
      const ssize_t got = recv(far_.get(), piece.data(), piece.size(), 0);
      if (got <= 0) return all;
      all.insert(all.end(), piece.begin(), piece.begin() + got);
    }
  }
  void send(Bytes datagram, int times = 1) {
    transport::Output out;
    for (int i = 0; i < times; ++i) out.send(path_, datagram);
    media_.send_batch(out);
  }

  PacketPool pool_{16};
  Descriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  Descriptor far_;
  Descriptor near_;
  transport::Path path_{{IpAddress::v4(192, 0, 2, 1), 5'000}, IpAddress::v4(192, 0, 2, 2), 77};
  TcpMedia media_{epoll_.get()};
  std::vector<transport::Datagram> got_;
  Instant now_{};
};

TEST_F(TcpMediaTest, GivesWhatTheAcceptorReadAndThenWhatComes) {
  add({0, 3, 1, 2, 3, 0, 2, 9});  // one frame, and the beginning of another
  ASSERT_EQ(got_.size(), 1U);
  EXPECT_TRUE(std::ranges::equal(got_[0].packet.bytes(), std::vector{1, 2, 3}));
  EXPECT_EQ(got_[0].path, path_);
  write(std::vector<std::uint8_t>{8, 0, 1, 5});
  run();
  ASSERT_EQ(got_.size(), 3U);
  EXPECT_TRUE(std::ranges::equal(got_[1].packet.bytes(), std::vector{9, 8}));
  EXPECT_TRUE(std::ranges::equal(got_[2].packet.bytes(), std::vector{5}));
}

TEST_F(TcpMediaTest, FramesWhatIsSent) {
  add();
  send(std::vector<std::uint8_t>{1, 2, 3}, 2);
  EXPECT_EQ(read_all(), (std::vector<std::uint8_t>{0, 3, 1, 2, 3, 0, 3, 1, 2, 3}));
}

TEST_F(TcpMediaTest, DropsWholeDatagramsWhenTheFarEndDoesNotRead) {
  add();
  const std::vector<std::uint8_t> datagram(1'000, 7);
  send(datagram, 2'000);  // more than socket and queue can hold
  const auto dropped = media_.take_drops()[Drop::tcp_queue_full];
  EXPECT_GT(dropped, 0U);
  std::vector<std::uint8_t> stream;
  for (auto piece = read_all(); !piece.empty(); piece = read_all()) {
    stream.insert(stream.end(), piece.begin(), piece.end());
    run();  // the rest of the queue, now that there is room
  }
  EXPECT_EQ(stream.size(), (2'000 - dropped) * 1'002);
  for (std::size_t at = 0; at < stream.size(); at += 1'002)
    ASSERT_EQ(load_u16(&stream[at]), 1'000U);
  send(datagram);
  EXPECT_EQ(read_all().size(), 1'002U);
}

TEST_F(TcpMediaTest, ClosesAConnectionThatBreaksTheFraming) {
  add();
  write(std::vector<std::uint8_t>{0xff, 0xff, 0, 0});
  run();
  EXPECT_EQ(media_.size(), 0U);
  EXPECT_EQ(media_.take_closed(), (std::vector<std::uint32_t>{77}));
  EXPECT_EQ(media_.take_drops()[Drop::oversize], 1U);
  send(std::vector<std::uint8_t>{1});
  EXPECT_EQ(media_.take_drops()[Drop::no_path], 1U);
  media_.ready(77, pool_, now_, got_);  // an event that was under way
}

TEST_F(TcpMediaTest, ClosesAtOnceWhatArrivesBroken) {
  add({0xff, 0xff});
  EXPECT_EQ(media_.size(), 0U);
  EXPECT_EQ(media_.take_closed().size(), 1U);
}

TEST_F(TcpMediaTest, NoticesThatTheFarEndIsGone) {
  add();
  write(std::vector<std::uint8_t>{0, 1, 5});
  far_.close();
  run();
  EXPECT_EQ(got_.size(), 1U);
  EXPECT_EQ(media_.size(), 0U);
  EXPECT_EQ(media_.take_closed().size(), 1U);
}

TEST_F(TcpMediaTest, NoticesWhileSendingThatTheFarEndIsGone) {
  add();
  far_.close();
  send(std::vector<std::uint8_t>{1});
  EXPECT_EQ(media_.size(), 0U);
}

TEST_F(TcpMediaTest, ClosesWhatBringsNothing) {
  add();
  now_ += seconds(29);
  write(std::vector<std::uint8_t>{0, 1, 5});
  run();
  now_ += seconds(29);
  media_.close_idle(now_);
  EXPECT_EQ(media_.size(), 1U);
  now_ += seconds(1);
  media_.close_idle(now_);
  EXPECT_EQ(media_.size(), 0U);
}

TEST_F(TcpMediaTest, CountsWhatFindsNoBlock) {
  add();
  std::vector<std::uint8_t> frames;
  for (std::uint8_t i = 0; i < 20; ++i) frames.insert(frames.end(), {0, 1, i});
  write(frames);
  run();
  EXPECT_EQ(got_.size(), 16U);
  EXPECT_EQ(media_.take_drops()[Drop::pool_empty], 4U);
  EXPECT_EQ(media_.size(), 1U);
}

}  // namespace
}  // namespace liaison::io
