// The thread that drives the node.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/http_server.hpp"
#include "io/log.hpp"
#include "io/metrics.hpp"
#include "io/storage.hpp"
#include "io/tcp_acceptor.hpp"
#include "io/worker.hpp"
#include "node/node.hpp"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Asio's name
}

namespace liaison::io {

struct ControlParts {
  node::Config config;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<Storage> storage;
  node::StoreLoaded loaded;
  Log log{node::LogLevel::info};
  std::string_view version;
};

// Owns the Node, the workers and the storage thread, and carries between them, the clients and the
// clock: every input becomes one call of the node, and everything in its Output is done at once.
// All of it happens on the thread that runs the io_context. It decides nothing.
class Control {
 public:
  Control(boost::asio::io_context& context, ControlParts parts);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // For the web server, which must not outlive it.
  HttpHooks http_hooks();
  // A TCP connection whose first datagram is for this worker.
  void hand_over(WorkerIndex worker, TcpHandover connection);
  // Where their statistics are, and who hears of TCP connections that are gone.
  void watch(const HttpServer* http, TcpAcceptor* tcp);

  // Tells all clients that the process ends.
  void shut_down();
  std::size_t connections() const;
  void log(node::LogLevel level, std::string event, std::vector<node::LogField> fields) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace liaison::io
