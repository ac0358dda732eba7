#include "io/udp.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/ensure.hpp"
#include "io/socket_address.hpp"

namespace liaison::io {
namespace {

constexpr int buffer_bytes = 4 << 20;
// Limits of the kernel for one message: UDP_MAX_SEGMENTS, and the length field of UDP and IPv4.
constexpr std::uint32_t max_segments = 64;
constexpr std::uint32_t max_run_bytes = 65'000;
constexpr std::size_t messages_per_call = 64;
// So many refusals without a success between them, and segmentation stays off on this socket.
constexpr int max_refused = 8;
constexpr std::uint32_t none = UINT32_MAX;
// A message that the kernel joined ends at the latest here; its first bytes lie in a Packet.
constexpr std::size_t tail_size = 65'536 - Packet::capacity;

constexpr std::size_t pktinfo_space =
    std::max(CMSG_SPACE(sizeof(in_pktinfo)), CMSG_SPACE(sizeof(in6_pktinfo)));
constexpr std::size_t receive_control = pktinfo_space + CMSG_SPACE(sizeof(int));
constexpr std::size_t send_control = pktinfo_space + CMSG_SPACE(sizeof(std::uint16_t));

template <std::size_t size>
struct alignas(cmsghdr) Control {
  std::array<std::uint8_t, size> bytes;
};

// Of a run that the kernel joined, the size of all its datagrams but the last; 0 for a single one.
std::size_t segment_size(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_UDP || header->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(header), sizeof size);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

IpAddress local_address(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    IpAddress ip;
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      std::memcpy(ip.bytes.data(), &info.ipi6_addr, 16);
      return ip;
    }
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      ip = IpAddress::v4(0, 0, 0, 0);
      std::memcpy(ip.bytes.data() + 12, &info.ipi_addr, 4);
      return ip;
    }
  }
  return {};
}

// Appends one control message. CMSG_NXTHDR would look at the bytes behind, so the place is kept by
// hand.
template <typename T>
void add_control(msghdr& message, int level, int type, const T& value) {
  auto* header = reinterpret_cast<cmsghdr*>(static_cast<std::uint8_t*>(message.msg_control) +
                                            message.msg_controllen);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(header), &value, sizeof value);
  message.msg_controllen += CMSG_SPACE(sizeof value);
}

void add_source(msghdr& message, const IpAddress& local, int family) {
  if (local.is_any()) return;
  if (family == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, local.bytes.data() + 12, 4);
    add_control(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, local.bytes.data(), 16);
    add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

// Whether the kernel may take one by one what it refused as a run.
bool refuses_segmentation(int error) {
  return error == EIO || error == EINVAL || error == ENOPROTOOPT || error == EOPNOTSUPP ||
         error == EMSGSIZE;
}

int grow_buffer(int fd, int option, int option_force) {
  // With CAP_NET_ADMIN beyond the limit of the system, otherwise up to it.
  if (setsockopt(fd, SOL_SOCKET, option_force, &buffer_bytes, sizeof buffer_bytes) != 0)
    setsockopt(fd, SOL_SOCKET, option, &buffer_bytes, sizeof buffer_bytes);
  int granted = 0;
  socklen_t size = sizeof granted;
  getsockopt(fd, SOL_SOCKET, option, &granted, &size);
  return granted / 2;  // the kernel doubles it for its own needs, and says so
}

std::uint64_t hash_of(const transport::Path& path) {
  return std::hash<transport::Path>{}(path) ^ std::uint64_t{path.local.bytes[15]} << 9;
}

}  // namespace

