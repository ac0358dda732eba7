#include "io/http_pool.hpp"

#include <sys/epoll.h>

#include <algorithm>

#include "base/ensure.hpp"

namespace liaison::io {

HttpPool::HttpPool(int epoll, std::uint64_t first_key, bool verify)
    : epoll_(epoll), first_key_(first_key), tls_(verify) {}

Result<void> HttpPool::know(const HttpUrl& url) {
  const auto same = [&](const auto& entry) { return entry.first.same_server(url); };
  if (std::ranges::any_of(servers_, same)) return {};
  const auto address = look_up(url);
  if (!address) return std::unexpected(address.error());
  servers_.emplace_back(url, *address);
  return {};
}

void HttpPool::ask(std::uint32_t id, const HttpUrl& url, HttpRequest request) {
  request.target = url.target;
  waiting_.push_back({id, url, std::move(request)});
  start_waiting();
}

bool HttpPool::idle() const {
  return waiting_.empty() && std::ranges::none_of(lines_, [](const std::optional<Line>& line) {
           return line && line->id;
         });
}

std::vector<HttpPool::Answer> HttpPool::take_answers() {
  start_waiting();
  return std::exchange(answers_, {});
}

void HttpPool::start_waiting() {
  while (!waiting_.empty() && start(waiting_.front())) waiting_.pop_front();
}

// On a connection that has nothing to do, or a new one. False if there is neither.
bool HttpPool::start(const Job& job) {
  std::optional<std::size_t> line;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (!lines_[i]) {
      if (!line) line = i;
    } else if (!lines_[i]->id && lines_[i]->server.same_server(job.url)) {
      line = i;
      break;
    }
  }
  if (!line) return false;
  if (!lines_[*line]) {
    if (auto known = know(job.url); !known) {
      answers_.push_back({job.id, std::unexpected(known.error())});
      return true;
    }
    const auto server = std::ranges::find_if(
        servers_, [&](const auto& entry) { return entry.first.same_server(job.url); });
    auto opened = HttpConnection::open(job.url, server->second, tls_);
    if (!opened) {
      answers_.push_back({job.id, std::unexpected(opened.error())});
      return true;
    }
    lines_[*line].emplace(std::move(*opened), job.url, std::nullopt, short{0});
    watch(*line, true);
  }
  lines_[*line]->id = job.id;
  lines_[*line]->connection.send(job.request);
  serve(*line);
  return true;
}

void HttpPool::watch(std::size_t index, bool anew) {
  Line& line = *lines_[index];
  if (!anew && line.events == line.connection.events()) return;
  line.events = line.connection.events();
  epoll_event event{static_cast<std::uint32_t>(line.events), {.u64 = first_key_ + index}};
  ENSURE(epoll_ctl(epoll_, anew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, line.connection.fd(), &event) ==
         0);
}

void HttpPool::serve(std::size_t index) {
  if (!lines_[index]) return;  // it ended in this turn
  Line& line = *lines_[index];
  if (auto response = line.connection.advance())
    answers_.push_back({std::exchange(line.id, std::nullopt).value(), std::move(*response)});
  if (line.connection.ended()) {
    lines_[index].reset();
  } else {
    watch(index, false);
  }
}

}  // namespace liaison::io
