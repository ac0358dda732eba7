// Many requests over a few connections.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/http_client.hpp"

namespace liaison::io {

// Requests wait in order for one of at most `most_connections` connections, which are kept open
// from one to the next. It shares the epoll instance of its owner, which passes on what is ready
// under the keys from `first_key` on. It never waits, except for the resolver, once per server.
class HttpPool {
 public:
  // So many are under way at once: a server that answers after 50 ms is asked 300 times a second.
  static constexpr std::size_t most_connections = 16;

  HttpPool(int epoll, std::uint64_t first_key, bool verify);

  // Looks the server up now, to say at once what is wrong. Error: "no_address".
  Result<void> know(const HttpUrl& url);
  // `request.target` is taken from the URL. `id` comes back with the response.
  void ask(std::uint32_t id, const HttpUrl& url, HttpRequest request);
  void forget_waiting() { waiting_.clear(); }
  bool idle() const;

  bool owns(std::uint64_t key) const {
    return key >= first_key_ && key < first_key_ + most_connections;
  }
  void ready(std::uint64_t key) { serve(key - first_key_); }

  struct Answer {
    std::uint32_t id = 0;
    Result<HttpResponse> response;
  };
  // Those that have come, or will not. Call it until there are none.
  std::vector<Answer> take_answers();

 private:
  struct Job {
    std::uint32_t id = 0;
    HttpUrl url;
    HttpRequest request;
  };
  struct Line {
    HttpConnection connection;
    HttpUrl server;
    std::optional<std::uint32_t> id;  // whose response it waits for
    short events = 0;
  };

  void start_waiting();
  bool start(const Job& job);
  void watch(std::size_t line, bool anew);
  void serve(std::size_t line);

  int epoll_;
  std::uint64_t first_key_;
  TlsClient tls_;
  std::vector<std::pair<HttpUrl, SocketAddress>> servers_;
  std::vector<std::optional<Line>> lines_ = std::vector<std::optional<Line>>(most_connections);
  std::deque<Job> waiting_;
  std::vector<Answer> answers_;
};

}  // namespace liaison::io
