// What it costs to seal and to open one packet, with the engine of this machine and with OpenSSL
// alone, beside libsrtp doing the same (where it is installed; Debian builds it on NSS).
#include <benchmark/benchmark.h>
#ifdef LIAISON_HAVE_LIBSRTP2
#include <srtp2/srtp.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ensure.hpp"
#include "transport/srtp.hpp"

namespace {

using namespace liaison;
using transport::SrtpEngine;
using transport::SrtpProfile;

constexpr std::size_t header_size = 20;  // with an extension of one word

transport::SrtpMaster test_master() {
  transport::SrtpMaster master;
  master.key.fill(1);
  return master;
}

// A packet of `size` bytes; what is sealed is a copy with the next sequence number.
struct Source {
  explicit Source(std::size_t size) : packet(size, 7) {
    constexpr std::uint8_t header[header_size] = {0x90, 96, 0,    0,    0, 0, 0, 0, 0, 0,
                                                  0,    1,  0xbe, 0xde, 0, 1, 0, 0, 0, 0};
    std::ranges::copy(header, packet.begin());
  }
  void next() { store_u16(&packet[2], ++sequence); }

  std::vector<std::uint8_t> packet;
  std::uint16_t sequence = 0;
};

void finish(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(size));
}

// As many packets as a receiver's window forgets nothing of, sealed under one master.
std::vector<std::vector<std::uint8_t>> sealed_packets(SrtpProfile profile, std::size_t size) {
  transport::SrtpSender sender(profile, test_master());
  Source source(size);
  std::vector<std::vector<std::uint8_t>> packets(30'000);
  for (auto& packet : packets) {
    source.next();
    packet.resize(size + transport::srtp_overhead);
    packet.resize(*sender.seal_rtp(Bytes(source.packet).first(header_size),
                                   Bytes(source.packet).subspan(header_size), packet));
  }
  return packets;
}

// For one subscriber, or for each of several in turn.
void seal_with(benchmark::State& state, SrtpProfile profile, SrtpEngine engine,
               std::size_t subscribers) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::unique_ptr<transport::SrtpSender>> senders(subscribers);
  for (auto& sender : senders) {
    sender = std::make_unique<transport::SrtpSender>(profile, test_master(), engine);
  }
  Source source(size);
  std::vector<std::uint8_t> room(size + transport::srtp_overhead);
  std::size_t next = subscribers;
  for (auto _ : state) {
    if (next == subscribers) {
      source.next();
      next = 0;
    }
    const auto sealed = senders[next++]->seal_rtp(Bytes(source.packet).first(header_size),
                                                  Bytes(source.packet).subspan(header_size), room);
    ENSURE(sealed);
    benchmark::DoNotOptimize(room.data());
  }
  finish(state, size);
}
void seal(benchmark::State& state, SrtpProfile profile) {
  seal_with(state, profile, transport::fastest_srtp_engine(), 1);
}
void seal_500(benchmark::State& state, SrtpProfile profile) {
  seal_with(state, profile, transport::fastest_srtp_engine(), 500);
}
void openssl_seal(benchmark::State& state, SrtpProfile profile) {
  seal_with(state, profile, SrtpEngine::openssl, 1);
}

void open_with(benchmark::State& state, SrtpProfile profile, SrtpEngine engine) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto packets = sealed_packets(profile, size);
  std::vector<std::uint8_t> copy(size + transport::srtp_overhead);
  auto receiver = std::make_unique<transport::SrtpReceiver>(profile, test_master(), engine);
  std::size_t at = 0;
  for (auto _ : state) {
    if (at == packets.size()) {
      state.PauseTiming();
      receiver = std::make_unique<transport::SrtpReceiver>(profile, test_master(), engine);
      at = 0;
      state.ResumeTiming();
    }
    const auto& packet = packets[at++];
    std::ranges::copy(packet, copy.begin());
    ENSURE(receiver->open_rtp(MutableBytes(copy).first(packet.size())));
  }
  finish(state, size);
}

void open(benchmark::State& state, SrtpProfile profile) {
  open_with(state, profile, transport::fastest_srtp_engine());
}
void openssl_open(benchmark::State& state, SrtpProfile profile) {
  open_with(state, profile, SrtpEngine::openssl);
}

