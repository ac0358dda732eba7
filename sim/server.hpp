// One server of a simulated world: the machine, and the process that runs on it now and then.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "node/node.hpp"
#include "signaling/token.hpp"
#include "sim/disk.hpp"
#include "sim/ledger.hpp"
#include "sim/local_clock.hpp"
#include "sim/random.hpp"
#include "transport/certificate.hpp"
#include "transport/path.hpp"

namespace liaison::sim {

class World;

struct ServerOptions {
  std::size_t workers = 2;
  node::Access access = node::Access::open;
  signaling::Limits limits = {};
  std::vector<rtp::CodecName> video_codecs = {rtp::CodecName::vp8, rtp::CodecName::vp9,
                                              rtp::CodecName::av1, rtp::CodecName::h264};
  bool audio_red = true;
  bool tcp = true;   // takes media over TCP too
  double drift = 0;  // of its clock, as a share
  // What a worker's mailbox holds before what is posted waits outside.
  std::size_t mailbox = 4'096;
  // How long a message between two threads takes at most.
  Duration mail = microseconds(200);
  std::size_t pool_blocks = 16'384;  // for each worker
};

// Runs Node and Sfus as io/control.cpp and io/worker.cpp do, without threads and sockets: the same
// order of things, the same queues, and a disk with the real SQLite on it. A process can die at any
// instant; what it had on the disk is found by the next one.
class Server {
 public:
  static constexpr std::uint16_t tcp_port = 443;

  Server(World& world, std::uint8_t number, ServerOptions options, Random random);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts a process. If the disk does not let it, it is tried again every second, as the system's
  // service manager does.
  void start();
  // SIGTERM: everybody is told, then it ends.
  void stop();
  // SIGKILL: connections are reset by the system.
  void kill();
  // The plug is pulled: nobody is told anything, and the disk keeps what was synced.
  void cut_power();
  bool running() const { return process_ != nullptr; }

  // A worker does nothing for so long: its socket and its mailbox fill.
  void stall(std::size_t worker, Duration how_long);
  // Until when some worker last stood still, or will.
  Instant stood_still_until() const { return stood_still_until_; }
  void jump_wall_clock(microseconds by) { clock_.jump(by); }
  Disk& disk() { return *disk_; }

  // A join token for `room`.
  std::string invite(std::string_view room);

  const ServerOptions& options() const { return options_; }
  std::uint8_t number() const { return number_; }
  IpAddress ip() const { return ip_; }
  const LocalClock& local_clock() const { return clock_; }
  UnixTime wall() const;
  // Node's figures; the process must be running.
  const node::NodeStats& stats() const;

  // What the workers of the process have been told; of one that is gone, nothing.
  const Ledger& ledger() const { return ledger_; }
  // What the checks look at, of one worker.
  struct Load {
    std::size_t orders_waiting = 0;  // beyond the mailbox
    std::size_t news_waiting = 0;
    std::size_t endpoints = 0;  // by the last statistics
    std::size_t calls = 0;
    std::size_t blocks_used = 0;
  };
  Load load(std::size_t worker) const;
  // Bit/s to an endpoint, as its worker believes at this moment.
  std::optional<std::uint64_t> estimate(EndpointId endpoint) const;
  std::size_t store_requests_waiting() const;
  // Bytes that its process holds, SQLite's apart.
  std::int64_t heap() const;

  // ── For the world ──
  // False if it was not processed at once, or at all.
  bool datagram(const SocketAddress& from, std::uint16_t port, Bytes bytes);
  // The same over TCP. The first finds the worker; if there is none, the connection is closed.
  bool tcp_datagram(const transport::Path& from, Bytes bytes);
  void tcp_closed(std::uint32_t connection);
  // Signaling connections, under the world's numbers.
  void connected(ConnectionId connection, std::string remote);
  void message(ConnectionId connection, std::string text);
  void disconnected(ConnectionId connection);

 private:
  class Process;
  class Starter;

  std::uint8_t heap_owner() const { return static_cast<std::uint8_t>(number_ + 1); }
  // What a worker takes and what it says, for the ledger and the checks.
  void note(std::size_t worker, const sfu::Command& command);
  void note(const sfu::Event& event);
  void note(std::size_t worker, LinkId link, const sfu::LinkMessage& message);
  void end_process();

  World& world_;
  std::uint8_t number_;
  ServerOptions options_;
  Random random_;
  IpAddress ip_;
  LocalClock clock_;
  std::unique_ptr<Disk> disk_;
  signaling::SecretKey invite_key_;
  transport::Certificate certificate_;
  std::uint64_t invitations_ = 0;
  Ledger ledger_;
  Instant stood_still_until_ = Instant::min();
  std::unique_ptr<Starter> starter_;
  std::unique_ptr<Process> process_;
};

}  // namespace liaison::sim
