// The estimator of one path: whatever a far end reports, whenever it does, the estimate stays
// within its limits, what is held stays bounded, and no deadline is left behind. The first byte of
// each step chooses what happens, the second how long after the last it does.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/ensure.hpp"
#include "bwe/estimator.hpp"
#include "rtcp/compound.hpp"

namespace {

using namespace liaison;

// A feedback packet whose chunks and deltas are the fuzzer's; its sequence number is near to what
// was sent.
void report(bwe::Estimator& estimator, Reader& reader, std::uint16_t sent, Instant now) {
  const auto base = static_cast<std::uint16_t>(sent - reader.u8());
  const std::uint16_t count = reader.u8();
  const std::uint32_t reference = reader.u24();
  const Bytes rest = reader.take(std::min<std::size_t>(reader.u8(), reader.remaining()));
  std::array<std::uint8_t, 512> buffer{};
  Writer out(buffer);
  out.u32(1);
  out.u32(2);
  out.u16(base);
  out.u16(count);
  out.u24(reference);
  out.u8(0);
  out.bytes(rest);
  const rtcp::PacketView packet{rtcp::PacketType::transport_feedback, 15, out.written()};
  if (const auto feedback = rtcp::TransportFeedback::parse(packet)) {
    estimator.feedback(*feedback, now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr bwe::EstimatorOptions options{.start = 500'000, .least = 30'000, .most = 20'000'000};
  Instant now = Instant{} + seconds(1);
  bwe::Estimator estimator(options, now);
  std::uint16_t sent = 0;
  Reader reader(Bytes(data, size));
  while (reader.ok() && reader.remaining() > 1) {
    const std::uint8_t kind = reader.u8();
    const std::uint8_t step = reader.u8();
    // Milliseconds mostly; now and then minutes.
    now += step < 0xf0 ? Duration(milliseconds(step)) : Duration(seconds(10 * (step - 0xef)));
    switch (kind % 8) {
      case 0:
      case 1:
        report(estimator, reader, sent, now);
        break;
      case 2:
        for (std::uint8_t left = kind; left > 0; --left) {
          sent = estimator.sent(kind * 8U, now, estimator.sending_probe());
        }
        break;
      case 3:
        sent = estimator.sent(reader.u16(), now, static_cast<bwe::ProbeId>(kind >> 3));
        break;
      case 4: {
        const std::uint32_t wanted = reader.u32();
        estimator.set_demand(wanted, reader.u32(), now);
        break;
      }
      case 5:
        if (kind < 16) estimator.route_changed(now);
        [[fallthrough]];
      case 6:
        if (const auto probe = estimator.take_probe(now)) {
          ENSURE(probe->rate <= options.most && probe->bytes > 0 && probe->packet_bytes > 0);
          ENSURE(estimator.sending_probe() == probe->id);
        }
        [[fallthrough]];
      default:
        estimator.tick(now);
        ENSURE(estimator.deadline() > now);
    }
    ENSURE(estimator.estimate() >= options.least && estimator.estimate() <= options.most);
    ENSURE(estimator.target() >= options.least && estimator.target() <= estimator.estimate());
    ENSURE(estimator.kept() <= bwe::SentPackets::max_kept);
    ENSURE(estimator.loss() >= 0 && estimator.loss() <= 1);
    ENSURE(estimator.rtt() > Duration{} && estimator.rtt() <= bwe::SentPackets::max_age);
    ENSURE(estimator.queue_delay() >= Duration{});
  }
  return 0;
}
