#include "io/udp.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

namespace liaison::io {
namespace {

using transport::Path;

const IpAddress v4_loopback = IpAddress::v4(127, 0, 0, 1);
const IpAddress v6_loopback = *IpAddress::parse("::1");

std::vector<std::uint8_t> datagram(std::size_t size, std::uint32_t number) {
  std::vector<std::uint8_t> bytes(size, static_cast<std::uint8_t>(number));
  if (size >= 4) store_u32(bytes.data(), number);
  return bytes;
}

class Udp : public testing::Test {
 protected:
  static UdpSocket open(const SocketAddress& address) {
    auto socket = UdpSocket::open(address);
    ENSURE(socket);
    return std::move(*socket);
  }

  // Receives until `count` datagrams are there or nothing came for 5 s.
  std::vector<transport::Datagram> receive(UdpSocket& socket, std::size_t count) {
    std::vector<transport::Datagram> all;
    while (all.size() < count) {
      pollfd entry{socket.fd(), POLLIN, 0};
      if (poll(&entry, 1, 5'000) != 1) break;
      const auto result = socket.receive_batch(pool_, all);
      EXPECT_EQ(result.oversize, 0U);
      EXPECT_EQ(result.pool_empty, 0U);
    }
    return all;
  }

  PacketPool pool_{2'048};
  UdpSocket a_ = open({});
  UdpSocket b_ = open({});
};

TEST_F(Udp, CarriesBothFamiliesAndSaysToWhichAddressADatagramCame) {
  const IpAddress other = IpAddress::v4(127, 0, 0, 2);
  transport::Output out;
  for (const IpAddress& ip : {v4_loopback, v6_loopback, other})
    out.send({{ip, b_.port()}, {}, 0}, datagram(100, 1));
  EXPECT_EQ(a_.send_batch(out).datagrams, 3U);
  const auto got = receive(b_, 3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].path, (Path{{v4_loopback, a_.port()}, v4_loopback, 0}));
  EXPECT_EQ(got[1].path, (Path{{v6_loopback, a_.port()}, v6_loopback, 0}));
  EXPECT_EQ(got[2].path.local, other);
}

TEST_F(Udp, AnswersFromTheAddressThatWasAsked) {
  const IpAddress asked = IpAddress::v4(127, 9, 8, 7);
  transport::Output out;
  out.send({{v4_loopback, b_.port()}, asked, 0}, datagram(10, 1));
  out.send({{v6_loopback, b_.port()}, v6_loopback, 0}, datagram(10, 1));
  a_.send_batch(out);
  const auto got = receive(b_, 2);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].path.remote, (SocketAddress{asked, a_.port()}));
  EXPECT_EQ(got[1].path.remote, (SocketAddress{v6_loopback, a_.port()}));
}

TEST_F(Udp, MakesOneMessageOfARunWhoeverComesBetween) {
  UdpSocket c = open({});
  transport::Output out;
  const Path to_b{{v4_loopback, b_.port()}, {}, 0};
  const Path to_c{{v6_loopback, c.port()}, v6_loopback, 0};
  // b: 1000 1000 1000 1000 300 | 1000 1000; c: 700 ×5.
  const std::vector<std::size_t> sizes = {1000, 1000, 1000, 1000, 300, 1000, 1000};
  for (std::uint32_t i = 0; i < sizes.size(); ++i) {
    out.send(to_b, datagram(sizes[i], i));
    if (i < 5) out.send(to_c, datagram(700, i));
  }
  const auto sent = a_.send_batch(out);
  EXPECT_EQ(sent.datagrams, 12U);
  EXPECT_EQ(sent.messages, 3U);
  EXPECT_EQ(sent.failed, 0U);
  const auto at_b = receive(b_, 7);
  ASSERT_EQ(at_b.size(), 7U);
  for (std::uint32_t i = 0; i < 7; ++i)
    EXPECT_TRUE(std::ranges::equal(at_b[i].packet.bytes(), datagram(sizes[i], i))) << i;
  const auto at_c = receive(c, 5);
  ASSERT_EQ(at_c.size(), 5U);
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(std::ranges::equal(at_c[i].packet.bytes(), datagram(700, i))) << i;
}

TEST_F(Udp, KeepsTheOrderOfEachDestinationForAnyMixOfSizes) {
  std::vector<UdpSocket> sockets;
  for (int i = 0; i < 20; ++i) sockets.push_back(open({}));
  transport::Output out;
  std::map<std::size_t, std::vector<std::vector<std::uint8_t>>> expected;
  std::uint32_t random = 12'345;
  for (std::uint32_t i = 0; i < 1'500; ++i) {
    random = random * 1'664'525 + 1'013'904'223;
    const std::size_t to = (random >> 8) % sockets.size();
    const std::size_t size = (random >> 16) % 3 == 0 ? (random >> 20) % 1'400 : 1'200;
    const auto bytes = datagram(size, i);
    const IpAddress ip = to % 2 == 0 ? v4_loopback : v6_loopback;
    out.send({{ip, sockets[to].port()}, {}, 0}, bytes);
    expected[to].push_back(bytes);
  }
  const auto sent = a_.send_batch(out);
  EXPECT_EQ(sent.datagrams, 1'500U);
  EXPECT_EQ(sent.failed, 0U);
  EXPECT_LT(sent.messages, 1'500U);
  for (std::size_t to = 0; to < sockets.size(); ++to) {
    const auto got = receive(sockets[to], expected[to].size());
    ASSERT_EQ(got.size(), expected[to].size());
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_TRUE(std::ranges::equal(got[i].packet.bytes(), expected[to][i])) << to << ' ' << i;
  }
}

TEST_F(Udp, SplitsARunAtTheLimitsOfTheKernel) {
  transport::Output out;
  const Path path{{v4_loopback, b_.port()}, {}, 0};
  for (std::uint32_t i = 0; i < 200; ++i) out.send(path, datagram(100, i));
  for (std::uint32_t i = 0; i < 100; ++i) out.send(path, datagram(1'400, i));
  const auto sent = a_.send_batch(out);
  EXPECT_EQ(sent.datagrams, 300U);
  EXPECT_EQ(sent.failed, 0U);
  const auto got = receive(b_, 300);
  ASSERT_EQ(got.size(), 300U);
  for (std::uint32_t i = 0; i < 300; ++i)
    EXPECT_EQ(load_u32(got[i].packet.bytes().data()), i < 200 ? i : i - 200);
}

TEST_F(Udp, SendsOneByOneWhatTheKernelRefusesAsARun) {
  // Without checksums Linux takes no UDP_SEGMENT (EINVAL), as with a device that cannot make them
  // (EIO).
  const int on = 1;
  ASSERT_EQ(setsockopt(a_.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  const auto send = [&] {
    transport::Output out;
    for (std::uint32_t i = 0; i < 3; ++i)
      out.send({{v4_loopback, b_.port()}, {}, 0}, datagram(100, i));
    return a_.send_batch(out);
  };
  for (int round = 0; round < 20; ++round) {
    const auto sent = send();
    EXPECT_EQ(sent.datagrams, 3U);
    EXPECT_EQ(sent.messages, 3U);
    EXPECT_EQ(sent.failed, 0U);
    EXPECT_EQ(sent.divided, round < 8 ? 1U : 0U);
    const auto got = receive(b_, 3);
    ASSERT_EQ(got.size(), 3U);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(load_u32(got[i].packet.bytes().data()), i);
  }
  // After so many refusals it has stopped to ask.
  const int off = 0;
  ASSERT_EQ(setsockopt(a_.fd(), SOL_SOCKET, SO_NO_CHECK, &off, sizeof off), 0);
  EXPECT_EQ(send().messages, 3U);
}

TEST_F(Udp, OneRefusalDoesNotEndSegmentation) {
  const int on = 1;
  const int off = 0;
  transport::Output out;
  for (std::uint32_t i = 0; i < 3; ++i)
    out.send({{v4_loopback, b_.port()}, {}, 0}, datagram(100, i));
  ASSERT_EQ(setsockopt(a_.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  EXPECT_EQ(a_.send_batch(out).messages, 3U);
  ASSERT_EQ(setsockopt(a_.fd(), SOL_SOCKET, SO_NO_CHECK, &off, sizeof off), 0);
  EXPECT_EQ(a_.send_batch(out).messages, 1U);
}

TEST_F(Udp, CountsWhatCannotBeSentAndGoesOn) {
  transport::Output out;
  // An address of nobody here, port 0 at the far end, and nothing to send at all.
  out.send({{v4_loopback, 0}, {}, 0}, datagram(10, 1));
  out.send({{v4_loopback, b_.port()}, IpAddress::v4(203, 0, 113, 1), 0}, datagram(10, 1));
  out.send({{v4_loopback, b_.port()}, {}, 0}, {});
  out.send({{v4_loopback, b_.port()}, {}, 5}, datagram(10, 1));  // TCP: not ours
  const auto sent = a_.send_batch(out);
  EXPECT_EQ(sent.failed, 2U);
  EXPECT_EQ(sent.datagrams, 1U);
  const auto got = receive(b_, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].packet.size(), 0U);
}

TEST_F(Udp, DropsDatagramsLargerThanAPacket) {
  transport::Output out;
  out.send({{v4_loopback, b_.port()}, {}, 0}, datagram(Packet::capacity + 1, 1));
  out.send({{v4_loopback, b_.port()}, {}, 0}, datagram(Packet::capacity, 2));
  a_.send_batch(out);
  std::vector<transport::Datagram> got;
  std::uint32_t oversize = 0;
  pollfd entry{b_.fd(), POLLIN, 0};
  while (got.empty() && poll(&entry, 1, 5'000) == 1)
    oversize += b_.receive_batch(pool_, got).oversize;
  EXPECT_EQ(oversize, 1U);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].packet.size(), Packet::capacity);
}

TEST_F(Udp, EmptiesTheSocketWhenThePoolIsEmpty) {
  PacketPool small(2);
  UdpSocket socket = open({});
  transport::Output out;
  for (std::uint32_t i = 0; i < 5; ++i)
    out.send({{v4_loopback, socket.port()}, {}, 0}, datagram(50 + i, i));
  EXPECT_EQ(a_.send_batch(out).messages, 5U) << "larger ones make no run";
  std::vector<transport::Datagram> got;
  std::uint32_t pool_empty = 0;
  pollfd entry{socket.fd(), POLLIN, 0};
  while (got.size() + pool_empty < 5 && poll(&entry, 1, 5'000) == 1)
    pool_empty += socket.receive_batch(small, got).pool_empty;
  EXPECT_EQ(got.size(), 2U);
  EXPECT_EQ(pool_empty, 3U);
  got.clear();
  out.clear();
  out.send({{v4_loopback, socket.port()}, {}, 0}, datagram(50, 9));
  a_.send_batch(out);
  ASSERT_EQ(poll(&entry, 1, 5'000), 1);
  socket.receive_batch(small, got);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(load_u32(got[0].packet.bytes().data()), 9U);
}

// Of two sizes: the last of a run that fits into a block ends behind it.
TEST_F(Udp, DividesWhatTheKernelJoined) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{500}, Packet::capacity / 2,
                                 std::size_t{1'200}, Packet::capacity}) {
    transport::Output out;
    const std::size_t most = std::min<std::size_t>(30, 65'000 / size);
    for (std::uint32_t i = 0; i < most; ++i) {
      auto bytes = datagram(i + 1 == most ? (size + 1) / 2 : size, 100 + i);
      bytes.back() = static_cast<std::uint8_t>(i);
      out.send({{v4_loopback, b_.port()}, {}, 0}, bytes);
    }
    ASSERT_EQ(a_.send_batch(out).messages, 1U);
    pollfd entry{b_.fd(), POLLIN, 0};
    ASSERT_EQ(poll(&entry, 1, 5'000), 1);
    std::vector<transport::Datagram> got;
    const auto result = b_.receive_batch(pool_, got);
    EXPECT_EQ(result.messages, 1U);
    EXPECT_EQ(result.pool_empty + result.oversize, 0U);
    ASSERT_EQ(got.size(), most);
    for (std::size_t i = 0; i < most; ++i) {
      EXPECT_EQ(got[i].path, (Path{{v4_loopback, a_.port()}, v4_loopback, 0}));
      EXPECT_TRUE(std::ranges::equal(got[i].packet.bytes(), out.bytes(out.transmits[i]))) << i;
    }
  }
}

TEST_F(Udp, CountsEachDatagramOfARunThatItCannotKeep) {
  transport::Output out;
  for (std::uint32_t i = 0; i < 5; ++i)
    out.send({{v4_loopback, b_.port()}, {}, 0}, datagram(Packet::capacity + 1, i));
  ASSERT_EQ(a_.send_batch(out).messages, 1U);
  pollfd entry{b_.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&entry, 1, 5'000), 1);
  std::vector<transport::Datagram> got;
  EXPECT_EQ(b_.receive_batch(pool_, got).oversize, 5U);
  EXPECT_TRUE(got.empty());

  // One block, and then none.
  PacketPool small(1);
  std::vector<transport::Datagram> kept_there;
  UdpSocket socket = open({});
  out.clear();
  for (std::uint32_t i = 0; i < 5; ++i)
    out.send({{v4_loopback, socket.port()}, {}, 0}, datagram(50, i));
  for (const std::size_t kept : {1U, 0U}) {
    ASSERT_EQ(a_.send_batch(out).messages, 1U);
    entry.fd = socket.fd();
    ASSERT_EQ(poll(&entry, 1, 5'000), 1);
    EXPECT_EQ(socket.receive_batch(small, kept_there).pool_empty, 5 - kept);
    EXPECT_EQ(kept_there.size(), 1U);
  }
}

TEST_F(Udp, APortInUseIsNamed) {
  const auto taken = UdpSocket::open({v4_loopback, a_.port()});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "port_in_use");
  EXPECT_EQ(taken.error().message,
            fmt::format("UDP 127.0.0.1:{}: cannot be used: Address already in use", a_.port()));
}

TEST_F(Udp, BindsToOneAddressIfAsked) {
  UdpSocket only = open({v4_loopback, 0});
  transport::Output out;
  out.send({{v4_loopback, only.port()}, {}, 0}, datagram(10, 1));
  out.send({{v6_loopback, only.port()}, {}, 0}, datagram(10, 2));
  a_.send_batch(out);
  const auto got = receive(only, 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(load_u32(got[0].packet.bytes().data()), 1U);
}

}  // namespace
}  // namespace liaison::io
