// Everything of src/rtcp on one datagram, and what can be written again is.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ensure.hpp"
#include "rtcp/compound.hpp"
#include "rtcp/feedback.hpp"
#include "rtcp/report.hpp"
#include "rtcp/transport_cc.hpp"

namespace {

using namespace liaison;

rtcp::PacketView only(Bytes bytes) {
  const auto compound = rtcp::Compound::parse(bytes);
  ENSURE(compound);
  return *compound->begin();
}

void check_blocks(const rtcp::ReportBlocks& blocks) {
  std::vector<rtcp::ReportBlock> copy;
  for (std::size_t i = 0; i < blocks.size(); ++i) copy.push_back(blocks[i]);
  std::array<std::uint8_t, 800> buffer;
  Writer out(buffer);
  rtcp::write_receiver_report(out, 1, copy);
  const auto again = rtcp::parse_receiver_report(only(out.written()));
  ENSURE(again && again->blocks.size() == copy.size());
  for (std::size_t i = 0; i < copy.size(); ++i) ENSURE(again->blocks[i] == copy[i]);
}

// Arrivals that are told again must read the same, as long as they fit one packet.
void check_feedback(const rtcp::TransportFeedback& feedback) {
  std::vector<std::optional<Duration>> statuses;
  std::vector<rtcp::Arrival> arrivals;
  const std::uint64_t first = 65536U + feedback.base_sequence();
  // Above zero and on a whole unit, as the reference time is.
  constexpr auto epoch = rtcp::TransportFeedback::reference_unit * (1 << 24);
  feedback.for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
    ENSURE(sequence == static_cast<std::uint16_t>(first + statuses.size()));
    if (arrival) arrivals.push_back({first + statuses.size(), Instant(epoch + *arrival)});
    statuses.push_back(arrival);
  });
  ENSURE(statuses.size() == feedback.status_count());

  std::vector<std::uint8_t> buffer(64 + 5 * statuses.size());
  Writer out(buffer);
  const std::size_t taken = rtcp::write_transport_feedback(out, {}, first, arrivals);
  ENSURE(out.ok());
  if (taken == 0) return;
  const auto again = rtcp::TransportFeedback::parse(only(out.written()));
  ENSURE(again);
  std::size_t received = 0;
  again->for_each([&](std::uint16_t sequence, std::optional<Duration> arrival) {
    const std::size_t index = static_cast<std::uint16_t>(sequence - first);
    ENSURE(arrival.has_value() == statuses[index].has_value());
    if (arrival) ++received;
  });
  ENSURE(received == taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto compound = rtcp::Compound::parse({data, size});
  if (!compound) return 0;
  std::size_t total = 0;
  for (const rtcp::PacketView& packet : *compound) {
    total += rtcp::header_size + packet.body.size();
    if (const auto report = rtcp::parse_sender_report(packet)) check_blocks(report->blocks);
    if (const auto report = rtcp::parse_receiver_report(packet)) check_blocks(report->blocks);
    rtcp::find_cname(packet, 0x12345678);
    if (const auto sources = rtcp::parse_bye(packet)) {
      for (std::size_t i = 0; i < sources->size(); ++i) rtcp::find_cname(packet, (*sources)[i]);
    }
    if (const auto nack = rtcp::Nack::parse(packet)) {
      std::size_t count = 0;
      nack->for_each([&](std::uint16_t) { ++count; });
      ENSURE(count >= 1 && count <= 17 * packet.body.size() / 4);
    }
    rtcp::parse_pli(packet);
    if (const auto fir = rtcp::Fir::parse(packet)) {
      for (std::size_t i = 0; i < fir->size(); ++i) ENSURE((*fir)[i].sequence <= 255);
    }
    if (const auto feedback = rtcp::TransportFeedback::parse(packet)) check_feedback(*feedback);
  }
  ENSURE(total <= size);
  return 0;
}
