#include "rtcp/transport_cc.hpp"

#include <algorithm>
#include <array>

#include "base/ensure.hpp"

namespace liaison::rtcp {
namespace {

constexpr std::uint8_t fmt_transport_cc = 15;
constexpr std::size_t fixed_size = header_size + 16;
constexpr std::size_t run_limit = 8191;  // 13 bits

// Packs symbols into chunks as they come: a run as long as they are equal, else a vector of 14
// one-bit or 7 two-bit symbols. Emits each finished chunk as its return value; at most one is
// finished by one symbol, since what stays behind always fits a chunk of its own.
class ChunkPacker {
 public:
  std::optional<std::uint16_t> add(std::uint8_t symbol) {
    std::optional<std::uint16_t> finished;
    if (!fits(symbol)) finished = emit();
    if (size_ < symbols_.size()) symbols_[size_] = symbol;
    uniform_ = size_ == 0 || (uniform_ && symbol == symbols_[0]);
    large_ = large_ || symbol == TransportFeedback::large_delta;
    ++size_;
    return finished;
  }
  // The chunk of all that is left. Symbols beyond the status count are not read.
  std::uint16_t last() const {
    if (uniform_) return run();
    return large_ ? two_bit_vector() : one_bit_vector();
  }

 private:
  bool fits(std::uint8_t symbol) const {
    if (size_ < 7) return true;
    if (size_ < 14 && !large_ && symbol != TransportFeedback::large_delta) return true;
    return uniform_ && size_ < run_limit && symbol == symbols_[0];
  }
  std::uint16_t run() const {
    return static_cast<std::uint16_t>(symbols_[0] << 13 | static_cast<int>(size_));
  }
  std::uint16_t one_bit_vector() const {
    int chunk = 0x8000;
    for (std::size_t i = 0; i < size_; ++i) chunk |= symbols_[i] << (13 - i);
    return static_cast<std::uint16_t>(chunk);
  }
  std::uint16_t two_bit_vector() const {
    int chunk = 0xc000;
    for (std::size_t i = 0; i < std::min<std::size_t>(size_, 7); ++i) {
      chunk |= symbols_[i] << (12 - 2 * i);
    }
    return static_cast<std::uint16_t>(chunk);
  }
  std::uint16_t emit() {
    if (uniform_ || size_ == symbols_.size()) {
      const std::uint16_t chunk = uniform_ ? run() : one_bit_vector();
      size_ = 0;
      uniform_ = true;
      large_ = false;
      return chunk;
    }
    const std::uint16_t chunk = two_bit_vector();
    std::copy(symbols_.begin() + 7, symbols_.begin() + static_cast<std::ptrdiff_t>(size_),
              symbols_.begin());
    size_ -= 7;
    const auto left = std::span(symbols_).first(size_);
    uniform_ = std::ranges::all_of(left, [&](std::uint8_t s) { return s == left[0]; });
    large_ = std::ranges::find(left, TransportFeedback::large_delta) != left.end();
    return chunk;
  }

  std::array<std::uint8_t, 14> symbols_{};  // in a longer run all are equal
  std::size_t size_ = 0;
  bool uniform_ = true;
  bool large_ = false;
};

std::int64_t ticks(Instant at) {
  // Rounded down also below zero, so that the first delta is never negative.
  const std::int64_t ns = at.time_since_epoch().count();
  const std::int64_t step = TransportFeedback::tick.count();
  return ns / step - (ns % step < 0 ? 1 : 0);
}

// Walks the arrivals in order: the symbols of the gap before each, its own symbol, its delta.
// visit_symbol(symbol), then take(delta) -> whether to go on. Returns how many were taken.
template <typename VisitSymbol, typename Take>
std::size_t walk(std::uint64_t first_sequence, std::int64_t reference_ticks,
                 std::span<const Arrival> arrivals, VisitSymbol&& visit_symbol, Take&& take) {
  std::uint64_t next = first_sequence;
  std::int64_t last_ticks = reference_ticks;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const Arrival& arrival = arrivals[i];
    ENSURE(arrival.sequence >= next);
    if (arrival.sequence - first_sequence >= max_feedback_statuses) return i;
    const std::int64_t now_ticks = ticks(arrival.at);
    const std::int64_t delta = now_ticks - last_ticks;
    if (delta != static_cast<std::int16_t>(delta)) return i;
    for (; next < arrival.sequence; ++next) visit_symbol(TransportFeedback::not_received);
    const bool small = delta >= 0 && delta <= 255;
    visit_symbol(small ? TransportFeedback::small_delta : TransportFeedback::large_delta);
    if (!take(delta, small)) return i;
    ++next;
    last_ticks = now_ticks;
  }
  return arrivals.size();
}

}  // namespace

