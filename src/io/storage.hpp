// The thread that waits for the disk, so that no other has to.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <variant>

#include "base/clock.hpp"
#include "io/mailbox.hpp"
#include "io/store.hpp"

namespace liaison::io {

// So many requests are done with; after it the store is as the last of them left it.
struct StorageDone {
  std::uint32_t requests = 0;
  Duration took{};
};
// The store cannot be written. Said once, and StorageWorks when it can be again.
struct StorageFails {
  Error error;
};
struct StorageWorks {};
using StorageNews =
    std::variant<std::monostate, node::TokenChecked, StorageDone, StorageFails, StorageWorks>;

// Owns a Store and a thread. Requests that wait are applied together, so a slow disk makes larger
// batches and not a longer queue. While the store fails, a token counts as used (whoever has one
// tries again later), and the rest is kept, within a limit, and tried again.
class Storage {
 public:
  // What may wait; also, how many failed requests are kept.
  static constexpr std::size_t limit = 4'096;

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
  void apply_batch();
  void prune(Instant now);
  void says(Result<void> result);

  std::unique_ptr<Store> store_;
  Mailbox<Order> orders_;
  Mailbox<StorageNews> news_;
  std::vector<node::StoreRequest> batch_;
  std::vector<node::StoreRequest> failed_;
  bool failing_ = false;
  Instant next_retry_;
  Instant next_prune_;
  std::thread thread_;
};

}  // namespace liaison::io
