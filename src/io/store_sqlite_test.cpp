#include "io/store_sqlite.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "io/test_folder.hpp"

namespace liaison::io {
namespace {

const UnixTime now{hours(24 * 365 * 55)};

node::SessionRecord session(const std::string& hash, Duration life = minutes(2)) {
  return {hash, "p-" + hash, "room", "Ana", now + duration_cast<microseconds>(life)};
}

class SqliteStore : public testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    auto store = open_sqlite_store(folder_.path);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  static std::vector<node::TokenChecked> apply(Store& store,
                                               std::vector<node::StoreRequest> requests) {
    auto answers = store.apply(requests);
    EXPECT_TRUE(answers) << answers.error().message;
    return answers ? std::move(*answers) : std::vector<node::TokenChecked>{};
  }
  static bool fresh(Store& store, const std::string& id, const std::string& bearer = "somebody") {
    const auto answers =
        apply(store, {node::UseToken{ConnectionId{3}, id, now + minutes(5), bearer}});
    EXPECT_EQ(answers.size(), 1U);
    return !answers.empty() && answers[0].fresh;
  }
  void sql(const char* text) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }
  std::string error_of_opening() {
    const auto store = open_sqlite_store(folder_.path);
    return store ? "no error" : std::string(store.error().code) + ": " + store.error().message;
  }
  std::filesystem::path file() const { return folder_.path / "liaison.db"; }

  TemporaryFolder folder_;
};

TEST_F(SqliteStore, KeepsSessionsOverARestart) {
  auto store = open();
  apply(*store, {node::SaveSession{session("a")}, node::SaveSession{session("b")},
                 node::SaveSession{session("c", seconds(10))}, node::SaveRoom{"room", now}});
  auto changed = session("a");
  changed.name = "Ana María \"x\" 安娜";
  apply(*store, {node::SaveSession{changed}, node::DeleteSession{"b"}});
  store.reset();

  store = open();
  auto loaded = store->load(now + seconds(10));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->sessions, (std::vector{changed}));
}

TEST_F(SqliteStore, ATokenIsFreshOnceEvenOverARestart) {
  auto store = open();
  const auto answers =
      apply(*store, {node::UseToken{ConnectionId{1}, "t", now + minutes(5), "ana"},
                     node::SaveRoom{"r", now},
                     node::UseToken{ConnectionId{2}, "t", now + minutes(5), "bo"}});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[0].fresh);
  EXPECT_EQ(answers[0].connection, ConnectionId{1});
  EXPECT_EQ(answers[0].token_id, "t");
  EXPECT_FALSE(answers[1].fresh);
  store.reset();
  store = open();
  EXPECT_FALSE(fresh(*store, "t"));
  EXPECT_TRUE(fresh(*store, "u"));
}

TEST_F(SqliteStore, ATokenStaysFreshForItsBearerAlone) {
  auto store = open();
  EXPECT_TRUE(fresh(*store, "t", "ana"));
  EXPECT_TRUE(fresh(*store, "t", "ana"));
  EXPECT_FALSE(fresh(*store, "t", "bo"));
  EXPECT_FALSE(fresh(*store, "t", ""));
  EXPECT_TRUE(fresh(*store, "t", "ana")) << "the others have not taken it over";
  store.reset();
  store = open();
  EXPECT_TRUE(fresh(*store, "t", "ana"));
  EXPECT_FALSE(fresh(*store, "t", "bo"));
  // In one batch, too.
  const auto answers =
      apply(*store, {node::UseToken{ConnectionId{1}, "u", now + minutes(5), "ana"},
                     node::UseToken{ConnectionId{2}, "u", now + minutes(5), "ana"},
                     node::UseToken{ConnectionId{3}, "u", now + minutes(5), "bo"}});
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers[0].fresh);
  EXPECT_TRUE(answers[1].fresh);
  EXPECT_FALSE(answers[2].fresh);
}

TEST_F(SqliteStore, ATokenThatNobodyBearsIsFreshOnce) {
  auto store = open();
  EXPECT_TRUE(fresh(*store, "t", ""));
  EXPECT_FALSE(fresh(*store, "t", ""));
  EXPECT_FALSE(fresh(*store, "t", "ana"));
}

