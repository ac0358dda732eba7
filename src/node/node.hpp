// The whole server as one machine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/clock.hpp"
#include "node/effects.hpp"
#include "rtp/codec.hpp"
#include "signaling/limits.hpp"
#include "signaling/token.hpp"
#include "transport/credentials.hpp"

namespace liaison::node {

// Who may enter a room.
enum class Access : std::uint8_t {
  open,    // whoever knows its name
  invite,  // whoever holds a join token signed with the secret half of `invite_key`
};

struct Config {
  // For each worker, from index 0, the UDP addresses at which clients reach it: the ICE candidates
  // of the endpoints that live there. Not empty.
  std::vector<std::vector<SocketAddress>> workers;
  // Where clients reach any worker by ICE-TCP; may be empty.
  std::vector<SocketAddress> tcp;
  // Of the DTLS certificate that all workers use.
  transport::Fingerprint fingerprint;

  Access access = Access::open;
  signaling::PublicKey invite_key;

  // In order of preference; what is not named is not accepted.
  std::vector<rtp::CodecName> video_codecs = {rtp::CodecName::vp8, rtp::CodecName::vp9,
                                              rtp::CodecName::av1, rtp::CodecName::h264};
  // Redundant audio (RFC 2198) from and to those who can.
  bool audio_red = true;

  signaling::Limits limits;
};

// Running totals since the start, and what there is now.
struct NodeStats {
  std::uint64_t joins = 0;    // completed, resumptions not counted
  std::uint64_t resumes = 0;  // completed
  std::uint64_t calls = 0;    // started
  std::uint64_t messages_in = 0;
  std::uint64_t requests_in = 0;                             // of WHIP and WHEP
  std::uint64_t publications = 0;                            // begun by WHIP
  std::uint64_t viewings = 0;                                // begun by WHEP
  std::map<std::string, std::uint64_t, std::less<>> errors;  // sent, by code
  std::size_t connections = 0;
  std::size_t rooms = 0;
  std::size_t people = 0;
  std::size_t viewers = 0;
  std::size_t sessions = 0;
};

// Runs every room of this node: takes what clients, workers and the store say, and answers with
// messages, commands and requests. It does not know what carries the messages, how the workers run,
// or what stores the sessions; it reads no clock. The first inputs must be WallClockSet and
// StoreLoaded.
class Node {
 public:
  explicit Node(Config config);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void receive(const Input& input, Instant now, Output& out);
  void tick(Instant now, Output& out);
  Instant deadline() const;

  const NodeStats& stats() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace liaison::node
