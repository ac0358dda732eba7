#include "io/storage_batches.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ensure.hpp"

namespace liaison::io {
namespace {

constexpr Duration retry_interval = seconds(1);
constexpr Duration prune_interval = minutes(10);

}  // namespace

StorageBatches::StorageBatches(std::unique_ptr<Store> store, Instant now)
    : store_(std::move(store)), next_prune_(now) {}

void StorageBatches::add(node::StoreRequest request, Instant now) {
  ENSURE(!full());
  if (batch_.empty()) batch_since_ = now;
  batch_.push_back(std::move(request));
}

Instant StorageBatches::deadline() const {
  if (applying_) return never;
  Instant next = next_prune_;
  if (!failed_.empty()) next = std::min(next, next_retry_);
  if (!batch_.empty()) next = std::min(next, batch_since_);
  return next;
}

// Requests before the rest: somebody waits for them.
void StorageBatches::apply(Instant now, UnixTime unix_now) {
  ENSURE(!applying_);
  applying_ = true;
  began_ = now;
  if (!batch_.empty() || (!failed_.empty() && now >= next_retry_)) {
    const auto fresh = static_cast<std::uint32_t>(batch_.size());
    // What failed before goes first: a session that was saved and then deleted must not come back.
    std::vector<node::StoreRequest> requests = std::exchange(failed_, {});
    std::ranges::move(batch_, std::back_inserter(requests));
    batch_.clear();
    auto answers = store_->apply(requests);
    applied_.emplace(std::move(requests), fresh, std::move(answers));
  } else if (now >= next_prune_) {
    next_prune_ = now + prune_interval;
    pruned_ = store_->prune(unix_now);
  }
}

void StorageBatches::finish(Instant now, std::vector<StorageNews>& news) {
  ENSURE(applying_);
  applying_ = false;
  if (auto applied = std::exchange(applied_, std::nullopt))
    finish_batch(std::move(*applied), now, news);
  if (const auto pruned = std::exchange(pruned_, std::nullopt)) says(*pruned, news);
}

void StorageBatches::finish_batch(Applied applied, Instant now, std::vector<StorageNews>& news) {
  if (applied.fresh != 0) news.emplace_back(StorageDone{applied.fresh, now - began_});
  if (applied.answers) {
    for (node::TokenChecked& answer : *applied.answers) news.emplace_back(std::move(answer));
    says({}, news);
    return;
  }
  for (node::StoreRequest& request : applied.requests) {
    if (const auto* token = std::get_if<node::UseToken>(&request)) {
      news.emplace_back(node::TokenChecked{token->connection, token->token_id, false});
    } else {
      failed_.push_back(std::move(request));
    }
  }
  if (failed_.size() > failed_limit)
    failed_.erase(failed_.begin(), failed_.end() - static_cast<std::ptrdiff_t>(failed_limit));
  next_retry_ = now + retry_interval;
  says(std::unexpected(applied.answers.error()), news);
}

void StorageBatches::says(const Result<void>& result, std::vector<StorageNews>& news) {
  if (!result && !failing_) news.emplace_back(StorageFails{result.error()});
  if (result && failing_) news.emplace_back(StorageWorks{});
  failing_ = !result;
}

}  // namespace liaison::io
