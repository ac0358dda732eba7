#include "io/asio_address.hpp"

#include <fmt/format.h>

namespace liaison::io {

using boost::asio::ip::tcp;

IpAddress to_ip(const boost::asio::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  IpAddress ip;
  ip.bytes = address.to_v6().to_bytes();
  return ip;
}

tcp::endpoint to_endpoint(const SocketAddress& address) {
  if (address.ip.is_v4()) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::copy_n(address.ip.bytes.begin() + 12, 4, bytes.begin());
    return {boost::asio::ip::address_v4(bytes), address.port};
  }
  return {boost::asio::ip::address_v6(address.ip.bytes), address.port};
}

Result<void> listen_on(tcp::acceptor& acceptor, const SocketAddress& address,
                       std::string_view setting) {
  boost::system::error_code error;
  const auto refused = [&] {
    const std::string_view code = error == boost::asio::error::address_in_use  ? "port_in_use"
                                  : error == boost::asio::error::access_denied ? "no_permission"
                                                                               : "no_socket";
    const std::string advice =
        code == "port_in_use"
            ? fmt::format("; stop the program that has it, or choose another with --{}", setting)
        : code == "no_permission" ? "; ports below 1024 need CAP_NET_BIND_SERVICE"
                                  : "";
    return fail(code, fmt::format("{}: TCP {}: {}{}", setting, address.to_string(), error.message(),
                                  advice));
  };
  const tcp::endpoint endpoint = to_endpoint(address);
  if (acceptor.open(endpoint.protocol(), error)) return refused();
  if (endpoint.address().is_v6() && address.ip.is_any() &&
      acceptor.set_option(boost::asio::ip::v6_only(false), error))
    return refused();
  if (acceptor.set_option(tcp::acceptor::reuse_address(true), error)) return refused();
  if (acceptor.bind(endpoint, error)) return refused();
  if (acceptor.listen(1'024, error)) return refused();
  return {};
}

IpAddress neighbourhood(IpAddress ip) {
  if (!ip.is_v4()) std::fill(ip.bytes.begin() + 8, ip.bytes.end(), std::uint8_t{0});
  return ip;
}

}  // namespace liaison::io