struct UdpSocket::Buffers {
  // In.
  std::array<Packet, batch> packets;
  std::array<std::uint8_t, Packet::capacity> waste;
  std::array<mmsghdr, batch> in{};
  std::array<iovec, 2 * batch> in_parts{};
  // What of a run does not fit into the first Packet. Of these four megabytes only what was in use
  // is ever touched.
  std::unique_ptr<std::uint8_t[]> tails =
      std::make_unique_for_overwrite<std::uint8_t[]>(batch * tail_size);
  std::array<sockaddr_storage, batch> in_names{};
  std::array<Control<receive_control>, batch> in_controls{};
  // Out: runs as lists through `next`, and per destination (hash table `places`) its latest run.
  struct Run {
    std::uint32_t first, last, count, bytes, segment;
    bool open;
  };
  struct Place {
    std::uint32_t run, generation;
  };
  std::vector<Run> runs;
  std::vector<std::uint32_t> next;
  std::vector<Place> places = std::vector<Place>(256);
  std::uint32_t generation = 0;
  std::array<mmsghdr, messages_per_call> out{};
  std::array<iovec, messages_per_call * max_segments> out_parts{};
  std::array<KernelAddress, messages_per_call> out_names{};
  std::array<Control<send_control>, messages_per_call> out_controls{};
};

UdpSocket::UdpSocket(Descriptor fd, int family, std::shared_ptr<Buffers> buffers)
    : fd_(std::move(fd)), family_(family), buffers_(std::move(buffers)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

Result<UdpSocket> UdpSocket::open(const SocketAddress& local) {
  return open(local, std::make_shared<Buffers>());
}

Result<UdpSocket> UdpSocket::open_another(const SocketAddress& local) const {
  return open(local, buffers_);
}

Result<UdpSocket> UdpSocket::open(const SocketAddress& local, std::shared_ptr<Buffers> buffers) {
  const auto refused = [&](std::string_view what) {
    const int error = errno;
    const std::string_view code = error == EADDRINUSE ? "port_in_use"
                                  : error == EACCES   ? "no_permission"
                                                      : "no_socket";
    return fail(code, fmt::format("UDP {}: {}: {}", local.to_string(), what,
                                  std::generic_category().message(error)));
  };
  int family = AF_INET6;
  Descriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd && errno == EAFNOSUPPORT && (local.ip.is_v4() || local.ip.is_any())) {
    family = AF_INET;
    fd = Descriptor(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!fd) return refused("no socket");
  const int on = 1;
  const int off = 0;
  if (family == AF_INET6) {
    if (setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0 ||
        setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0)
      return refused("no dual stack");
  } else if (setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) {
    return refused("no packet info");
  }
  // Datagrams that came together in one piece, where the kernel can do so (Linux 5.0).
  setsockopt(fd.get(), SOL_UDP, UDP_GRO, &on, sizeof on);
  // A mapped 0.0.0.0 would take IPv4 alone.
  SocketAddress bound = local;
  if (bound.ip.is_any()) bound.ip = {};
  const KernelAddress name = to_sockaddr(bound, family);
  if (bind(fd.get(), name.get(), name.size) != 0) return refused("cannot be used");

  UdpSocket socket(std::move(fd), family, std::move(buffers));
  // No run is made for a kernel that does not know them (before Linux 4.18).
  socket.segmentation_ = setsockopt(socket.fd(), SOL_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
  socket.receive_buffer_ = grow_buffer(socket.fd(), SO_RCVBUF, SO_RCVBUFFORCE);
  socket.send_buffer_ = grow_buffer(socket.fd(), SO_SNDBUF, SO_SNDBUFFORCE);
  KernelAddress actual;
  actual.size = sizeof actual.storage;
  if (getsockname(socket.fd(), actual.get(), &actual.size) != 0) return refused("has no name");
  socket.port_ = from_sockaddr(*actual.get()).port;
  return socket;
}

UdpSocket::ReceiveResult UdpSocket::receive_batch(PacketPool& pool,
                                                  std::vector<transport::Datagram>& out) {
  Buffers& b = *buffers_;
  std::size_t room = 0;
  while (room < batch && (b.packets[room] || (b.packets[room] = pool.take()))) ++room;
  // Without a block the socket is emptied all the same, or it would wake us again for ever.
  const bool wasting = room == 0;
  if (wasting) room = batch;
  for (std::size_t i = 0; i < room; ++i) {
    const MutableBytes block = wasting ? MutableBytes(b.waste) : b.packets[i].block();
    b.in_parts[2 * i] = {block.data(), block.size()};
    b.in_parts[2 * i + 1] = {&b.tails[i * tail_size], tail_size};
    b.in[i].msg_hdr = {};
    b.in[i].msg_hdr.msg_name = &b.in_names[i];
    b.in[i].msg_hdr.msg_namelen = sizeof b.in_names[i];
    b.in[i].msg_hdr.msg_iov = &b.in_parts[2 * i];
    b.in[i].msg_hdr.msg_iovlen = 2;
    b.in[i].msg_hdr.msg_control = &b.in_controls[i];
    b.in[i].msg_hdr.msg_controllen = sizeof b.in_controls[i];
  }
  const int got = recvmmsg(fd(), b.in.data(), static_cast<unsigned>(room), 0, nullptr);
  if (got <= 0) return {};
  const auto count = static_cast<std::size_t>(got);
  ReceiveResult result;
  result.messages = static_cast<std::uint32_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = b.in[i].msg_len;
    std::size_t segment = segment_size(b.in[i].msg_hdr);
    if (segment == 0 || segment > size) segment = size;
    const std::size_t datagrams = size == 0 ? 1 : (size + segment - 1) / segment;
    if (wasting) {
      result.pool_empty += static_cast<std::uint32_t>(datagrams);
    } else {
      divide(i, segment, pool, out, result);
    }
  }
  return result;
}

// One Packet for each datagram of a message. What is alone, or first, lies in its block already.
void UdpSocket::divide(std::size_t message, std::size_t segment, PacketPool& pool,
                       std::vector<transport::Datagram>& out, ReceiveResult& result) {
  Buffers& b = *buffers_;
  const transport::Path path = {from_sockaddr(*reinterpret_cast<sockaddr*>(&b.in_names[message])),
                                local_address(b.in[message].msg_hdr), 0};
  const std::size_t size = b.in[message].msg_len;
  const Bytes head = b.packets[message].block();
  const Bytes tail(&b.tails[message * tail_size], tail_size);
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + segment, size);
    if (end - at > Packet::capacity) {
      ++result.oversize;
    } else if (Packet packet = at == 0 ? std::move(b.packets[message]) : pool.take()) {
      packet.resize(end - at);
      const MutableBytes to = packet.bytes();
      const std::size_t split = std::clamp(head.size(), at, end);
      if (at != 0 && split > at) std::ranges::copy(head.subspan(at, split - at), to.begin());
      if (split < end) {
        std::ranges::copy(tail.subspan(split - head.size(), end - split),
                          to.subspan(split - at).begin());
      }
      out.push_back({path, std::move(packet)});
    } else {
      ++result.pool_empty;
    }
    at = end;
  } while (at < size);
}

