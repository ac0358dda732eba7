// `liaison serve`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "io/config.hpp"

namespace liaison::io {

// One server: opens everything that a Config names, and runs until it is told to stop. The thread
// that calls run() is the control thread.
class Server {
 public:
  // `config` is complete (config.hpp). An error names the setting that is wrong, its value and what
  // to do.
  static Result<std::unique_ptr<Server>> open(const Config& config, std::string_view version);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What people open, with its last slash.
  const std::string& link() const;
  std::uint16_t port() const;
  // Returns after SIGTERM or SIGINT, or stop(): clients are told, sessions are kept. A second
  // signal ends the process at once.
  void run();
  // From any thread.
  void stop();

 private:
  class State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The link for one person into a room, with a join token in its fragment.
Result<std::string> invitation(const Config& config, std::string_view room, std::string_view name,
                               seconds valid);

}  // namespace liaison::io
