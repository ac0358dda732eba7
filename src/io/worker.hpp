// One thread that forwards media.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "base/packet_pool.hpp"
#include "io/mailbox.hpp"
#include "io/tcp_media.hpp"
#include "io/udp.hpp"
#include "sfu/command.hpp"
#include "sfu/event.hpp"
#include "sfu/sfu.hpp"

namespace liaison::transport {
struct Certificate;
}

namespace liaison::io {

struct StopWorker {};
// A message from one worker to another, with the packet of a LinkPacket. Packets belong to their
// worker's pool: from one to another they are copied.
struct LinkMail {
  LinkMail() = default;
  LinkMail(sfu::LinkMessage said, Bytes with) : message(std::move(said)) { set(with); }
  LinkMail(LinkMail&& other) noexcept : message(std::move(other.message)) { set(other.packet()); }
  LinkMail& operator=(LinkMail&& other) noexcept {
    message = std::move(other.message);
    if (this != &other) set(other.packet());
    return *this;
  }
  LinkMail(const LinkMail&) = delete;
  LinkMail& operator=(const LinkMail&) = delete;
  ~LinkMail() = default;

  sfu::LinkMessage message;
  Bytes packet() const { return Bytes(room_).first(size_); }

 private:
  void set(Bytes bytes) {
    size_ = static_cast<std::uint16_t>(bytes.size());
    std::ranges::copy(bytes, room_.begin());
  }
  std::uint16_t size_ = 0;
  std::array<std::uint8_t, Packet::capacity> room_;  // the rest is not initialised
};
// Both directions between two workers, for as long as they live: made when first a call spreads
// over both.
struct LinkMailboxes {
  LinkId to;
  std::shared_ptr<Mailbox<LinkMail>> in, out;
};
// What the control thread tells a worker.
using WorkerOrder =
    std::variant<std::monostate, sfu::Command, TcpHandover, LinkMailboxes, StopWorker>;

// Once a second: how the loop itself does.
struct LoopReport {
  Duration worst_lag{};  // within this second: by how much a deadline was late, or how long one
                         // round took
  std::uint32_t pool_free = 0;
  std::uint32_t pool_size = 0;
  // Of the kernel, each a run of datagrams or a single one.
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t runs_divided = 0;  // that it refused, and took as single datagrams
};
struct TcpClosed {
  std::uint32_t connection = 0;
};
// What a worker tells the control thread. Reports of once a second may be lost, nothing else.
using WorkerNews = std::variant<std::monostate, sfu::Event, LoopReport, TcpClosed>;

// Owns a UDP socket, the TCP connections given to it and one Sfu, and moves datagrams between them:
// receive a batch, run all of it, tick, send all that came of it. It shares nothing with other
// threads but mailboxes, takes no lock, and allocates nothing of its own once it has seen the
// largest batch. It does not know what is in the datagrams.
class Worker {
 public:
  // `processor`: pin the thread to it.
  Worker(WorkerIndex index, UdpSocket socket, const transport::Certificate& certificate,
         std::optional<unsigned> processor);
  // Stops the thread and waits for it.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  WorkerIndex index() const { return index_; }
  // The control thread alone posts orders and takes news.
  Mailbox<WorkerOrder>& orders() { return orders_; }
  Mailbox<WorkerNews>& news() { return news_; }
  static constexpr std::size_t link_room = 1'024;  // messages

 private:
  void run(std::optional<unsigned> processor);
  void wait(Instant deadline);
  void take_orders(Instant now);
  void receive_media(Instant now);
  void receive_links(Instant now);
  void send_links();
  void send(Instant now);
  void report(Instant now);
  void count(Drop drop, std::uint64_t times);

  WorkerIndex index_;
  Mailbox<WorkerOrder> orders_;
  Mailbox<WorkerNews> news_;
  Descriptor epoll_;
  PacketPool pool_;  // before all that holds packets
  UdpSocket socket_;
  TcpMedia tcp_;
  sfu::Sfu sfu_;
  sfu::Output out_;
  // Reused.
  std::vector<transport::Datagram> received_;
  std::vector<sfu::LinkReceived> heard_;
  std::vector<std::uint32_t> ready_tcp_;
  std::vector<LinkMailboxes> links_;
  bool ready_udp_ = false;
  bool stopping_ = false;
  Instant next_report_;
  LoopReport report_;
  std::thread thread_;
};

}  // namespace liaison::io