// The place in the table of the destination of transmit `index`: its latest run, or none.
std::uint32_t UdpSocket::place_of(const transport::Output& output, std::uint32_t index) {
  Buffers& b = *buffers_;
  const transport::Path& path = output.transmits[index].path;
  const std::size_t mask = b.places.size() - 1;
  std::size_t at = hash_of(path) & mask;
  for (;; at = (at + 1) & mask) {
    Buffers::Place& place = b.places[at];
    if (place.generation != b.generation) {
      place = {none, b.generation};
      return static_cast<std::uint32_t>(at);
    }
    if (output.transmits[b.runs[place.run].first].path == path)
      return static_cast<std::uint32_t>(at);
  }
}

void UdpSocket::plan(const transport::Output& output) {
  Buffers& b = *buffers_;
  const auto count = static_cast<std::uint32_t>(output.transmits.size());
  b.runs.clear();
  b.next.assign(count, none);
  // Each destination takes a place; at most half of them may be taken.
  std::size_t places = b.places.size();
  while (places < std::size_t{count} * 2) places *= 2;
  if (places != b.places.size()) {
    b.places.assign(places, {none, 0});
    b.generation = 0;
  }
  if (++b.generation == 0) {
    b.places.assign(places, {none, 0});
    b.generation = 1;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const transport::Transmit& transmit = output.transmits[i];
    if (transmit.path.is_tcp()) continue;
    Buffers::Place& place = b.places[place_of(output, i)];
    Buffers::Run* run = place.run == none ? nullptr : &b.runs[place.run];
    if (run != nullptr && run->open && segmentation_ && transmit.size != 0 &&
        transmit.size <= run->segment && run->count < max_segments &&
        run->bytes + transmit.size <= max_run_bytes) {
      b.next[run->last] = i;
      run->last = i;
      ++run->count;
      run->bytes += transmit.size;
      run->open = transmit.size == run->segment;
      continue;
    }
    place.run = static_cast<std::uint32_t>(b.runs.size());
    b.runs.push_back({i, i, 1, transmit.size, transmit.size, true});
  }
}

