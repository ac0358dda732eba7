// How much later a packet arrives because it went through the server: a real worker on loopback,
// two clients with real ICE, DTLS and SRTP, one packet at a time. Beside it, in the same run, the
// same packet sent straight from one socket to the other.
//
//   build/bench/bench/added_delay [packets]
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "io/clock.hpp"
#include "io/udp.hpp"
#include "io/worker.hpp"
#include "rtp/packet.hpp"
#include "transport/certificate.hpp"
#include "transport/connector.hpp"
#include "transport/test_clock.hpp"

namespace {

using namespace liaison;

constexpr std::size_t payload_size = 1100;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class Client {
 public:
  Client(const transport::Certificate& own, const transport::Certificate& server, int number)
      : local{fmt::format("client{}", number), "clientpasswordclientpassword"},
        remote{fmt::format("serverufrag0000{}", number), "serverpasswordserverpassword0000"},
        machine({.local = local, .remote = remote, .remote_fingerprint = server.fingerprint}, own),
        descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in any = loopback(0);
    socklen_t length = sizeof any;
    if (descriptor_ < 0 || bind(descriptor_, reinterpret_cast<sockaddr*>(&any), length) != 0 ||
        getsockname(descriptor_, reinterpret_cast<sockaddr*>(&any), &length) != 0) {
      fmt::print(stderr, "cannot open a UDP socket on loopback\n");
      std::exit(1);
    }
    address = {IpAddress::v4(127, 0, 0, 1), ntohs(any.sin_port)};
  }
  ~Client() { close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_to(std::uint16_t port, Bytes datagram) const {
    const sockaddr_in to = loopback(port);
    static_cast<void>(sendto(descriptor_, datagram.data(), datagram.size(), 0,
                             reinterpret_cast<const sockaddr*>(&to), sizeof to));
  }
  void flush(std::uint16_t server_port) {
    for (const auto& transmit : out.transmits) send_to(server_port, out.bytes(transmit));
    out.clear();
  }
  // The next datagram; waits at most `timeout_ms` for it.
  bool receive(int timeout_ms, std::vector<std::uint8_t>& datagram) const {
    pollfd ready{descriptor_, POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) <= 0) return false;
    datagram.resize(2048);
    const ssize_t size = recv(descriptor_, datagram.data(), datagram.size(), 0);
    if (size < 0) return false;
    datagram.resize(static_cast<std::size_t>(size));
    return true;
  }

  transport::IceCredentials local, remote;
  transport::Connector machine;
  SocketAddress address;
  transport::Output out;

 private:
  int descriptor_;
};

sfu::MediaDescription description(std::uint64_t track, std::uint32_t ssrc) {
  sfu::MediaDescription media;
  media.audio_codecs = {{{rtp::CodecName::opus, 0}, 111, std::nullopt, 48'000}};
  media.audio_extensions[rtp::Extension::mid] = 4;
  media.cname = "bench";
  media.up = {{"0", {track}, rtp::MediaKind::audio, true}};
  media.down = {{"1", 0, rtp::MediaKind::audio, ssrc, 0}};
  return media;
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void print(std::string_view name, std::vector<double>& micros) {
  std::ranges::sort(micros);
  fmt::print("{:<20} p50 {:8.1f} us   p95 {:8.1f} us   p99 {:8.1f} us\n", name,
             percentile(micros, 0.5), percentile(micros, 0.95), percentile(micros, 0.99));
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::max(10, std::atoi(argv[1])) : 5'000;
  const auto server_certificate = transport::generate_certificate(io::unix_now());
  const auto client_certificate = transport::generate_certificate(io::unix_now());
  const SocketAddress any{IpAddress::v4(127, 0, 0, 1), 0};
  auto opened = io::UdpSocket::open(any);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    return 1;
  }
  const SocketAddress server{any.ip, opened->port()};
  io::Worker worker(WorkerIndex{0}, std::move(*opened), server_certificate, std::nullopt);

  Client a(client_certificate, server_certificate, 1);
  Client b(client_certificate, server_certificate, 2);
  std::uint64_t number = 1;
  for (Client* client : {&a, &b}) {
    worker.orders().post(sfu::Command{
        sfu::OpenEndpoint{{number},
                          {1},
                          client->remote,
                          client->local.ufrag,
                          client_certificate.fingerprint,
                          description(number, static_cast<std::uint32_t>(5000 * number))}});
    ++number;
  }
  worker.orders().post(sfu::Command{sfu::SetTrackActive{{1}, {1}, true}});
  worker.orders().post(sfu::Command{sfu::AssignSlot{{2}, 0, {1}}});
  worker.orders().flush();
  for (Client* client : {&a, &b}) {
    client->machine.add_path({client->address, server.ip, 0}, io::monotonic_now());
  }

  std::vector<std::uint8_t> datagram;
  const auto turn = [&] {
    const Instant now = io::monotonic_now();
    transport::set_test_clock(now);
    for (Client* client : {&a, &b}) {
      if (client->machine.deadline() <= now) client->machine.tick(now, client->out);
      client->flush(server.port);
      while (client->receive(0, datagram)) {
        client->machine.receive({client->address, server.ip, 0}, datagram, io::monotonic_now(),
                                client->out);
        client->flush(server.port);
      }
    }
  };
  const Instant give_up = io::monotonic_now() + seconds(10);
  while (!a.machine.connected() || !b.machine.connected()) {
    turn();
    if (io::monotonic_now() > give_up) {
      fmt::print(stderr, "the clients did not connect within 10 s\n");
      return 1;
    }
  }

  std::vector<double> straight;
  std::vector<double> through;
  const std::vector<std::uint8_t> payload(payload_size, 0x5a);
  const auto since = [](Instant sent) {
    return std::chrono::duration<double, std::micro>(io::monotonic_now() - sent).count();
  };
  for (int i = 0; i < count; ++i) {
    turn();
    const Instant sent_straight = io::monotonic_now();
    a.send_to(b.address.port, payload);
    if (b.receive(1000, datagram)) straight.push_back(since(sent_straight));

    std::array<std::uint8_t, 64> header;
    const std::array<rtp::ExtensionElement, 1> mid = {{{4, as_bytes("0")}}};
    const std::size_t size = rtp::write_header(
        header,
        {false, 111, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i) * 960, 42}, mid);
    const Instant sent = io::monotonic_now();
    if (a.machine.seal_rtp(Bytes(header).first(size), payload, a.out)) continue;
    a.flush(server.port);
    // Reports of the server may come in between.
    for (int tries = 0; tries < 10 && b.receive(1000, datagram); ++tries) {
      b.machine.receive({b.address, server.ip, 0}, datagram, io::monotonic_now(), b.out);
      if (b.machine.take_rtp().empty()) continue;
      through.push_back(since(sent));
      break;
    }
  }
  if (straight.empty() || through.empty()) {
    fmt::print(stderr, "no packet came through\n");
    return 1;
  }
  print("straight", straight);
  print("through the server", through);
  fmt::print(
      "added at the median  {:12.1f} us   ({:.1f} times straight); {} of {} packets came through\n",
      percentile(through, 0.5) - percentile(straight, 0.5),
      percentile(through, 0.5) / percentile(straight, 0.5), through.size(), count);
  return 0;
}
