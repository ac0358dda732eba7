// Datagrams from a path that has passed a STUN check, and from one that has not: the ICE agent and
// OpenSSL's DTLS server must survive them, and nothing may become secure by them. The first byte
// says whether a good ClientHello goes before them, so that what comes after one is reached. Each
// datagram is headed by a byte for path and time and two for its length.
#include <openssl/ssl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ensure.hpp"
#include "stun/message.hpp"
#include "transport/certificate.hpp"
#include "transport/demux.hpp"
#include "transport/transport.hpp"

namespace {

using namespace liaison;
using transport::DatagramKind;
using transport::Path;

const Path known{{IpAddress::v4(192, 0, 2, 1), 1000}, {}, 0};
const Path unknown{{IpAddress::v4(192, 0, 2, 2), 1000}, {}, 0};

void give(transport::Transport& to, const Path& from, Bytes bytes, Instant now,
          transport::Output& out) {
  std::vector<std::uint8_t> datagram(bytes.begin(), bytes.end());
  switch (transport::classify(datagram)) {
    case DatagramKind::stun:
      if (const auto change = to.receive_stun(from, datagram, now, out)) {
        ENSURE(from == known || !change->added);
      }
      return;
    case DatagramKind::dtls:
      if (to.receive_dtls(from, datagram, now, out)) return;
      ENSURE(from == known);
      return;
    case DatagramKind::rtp:
      ENSURE(!to.open_rtp(from, datagram, now));
      return;
    case DatagramKind::rtcp:
      ENSURE(!to.open_rtcp(from, datagram, now));
      return;
    case DatagramKind::unknown:
      return;
  }
}

std::vector<std::uint8_t> make_client_hello() {
  transport::Output out;
  transport::DatagramPort port{.in = {}, .out = &out, .to = known};
  SSL_CTX* context = SSL_CTX_new(DTLS_client_method());
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  ENSURE(SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM") == 0);
  SSL* ssl = SSL_new(context);
  BIO* bio = transport::new_datagram_bio(port);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_mtu(ssl, 1200);
  SSL_connect(ssl);
  ENSURE(out.transmits.size() == 1);
  const Bytes hello = out.bytes(out.transmits[0]);
  std::vector<std::uint8_t> copy(hello.begin(), hello.end());
  SSL_free(ssl);
  SSL_CTX_free(context);
  return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const transport::Certificate certificate = transport::generate_certificate({});
  static transport::DtlsServer server(certificate);
  const transport::IceCredentials local = {"serverufrag00001", "serverpassword0000000000000001"};
  Instant now{seconds(1000)};
  transport::Output out;
  transport::Transport machine(server,
                               {local, "clie", {.digest = std::vector<std::uint8_t>(32, 1)}}, now);

  std::vector<std::uint8_t> check(200);
  check.resize(stun::write_request(check,
                                   {.username = "serverufrag00001:clie", .use_candidate = true},
                                   local.password)
                   .size());
  ENSURE(machine.receive_stun(known, check, now, out));
  ENSURE(machine.selected() != nullptr);

  Reader reader(Bytes(data, size));
  static const std::vector<std::uint8_t> client_hello = make_client_hello();
  if ((reader.u8() & 1) != 0) {
    ENSURE(!machine.receive_dtls(known, client_hello, now, out));
    ENSURE(server.half_open() == 1);
    out.clear();
  }
  while (reader.remaining() >= 3) {
    const std::uint8_t how = reader.u8();
    const std::size_t length = std::min<std::size_t>(reader.u16() % 1600, reader.remaining());
    now += milliseconds(how >> 1);
    if (machine.deadline() <= now) machine.tick(now, out);
    give(machine, (how & 1) != 0 ? known : unknown, reader.take(length), now, out);
    ENSURE(machine.state() == transport::TransportState::connecting ||
           machine.state() == transport::TransportState::closed);
    ENSURE(machine.paths().size() == 1);
    for (const auto& transmit : out.transmits) ENSURE(transmit.path == known);
    out.clear();
  }
  return 0;
}
