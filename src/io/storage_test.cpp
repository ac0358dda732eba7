#include "io/storage.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>

#include "io/store_sqlite.hpp"
#include "io/test_folder.hpp"

namespace liaison::io {
namespace {

// The real store behind a disk that can be taken away.
class FaultyStore final : public Store {
 public:
  FaultyStore(std::unique_ptr<Store> store, const std::atomic<bool>& broken)
      : store_(std::move(store)), broken_(broken) {}
  Result<node::StoreLoaded> load(UnixTime now) override { return store_->load(now); }
  Result<std::vector<node::TokenChecked>> apply(
      std::span<const node::StoreRequest> requests) override {
    if (broken_) return fail("disk_full", "the disk is full");
    return store_->apply(requests);
  }
  Result<void> prune(UnixTime now) override { return store_->prune(now); }

 private:
  std::unique_ptr<Store> store_;
  const std::atomic<bool>& broken_;
};

class StorageTest : public testing::Test {
 protected:
  void start() {
    auto store = open_sqlite_store(folder_.path);
    ENSURE(store);
    storage_ = std::make_unique<Storage>(std::make_unique<FaultyStore>(std::move(*store), broken_));
  }
  // The next piece of news of type T; others are skipped.
  template <typename T>
  std::optional<T> next() {
    for (;;) {
      while (auto news = storage_->news().take()) {
        if (auto* found = std::get_if<T>(&*news)) return *found;
      }
      pollfd entry{storage_->news().fd(), POLLIN, 0};
      if (poll(&entry, 1, 10'000) != 1) return std::nullopt;
      storage_->news().acknowledge();
    }
  }
  static node::UseToken token(const std::string& id, const std::string& bearer = "ana") {
    return {ConnectionId{7}, id, UnixTime::max(), bearer};
  }
  static node::SaveSession session(const std::string& hash) {
    return {{hash, "p", "room", "Ana", UnixTime::max()}};
  }
  std::vector<std::string> stored() {
    auto store = open_sqlite_store(folder_.path);
    std::vector<std::string> hashes;
    const auto loaded = (*store)->load(UnixTime{});
    for (const auto& record : loaded->sessions) hashes.push_back(record.resume_hash);
    return hashes;
  }

  TemporaryFolder folder_;
  std::atomic<bool> broken_ = false;
  std::unique_ptr<Storage> storage_;
};

TEST_F(StorageTest, AnswersWhetherATokenIsFresh) {
  start();
  ASSERT_TRUE(storage_->request(token("t")));
  ASSERT_TRUE(storage_->request(token("t", "bo")));
  const auto first = next<node::TokenChecked>();
  const auto second = next<node::TokenChecked>();
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->fresh);
  EXPECT_EQ(first->connection, ConnectionId{7});
  EXPECT_FALSE(second->fresh);
}

TEST_F(StorageTest, WritesWhatWasAskedBeforeItStops) {
  start();
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(storage_->request(session("s" + std::to_string(i))));
  storage_.reset();
  EXPECT_EQ(stored().size(), 1'000U);
}

TEST_F(StorageTest, TellsThatItFailsOnceAndCatchesUp) {
  start();
  broken_ = true;
  storage_->request(session("a"));
  const auto fails = next<StorageFails>();
  ASSERT_TRUE(fails);
  EXPECT_EQ(fails->error.message, "the disk is full");

  // A token is not called fresh when that cannot be made to last; and what is deleted stays so.
  storage_->request(token("t"));
  const auto checked = next<node::TokenChecked>();
  ASSERT_TRUE(checked);
  EXPECT_FALSE(checked->fresh);
  storage_->request(session("b"));
  storage_->request(node::DeleteSession{"a"});

  broken_ = false;
  ASSERT_TRUE(next<StorageWorks>());
  storage_->request(token("t"));
  EXPECT_TRUE(next<node::TokenChecked>()->fresh);
  storage_.reset();
  EXPECT_EQ(stored(), (std::vector<std::string>{"b"}));
}

}  // namespace
}  // namespace liaison::io