std::uint8_t TransportFeedback::Symbols::next() {
  while (left_ == 0) {
    chunk_ = reader_.u16();
    if (!reader_.ok()) return not_received;
    if ((chunk_ & 0x8000) == 0) {
      left_ = chunk_ & 0x1fff;  // a run of none is read past
    } else {
      left_ = (chunk_ & 0x4000) == 0 ? 14 : 7;
    }
  }
  --left_;
  if ((chunk_ & 0x8000) == 0) return static_cast<std::uint8_t>(chunk_ >> 13);
  if ((chunk_ & 0x4000) == 0) return static_cast<std::uint8_t>(chunk_ >> left_ & 0x01);
  return static_cast<std::uint8_t>(chunk_ >> 2 * left_ & 0x03);
}

std::optional<TransportFeedback> TransportFeedback::parse(const PacketView& packet) {
  if (packet.type != PacketType::transport_feedback || packet.count != fmt_transport_cc) {
    return std::nullopt;
  }
  Reader reader(packet.body);
  TransportFeedback feedback;
  reader.u32();  // sender
  feedback.media_ssrc_ = reader.u32();
  feedback.base_sequence_ = reader.u16();
  feedback.status_count_ = reader.u16();
  // 24 bits signed.
  const std::int32_t reference = static_cast<std::int32_t>(reader.u24() << 8) >> 8;
  feedback.reference_time_ = reference * reference_unit;
  feedback.feedback_count_ = reader.u8();
  if (!reader.ok() || feedback.status_count_ == 0 ||
      feedback.status_count_ > max_feedback_statuses) {
    return std::nullopt;
  }

  Symbols symbols(reader.rest());
  std::size_t delta_size = 0;
  for (std::uint32_t i = 0; i < feedback.status_count_; ++i) {
    const std::uint8_t symbol = symbols.next();
    if (!symbols.ok() || symbol > large_delta) return std::nullopt;
    delta_size += symbol;  // the symbol is the size of the delta
  }
  feedback.chunks_ = reader.rest();
  feedback.deltas_ = symbols.rest();
  if (feedback.deltas_.size() < delta_size) return std::nullopt;
  return feedback;
}

std::size_t write_transport_feedback(Writer& out, const FeedbackHeader& header,
                                     std::uint64_t first_sequence,
                                     std::span<const Arrival> arrivals) {
  if (arrivals.empty() || !out.ok()) return 0;
  constexpr std::int64_t ticks_per_unit =
      TransportFeedback::reference_unit / TransportFeedback::tick;
  const std::int64_t first_ticks = ticks(arrivals.front().at);
  const std::int64_t reference =
      (first_ticks - ((first_ticks % ticks_per_unit) + ticks_per_unit) % ticks_per_unit) /
      ticks_per_unit;
  const std::int64_t reference_ticks = reference * ticks_per_unit;

  // First measure, then write.
  ChunkPacker measure;
  std::size_t chunks = 0;
  std::size_t delta_size = 0;
  std::size_t body_size = 0;  // chunks and deltas of what fits
  const std::size_t taken = walk(
      first_sequence, reference_ticks, arrivals,
      [&](std::uint8_t symbol) {
        if (measure.add(symbol)) ++chunks;
      },
      [&](std::int64_t, bool small) {
        delta_size += small ? 1 : 2;
        const std::size_t size = 2 * (chunks + 1) + delta_size;
        if (fixed_size + (size + 3) / 4 * 4 > out.remaining()) return false;
        body_size = size;
        return true;
      });
  if (taken == 0) return 0;

  const std::span<const Arrival> sent = arrivals.first(taken);
  const std::size_t padding = (4 - body_size % 4) % 4;
  write_header(out, PacketType::transport_feedback, fmt_transport_cc,
               (fixed_size + body_size + padding) / 4 - 1, padding != 0);
  out.u32(header.sender_ssrc);
  out.u32(header.media_ssrc);
  out.u16(static_cast<std::uint16_t>(first_sequence));
  out.u16(static_cast<std::uint16_t>(sent.back().sequence - first_sequence + 1));
  out.u24(static_cast<std::uint32_t>(reference) & 0xffffff);
  out.u8(header.feedback_count);

  ChunkPacker packer;
  walk(
      first_sequence, reference_ticks, sent,
      [&](std::uint8_t symbol) {
        if (const auto chunk = packer.add(symbol)) out.u16(*chunk);
      },
      [](std::int64_t, bool) { return true; });
  out.u16(packer.last());
  walk(
      first_sequence, reference_ticks, sent, [](std::uint8_t) {},
      [&](std::int64_t delta, bool small) {
        if (small) {
          out.u8(static_cast<std::uint8_t>(delta));
        } else {
          out.u16(static_cast<std::uint16_t>(delta));
        }
        return true;
      });
  if (padding != 0) {
    out.zeros(padding - 1);
    out.u8(static_cast<std::uint8_t>(padding));
  }
  return taken;
}

}  // namespace liaison::rtcp
