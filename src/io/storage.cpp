#include "io/storage.hpp"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "io/clock.hpp"

namespace liaison::io {
namespace {

constexpr Duration soon = milliseconds(1);

}  // namespace

Storage::Storage(std::unique_ptr<Store> store)
    : batches_(std::move(store), monotonic_now()), orders_(limit), news_(limit) {
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
      more = apply();
    }
    news_.flush();
  }
}

Duration Storage::patience(Instant now) const {
  if (news_.waiting() != 0) return soon;
  return std::max(batches_.deadline() - now, Duration::zero());
}

// What has come, up to a limit. True if the thread is to stop.
bool Storage::take_batch() {
  const Instant now = monotonic_now();
  while (!batches_.full()) {
    auto order = orders_.take();
    if (!order) return false;
    if (std::holds_alternative<Stop>(*order)) return true;
    batches_.add(std::move(std::get<node::StoreRequest>(*order)), now);
  }
  return false;
}

// False if nothing was due.
bool Storage::apply() {
  const Instant now = monotonic_now();
  if (batches_.deadline() > now) return false;
  batches_.apply(now, unix_now());
  batches_.finish(monotonic_now(), said_);
  for (StorageNews& news : said_) news_.post(std::move(news));
  said_.clear();
  return true;
}

}  // namespace liaison::io
