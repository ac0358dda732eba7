#include "io/http_client.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/ensure.hpp"
#include "io/socket_address.hpp"

namespace liaison::io {
namespace http = boost::beast::http;
namespace {

constexpr std::size_t max_response_bytes = 1 << 20;
using Parser = http::response_parser<http::string_body>;

std::unexpected<Error> bad_url(std::string_view text) {
  return fail("bad_url",
              fmt::format("{}: expected http:// or https://, a host, perhaps a port, and "
                          "a path",
                          text.substr(0, 200)));
}

std::string lower(std::string_view text) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return folded;
}

}  // namespace

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
  HttpUrl url;
  std::string_view rest = text;
  url.tls = rest.starts_with("https://");
  if (!url.tls && !rest.starts_with("http://")) return bad_url(text);
  rest.remove_prefix(url.tls ? 8 : 7);
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  url.target = rest.substr(slash, rest.find('#') - slash);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  url.port = url.tls ? 443 : 80;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0)
      return bad_url(text);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  const bool odd = std::ranges::any_of(
      text, [](char c) { return c <= ' ' || c == 0x7f || c == '@' || c == '\\'; });
  if (authority.empty() || odd) return bad_url(text);
  url.host = authority;
  return url;
}

Result<HttpUrl> HttpUrl::resolve(std::string_view reference) const {
  if (!reference.starts_with('/') || reference.starts_with("//")) return parse(reference);
  return parse(fmt::format("{}://{}{}", tls ? "https" : "http", authority(), reference));
}

std::string HttpUrl::authority() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<SocketAddress> look_up(const HttpUrl& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (error != 0) return fail("no_address", fmt::format("{}: {}", url.host, gai_strerror(error)));
  const SocketAddress address = from_sockaddr(*found->ai_addr);
  freeaddrinfo(found);
  return address;
}

std::string_view HttpResponse::header(std::string_view name) const {
  const auto at = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return at == headers.end() ? std::string_view{} : at->second;
}

TlsClient::TlsClient(bool verify) : context_(SSL_CTX_new(TLS_client_method())) {
  ENSURE(context_ != nullptr);
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  // What was not taken is offered again from another place, and behind it the next request.
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!verify) return;
  SSL_CTX_set_default_verify_paths(context_);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
}
TlsClient::~TlsClient() { SSL_CTX_free(context_); }

struct HttpConnection::State {
  struct Free {
    void operator()(SSL* one) const { SSL_free(one); }
  };

  // A step of the handshake or of the transfer said that it cannot go on.
  void wait_for(int result, int error);
  bool flush();
  bool fill();
  Result<HttpResponse> take();
  std::unexpected<Error> lost(std::string_view what) {
    ended = true;
    waits = false;
    return fail("no_connection", fmt::format("{}: {}", name, what));
  }

  std::string name;  // of the server, for errors
  Descriptor socket;
  std::unique_ptr<SSL, Free> ssl;
  bool connected = false;
  bool waits = false;  // for a response
  bool ended = false;
  bool eof = false;
  bool wants_write = true;  // to connect
  std::string problem;
  std::string out;
  std::string in;
  std::unique_ptr<Parser> parser;
};

HttpConnection::HttpConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpConnection::HttpConnection(HttpConnection&&) noexcept = default;
HttpConnection& HttpConnection::operator=(HttpConnection&&) noexcept = default;
HttpConnection::~HttpConnection() = default;

Result<HttpConnection> HttpConnection::open(const HttpUrl& server, const SocketAddress& address,
                                            const TlsClient& tls) {
  auto state = std::make_unique<State>();
  state->name = server.authority();
  const int family = address.ip.is_v4() ? AF_INET : AF_INET6;
  state->socket = Descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const KernelAddress name = to_sockaddr(address, family);
  if (!state->socket ||
      (connect(state->socket.get(), name.get(), name.size) != 0 && errno != EINPROGRESS))
    return state->lost(std::generic_category().message(errno));
  if (server.tls) {
    state->ssl.reset(SSL_new(tls.context_));
    ENSURE(state->ssl != nullptr);
    SSL_set_fd(state->ssl.get(), state->socket.get());
    SSL_set_connect_state(state->ssl.get());
    SSL_set_tlsext_host_name(state->ssl.get(), server.host.c_str());
    SSL_set1_host(state->ssl.get(), server.host.c_str());
  }
  return HttpConnection(std::move(state));
}