// Makes the messages of the runs from `first_run` on, as many as one call takes.
std::size_t UdpSocket::fill(const transport::Output& output, std::size_t first_run) {
  Buffers& b = *buffers_;
  const std::size_t count = std::min(messages_per_call, b.runs.size() - first_run);
  std::size_t part = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Buffers::Run& run = b.runs[first_run + i];
    const transport::Path& path = output.transmits[run.first].path;
    const std::size_t first_part = part;
    for (std::uint32_t at = run.first; at != none; at = b.next[at]) {
      const Bytes bytes = output.bytes(output.transmits[at]);
      auto* data = const_cast<std::uint8_t*>(bytes.data());
      if (part > first_part && static_cast<std::uint8_t*>(b.out_parts[part - 1].iov_base) +
                                       b.out_parts[part - 1].iov_len ==
                                   data) {
        b.out_parts[part - 1].iov_len += bytes.size();
      } else {
        b.out_parts[part++] = {data, bytes.size()};
      }
    }
    b.out_names[i] = to_sockaddr(path.remote, family_);
    msghdr& message = b.out[i].msg_hdr;
    message = {};
    message.msg_name = b.out_names[i].get();
    message.msg_namelen = b.out_names[i].size;
    message.msg_iov = &b.out_parts[first_part];
    message.msg_iovlen = part - first_part;
    message.msg_control = &b.out_controls[i];
    add_source(message, path.local, family_);
    if (run.count > 1)
      add_control(message, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(run.segment));
    if (message.msg_controllen == 0) message.msg_control = nullptr;
  }
  return count;
}

UdpSocket::SendResult UdpSocket::send_batch(const transport::Output& output) {
  SendResult result;
  if (output.transmits.empty()) return result;
  plan(output);
  for (std::size_t at = 0; at < buffers_->runs.size();) {
    const std::size_t count = fill(output, at);
    send_messages(output, at, count, result);
    at += count;
  }
  return result;
}

void UdpSocket::send_messages(const transport::Output& output, std::size_t first_run,
                              std::size_t count, SendResult& result) {
  Buffers& b = *buffers_;
  for (std::size_t at = 0; at < count;) {
    const int sent = sendmmsg(fd(), &b.out[at], static_cast<unsigned>(count - at), 0);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i, ++at) {
        const std::uint32_t datagrams = b.runs[first_run + at].count;
        if (datagrams > 1) refused_in_a_row_ = 0;
        result.datagrams += datagrams;
        ++result.messages;
      }
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {  // the send buffer is full, for the rest as well
      for (; at < count; ++at) result.failed += b.runs[first_run + at].count;
      return;
    }
    const Buffers::Run& run = b.runs[first_run + at];
    if (run.count > 1 && refuses_segmentation(errno)) {
      if (errno == EIO || ++refused_in_a_row_ >= max_refused) segmentation_ = false;
      ++result.divided;
      send_alone(output, static_cast<std::uint32_t>(first_run + at), result);
    } else {
      result.failed += run.count;
    }
    ++at;
  }
}

void UdpSocket::send_alone(const transport::Output& output, std::uint32_t run, SendResult& result) {
  Buffers& b = *buffers_;
  for (std::uint32_t at = b.runs[run].first; at != none; at = b.next[at]) {
    const transport::Transmit& transmit = output.transmits[at];
    const Bytes bytes = output.bytes(transmit);
    KernelAddress name = to_sockaddr(transmit.path.remote, family_);
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    Control<send_control> control;
    msghdr message{};
    message.msg_name = name.get();
    message.msg_namelen = name.size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    add_source(message, transmit.path.local, family_);
    if (message.msg_controllen == 0) message.msg_control = nullptr;
    if (sendmsg(fd(), &message, 0) < 0) {
      ++result.failed;
    } else {
      ++result.datagrams;
      ++result.messages;
    }
  }
}

}  // namespace liaison::io
