// The thread that waits for the disk, so that no other has to.
#pragma once

#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "io/mailbox.hpp"
#include "io/storage_batches.hpp"

namespace liaison::io {

// A StorageBatches with the thread on which its store may wait, a clock, and a mailbox in each
// direction. What is applied when, and what happens while the store fails, is decided there.
class Storage {
 public:
  // What may wait.
  static constexpr std::size_t limit = StorageBatches::queue_limit;

  explicit Storage(std::unique_ptr<Store> store);
  // Applies what was requested before, and stops the thread.
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  // The thread that made it alone requests and takes news.
  // False if too much is waiting: the request is lost.
  bool request(node::StoreRequest request);
  Mailbox<StorageNews>& news() { return news_; }

 private:
  struct Stop {};
  using Order = std::variant<std::monostate, node::StoreRequest, Stop>;

  void run();
  // How long until something must be done without being asked.
  Duration patience(Instant now) const;
  bool take_batch();
  bool apply();

  StorageBatches batches_;
  Mailbox<Order> orders_;
  Mailbox<StorageNews> news_;
  std::vector<StorageNews> said_;
  std::thread thread_;
};

}  // namespace liaison::io
