// What the kernel costs: datagrams of 1,200 bytes to 100 destinations on loopback, as single ones
// and as runs, and what it costs to take them in again.
#include <benchmark/benchmark.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "base/ensure.hpp"
#include "io/udp.hpp"

namespace {

using namespace liaison;

constexpr std::size_t destinations = 100;
constexpr std::size_t size = 1200;

io::UdpSocket open_socket() {
  auto socket = io::UdpSocket::open({IpAddress::v4(127, 0, 0, 1), 0});
  ENSURE(socket);
  return std::move(*socket);
}

// After it was refused often enough a socket makes no more runs.
void refuse_runs(io::UdpSocket& socket, const transport::Output& run) {
  const int on = 1;
  const int off = 0;
  ENSURE(setsockopt(socket.fd(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
  for (int i = 0; i < 8; ++i) socket.send_batch(run);
  ENSURE(setsockopt(socket.fd(), SOL_SOCKET, SO_NO_CHECK, &off, sizeof off) == 0);
}

// So many datagrams for each destination at a time, each destination's one after the other. Nobody
// takes them in: once their buffers are full the kernel throws them away.
void send(benchmark::State& state, bool runs) {
  const auto each = static_cast<std::size_t>(state.range(0));
  std::vector<io::UdpSocket> sinks;
  for (std::size_t i = 0; i < destinations; ++i) sinks.push_back(open_socket());
  io::UdpSocket socket = open_socket();
  const std::vector<std::uint8_t> datagram(size, 7);
  const auto path_to = [](const io::UdpSocket& to) {
    return transport::Path{{IpAddress::v4(127, 0, 0, 1), to.port()}, {}, 0};
  };
  transport::Output out;
  if (!runs) {
    out.send(path_to(sinks[0]), datagram);
    out.send(path_to(sinks[0]), datagram);
    refuse_runs(socket, out);
    out.clear();
  }
  for (const io::UdpSocket& sink : sinks) {
    for (std::size_t i = 0; i < each; ++i) out.send(path_to(sink), datagram);
  }
  std::uint64_t sent = 0;
  std::uint64_t messages = 0;
  for (auto _ : state) {
    const auto result = socket.send_batch(out);
    sent += result.datagrams;
    messages += result.messages;
  }
  if (sent == 0 || (messages == sent) == (runs && each > 1)) state.SkipWithError("not as meant");
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(sent), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void send_single(benchmark::State& state) { send(state, false); }
void send_runs(benchmark::State& state) { send(state, true); }

BENCHMARK(send_single)->Arg(1)->Arg(8);
BENCHMARK(send_runs)->Arg(2)->Arg(4)->Arg(8)->Arg(16);

// What waits in the socket's buffer, sent as runs of so many or one by one; only the taking in is
// measured.
void receive(benchmark::State& state) {
  const auto run = static_cast<std::size_t>(state.range(0));
  PacketPool pool(4096);
  io::UdpSocket from = open_socket();
  io::UdpSocket to = open_socket();
  std::vector<transport::Datagram> received;
  received.reserve(4096);
  const std::vector<std::uint8_t> datagram(size, 7);
  const transport::Path path{{IpAddress::v4(127, 0, 0, 1), to.port()}, {}, 0};
  std::vector<transport::Output> outs(64 / run);
  for (auto& out : outs) {
    for (std::size_t i = 0; i < run; ++i) out.send(path, datagram);
  }
  std::uint64_t count = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (const auto& out : outs) from.send_batch(out);
    received.clear();
    state.ResumeTiming();
    to.receive_batch(pool, received);
    count += received.size();
  }
  if (count != static_cast<std::uint64_t>(state.iterations()) * 64) {
    state.SkipWithError("not all arrived");
  }
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(count), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(receive)->Arg(1)->Arg(4)->Arg(8)->Arg(16);

}  // namespace
