#include "io/tcp_framing.hpp"

#include "base/ensure.hpp"

namespace liaison::io {

MutableBytes FrameReader::room() {
  if (broken_) return {};
  // All whole frames have been taken, so what is left is less than one frame.
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (size - end_ < Packet::capacity + 2) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return MutableBytes(buffer_).subspan(end_);
}

void FrameReader::arrived(std::size_t count) {
  ENSURE(count <= size - end_);
  end_ += count;
}

std::optional<Bytes> FrameReader::next() {
  while (!broken_ && end_ - begin_ >= 2) {
    const std::size_t length = load_u16(&buffer_[begin_]);
    if (length > Packet::capacity) {
      broken_ = true;
      break;
    }
    if (end_ - begin_ - 2 < length) break;
    const Bytes datagram = Bytes(buffer_).subspan(begin_ + 2, length);
    begin_ += 2 + length;
    if (length != 0) return datagram;
  }
  return std::nullopt;
}

bool FrameWriter::push(Bytes datagram) {
  const std::size_t needed = 2 + datagram.size();
  if (datagram.size() > UINT16_MAX || limit_ - (end_ - begin_) < needed) return false;
  if (limit_ - end_ < needed) {
    std::memmove(buffer_.get(), &buffer_[begin_], end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  store_u16(&buffer_[end_], static_cast<std::uint16_t>(datagram.size()));
  if (!datagram.empty()) std::memcpy(&buffer_[end_ + 2], datagram.data(), datagram.size());
  end_ += needed;
  return true;
}

void FrameWriter::sent(std::size_t count) {
  ENSURE(count <= end_ - begin_);
  begin_ += count;
  if (begin_ == end_) begin_ = end_ = 0;
}

}  // namespace liaison::io
