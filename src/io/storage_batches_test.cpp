#include "io/storage_batches.hpp"

#include <gtest/gtest.h>

#include <string>

namespace liaison::io {
namespace {

const Instant start{seconds(100)};

// What was asked of the store, and how it is to answer.
struct Journal {
  bool broken = false;
  std::vector<std::vector<node::StoreRequest>> batches;
  std::vector<UnixTime> pruned;
};

class RecordingStore final : public Store {
 public:
  explicit RecordingStore(Journal& journal) : journal_(journal) {}
  Result<node::StoreLoaded> load(UnixTime) override { return node::StoreLoaded{}; }
  Result<std::vector<node::TokenChecked>> apply(
      std::span<const node::StoreRequest> requests) override {
    journal_.batches.emplace_back(requests.begin(), requests.end());
    if (journal_.broken) return fail("disk_full", "the disk is full");
    std::vector<node::TokenChecked> answers;
    for (const node::StoreRequest& request : requests) {
      if (const auto* token = std::get_if<node::UseToken>(&request))
        answers.push_back({token->connection, token->token_id, true});
    }
    return answers;
  }
  Result<void> prune(UnixTime now) override {
    journal_.pruned.push_back(now);
    if (journal_.broken) return fail("disk_full", "the disk is full");
    return {};
  }

 private:
  Journal& journal_;
};

class StorageBatchesTest : public testing::Test {
 protected:
  StorageBatchesTest() { work(start); }  // the first thing it does is to prune

  // All that is due at `now`; the store takes `took` for each piece of it. Gives the news.
  std::vector<StorageNews> work(Instant now, Duration took = milliseconds(3)) {
    std::vector<StorageNews> news;
    while (batches_.deadline() <= now) {
      batches_.apply(now, unix_now_);
      EXPECT_EQ(batches_.deadline(), never);
      now += took;
      batches_.finish(now, news);
    }
    return news;
  }
  static node::UseToken token(const std::string& id) {
    return {ConnectionId{7}, id, UnixTime::max(), "bearer"};
  }
  static node::SaveSession session(const std::string& hash) {
    return {{hash, "p", "room", "Ana", UnixTime::max()}};
  }
  static std::string name(const node::StoreRequest& request) {
    if (const auto* saved = std::get_if<node::SaveSession>(&request))
      return "+" + saved->session.resume_hash;
    if (const auto* deleted = std::get_if<node::DeleteSession>(&request))
      return "-" + deleted->resume_hash;
    if (const auto* used = std::get_if<node::UseToken>(&request)) return "t" + used->token_id;
    return "room";
  }
  std::vector<std::string> last_batch() const {
    std::vector<std::string> names;
    for (const node::StoreRequest& request : journal_.batches.back())
      names.push_back(name(request));
    return names;
  }
  template <typename T>
  static std::vector<T> of(const std::vector<StorageNews>& news) {
    std::vector<T> found;
    for (const StorageNews& one : news) {
      if (const auto* it = std::get_if<T>(&one)) found.push_back(*it);
    }
    return found;
  }

  Journal journal_;
  UnixTime unix_now_{hours(24 * 365 * 55)};
  StorageBatches batches_{std::make_unique<RecordingStore>(journal_), start};
};

TEST_F(StorageBatchesTest, AppliesTogetherWhatHasComeAndAnswersInOrder) {
  batches_.add(token("a"), start + seconds(1));
  batches_.add(session("s"), start + seconds(2));
  batches_.add(token("b"), start + seconds(2));
  EXPECT_EQ(batches_.deadline(), start + seconds(1));
  const auto news = work(start + seconds(2), milliseconds(20));
  EXPECT_EQ(last_batch(), (std::vector<std::string>{"ta", "+s", "tb"}));
  ASSERT_EQ(news.size(), 3U);
  const auto done = of<StorageDone>(news);
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].requests, 3U);
  EXPECT_EQ(done[0].took, milliseconds(20));
  const auto checked = of<node::TokenChecked>(news);
  ASSERT_EQ(checked.size(), 2U);
  EXPECT_EQ(checked[0].token_id, "a");
  EXPECT_EQ(checked[1].token_id, "b");
  EXPECT_TRUE(checked[1].fresh);
}

TEST_F(StorageBatchesTest, WhatComesWhileTheStoreWorksWaitsForTheNextBatch) {
  batches_.add(session("a"), start);
  batches_.apply(start, unix_now_);
  batches_.add(session("b"), start + milliseconds(1));
  std::vector<StorageNews> news;
  batches_.finish(start + milliseconds(5), news);
  EXPECT_EQ(of<StorageDone>(news).at(0).requests, 1U);
  EXPECT_EQ(batches_.deadline(), start + milliseconds(1));
  work(start + milliseconds(5));
  EXPECT_EQ(last_batch(), (std::vector<std::string>{"+b"}));
}

