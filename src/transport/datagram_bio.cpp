#include "transport/datagram_bio.hpp"

#include <openssl/bio.h>

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/ensure.hpp"

namespace liaison::transport {
namespace {

DatagramPort& port_of(BIO* bio) { return *static_cast<DatagramPort*>(BIO_get_data(bio)); }

int read_datagram(BIO* bio, char* to, int room) {
  BIO_clear_retry_flags(bio);
  DatagramPort& port = port_of(bio);
  if (port.in.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  // What does not fit is cut off, as by a socket.
  const std::size_t size = std::min(port.in.size(), static_cast<std::size_t>(room));
  std::copy_n(port.in.begin(), size, to);
  port.in = {};
  return static_cast<int>(size);
}

int write_datagram(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  DatagramPort& port = port_of(bio);
  if (port.out != nullptr && size > 0) {
    port.out->send(port.to,
                   {reinterpret_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)});
  }
  return size;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* method() {
  struct Free {
    void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  };
  static const std::unique_ptr<BIO_METHOD, Free> shared = [] {
    std::unique_ptr<BIO_METHOD, Free> made(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"));
    ENSURE(made != nullptr);
    BIO_meth_set_read(made.get(), read_datagram);
    BIO_meth_set_write(made.get(), write_datagram);
    BIO_meth_set_ctrl(made.get(), control);
    return made;
  }();
  return shared.get();
}

}  // namespace

bio_st* new_datagram_bio(DatagramPort& port) {
  BIO* bio = BIO_new(method());
  ENSURE(bio != nullptr);
  BIO_set_data(bio, &port);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace liaison::transport
