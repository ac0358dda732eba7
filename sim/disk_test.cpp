#include "sim/disk.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "io/storage_batches.hpp"
#include "io/store_sqlite.hpp"

namespace liaison::sim {
namespace {

const UnixTime now{hours(24 * 365 * 55)};
constexpr auto file = "liaison.db";

node::SessionRecord session(const std::string& hash, const std::string& name = "Ana") {
  return {hash, "p-" + hash, "room", name, now + hours(1)};
}
node::UseToken token(const std::string& id) { return {ConnectionId{3}, id, now + hours(1), {}}; }

std::unique_ptr<io::Store> open(const Disk& disk) {
  auto store = io::open_sqlite_store_on(file, disk.vfs());
  EXPECT_TRUE(store) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

bool fresh(io::Store& store, const std::string& id) {
  const auto answers = store.apply(std::vector<node::StoreRequest>{token(id)});
  EXPECT_TRUE(answers) << answers.error().message;
  return answers && answers->at(0).fresh;
}

bool save(io::Store& store, const std::string& hash) {
  return store.apply(std::vector<node::StoreRequest>{node::SaveSession{session(hash)}}).has_value();
}

std::map<std::string, std::string> names(io::Store& store) {
  std::map<std::string, std::string> found;
  const auto loaded = store.load(now);
  EXPECT_TRUE(loaded) << loaded.error().message;
  if (!loaded) return found;
  for (const auto& record : loaded->sessions) found.emplace(record.resume_hash, record.name);
  return found;
}

std::set<std::string> sessions(io::Store& store) {
  std::set<std::string> hashes;
  for (const auto& [hash, name] : names(store)) hashes.insert(hash);
  return hashes;
}

std::string code_of(const auto& result) {
  return result ? "no error" : std::string(result.error().code);
}

// A process that writes to a disk, and all that it has been promised of it.
class Writer {
 public:
  Writer(Disk& disk, Random random) : disk_(disk), random_(random) {}

  // Opens the store, and writes until the disk says that the process is dead.
  void work() {
    while (!disk_.crashed()) {
      if (store_ == nullptr) {
        auto opened = io::open_sqlite_store_on(file, disk_.vfs());
        if (!opened) {
          EXPECT_NE(opened.error().code, "damaged") << opened.error().message;
          continue;
        }
        store_ = std::move(*opened);
      }
      if (random_.chance(0.02)) {
        store_.reset();  // an orderly end: a checkpoint
      } else if (random_.chance(0.05)) {
        (void)store_->prune(now);
      } else {
        write();
      }
    }
    store_.reset();
  }

  // What is there when it starts again.
  void check() {
    store_ = open(disk_);
    ASSERT_NE(store_, nullptr);
    const auto found = names(*store_);
    std::map<std::string, std::string> of_certain;
    std::ranges::copy_if(found, std::inserter(of_certain, of_certain.end()),
                         [&](const auto& entry) { return !uncertain_.contains(entry.first); });
    // All of the batch that nobody was told about, or nothing of it. Not EXPECT_EQ: names are long.
    if (of_certain != sessions_) {
      for (const node::StoreRequest& request : in_flight_) keep(request);
      EXPECT_TRUE(of_certain == sessions_);
    }
    std::size_t forgotten = 0;
    for (const std::string& id : used_) forgotten += fresh(*store_, id) ? 1 : 0;
    EXPECT_EQ(forgotten, 0U) << "of " << used_.size();
    // From now on this is what counts.
    sessions_ = found;
    in_flight_.clear();
    uncertain_.clear();
  }
  std::size_t used() const { return used_.size(); }

 private:
  void write() {
    std::vector<node::StoreRequest> requests;
    for (std::uint64_t count = 1 + random_.below(12); count > 0; --count) {
      const std::string id = std::to_string(random_.below(60));
      switch (random_.below(4)) {
        case 0:
          requests.emplace_back(token("t" + std::to_string(next_token_++)));
          break;
        case 1:
          requests.emplace_back(node::DeleteSession{id});
          break;
        default:
          // Long ones, so that the log is soon long enough for a checkpoint.
          requests.emplace_back(node::SaveSession{
              session(id, std::string(random_.below(9'000), static_cast<char>('a' + count)))});
      }
    }
    const auto answers = store_->apply(requests);
    if (answers) {
      for (const node::StoreRequest& request : requests) keep(request);
      for (const auto& answer : *answers) {
        EXPECT_TRUE(answer.fresh);
        used_.insert(answer.token_id);
      }
    } else if (disk_.crashed()) {
      in_flight_ = requests;
    } else {
      EXPECT_NE(answers.error().code, "damaged") << answers.error().message;
      // It is not there now, but it may be after the next start: the log may hold it all the same.
      for (const node::StoreRequest& request : requests) doubt(request);
    }
  }
  void keep(const node::StoreRequest& request) {
    if (const auto* saved = std::get_if<node::SaveSession>(&request)) {
      if (!uncertain_.contains(saved->session.resume_hash))
        sessions_[saved->session.resume_hash] = saved->session.name;
    } else if (const auto* deleted = std::get_if<node::DeleteSession>(&request)) {
      sessions_.erase(deleted->resume_hash);
    }
  }
  void doubt(const node::StoreRequest& request) {
    std::string hash;
    if (const auto* saved = std::get_if<node::SaveSession>(&request))
      hash = saved->session.resume_hash;
    if (const auto* deleted = std::get_if<node::DeleteSession>(&request))
      hash = deleted->resume_hash;
    uncertain_.insert(hash);
    sessions_.erase(hash);
  }

  Disk& disk_;
  Random random_;
  std::unique_ptr<io::Store> store_;
  std::map<std::string, std::string> sessions_;
  std::set<std::string> used_;
  std::set<std::string> uncertain_;
  std::vector<node::StoreRequest> in_flight_;
  int next_token_ = 0;
};

TEST(Disk, SessionsAndTokensSurviveTheEndOfTheProcess) {
  Disk disk(Random(1));
  auto store = open(disk);
  ASSERT_TRUE(save(*store, "a"));
  EXPECT_TRUE(fresh(*store, "t"));
  EXPECT_GT(disk.contents("liaison.db-wal").size(), 0U);  // as in production
  disk.crash();
  store.reset();
  EXPECT_GT(disk.contents("liaison.db-wal").size(), 0U);  // nobody closed it
  store = open(disk);
  EXPECT_EQ(sessions(*store), (std::set<std::string>{"a"}));
  EXPECT_FALSE(fresh(*store, "t"));
}

TEST(Disk, ADeadProcessChangesNothing) {
  Disk disk(Random(1));
  auto store = open(disk);
  ASSERT_TRUE(save(*store, "a"));
  disk.crash();
  const std::string data(disk.contents(file));
  const std::string log(disk.contents("liaison.db-wal"));
  EXPECT_FALSE(save(*store, "b"));
  EXPECT_FALSE(io::open_sqlite_store_on(file, disk.vfs()));
  store.reset();
  EXPECT_EQ(disk.contents(file), data);
  EXPECT_EQ(disk.contents("liaison.db-wal"), log);
  store = open(disk);
  EXPECT_EQ(sessions(*store), (std::set<std::string>{"a"}));
}

TEST(Disk, AnOrderlyEndLeavesOneFile) {
  const Disk disk(Random(1));
  auto store = open(disk);
  ASSERT_TRUE(save(*store, "a"));
  store.reset();
  EXPECT_FALSE(disk.exists("liaison.db-wal"));
  EXPECT_TRUE(disk.exists(file));
  store = open(disk);
  EXPECT_EQ(sessions(*store), (std::set<std::string>{"a"}));
}

TEST(Disk, TheEndOfTheProcessAtAnyMomentLosesNothingThatWasAnswered) {
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Disk disk(random.fork());
    Writer writer(disk, random.fork());
    for (int round = 0; round < 3; ++round) {
      disk.crash_before(random.below(round == 0 ? 60 : 1'500));
      writer.work();
      writer.check();
    }
    if (HasFailure()) return;
  }
}

TEST(Disk, ACutOfThePowerAtAnyMomentLosesNothingThatWasAnswered) {
  std::size_t used = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Disk disk(random.fork());
    Writer writer(disk, random.fork());
    for (int round = 0; round < 4; ++round) {
      // The first falls into the making of the database, or soon after.
      disk.crash_before(random.below(round == 0 ? 60 : 1'500));
      writer.work();
      disk.power_cut(random);
      writer.check();
    }
    used += writer.used();
    if (HasFailure()) return;
  }
  EXPECT_GT(used, 1'000U);
}

// The same while everything fails now and then.
TEST(Disk, WhatWasAnsweredLastsThoughTheDiskFailsNowAndThen) {
  std::size_t used = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Disk disk(random.fork());
    Writer writer(disk, random.fork());
    const DiskFaults faults{.read_error = random.unit() * 0.01,
                            .write_error = random.unit() * 0.02,
                            .short_write = random.unit() * 0.02,
                            .sync_error = random.unit() * 0.1};
    for (int round = 0; round < 4; ++round) {
      disk.crash_before(random.below(1'500));
      disk.set_faults(faults);
      writer.work();
      disk.set_faults({});
      disk.power_cut(random);
      writer.check();
    }
    used += writer.used();
    if (HasFailure()) return;
  }
  EXPECT_GT(used, 1'000U);
}

// After a failed sync Linux takes for written what is not.
TEST(Disk, NothingIsAppendedToALogThatMayNotBeOnTheDisk) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    Disk disk(random.fork());
    auto store = open(disk);
    disk.set_faults({.sync_error = 1});
    EXPECT_FALSE(save(*store, "doubtful"));
    disk.set_faults({});
    disk.crash();
    store.reset();
    store = open(disk);
    EXPECT_TRUE(fresh(*store, "t"));
    disk.power_cut(random);
    store.reset();
    store = open(disk);
    EXPECT_FALSE(fresh(*store, "t"));
  }
}

// What proves that the tests above can fail: a database that does not wait for the disk.
TEST(Disk, ACutOfThePowerTakesWhatWasNotSynced) {
  const auto run = [](const Disk& disk, const char* sql) {
    sqlite3* database = nullptr;
    sqlite3_open_v2(file, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk.vfs());
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    return database;
  };
  int lost = 0;
  int kept = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Disk disk(random.fork());
    sqlite3_close(run(disk, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)"));
    sqlite3* database = run(disk, "PRAGMA synchronous = OFF; INSERT INTO t VALUES (1)");
    disk.power_cut(random);
    sqlite3_close(database);
    database = run(disk, "PRAGMA integrity_check");
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database, "SELECT count(*) FROM t", -1, &statement, nullptr);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    ++(sqlite3_column_int(statement, 0) == 0 ? lost : kept);
    sqlite3_finalize(statement);
    sqlite3_close(database);
  }
  EXPECT_GT(lost, 5);
  EXPECT_GT(kept, 5);
}

TEST(Disk, AFileThatWasNeverSyncedMayBeGone) {
  int gone = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    Disk disk(random.fork());
    disk.crash_before(3);  // amid the making of the database
    EXPECT_FALSE(io::open_sqlite_store_on(file, disk.vfs()));
    EXPECT_TRUE(disk.exists(file));
    disk.power_cut(random);
    if (!disk.exists(file)) ++gone;
  }
  EXPECT_GT(gone, 5);
  EXPECT_LT(gone, 35);
}

struct Fault {
  DiskFaults faults;
  std::string code;
};

TEST(Disk, AFaultIsAnErrorAndPassesWithoutDamage) {
  const std::vector<Fault> all = {
      {{.write_error = 1}, "store_failed"}, {{.sync_error = 1}, "store_failed"},
      {{.short_write = 1}, "disk_full"},    {{.full = true}, "disk_full"},
      {{.size_limit = 1}, "disk_full"},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(i);
    Disk disk{Random(i)};
    auto store = open(disk);
    ASSERT_TRUE(save(*store, "before"));
    disk.set_faults(all[i].faults);
    const std::vector<node::StoreRequest> requests = {node::SaveSession{session("during")},
                                                      token("t")};
    for (int times = 0; times < 3; ++times) EXPECT_EQ(code_of(store->apply(requests)), all[i].code);
    EXPECT_EQ(sessions(*store), (std::set<std::string>{"before"}));

    disk.set_faults({});
    EXPECT_TRUE(fresh(*store, "t"));
    EXPECT_TRUE(store->apply(requests));
    EXPECT_TRUE(store->prune(now));
    disk.crash();
    store.reset();
    store = open(disk);
    EXPECT_EQ(sessions(*store), (std::set<std::string>{"before", "during"}));
    EXPECT_FALSE(fresh(*store, "t"));
  }
}

TEST(Disk, AReadErrorIsNoDamage) {
  int failed = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Disk disk{Random(seed)};
    auto store = open(disk);
    // More than a page can hold, so that the check follows it to other pages.
    ASSERT_TRUE(store->apply(std::vector<node::StoreRequest>{
        node::SaveSession{session("a", std::string(50'000, 'x'))}}));
    store.reset();
    disk.set_faults({.read_error = seed == 0 ? 1 : 0.04});
    const auto opened = io::open_sqlite_store_on(file, disk.vfs());
    if (!opened) {
      EXPECT_EQ(opened.error().code, "store_failed") << opened.error().message;
      ++failed;
    }
  }
  EXPECT_GT(failed, 20);
  EXPECT_LT(failed, 100);
}

TEST(Disk, AFullDiskTakesNoMoreThanItHolds) {
  constexpr std::uint64_t limit = 100'000;
  Disk disk(Random(1));
  auto store = open(disk);
  disk.set_faults({.size_limit = limit});
  std::set<std::string> saved;
  for (int i = 0; i < 100; ++i) {
    const std::string hash = "s" + std::to_string(i);
    if (save(*store, hash)) saved.insert(hash);
  }
  EXPECT_LE(disk.contents(file).size() + disk.contents("liaison.db-wal").size(), limit);
  EXPECT_GT(saved.size(), 0U);
  EXPECT_LT(saved.size(), 100U);
  disk.crash();
  store.reset();
  store = open(disk);  // though it is still full
  EXPECT_EQ(sessions(*store), saved);
}

TEST(Disk, TimeIsCountedAndAsked) {
  Disk disk(Random(1));
  auto store = open(disk);
  EXPECT_EQ(disk.take_time(), Duration::zero());
  disk.set_faults({.latency_min = milliseconds(5), .latency_max = milliseconds(20)});
  const std::uint64_t before = disk.operations();
  ASSERT_TRUE(save(*store, "a"));
  const auto operations = static_cast<Duration::rep>(disk.operations() - before);
  EXPECT_GE(operations, 2);  // frames, and a sync
  const Duration took = disk.take_time();
  EXPECT_GE(took, operations * milliseconds(5));
  EXPECT_EQ(disk.take_time(), Duration::zero());

  disk.set_time(UnixTime(seconds(1'700'000'000)));
  sqlite3_int64 time_ms = 0;
  sqlite3_vfs* vfs = sqlite3_vfs_find(disk.vfs());
  vfs->xCurrentTimeInt64(vfs, &time_ms);
  EXPECT_EQ(time_ms - 210'866'760'000'000, 1'700'000'000'000);
  vfs->xSleep(vfs, 1'500);
  EXPECT_EQ(disk.take_time(), microseconds(1'500));
}

TEST(Disk, TheSameSeedGivesTheSameBytes) {
  const auto run = [] {
    Random random(42);
    Disk disk(random.fork());
    disk.set_faults({.write_error = 0.01,
                     .short_write = 0.01,
                     .sync_error = 0.05,
                     .latency_min = microseconds(50),
                     .latency_max = milliseconds(30)});
    Writer writer(disk, random.fork());
    std::string all;
    for (int round = 0; round < 3; ++round) {
      disk.crash_before(400);
      writer.work();
      disk.power_cut(random);
      all += disk.contents(file);
      all += disk.contents("liaison.db-wal");
      all += std::to_string(disk.take_time().count());
    }
    return all;
  };
  EXPECT_TRUE(run() == run());
}

TEST(Disk, ItsNameIsGoneWithIt) {
  std::string name;
  {
    const Disk disk(Random(1));
    const Disk other(Random(1));
    name = disk.vfs();
    EXPECT_NE(name, other.vfs());
    EXPECT_NE(sqlite3_vfs_find(name.c_str()), nullptr);
  }
  EXPECT_EQ(sqlite3_vfs_find(name.c_str()), nullptr);
}

// The storage thread's logic over a disk that fails for minutes and then works.
TEST(Disk, StorageLosesNothingWithinItsLimit) {
  Disk disk(Random(5));
  auto store = open(disk);
  Instant time{seconds(1)};
  auto batches = std::make_unique<io::StorageBatches>(std::move(store), time);
  std::vector<io::StorageNews> news;
  // Time goes on until `until`, and the disk takes its own.
  const auto work = [&](Instant until) {
    while (batches->deadline() <= until) {
      time = std::max(time, batches->deadline());
      batches->apply(time, now);
      time += disk.take_time();
      batches->finish(time, news);
    }
    time = std::max(time, until);
  };
  std::set<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    disk.set_faults({.write_error = i < 200 ? 0.3 : 0,
                     .sync_error = i < 200 ? 0.3 : 0,
                     .full = i >= 100 && i < 200,
                     .latency_min = milliseconds(1),
                     .latency_max = milliseconds(200)});
    const std::string hash = "s" + std::to_string(i);
    batches->add(node::SaveSession{session(hash)}, time);
    batches->add(token(hash), time);
    expected.insert(hash);
    if (i % 3 == 2) {
      batches->add(node::DeleteSession{"s" + std::to_string(i - 1)}, time);
      expected.erase("s" + std::to_string(i - 1));
    }
    work(time + milliseconds(700));
  }
  work(time + seconds(5));

  std::set<std::string> used;
  std::size_t checked = 0;
  int fails = 0;
  int works = 0;
  for (const io::StorageNews& one : news) {
    if (const auto* answer = std::get_if<node::TokenChecked>(&one)) {
      ++checked;
      if (answer->fresh) used.insert(answer->token_id);
    }
    fails += std::holds_alternative<io::StorageFails>(one) ? 1 : 0;
    works += std::holds_alternative<io::StorageWorks>(one) ? 1 : 0;
  }
  EXPECT_EQ(checked, 300U);
  EXPECT_GT(fails, 0);
  EXPECT_EQ(fails, works);
  EXPECT_GE(used.size(), 100U);
  EXPECT_LT(used.size(), 300U);

  disk.set_faults({});
  Random random(6);
  disk.power_cut(random);
  batches.reset();
  store = open(disk);
  EXPECT_EQ(sessions(*store), expected);
  for (const std::string& id : used) EXPECT_FALSE(fresh(*store, id)) << id;
}

}  // namespace
}  // namespace liaison::sim