int HttpConnection::fd() const { return state_->socket.get(); }
short HttpConnection::events() const { return state_->wants_write ? POLLIN | POLLOUT : POLLIN; }
bool HttpConnection::ended() const { return state_->ended; }

void HttpConnection::send(const HttpRequest& request) {
  ENSURE(!state_->waits);
  std::string& out = state_->out;
  out +=
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target, state_->name);
  for (const auto& [name, value] : request.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += fmt::format("Content-Length: {}\r\n\r\n{}", request.body.size(), request.body);
  state_->waits = state_->wants_write = true;
  state_->parser = std::make_unique<Parser>();
  state_->parser->body_limit(max_response_bytes);
}

void HttpConnection::State::wait_for(int result, int error) {
  if (!ssl) {
    if (error != EAGAIN) problem = std::generic_category().message(error);
    return;
  }
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_WANT_WRITE:
      wants_write = true;
      break;
    case SSL_ERROR_ZERO_RETURN:
      eof = true;
      break;
    default: {
      const char* reason = ERR_reason_error_string(ERR_peek_last_error());
      problem = reason != nullptr ? reason : "the connection ended";
    }
  }
  ERR_clear_error();
}

// False if not all could be sent.
bool HttpConnection::State::flush() {
  wants_write = false;
  if (!connected) {
    pollfd ready{socket.get(), POLLOUT, 0};
    if (poll(&ready, 1, 0) == 0) return !(wants_write = true);
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) problem = std::generic_category().message(error);
    connected = true;
  }
  while (problem.empty() && !out.empty()) {
    ERR_clear_error();
    const ssize_t sent = ssl ? SSL_write(ssl.get(), out.data(), static_cast<int>(out.size()))
                             : ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      const int error = errno;
      if (!ssl) wants_write = true;
      wait_for(static_cast<int>(sent), error);
      return false;
    }
    out.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

// Reads what is there. False if there is no more to come.
bool HttpConnection::State::fill() {
  std::array<char, 16'384> piece;
  while (problem.empty() && !eof && in.size() <= max_response_bytes) {
    ERR_clear_error();
    const ssize_t got = ssl ? SSL_read(ssl.get(), piece.data(), piece.size())
                            : recv(socket.get(), piece.data(), piece.size(), 0);
    const int error = errno;
    if (got == 0 && !ssl) eof = true;
    if (got > 0) {
      in.append(piece.data(), static_cast<std::size_t>(got));
    } else if (!eof) {
      wait_for(static_cast<int>(got), error);
      return !eof && problem.empty();
    }
  }
  return false;
}

Result<HttpResponse> HttpConnection::State::take() {
  waits = false;
  ended = eof || !parser->keep_alive();
  const auto& message = parser->get();
  HttpResponse response;
  response.status = message.result_int();
  for (const auto& field : message)
    response.headers.emplace_back(lower({field.name_string().data(), field.name_string().size()}),
                                  std::string(field.value().data(), field.value().size()));
  response.body = message.body();
  return response;
}

std::optional<Result<HttpResponse>> HttpConnection::advance() {
  State& state = *state_;
  if (state.ended) return std::nullopt;
  state.flush();
  if (!state.connected) return std::nullopt;
  const bool more = state.fill();
  if (!state.waits) {
    if (!more) state.ended = true;
    return std::nullopt;
  }
  boost::system::error_code error;
  if (!state.in.empty()) {
    state.parser->eager(true);
    const std::size_t used =
        state.parser->put(boost::asio::buffer(state.in.data(), state.in.size()), error);
    state.in.erase(0, used);
    if (error == http::error::need_more) error = {};
  }
  if (!error && state.eof && !state.parser->is_done()) state.parser->put_eof(error);
  if (error) return state.lost(error.message());
  if (state.parser->is_done()) return state.take();
  if (!more) return state.lost(state.problem.empty() ? "the response is cut off" : state.problem);
  return std::nullopt;
}

}  // namespace liaison::io
