// How OpenSSL's DTLS reads and writes without a socket.
#pragma once

#include "base/bytes.hpp"
#include "transport/path.hpp"

struct bio_st;

namespace liaison::transport {

// One datagram at a time in; each write of OpenSSL is one datagram out (a memory BIO would join
// them).
struct DatagramPort {
  Bytes in;  // taken whole by one read
  Output* out = nullptr;
  Path to;
};

// A BIO that reads from and writes to `port`, which must outlive it.
bio_st* new_datagram_bio(DatagramPort& port);

}  // namespace liaison::transport