#ifdef LIAISON_HAVE_LIBSRTP2
class Libsrtp {
 public:
  Libsrtp(SrtpProfile profile, srtp_ssrc_type_t direction) {
    static const bool initialised = srtp_init() == srtp_err_status_ok;
    ENSURE(initialised);
    srtp_policy_t policy{};
    for (srtp_crypto_policy_t* p : {&policy.rtp, &policy.rtcp}) {
      if (profile == SrtpProfile::aes128_cm_hmac_sha1_80) srtp_crypto_policy_set_rtp_default(p);
      if (profile == SrtpProfile::aead_aes_128_gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(p);
      if (profile == SrtpProfile::aead_aes_256_gcm) srtp_crypto_policy_set_aes_gcm_256_16_auth(p);
    }
    const transport::SrtpMaster master = test_master();
    std::vector<std::uint8_t> key(master.key.begin(),
                                  master.key.begin() + transport::key_size(profile));
    key.insert(key.end(), master.salt.begin(), master.salt.begin() + transport::salt_size(profile));
    policy.key = key.data();
    policy.ssrc.type = direction;
    policy.window_size = 1024;
    ENSURE(srtp_create(&session_, &policy) == srtp_err_status_ok);
  }
  ~Libsrtp() { srtp_dealloc(session_); }
  Libsrtp(const Libsrtp&) = delete;
  Libsrtp& operator=(const Libsrtp&) = delete;
  srtp_t get() const { return session_; }

 private:
  srtp_t session_ = nullptr;
};

// With the copy that it needs and ours makes while it encrypts.
void libsrtp_seal(benchmark::State& state, SrtpProfile profile) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Libsrtp session(profile, ssrc_any_outbound);
  Source source(size);
  std::vector<std::uint8_t> room(size + SRTP_MAX_TRAILER_LEN);
  for (auto _ : state) {
    source.next();
    std::ranges::copy(source.packet, room.begin());
    int length = static_cast<int>(size);
    ENSURE(srtp_protect(session.get(), room.data(), &length) == srtp_err_status_ok);
    benchmark::DoNotOptimize(room.data());
  }
  finish(state, size);
}

void libsrtp_open(benchmark::State& state, SrtpProfile profile) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto packets = sealed_packets(profile, size);
  std::vector<std::uint8_t> copy(size + SRTP_MAX_TRAILER_LEN);
  auto session = std::make_unique<Libsrtp>(profile, ssrc_any_inbound);
  std::size_t at = 0;
  for (auto _ : state) {
    if (at == packets.size()) {
      state.PauseTiming();
      session = std::make_unique<Libsrtp>(profile, ssrc_any_inbound);
      at = 0;
      state.ResumeTiming();
    }
    const auto& packet = packets[at++];
    std::ranges::copy(packet, copy.begin());
    int length = static_cast<int>(packet.size());
    ENSURE(srtp_unprotect(session->get(), copy.data(), &length) == srtp_err_status_ok);
  }
  finish(state, size);
}
#endif

#define FOR_EACH_PROFILE(function)                                                             \
  BENCHMARK_CAPTURE(function, aes128_gcm, SrtpProfile::aead_aes_128_gcm)->Arg(160)->Arg(1200); \
  BENCHMARK_CAPTURE(function, aes256_gcm, SrtpProfile::aead_aes_256_gcm)->Arg(160)->Arg(1200); \
  BENCHMARK_CAPTURE(function, sha1_80, SrtpProfile::aes128_cm_hmac_sha1_80)->Arg(160)->Arg(1200)
FOR_EACH_PROFILE(seal);
FOR_EACH_PROFILE(seal_500);
FOR_EACH_PROFILE(open);
FOR_EACH_PROFILE(openssl_seal);
FOR_EACH_PROFILE(openssl_open);
#ifdef LIAISON_HAVE_LIBSRTP2
FOR_EACH_PROFILE(libsrtp_seal);
FOR_EACH_PROFILE(libsrtp_open);
#endif

}  // namespace
