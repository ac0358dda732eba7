#include "io/http_server.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/detect_ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <map>
#include <string_view>
#include <utility>

#include "io/asio_address.hpp"
#include "io/site.hpp"

namespace liaison::io {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t header_bytes = 16 * 1024;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class HttpServer::State {
 public:
  State(asio::io_context& io, HttpOptions http_options, HttpHooks http_hooks)
      : context(io),
        options(std::move(http_options)),
        hooks(std::move(http_hooks)),
        site(options.assets),
        acceptor(io),
        retry(io) {}

  bool tls() const { return !options.tls_certificate.empty(); }

  // Counts a connection against the limits for as long as it lives.
  class Place {
   public:
    Place(std::shared_ptr<State> state, const IpAddress& ip)
        : state_(std::move(state)), ip_(neighbourhood(ip)) {
      ++state_->stats.connections;
      ++state_->per_address[ip_];
    }
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
      if (state_ == nullptr) return;
      --state_->stats.connections;
      const auto found = state_->per_address.find(ip_);
      if (--found->second == 0) state_->per_address.erase(found);
    }

   private:
    std::shared_ptr<State> state_;
    IpAddress ip_;
  };

  // A proxy on this machine speaks for everybody, so loopback has no limit of its own.
  bool has_room(const IpAddress& ip) const {
    if (stats.connections >= options.connections) return false;
    const auto found = per_address.find(neighbourhood(ip));
    return ip.is_loopback() || found == per_address.end() ||
           found->second < options.connections_per_address;
  }

  asio::io_context& context;
  HttpOptions options;
  HttpHooks hooks;
  Site site;
  asio::ssl::context tls_context{asio::ssl::context::tls_server};
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  HttpStats stats;
  std::map<IpAddress, std::size_t> per_address;
};

namespace {

using State = HttpServer::State;
using asio::redirect_error;
using asio::use_awaitable;

// Who is at the far end of a connection.
struct Peer {
  IpAddress ip;
  bool this_machine = false;
};

// A WebSocket that is open: one coroutine reads, writes follow one another by completion.
template <typename Stream>
class WebSocketSession final : public SignalingConnection,
                               public std::enable_shared_from_this<WebSocketSession<Stream>> {
 public:
  WebSocketSession(Stream stream, std::shared_ptr<State> state, State::Place place)
      : state_(std::move(state)), place_(std::move(place)), socket_(std::move(stream)) {
    beast::get_lowest_layer(socket_).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = state_->options.close_timeout;
    timeout.idle_timeout = websocket::stream_base::none();  // the node asks for signs of life
    timeout.keep_alive_pings = false;
    socket_.set_option(timeout);
    socket_.text(true);
    socket_.auto_fragment(false);
    // Beast would wait for ever for a client that says it closes and then does not.
    socket_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::close) limit_closing();
    });
    ++state_->stats.web_sockets;
  }
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;
  ~WebSocketSession() override { --state_->stats.web_sockets; }

  asio::awaitable<void> run(http::request<http::string_body> request, std::string remote) {
    const auto self = this->shared_from_this();
    error_code error;
    co_await socket_.async_accept(request, redirect_error(use_awaitable, error));
    if (error) co_return;
    const ConnectionId id = state_->hooks.opened(self, std::move(remote));
    co_await read(id);
    finished_ = true;
    end();
    state_->hooks.closed(id);
  }

  void send(std::string text) override {
    if (closing_ || finished_) return;
    queued_bytes_ += text.size();
    if (queued_bytes_ > state_->options.queue_bytes) {
      // What is being written now stays; the rest is of no use to who reads so slowly.
      queue_.resize(writing_ ? 1 : 0);
      close(1013, "too slow");
      return;
    }
    queue_.push_back(std::move(text));
    if (!writing_) write_next();
  }

  void close(std::uint16_t code, std::string reason) override {
    if (closing_ || finished_) return;
    closing_ = true;
    limit_closing();
    reason.resize(std::min<std::size_t>(reason.size(), 123));  // RFC 6455 section 5.5
    reason_ = websocket::close_reason(static_cast<websocket::close_code>(code), reason);
    if (!writing_) finish();
  }

 private:
  asio::awaitable<void> read(ConnectionId id) {
    const std::size_t limit = state_->options.message_bytes;
    beast::flat_buffer buffer;
    for (;;) {
      error_code error;
      co_await socket_.async_read_some(buffer, limit + 1 - buffer.size(),
                                       redirect_error(use_awaitable, error));
      if (error) co_return;
      const bool too_large = buffer.size() > limit;
      if (!too_large && !socket_.is_message_done()) continue;
      if (!socket_.got_text()) {
        close(1003, "text only");
      } else {
        const auto bytes = buffer.cdata();
        state_->hooks.received(id, {static_cast<const char*>(bytes.data()), bytes.size()});
      }
      buffer.consume(buffer.size());
      // The rest of the message, whatever it is, is not read: closing throws it away.
      if (too_large) close(1009, "message too large");
      if (closing_) break;
    }
    // Our side has closed. That includes reading and throwing away what still comes.
    error_code cancelled;
    ended_.expires_at(asio::steady_timer::time_point::max());
    if (socket().is_open()) co_await ended_.async_wait(redirect_error(use_awaitable, cancelled));
  }

  tcp::socket& socket() { return beast::get_lowest_layer(socket_).socket(); }

  // From now on, not from when the far end has read what comes before.
  void limit_closing() {
    deadline_.expires_after(state_->options.close_timeout);
    deadline_.async_wait([self = this->shared_from_this()](error_code cancelled) {
      if (!cancelled) self->end();
    });
  }

  void write_next() {
    writing_ = true;
    socket_.async_write(
        asio::buffer(queue_.front()),
        [self = this->shared_from_this()](error_code error, std::size_t) { self->written(error); });
  }

  void written(error_code error) {
    writing_ = false;
    if (queue_.empty()) return;
    queued_bytes_ -= std::min(queued_bytes_, queue_.front().size());
    queue_.pop_front();
    if (error) {
      end();
    } else if (!queue_.empty()) {
      write_next();
    } else if (closing_) {
      finish();
    }
  }

  void finish() {
    socket_.async_close(reason_, [self = this->shared_from_this()](error_code) { self->end(); });
  }

  void end() {
    error_code ignored;
    socket().close(ignored);
    deadline_.cancel();
    ended_.cancel();
  }

  std::shared_ptr<State> state_;
  State::Place place_;
  websocket::stream<Stream> socket_;
  asio::steady_timer deadline_{state_->context};
  asio::steady_timer ended_{state_->context};
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  websocket::close_reason reason_;
  bool writing_ = false;
  bool closing_ = false;
  bool finished_ = false;
};

