// What the storage thread does, without the thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/clock.hpp"
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

// Owns a Store, and decides what it is asked and when. Requests that wait are applied together, so
// a slow disk makes larger batches and not a longer queue. While the store fails, a token counts as
// used (whoever has one tries again later), and the rest is kept, within a limit, and tried again.
// It knows no clock: since a disk takes its time, the end of a piece of work is told apart from its
// beginning. It does not know who brings the requests either, or who wants the news.
class StorageBatches {
 public:
  // How many requests may wait to be added.
  static constexpr std::size_t queue_limit = 4'096;
  // How many requests are applied at once, beside what failed before.
  static constexpr std::size_t batch_limit = 512;
  // How many failed requests are kept; of more, the oldest are lost.
  static constexpr std::size_t failed_limit = 4'096;

  StorageBatches(std::unique_ptr<Store> store, Instant now);

  // There must be room: not while full().
  void add(node::StoreRequest request, Instant now);
  bool full() const { return batch_.size() >= batch_limit; }

  // When apply() is next needed; `never` between apply() and finish().
  Instant deadline() const;
  // The store does what is due at `now`, and this returns when it has. finish() follows.
  void apply(Instant now, UnixTime unix_now);
  // What came of it, told when it is over.
  void finish(Instant now, std::vector<StorageNews>& news);

 private:
  // What the store answered to a batch, of which so many requests were not tried before.
  struct Applied {
    std::vector<node::StoreRequest> requests;
    std::uint32_t fresh = 0;
    Result<std::vector<node::TokenChecked>> answers;
  };

  void finish_batch(Applied applied, Instant now, std::vector<StorageNews>& news);
  void says(const Result<void>& result, std::vector<StorageNews>& news);

  std::unique_ptr<Store> store_;
  std::vector<node::StoreRequest> batch_;
  std::vector<node::StoreRequest> failed_;
  bool failing_ = false;
  Instant batch_since_;  // of the oldest request in batch_
  Instant next_retry_;
  Instant next_prune_;

  // Between apply() and finish().
  bool applying_ = false;
  Instant began_;
  std::optional<Applied> applied_;
  std::optional<Result<void>> pruned_;
};

}  // namespace liaison::io
