#include "io/storage.hpp"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <iterator>

#include "io/clock.hpp"

namespace liaison::io {
namespace {

constexpr Duration retry_interval = seconds(1);
constexpr Duration prune_interval = minutes(10);
constexpr Duration soon = milliseconds(1);
constexpr std::size_t batch_limit = 512;

}  // namespace

Storage::Storage(std::unique_ptr<Store> store)
    : store_(std::move(store)), orders_(limit), news_(limit), next_prune_(monotonic_now()) {
  thread_ = std::thread([this] { run(); });
}

Storage::~Storage() {
  orders_.post(Stop{});
  while (!orders_.flush()) std::this_thread::sleep_for(soon);
  thread_.join();
}

bool Storage::request(node::StoreRequest request) {
  const bool taken = orders_.offer(std::move(request));
  orders_.flush();
  return taken;
}

void Storage::run() {
  pthread_setname_np(pthread_self(), "storage");
  bool stopping = false;
  while (!stopping) {
    const Duration wait = patience(monotonic_now());
    pollfd entry{orders_.fd(), POLLIN, 0};
    poll(&entry, 1, static_cast<int>(std::chrono::ceil<milliseconds>(wait).count()));
    orders_.acknowledge();
    bool more = true;
    while (more && !stopping) {
      stopping = take_batch();
      more = !batch_.empty();
      if (more) apply_batch();
    }
    const Instant now = monotonic_now();
    if (!failed_.empty() && now >= next_retry_) apply_batch();
    if (now >= next_prune_) prune(now);
    news_.flush();
  }
}

Duration Storage::patience(Instant now) const {
  if (news_.waiting() != 0) return soon;
  Instant next = next_prune_;
  if (!failed_.empty()) next = std::min(next, next_retry_);
  return std::max(next - now, Duration::zero());
}

// What has come, up to a limit. True if the thread is to stop.
bool Storage::take_batch() {
  while (batch_.size() < batch_limit) {
    auto order = orders_.take();
    if (!order) return false;
    if (std::holds_alternative<Stop>(*order)) return true;
    batch_.push_back(std::move(std::get<node::StoreRequest>(*order)));
  }
  return false;
}

void Storage::apply_batch() {
  // What failed before goes first: a session that was saved and then deleted must not come back.
  const auto fresh = static_cast<std::uint32_t>(batch_.size());
  std::vector<node::StoreRequest> requests = std::exchange(failed_, {});
  std::ranges::move(batch_, std::back_inserter(requests));
  batch_.clear();

  const Instant began = monotonic_now();
  auto answers = store_->apply(requests);
  const Instant ended = monotonic_now();
  if (fresh != 0) news_.post(StorageDone{fresh, ended - began});
  if (answers) {
    for (node::TokenChecked& answer : *answers) news_.post(std::move(answer));
    says({});
    return;
  }
  for (node::StoreRequest& request : requests) {
    if (const auto* token = std::get_if<node::UseToken>(&request)) {
      news_.post(node::TokenChecked{token->connection, token->token_id, false});
    } else {
      failed_.push_back(std::move(request));
    }
  }
  if (failed_.size() > limit)
    failed_.erase(failed_.begin(), failed_.end() - static_cast<std::ptrdiff_t>(limit));
  next_retry_ = ended + retry_interval;
  says(std::unexpected(answers.error()));
}

void Storage::prune(Instant now) {
  next_prune_ = now + prune_interval;
  says(store_->prune(unix_now()));
}

void Storage::says(Result<void> result) {
  if (!result && !failing_) news_.post(StorageFails{result.error()});
  if (result && failing_) news_.post(StorageWorks{});
  failing_ = !result;
}

}  // namespace liaison::io
