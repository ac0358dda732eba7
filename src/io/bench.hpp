// `liaison bench`: many publishers and viewers, by WHIP and WHEP, against this or another server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace liaison::io {

struct BenchOptions {
  std::string whip;  // where publishers POST; empty: there are none
  std::string whep;  // where viewers POST; empty: to what the answers to publishers link to
  std::uint32_t publishers = 1;
  std::uint32_t viewers = 0;
  std::uint32_t video_kbit = 2'500;  // of each publisher; 0 = no video
  std::uint32_t audio_kbit = 64;     // likewise
  std::uint32_t joins_per_second = 50;
  std::uint32_t seconds = 10;  // measured, once everybody is there
  std::string token;
  std::optional<IpAddress> from;  // where media is sent from
  bool transport_cc = true;       // of viewers
  bool insecure = false;
  bool json = false;
};

// One load test. It has one thread, a socket for each client, and a few connections for HTTP.
// Publishers join first, then the viewers, so many a second; then it measures; then all leave.
// SIGINT and SIGTERM end the measurement early. Each second it prints what was seen.
class Bench {
 public:
  // Errors: "bad_url", "no_address", "no_socket".
  static Result<std::unique_ptr<Bench>> open(const BenchOptions& options);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // An error if somebody could not join, or something was lost: the message says what.
  Result<void> run();

 private:
  class State;
  explicit Bench(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace liaison::io
