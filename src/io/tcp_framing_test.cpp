#include "io/tcp_framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace liaison::io {
namespace {

using Datagrams = std::vector<std::vector<std::uint8_t>>;

std::vector<std::uint8_t> frame(std::size_t length, std::uint8_t fill) {
  std::vector<std::uint8_t> bytes(length + 2, fill);
  store_u16(bytes.data(), static_cast<std::uint16_t>(length));
  return bytes;
}

// Feeds `stream` in pieces of at most `piece` bytes.
Datagrams cut(FrameReader& reader, Bytes stream, std::size_t piece) {
  Datagrams all;
  while (!stream.empty() && !reader.broken()) {
    const MutableBytes room = reader.room();
    const std::size_t count = std::min({piece, room.size(), stream.size()});
    if (count == 0) break;
    std::copy_n(stream.begin(), count, room.begin());
    reader.arrived(count);
    stream = stream.subspan(count);
    while (const auto datagram = reader.next())
      all.emplace_back(datagram->begin(), datagram->end());
  }
  return all;
}

TEST(FrameReader, CutsTheSameDatagramsHoweverTheBytesArrive) {
  std::vector<std::uint8_t> stream;
  Datagrams expected;
  for (std::size_t i = 0; i < 50; ++i) {
    const std::size_t length = i * 997 % Packet::capacity + 1;
    const auto bytes = frame(length, static_cast<std::uint8_t>(i));
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    expected.emplace_back(bytes.begin() + 2, bytes.end());
  }
  for (const std::size_t piece : {1, 2, 3, 1'000, 100'000}) {
    FrameReader reader;
    EXPECT_EQ(cut(reader, stream, piece), expected) << piece;
    EXPECT_FALSE(reader.broken());
  }
}

TEST(FrameReader, TakesTheLargestPacketAndBreaksAtALargerOne) {
  FrameReader reader;
  EXPECT_EQ(cut(reader, frame(Packet::capacity, 7), 100'000).size(), 1U);
  EXPECT_FALSE(reader.broken());
  EXPECT_TRUE(cut(reader, frame(Packet::capacity + 1, 7), 100'000).empty());
  EXPECT_TRUE(reader.broken());
  EXPECT_TRUE(reader.room().empty());
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST(FrameReader, BreaksAtAnHttpRequest) {
  FrameReader reader;
  EXPECT_TRUE(cut(reader, as_bytes("GET / HTTP/1.1\r\n\r\n"), 100).empty());
  EXPECT_TRUE(reader.broken());
}

TEST(FrameReader, SkipsEmptyDatagrams) {
  FrameReader reader;
  std::vector<std::uint8_t> stream(20'000);
  const auto last = frame(3, 9);
  stream.insert(stream.end(), last.begin(), last.end());
  EXPECT_EQ(cut(reader, stream, 4'096), (Datagrams{{9, 9, 9}}));
}

TEST(FrameWriter, WhatItWritesTheReaderReads) {
  FrameWriter writer(4'000);
  FrameReader reader;
  Datagrams sent;
  Datagrams got;
  for (std::size_t i = 0; i < 500; ++i) {
    const std::vector<std::uint8_t> datagram(i * 31 % 1'300, static_cast<std::uint8_t>(i));
    if (writer.push(datagram) && !datagram.empty()) sent.push_back(datagram);
    // The stream takes a part, which ends anywhere.
    const std::size_t taken = std::min<std::size_t>(writer.pending().size(), 700 + i % 13);
    for (auto& piece : cut(reader, writer.pending().first(taken), 100'000))
      got.push_back(std::move(piece));
    writer.sent(taken);
  }
  for (auto& piece : cut(reader, writer.pending(), 100'000)) got.push_back(std::move(piece));
  writer.sent(writer.pending().size());
  EXPECT_GT(sent.size(), 300U);
  EXPECT_EQ(got, sent);
}

TEST(FrameWriter, RefusesAWholeFrameWhenItIsFull) {
  FrameWriter writer(100);
  const std::vector<std::uint8_t> datagram(48);
  EXPECT_TRUE(writer.push(datagram));
  EXPECT_TRUE(writer.push(datagram));
  EXPECT_FALSE(writer.push({}));
  EXPECT_EQ(writer.pending().size(), 100U);
  writer.sent(60);
  EXPECT_TRUE(writer.push(datagram));
  EXPECT_FALSE(writer.push(datagram));
  EXPECT_EQ(writer.pending().size(), 90U);
  const std::vector<std::uint8_t> huge(70'000);
  FrameWriter large(100'000);
  EXPECT_FALSE(large.push(huge));
}

}  // namespace
}  // namespace liaison::io