// As the first version made it.
constexpr const char* schema_1 = R"(
  CREATE TABLE sessions (
    resume_hash TEXT PRIMARY KEY,
    participant TEXT NOT NULL,
    room TEXT NOT NULL,
    name TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_by_expiry ON sessions (expires);
  CREATE TABLE used_tokens (
    id TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX used_tokens_by_expiry ON used_tokens (expires);
  CREATE TABLE rooms (
    name TEXT PRIMARY KEY,
    last_used INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rooms_by_use ON rooms (last_used);
  INSERT INTO sessions VALUES ('a', 'p-a', 'room', 'Ana', 9000000000000000);
  INSERT INTO used_tokens VALUES ('old', 9000000000000000);
  INSERT INTO rooms VALUES ('room', 1);
  PRAGMA user_version = 1;
  PRAGMA application_id = 0x4c696169;)";

TEST_F(SqliteStore, AFileOfTheFirstVersionKeepsWhatItHolds) {
  sql(schema_1);
  for (int start = 0; start < 2; ++start) {
    const auto store = open();
    ASSERT_TRUE(store);
    const auto loaded = store->load(now);
    ASSERT_TRUE(loaded);
    ASSERT_EQ(loaded->sessions.size(), 1U);
    EXPECT_EQ(loaded->sessions[0].resume_hash, "a");
    EXPECT_EQ(loaded->sessions[0].name, "Ana");
    // Nobody knows any more by whom.
    EXPECT_FALSE(fresh(*store, "old", "ana"));
    EXPECT_FALSE(fresh(*store, "old", ""));
    EXPECT_TRUE(fresh(*store, "new", "ana"));
    EXPECT_FALSE(fresh(*store, "new", "bo"));
  }
}

TEST_F(SqliteStore, ForgetsWhatHasExpired) {
  auto store = open();
  apply(*store, {node::SaveSession{session("a", seconds(5))}, node::SaveSession{session("b")},
                 node::UseToken{ConnectionId{1}, "t", now + seconds(5), "ana"}});
  ASSERT_TRUE(store->prune(now + seconds(5)));
  EXPECT_EQ(store->load(now)->sessions, (std::vector{session("b")}));
  EXPECT_TRUE(fresh(*store, "t"));
}

TEST_F(SqliteStore, RemembersTheLatestRoomsAlone) {
  auto store = open();
  std::vector<node::StoreRequest> requests;
  for (int i = 0; i < 10'050; ++i)
    requests.push_back(node::SaveRoom{std::to_string(i), now + seconds(i)});
  apply(*store, requests);
  ASSERT_TRUE(store->prune(now));
  store.reset();
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(database, "SELECT count(*), min(CAST(name AS INTEGER)) FROM rooms", -1,
                     &statement, nullptr);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(statement, 0), 10'000);
  EXPECT_EQ(sqlite3_column_int(statement, 1), 50);
  sqlite3_finalize(statement);
  sqlite3_close(database);
}

TEST_F(SqliteStore, OnlyTheOwnerCanReadIt) {
  const auto store = open();
  apply(*store, {node::SaveRoom{"r", now}});
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path)) {
    struct stat status{};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(SqliteStore, TwoAtOnceAreRefused) {
  auto store = open();
  EXPECT_EQ(error_of_opening(), "in_use: " + (folder_.path / "liaison.lock").string() +
                                    ": another Liaison runs with this data folder; stop it, or "
                                    "give another folder with --data");
  store.reset();
  EXPECT_EQ(error_of_opening(), "no error");
}

TEST_F(SqliteStore, ADamagedFileIsNamedWithWhatToDo) {
  std::ofstream(file()) << std::string(8'192, 'x');
  const std::string error = error_of_opening();
  EXPECT_TRUE(error.starts_with("damaged: " + file().string() + ": the database is damaged"))
      << error;
  EXPECT_TRUE(error.contains("move it and")) << error;
}

TEST_F(SqliteStore, DamageInTheMiddleIsFoundWhenItIsOpened) {
  {
    auto store = open();
    std::vector<node::StoreRequest> requests;
    for (int i = 0; i < 2'000; ++i)
      requests.push_back(node::SaveSession{session("s" + std::to_string(i))});
    apply(*store, requests);
  }
  {
    std::fstream damage(file(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(4'096 * 5);
    damage << std::string(4'096 * 10, '\xee');
  }
  EXPECT_TRUE(error_of_opening().starts_with("damaged: ")) << error_of_opening();
}

TEST_F(SqliteStore, AnotherProgramsDatabaseIsLeftAlone) {
  sql("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
  EXPECT_TRUE(error_of_opening().starts_with("not_ours: ")) << error_of_opening();
}

TEST_F(SqliteStore, ANewerSchemaIsLeftAlone) {
  open().reset();
  sql("PRAGMA user_version = 99");
  EXPECT_TRUE(error_of_opening().contains("schema 99, this one knows up to 2"))
      << error_of_opening();
}

TEST_F(SqliteStore, AFolderThatIsNotThereIsAnError) {
  const auto store = open_sqlite_store(folder_.path / "none");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, "unwritable");
}

TEST_F(SqliteStore, ADiskThatTakesNothingIsAnErrorAndLaterWorksAgain) {
  auto store = open();
  apply(*store, {node::SaveSession{session("before")}});

  // A limit on the size of files stands for a full disk.
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
  const std::vector<node::StoreRequest> requests = {
      node::SaveSession{session("during")},
      node::UseToken{ConnectionId{1}, "t", now + hours(1), "ana"}};
  const auto failed = store->apply(requests);
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);

  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().message.starts_with(file().string() + ": ")) << failed.error().message;
  EXPECT_EQ(store->load(now)->sessions.size(), 1U);
  EXPECT_TRUE(fresh(*store, "t"));
  EXPECT_EQ(apply(*store, requests).size(), 1U);
  EXPECT_EQ(store->load(now)->sessions.size(), 2U);
}

}  // namespace
}  // namespace liaison::io
