// What must outlive the process.
#pragma once

#include <span>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "node/effects.hpp"

namespace liaison::io {

// Where the node's StoreRequests go. It may wait for a disk or a network, so it runs on a thread of
// its own (storage.hpp); it is used by one thread at a time. Error messages name the file or the
// server, and say what to do.
class Store {
 public:
  virtual ~Store() = default;

  // What the last process left, without what has expired.
  virtual Result<node::StoreLoaded> load(UnixTime now) = 0;
  // All of them, in order, or none. Durable when it returns. Answers the UseTokens among them, in
  // order.
  virtual Result<std::vector<node::TokenChecked>> apply(
      std::span<const node::StoreRequest> requests) = 0;
  // Forgets what has expired.
  virtual Result<void> prune(UnixTime now) = 0;
};

}  // namespace liaison::io
