// Sender and receiver reports, source description and BYE (RFC 3550 section 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "rtcp/compound.hpp"

namespace liaison::rtcp {

inline constexpr std::size_t max_report_blocks = 31;  // what the 5-bit count can say

struct SenderInfo {
  std::uint64_t ntp = 0;  // 32.32 fixed-point seconds since 1900
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  bool operator==(const SenderInfo&) const = default;
};

struct ReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fraction_lost = 0;         // of 256
  std::int32_t cumulative_lost = 0;       // 24 bits signed
  std::uint32_t highest_sequence = 0;     // with the count of cycles above
  std::uint32_t jitter = 0;               // in units of the RTP clock
  std::uint32_t last_sr = 0;              // middle 32 bits of the NTP time of the last SR; 0 = none
  std::uint32_t delay_since_last_sr = 0;  // in 1/65536 s
  bool operator==(const ReportBlock&) const = default;
};

// The report blocks of a packet, read when asked for.
class ReportBlocks {
 public:
  static constexpr std::size_t block_size = 24;
  ReportBlocks() = default;
  explicit ReportBlocks(Bytes bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size() / block_size; }
  ReportBlock operator[](std::size_t index) const;

 private:
  Bytes bytes_;
};

struct SenderReport {
  std::uint32_t ssrc = 0;
  SenderInfo info;
  ReportBlocks blocks;
};
struct ReceiverReport {
  std::uint32_t ssrc = 0;
  ReportBlocks blocks;
};

// Nothing if the packet has another type or is shorter than its count of blocks.
std::optional<SenderReport> parse_sender_report(const PacketView& packet);
std::optional<ReceiverReport> parse_receiver_report(const PacketView& packet);

// At most max_report_blocks blocks; more are a broken invariant. Like all writers of this folder
// they say by out.ok() whether there was room.
void write_sender_report(Writer& out, std::uint32_t ssrc, const SenderInfo& info,
                         std::span<const ReportBlock> blocks = {});
void write_receiver_report(Writer& out, std::uint32_t ssrc, std::span<const ReportBlock> blocks);

// The CNAME that an SDES packet gives this SSRC.
std::optional<std::string_view> find_cname(const PacketView& packet, std::uint32_t ssrc);
// One chunk with one item. A CNAME has at most 255 bytes (RFC 7022 makes it far shorter).
void write_cname(Writer& out, std::uint32_t ssrc, std::string_view cname);

// The sources that leave; the reason is not read.
class ByeSources {
 public:
  explicit ByeSources(Bytes bytes) : bytes_(bytes) {}
  std::size_t size() const { return bytes_.size() / 4; }
  std::uint32_t operator[](std::size_t index) const { return load_u32(&bytes_[4 * index]); }

 private:
  Bytes bytes_;
};
std::optional<ByeSources> parse_bye(const PacketView& packet);
void write_bye(Writer& out, std::uint32_t ssrc);

}  // namespace liaison::rtcp
