// What one packet costs on its way through the Sfu: opened once, then rewritten and sealed for each
// subscriber. No sockets: datagram in, datagrams out, with real SRTP. Nothing may be allocated on
// the way: `allocations` shows that it is not.
#include <benchmark/benchmark.h>

#include "bench/allocations.hpp"
#include "bench/call.hpp"

namespace {

using namespace liaison::bench;

void forward(benchmark::State& state, const Kind& kind) {
  const auto subscribers = static_cast<std::uint64_t>(state.range(0));
  Call call(subscribers);
  // The first packets bring histories and batches to their size.
  call.refill(kind);
  while (!call.empty()) call.forward();
  std::size_t sent = 0;
  std::uint64_t allocated = 0;
  std::uint64_t before = allocations();
  for (auto _ : state) {
    if (call.empty()) {
      state.PauseTiming();
      allocated += allocations() - before;
      call.refill(kind);
      before = allocations();
      state.ResumeTiming();
    }
    sent += call.forward();
  }
  allocated += allocations() - before;
  // A server that forwards nothing is fast.
  if (sent < static_cast<std::uint64_t>(state.iterations()) * subscribers) {
    state.SkipWithError("not every packet was forwarded");
  }
  state.counters["allocations"] = static_cast<double>(allocated);
  state.counters["each"] = benchmark::Counter(
      static_cast<double>(sent), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void forward_audio(benchmark::State& state) { forward(state, audio); }
void forward_video(benchmark::State& state) { forward(state, video); }

BENCHMARK(forward_audio)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(forward_video)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