TEST_F(StorageBatchesTest, ABatchHasALimit) {
  for (std::size_t i = 0; i < StorageBatches::batch_limit; ++i) {
    EXPECT_FALSE(batches_.full());
    batches_.add(session("s"), start);
  }
  EXPECT_TRUE(batches_.full());
  EXPECT_DEATH(batches_.add(session("s"), start), "broken invariant");
}

TEST_F(StorageBatchesTest, WhileTheStoreFailsATokenCountsAsUsedAndIsNotTriedAgain) {
  journal_.broken = true;
  batches_.add(session("a"), start);
  batches_.add(token("t"), start);
  const auto news = work(start);
  const auto checked = of<node::TokenChecked>(news);
  ASSERT_EQ(checked.size(), 1U);
  EXPECT_FALSE(checked[0].fresh);
  EXPECT_EQ(checked[0].connection, ConnectionId{7});
  EXPECT_EQ(of<StorageDone>(news).at(0).requests, 2U);

  journal_.broken = false;
  work(batches_.deadline());
  EXPECT_EQ(last_batch(), (std::vector<std::string>{"+a"}));
}

TEST_F(StorageBatchesTest, WhatFailedIsTriedASecondAfterTheFailureAndBeforeWhatIsNew) {
  journal_.broken = true;
  batches_.add(session("a"), start);
  work(start, milliseconds(1'500));  // a store may take long to fail
  const Instant retry = start + milliseconds(2'500);
  EXPECT_EQ(batches_.deadline(), retry);
  EXPECT_TRUE(work(retry - nanoseconds(1)).empty());
  work(retry);
  EXPECT_EQ(journal_.batches.size(), 2U);

  batches_.add(node::DeleteSession{"a"}, retry + milliseconds(10));
  journal_.broken = false;
  const auto news = work(retry + milliseconds(10));
  EXPECT_EQ(last_batch(), (std::vector<std::string>{"+a", "-a"}));
  EXPECT_EQ(of<StorageDone>(news).at(0).requests, 1U);  // the other was done with at its failure
  EXPECT_TRUE(of<StorageDone>(work(retry + minutes(1))).empty());
}

TEST_F(StorageBatchesTest, SaysOnceThatTheStoreFailsAndOnceThatItWorks) {
  journal_.broken = true;
  batches_.add(session("a"), start);
  const auto first = of<StorageFails>(work(start));
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].error.message, "the disk is full");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(work(batches_.deadline()).empty());
  journal_.broken = false;
  EXPECT_EQ(of<StorageWorks>(work(batches_.deadline())).size(), 1U);
  batches_.add(session("b"), start + seconds(20));
  EXPECT_TRUE(of<StorageWorks>(work(start + seconds(20))).empty());
  EXPECT_EQ(last_batch(), (std::vector<std::string>{"+b"}));
}

TEST_F(StorageBatchesTest, KeepsTheLatestOfWhatFails) {
  journal_.broken = true;
  constexpr std::size_t more = 10;
  Instant now = start;
  for (std::size_t i = 0; i < StorageBatches::failed_limit + more; ++i) {
    batches_.add(session(std::to_string(i)), now);
    if (batches_.full()) work(now += milliseconds(10));
  }
  work(now += milliseconds(10));
  journal_.broken = false;
  work(batches_.deadline());
  const auto tried = last_batch();
  ASSERT_EQ(tried.size(), StorageBatches::failed_limit);
  EXPECT_EQ(tried.front(), "+" + std::to_string(more));
  EXPECT_EQ(tried.back(), "+" + std::to_string(StorageBatches::failed_limit + more - 1));
}

TEST_F(StorageBatchesTest, PrunesAtTheStartAndEveryTenMinutes) {
  ASSERT_EQ(journal_.pruned, (std::vector{unix_now_}));
  EXPECT_EQ(batches_.deadline(), start + minutes(10));
  unix_now_ += minutes(10);
  journal_.broken = true;
  EXPECT_EQ(of<StorageFails>(work(start + minutes(10))).size(), 1U);
  EXPECT_EQ(journal_.pruned.back(), unix_now_);
  EXPECT_EQ(batches_.deadline(), start + minutes(20));
}

}  // namespace
}  // namespace liaison::io
