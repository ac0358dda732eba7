// Datagrams in and out, many for each call into the kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.hpp"
#include "base/packet_pool.hpp"
#include "base/result.hpp"
#include "io/descriptor.hpp"
#include "transport/path.hpp"

namespace liaison::io {

// One UDP socket for IPv6 and IPv4 (or IPv4 alone where the kernel has no IPv6), which knows for
// each datagram to which of our addresses it came and can answer from it. It knows nothing of what
// it carries and never waits. Nothing is allocated once the largest batch has been seen.
class UdpSocket {
 public:
  static constexpr std::size_t batch = 64;

  // Port 0 takes any free one. Codes: "port_in_use", "no_permission", "no_socket".
  static Result<UdpSocket> open(const SocketAddress& local);
  // A further one of the same thread, with the same memory for what goes in and out: of thousands
  // of sockets each needs little more than its descriptor.
  Result<UdpSocket> open_another(const SocketAddress& local) const;
  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

  int fd() const { return fd_.get(); }
  std::uint16_t port() const { return port_; }
  // What the kernel granted, in bytes; less than 4 MiB where net.core.rmem_max and wmem_max are
  // lower.
  int receive_buffer() const { return receive_buffer_; }
  int send_buffer() const { return send_buffer_; }

  struct ReceiveResult {
    std::uint32_t messages = 0;    // of the kernel: runs of datagrams, or single ones
    std::uint32_t oversize = 0;    // datagrams longer than a Packet
    std::uint32_t pool_empty = 0;  // read and thrown away for want of a block
  };
  // Appends what at most `batch` messages of the kernel hold. Where it joins datagrams of one
  // sender that came together (UDP_GRO) a message is a run of up to 64, and is divided here. The
  // pool is always the same one and must outlive the socket, which keeps blocks of it in hand.
  ReceiveResult receive_batch(PacketPool& pool, std::vector<transport::Datagram>& out);

  struct SendResult {
    std::uint32_t datagrams = 0;
    std::uint32_t messages = 0;  // of the kernel: runs of datagrams, or single ones
    std::uint32_t failed = 0;    // datagrams that the kernel refused
    std::uint32_t divided = 0;   // runs that it refused, and took as single datagrams
  };
  // Sends all of `output` that does not go over TCP. Datagrams to one destination keep their order;
  // those of equal size become one message, which the kernel or the network card divides again
  // (UDP_SEGMENT). The last of a run may be smaller. Where the kernel refuses that, each is sent
  // alone.
  SendResult send_batch(const transport::Output& output);

 private:
  struct Buffers;
  UdpSocket(Descriptor fd, int family, std::shared_ptr<Buffers> buffers);
  static Result<UdpSocket> open(const SocketAddress& local, std::shared_ptr<Buffers> buffers);
  void divide(std::size_t message, std::size_t segment, PacketPool& pool,
              std::vector<transport::Datagram>& out, ReceiveResult& result);
  void plan(const transport::Output& output);
  std::uint32_t place_of(const transport::Output& output, std::uint32_t index);
  std::size_t fill(const transport::Output& output, std::size_t first_run);
  void send_messages(const transport::Output& output, std::size_t first_run, std::size_t count,
                     SendResult& result);
  void send_alone(const transport::Output& output, std::uint32_t run, SendResult& result);

  Descriptor fd_;
  int family_;
  std::uint16_t port_ = 0;
  int receive_buffer_ = 0;
  int send_buffer_ = 0;
  bool segmentation_ = false;
  int refused_in_a_row_ = 0;
  std::shared_ptr<Buffers> buffers_;
};

}  // namespace liaison::io
