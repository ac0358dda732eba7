// Our addresses as Asio's, and back. It includes Asio: only .cpp files include it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "base/address.hpp"
#include "base/result.hpp"

namespace liaison::io {

IpAddress to_ip(const boost::asio::ip::address& address);
boost::asio::ip::tcp::endpoint to_endpoint(const SocketAddress& address);

// Listens there; [::] takes IPv4 too. `setting` is whom an error names. Codes: "port_in_use",
// "no_permission", "no_socket".
Result<void> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const SocketAddress& address,
                       std::string_view setting);

// Whom a limit for one address counts as one: an IPv6 network gives each of its hosts 2^64
// addresses.
IpAddress neighbourhood(IpAddress ip);

}  // namespace liaison::io