// One connection that speaks HTTP, until it becomes a WebSocket or ends.
template <typename Stream>
class HttpSession {
 public:
  HttpSession(std::shared_ptr<State> state, State::Place place, Stream stream, Peer peer, bool tls)
      : state_(std::move(state)),
        place_(std::move(place)),
        stream_(std::move(stream)),
        peer_(peer),
        tls_(tls) {}

  // True if it ended as HTTP, and the stream can be shut down; false if a WebSocket has it now or
  // had it.
  asio::awaitable<bool> run(beast::flat_buffer& buffer) {
    for (;;) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(header_bytes);
      error_code error;
      co_await read(parser, buffer, error);
      if (error) {
        const unsigned status = status_of(error);
        if (status != 0) co_await write(Site::plain({}, status, "Bad request.\n"), false);
        co_return status != 0;
      }
      auto request = parser.release();
      const auto wanted = Site::wanted(view(request.target()));
      if (wanted == Site::Wanted::web_socket && may_upgrade(request)) {
        co_await become_web_socket(std::move(request));
        co_return false;
      }
      const bool keep_alive = request.keep_alive();
      SiteResponse response;
      if (wanted == Site::Wanted::whip && !redirects()) {
        response = co_await ask(request);
      } else {
        response = answer(request);
      }
      const bool written = co_await write(std::move(response), keep_alive);
      if (!written || !keep_alive) co_return written;
    }
  }

  Stream& stream() { return stream_; }

 private:
  using Request = http::request<http::string_body>;

  // The header first: it says whether there may be a body.
  asio::awaitable<void> read(http::request_parser<http::string_body>& parser,
                             beast::flat_buffer& buffer, error_code& error) {
    parser.body_limit(boost::none);
    beast::get_lowest_layer(stream_).expires_after(state_->options.request_timeout);
    co_await http::async_read_header(stream_, buffer, parser, redirect_error(use_awaitable, error));
    if (error) co_return;
    const bool whip = Site::wanted(view(parser.get().target())) == Site::Wanted::whip;
    const std::size_t limit = whip ? state_->options.body_bytes : 0;
    if (parser.content_length() && *parser.content_length() > limit) {
      error = http::error::body_limit;
      co_return;
    }
    parser.body_limit(limit);  // of a body in chunks
    // RFC 9110 section 10.1.1; curl, and what is made with it, waits for this.
    if (beast::iequals(parser.get()[http::field::expect], "100-continue") && !parser.is_done()) {
      constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_, asio::buffer(go_on.data(), go_on.size()),
                                 redirect_error(use_awaitable, error));
      if (error) co_return;
    }
    co_await http::async_read(stream_, buffer, parser, redirect_error(use_awaitable, error));
  }

  // Of a request to the node, and what is to be done with its answer.
  struct Exchange {
    explicit Exchange(asio::io_context& context) : answered(context) {}
    asio::steady_timer answered;
    std::optional<signaling::whip::Response> response;
  };

  asio::awaitable<SiteResponse> ask(const Request& request) {
    signaling::whip::Request content;
    content.method = view(request.method_string());
    content.target = view(request.target());
    content.content_type = view(request[http::field::content_type]);
    content.authorization = view(request[http::field::authorization]);
    content.if_match = view(request[http::field::if_match]);
    content.body = request.body();
    const bool is_head = content.method == "HEAD";
    const auto exchange = std::make_shared<Exchange>(state_->context);
    exchange->answered.expires_after(state_->options.answer_timeout);
    state_->hooks.request(std::move(content), remote(request),
                          [exchange](signaling::whip::Response response) {
                            exchange->response = std::move(response);
                            exchange->answered.cancel();
                          });
    error_code cancelled;
    if (!exchange->response)
      co_await exchange->answered.async_wait(redirect_error(use_awaitable, cancelled));
    if (!exchange->response)
      exchange->response =
          signaling::whip::refusal({"no_answer", "The server is too busy. Try again."}, 10);
    SiteResponse response;
    response.status = exchange->response->status;
    response.headers = std::move(exchange->response->headers);
    response.text = std::move(exchange->response->body);
    response.is_head = is_head;
    co_return response;
  }

  // What to say to a request that cannot be read, or 0 for nothing.
  static unsigned status_of(error_code error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::body_limit) return 413;
    if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
    return error.category() == make_error_code(http::error::bad_method).category() ? 400 : 0;
  }

  SiteRequest describe(const Request& request) const {
    SiteRequest described;
    described.method = view(request.method_string());
    described.target = view(request.target());
    described.host = view(request[http::field::host]);
    described.if_none_match = view(request[http::field::if_none_match]);
    described.accept_encoding = view(request[http::field::accept_encoding]);
    described.tls = tls_;
    described.from_this_machine = peer_.this_machine && !request.count("X-Forwarded-For") &&
                                  !request.count(http::field::forwarded);
    return described;
  }

  bool may_upgrade(const Request& request) const {
    return !redirects() && websocket::is_upgrade(request) &&
           is_same_origin(view(request[http::field::origin]), view(request[http::field::host]),
                          tls_);
  }

  bool redirects() const { return state_->tls() && !tls_; }

  SiteResponse answer(const Request& request) const {
    const SiteRequest described = describe(request);
    if (redirects()) return Site::redirect(described);
    switch (Site::wanted(described.target)) {
      case Site::Wanted::web_socket:
        if (websocket::is_upgrade(request))
          return Site::plain(described, 403, "This page is not of this server.\n");
        return Site::plain(described, 426, "This is where WebSockets are opened.\n");
      case Site::Wanted::metrics:
        if (!described.from_this_machine)
          return Site::plain(described, 403, "Metrics are for this machine alone.\n");
        return Site::plain(described, 200, state_->hooks.metrics(),
                           "text/plain; version=0.0.4; charset=utf-8");
      case Site::Wanted::health:
        return Site::plain(described, 200, state_->hooks.health(), "application/json");
      case Site::Wanted::whip:  // asked before
      case Site::Wanted::file:
        break;
    }
    return state_->site.file(described);
  }

  asio::awaitable<bool> write(SiteResponse answer, bool keep_alive) {
    const std::string_view content = as_text(answer.content());
    http::response<http::span_body<const char>> response;
    response.result(answer.status);
    response.keep_alive(keep_alive);
    for (const auto& [name, value] : answer.headers)
      response.insert(beast::string_view(name.data(), name.size()), value);
    // RFC 9110 sections 8.6 and 15: these two have no content, and a 204 says no length.
    const bool none = answer.status == 304 || answer.status == 204;
    if (!none) response.content_length(content.size());
    if (!answer.is_head && !none) response.body() = {content.data(), content.size()};
    ++state_->stats.responses[std::min(answer.status / 100, 5U)];
    beast::get_lowest_layer(stream_).expires_after(state_->options.response_timeout);
    error_code error;
    co_await http::async_write(stream_, response, redirect_error(use_awaitable, error));
    co_return !error;
  }

  // Whose address limits and logs are about.
  std::string remote(const Request& request) const {
    if (peer_.this_machine) {
      const auto client = forwarded_client(view(request["X-Forwarded-For"]));
      if (!client.empty()) return std::string(client);
    }
    return peer_.ip.to_string();
  }

  asio::awaitable<void> become_web_socket(Request request) {
    std::string client = remote(request);
    const auto session =
        std::make_shared<WebSocketSession<Stream>>(std::move(stream_), state_, std::move(place_));
    co_await session->run(std::move(request), std::move(client));
  }

  std::shared_ptr<State> state_;
  State::Place place_;
  Stream stream_;
  Peer peer_;
  bool tls_;
};

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

