// HTTP/1.1 from this side (RFC 9112): requests to another server.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "io/descriptor.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace liaison::io {

struct HttpUrl {
  bool tls = false;
  std::string host;  // as in the URL, without the brackets of IPv6
  std::uint16_t port = 0;
  std::string target;  // path and query, at least "/"

  // "http://…" or "https://…". Error: "bad_url".
  static Result<HttpUrl> parse(std::string_view text);
  // What a Location or Link header means that came from here (RFC 3986 section 5.2, as far as
  // servers use it: a whole URL, or an absolute path).
  Result<HttpUrl> resolve(std::string_view reference) const;
  std::string authority() const;  // "host:port"
  bool same_server(const HttpUrl& other) const {
    return tls == other.tls && host == other.host && port == other.port;
  }
};

// The address of the URL's host; asks the resolver of this machine, and waits for it. Error:
// "no_address".
Result<SocketAddress> look_up(const HttpUrl& url);

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct HttpResponse {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in small letters
  std::string body;

  std::string_view header(std::string_view name) const;  // empty if there is none
};

// TLS of this side. Without `verify` whoever is between the two can listen; else the certificate
// must be good for the host.
class TlsClient {
 public:
  explicit TlsClient(bool verify);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

 private:
  friend class HttpConnection;
  ssl_ctx_st* context_;
};

// One connection to a server, for one request at a time; it is kept open between them. It never
// waits: the owner polls fd() for events() and then calls advance(). What a response may be long is
// limited to 1 MiB.
class HttpConnection {
 public:
  // Begins to connect. Error: "no_connection".
  static Result<HttpConnection> open(const HttpUrl& server, const SocketAddress& address,
                                     const TlsClient& tls);
  HttpConnection(HttpConnection&&) noexcept;
  HttpConnection& operator=(HttpConnection&&) noexcept;
  ~HttpConnection();

  // There must be none before it that waits for its response.
  void send(const HttpRequest& request);
  // Goes as far as it can. The response, or why none will come ("no_connection"): then, and after a
  // response that ends the connection, ended() is true and the connection of no more use.
  std::optional<Result<HttpResponse>> advance();

  int fd() const;
  short events() const;  // of poll(2)
  bool ended() const;

 private:
  struct State;
  explicit HttpConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace liaison::io