asio::awaitable<void> serve_plain(std::shared_ptr<State> state, State::Place place,
                                  PlainStream stream, Peer peer, beast::flat_buffer buffer) {
  HttpSession<PlainStream> session(state, std::move(place), std::move(stream), peer, false);
  const bool ended = co_await session.run(buffer);
  error_code ignored;
  // It fails if the client is gone, and then nothing is left to be said.
  if (ended) (void)session.stream().socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> serve_tls(std::shared_ptr<State> state, State::Place place, PlainStream plain,
                                Peer peer, beast::flat_buffer buffer) {
  TlsStream stream(std::move(plain), state->tls_context);
  error_code error;
  const std::size_t used = co_await stream.async_handshake(
      asio::ssl::stream_base::server, buffer.data(), redirect_error(use_awaitable, error));
  if (error) co_return;
  buffer.consume(used);
  HttpSession<TlsStream> session(state, std::move(place), std::move(stream), peer, true);
  const bool ended = co_await session.run(buffer);
  if (!ended) co_return;
  beast::get_lowest_layer(session.stream()).expires_after(state->options.close_timeout);
  co_await session.stream().async_shutdown(redirect_error(use_awaitable, error));
}

asio::awaitable<void> serve(std::shared_ptr<State> state, tcp::socket socket, Peer peer) {
  State::Place place(state, peer.ip);
  PlainStream stream(std::move(socket));
  beast::flat_buffer buffer;
  if (!state->tls()) {
    co_await serve_plain(state, std::move(place), std::move(stream), peer, std::move(buffer));
    co_return;
  }
  stream.expires_after(state->options.request_timeout);
  error_code error;
  const bool tls =
      co_await beast::async_detect_ssl(stream, buffer, redirect_error(use_awaitable, error));
  if (error) co_return;
  if (tls) {
    co_await serve_tls(state, std::move(place), std::move(stream), peer, std::move(buffer));
  } else {
    co_await serve_plain(state, std::move(place), std::move(stream), peer, std::move(buffer));
  }
}

// Says so as well as can be without waiting.
void refuse(State& state, tcp::socket& socket) {
  ++state.stats.refused;
  error_code error;
  if (socket.non_blocking(true, error)) return;
  constexpr std::string_view full =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  if (!state.tls()) socket.write_some(asio::buffer(full), error);
}

asio::awaitable<void> accept_all(std::shared_ptr<State> state) {
  while (state->acceptor.is_open()) {
    error_code error;
    tcp::endpoint remote;
    tcp::socket socket =
        co_await state->acceptor.async_accept(remote, redirect_error(use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors or memory: those who are here finish first.
      state->retry.expires_after(milliseconds(100));
      co_await state->retry.async_wait(redirect_error(use_awaitable, error));
      continue;
    }
    ++state->stats.accepted;
    Peer peer{to_ip(remote.address()), false};
    peer.this_machine =
        peer.ip.is_loopback() || remote.address() == socket.local_endpoint(error).address();
    if (!state->has_room(peer.ip)) {
      refuse(*state, socket);
      continue;
    }
    (void)socket.set_option(tcp::no_delay(true), error);  // without it, it is only slower
    asio::co_spawn(state->context, serve(state, std::move(socket), peer), asio::detached);
  }
}

std::string tls_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unreadable" : reason;
}

Result<void> set_up_tls(State& state) {
  SSL_CTX* context = state.tls_context.native_handle();
  const auto bad = [](std::string_view setting, const std::filesystem::path& file,
                      std::string_view must) {
    return fail("bad_tls", fmt::format("{}: {}: {}; it must be {}", setting, file.string(),
                                       tls_reason(), must));
  };
  const HttpOptions& options = state.options;
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  if (SSL_CTX_use_certificate_chain_file(context, options.tls_certificate.c_str()) != 1)
    return bad("tls-certificate", options.tls_certificate, "a certificate chain in PEM");
  if (SSL_CTX_use_PrivateKey_file(context, options.tls_key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad("tls-key", options.tls_key, "the private key of tls-certificate, in PEM");
  return {};
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::open(asio::io_context& context, HttpOptions options,
                                                     HttpHooks hooks) {
  auto state = std::make_shared<State>(context, std::move(options), std::move(hooks));
  if (state->tls()) {
    if (auto done = set_up_tls(*state); !done) return std::unexpected(done.error());
  }
  if (auto done = listen_on(state->acceptor, state->options.listen, "listen"); !done)
    return std::unexpected(done.error());
  asio::co_spawn(context, accept_all(state), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { stop(); }

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }
const HttpStats& HttpServer::stats() const { return state_->stats; }

void HttpServer::stop() {
  error_code ignored;
  (void)state_->acceptor.close(ignored);  // nobody is left who could mend it
  state_->retry.cancel();
}

}  // namespace liaison::io
