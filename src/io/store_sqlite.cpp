#include "io/store_sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/descriptor.hpp"

namespace liaison::io {
namespace {

// "Liai", so that another program's file is never taken for ours.
constexpr int application_id = 0x4c696169;
// How many rooms the operator's list remembers.
constexpr int max_rooms = 10'000;

// Each takes the schema from its index to the next version; none is ever changed once it was
// released.
constexpr std::array<const char*, 2> migrations = {
    R"(CREATE TABLE sessions (
         resume_hash TEXT PRIMARY KEY,
         participant TEXT NOT NULL,
         room TEXT NOT NULL,
         name TEXT NOT NULL,
         expires INTEGER NOT NULL  -- microseconds since 1970
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
       CREATE INDEX rooms_by_use ON rooms (last_used);)",
    R"(ALTER TABLE used_tokens ADD COLUMN bearer TEXT NOT NULL DEFAULT '';)",
};

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Prepared = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// One use of a prepared statement: binds in order, runs, and leaves it ready for the next use.
class Use {
 public:
  explicit Use(const Prepared& statement) : statement_(statement.get()) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  Use& text(std::string_view value) {
    // The caller keeps the text until the use is over.
    sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
    return *this;
  }
  Use& time(UnixTime value) {
    sqlite3_bind_int64(statement_, ++bound_, value.time_since_epoch().count());
    return *this;
  }
  Use& integer(int value) {
    sqlite3_bind_int(statement_, ++bound_, value);
    return *this;
  }
  int step() { return sqlite3_step(statement_); }
  std::string column(int index) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
    return data == nullptr ? std::string{} : std::string(data, size);
  }
  std::int64_t column_integer(int index) const { return sqlite3_column_int64(statement_, index); }

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

class SqliteStore final : public Store {
 public:
  // `lock` is held as long as the database is open. `vfs` may be null: the system's files.
  SqliteStore(std::string file, const char* vfs, Descriptor lock)
      : file_(std::move(file)), vfs_(vfs), lock_(std::move(lock)) {}

  Result<void> open();

  Result<node::StoreLoaded> load(UnixTime now) override;
  Result<std::vector<node::TokenChecked>> apply(
      std::span<const node::StoreRequest> requests) override;
  Result<void> prune(UnixTime now) override;

 private:
  Result<void> check_owner();
  Result<void> check_intact();
  Result<void> empty_log();
  Result<void> migrate();
  Result<void> prepare();
  Result<int> pragma(const char* sql);
  Result<void> run(const char* sql);
  std::unexpected<Error> failed(int code) const;
  std::unexpected<Error> failed(int code, std::string_view reason) const;

  // Each gives an SQLite result code.
  int apply_one(const node::StoreRequest& request, std::vector<node::TokenChecked>& answers);
  int use_token(const node::UseToken& token, std::vector<node::TokenChecked>& answers);

  std::string file_;
  const char* vfs_;
  Descriptor lock_;
  Database database_;
  Prepared begin_, commit_, rollback_, load_, save_session_, delete_session_, use_token_,
      save_room_, prune_sessions_, prune_tokens_, prune_rooms_;
};

std::unexpected<Error> SqliteStore::failed(int code) const {
  return failed(code, database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(code));
}

std::unexpected<Error> SqliteStore::failed(int code, std::string_view reason) const {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(
          "damaged",
          fmt::format("{}: the database is damaged ({}). Restore a copy of it, or move it and "
                      "{}-wal away to begin anew: what is lost then is who may resume a call "
                      "and which join tokens were used",
                      file_, reason, file_));
    case SQLITE_FULL:
      return fail(
          "disk_full",
          fmt::format("{}: the disk is full; make room on it. Calls go on meanwhile", file_));
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail("unwritable",
                  fmt::format("{}: cannot be written ({}); give this user the right to write "
                              "it and its folder",
                              file_, reason));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(
          "in_use",
          fmt::format("{}: another program keeps it locked ({}); end that program", file_, reason));
    default:
      return fail("store_failed",
                  fmt::format("{}: {}; look at the disk and its mount", file_, reason));
  }
}

Result<void> SqliteStore::run(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return {};
}

// The first column of the first row.
Result<int> SqliteStore::pragma(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr);
  const Prepared statement(raw);
  if (code != SQLITE_OK) return failed(code);
  const int stepped = sqlite3_step(raw);
  if (stepped != SQLITE_ROW) return failed(stepped);
  return sqlite3_column_int(raw, 0);
}

Result<void> SqliteStore::check_owner() {
  const auto owner = pragma("PRAGMA application_id");
  if (!owner) return std::unexpected(owner.error());
  const auto tables = pragma("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  if (*owner == application_id || (*owner == 0 && *tables == 0)) return {};
  return fail("not_ours",
              fmt::format("{}: a database of another program; move it away, or give another "
                          "folder with --data",
                          file_));
}

Result<void> SqliteStore::check_intact() {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), "PRAGMA quick_check(1)", -1, &raw, nullptr);
  const Prepared statement(raw);
  if (code != SQLITE_OK) return failed(code);
  Use use(statement);
  const int stepped = use.step();
  if (stepped != SQLITE_ROW) return failed(stepped);
  const std::string found = use.column(0);
  if (found == "ok") return {};
  // The check counts pages that it cannot read as damage, and says so in its text alone ("unable to
  // get the page", "failed to get page"). But nobody shall be told to move a database away because
  // a disk did not answer.
  const bool unread = found.contains("to get the page") || found.contains("to get page");
  return failed(unread ? SQLITE_IOERR : SQLITE_CORRUPT,
                std::string_view(found).substr(found.rfind('\n') + 1));
}

// A commit whose sync failed in the last process is said to have failed, but stands in the log, and
// SQLite goes on after it. If the kernel took its pages for written though they are not (as Linux
// does after a failed fsync), whatever is appended would be lost behind them with the next cut of
// the power. So nothing is appended to a log that another process wrote.
Result<void> SqliteStore::empty_log() {
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  // For want of room, or because an operator reads in it, the log stays: it is sound in all other
  // cases.
  const int kind = code & 0xff;
  if (code != SQLITE_OK && kind != SQLITE_FULL && kind != SQLITE_BUSY) return failed(code);
  return {};
}

Result<void> SqliteStore::migrate() {
  const auto version = pragma("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  if (*version < 0 || *version > std::ssize(migrations)) {
    return fail("too_new",
                fmt::format("{}: written by a newer Liaison (schema {}, this one knows up to {}); "
                            "run that one",
                            file_, *version, migrations.size()));
  }
  for (auto next = static_cast<std::size_t>(*version); next < migrations.size(); ++next) {
    const std::string sql = fmt::format(
        "BEGIN IMMEDIATE; {} PRAGMA user_version = {}; PRAGMA application_id = {}; COMMIT;",
        migrations[next], next + 1, application_id);
    if (auto done = run(sql.c_str()); !done) return done;
  }
  return {};
}

Result<void> SqliteStore::prepare() {
  const std::array<std::pair<Prepared*, const char*>, 11> statements = {{
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      {&load_,
       "SELECT resume_hash, participant, room, name, expires FROM sessions WHERE expires > ?"},
      {&save_session_,
       "INSERT OR REPLACE INTO sessions (resume_hash, participant, room, name, expires) "
       "VALUES (?, ?, ?, ?, ?)"},
      {&delete_session_, "DELETE FROM sessions WHERE resume_hash = ?"},
      // Changes a row, the same bearer's to what it is, where the token is fresh.
      {&use_token_,
       "INSERT INTO used_tokens (id, expires, bearer) VALUES (?, ?, ?) "
       "ON CONFLICT (id) DO UPDATE SET bearer = excluded.bearer "
       "WHERE used_tokens.bearer = excluded.bearer AND excluded.bearer <> ''"},
      {&save_room_, "INSERT OR REPLACE INTO rooms (name, last_used) VALUES (?, ?)"},
      {&prune_sessions_, "DELETE FROM sessions WHERE expires <= ?"},
      {&prune_tokens_, "DELETE FROM used_tokens WHERE expires <= ?"},
      {&prune_rooms_,
       "DELETE FROM rooms WHERE name IN "
       "(SELECT name FROM rooms ORDER BY last_used DESC LIMIT -1 OFFSET ?)"},
  }};
  for (const auto& [statement, sql] : statements) {
    sqlite3_stmt* raw = nullptr;
    const int code =
        sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (code != SQLITE_OK) return failed(code);
    statement->reset(raw);
  }
  return {};
}

Result<void> SqliteStore::open() {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
      file_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs_);
  database_.reset(raw);
  if (code != SQLITE_OK) return failed(code);
  sqlite3_busy_timeout(raw, 2'000);  // an operator may look into it
  // FULL: a commit is on the disk before a token is called fresh, so that it stays used whatever
  // happens to the power. (NORMAL would keep it only over the end of the process.) One commit takes
  // all that has come meanwhile, so there are few.
  if (auto set =
          run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;");
      !set)
    return set;
  if (auto checked = check_owner(); !checked) return checked;
  if (auto checked = check_intact(); !checked) return checked;
  if (auto emptied = empty_log(); !emptied) return emptied;
  if (auto migrated = migrate(); !migrated) return migrated;
  return prepare();
}

Result<node::StoreLoaded> SqliteStore::load(UnixTime now) {
  node::StoreLoaded loaded;
  Use use(load_);
  use.time(now);
  int code = SQLITE_OK;
  while ((code = use.step()) == SQLITE_ROW) {
    loaded.sessions.push_back({use.column(0), use.column(1), use.column(2), use.column(3),
                               UnixTime(microseconds(use.column_integer(4)))});
  }
  if (code != SQLITE_DONE) return failed(code);
  return loaded;
}

int SqliteStore::use_token(const node::UseToken& token, std::vector<node::TokenChecked>& answers) {
  const int code =
      Use(use_token_).text(token.token_id).time(token.expires).text(token.bearer).step();
  const bool fresh = code == SQLITE_DONE && sqlite3_changes(database_.get()) == 1;
  answers.push_back({token.connection, token.token_id, fresh});
  return code;
}

int SqliteStore::apply_one(const node::StoreRequest& request,
                           std::vector<node::TokenChecked>& answers) {
  if (const auto* token = std::get_if<node::UseToken>(&request)) return use_token(*token, answers);
  if (const auto* saved = std::get_if<node::SaveSession>(&request)) {
    const node::SessionRecord& session = saved->session;
    return Use(save_session_)
        .text(session.resume_hash)
        .text(session.participant)
        .text(session.room)
        .text(session.name)
        .time(session.expires)
        .step();
  }
  if (const auto* deleted = std::get_if<node::DeleteSession>(&request))
    return Use(delete_session_).text(deleted->resume_hash).step();
  const auto& room = std::get<node::SaveRoom>(request);
  return Use(save_room_).text(room.name).time(room.last_used).step();
}

Result<std::vector<node::TokenChecked>> SqliteStore::apply(
    std::span<const node::StoreRequest> requests) {
  std::vector<node::TokenChecked> answers;
  int code = Use(begin_).step();
  for (const node::StoreRequest& request : requests) {
    if (code != SQLITE_DONE) break;
    code = apply_one(request, answers);
  }
  if (code == SQLITE_DONE) code = Use(commit_).step();
  if (code == SQLITE_DONE) return answers;
  auto error = failed(code);
  // After some errors SQLite has rolled back already.
  if (sqlite3_get_autocommit(database_.get()) == 0) Use(rollback_).step();
  return error;
}

Result<void> SqliteStore::prune(UnixTime now) {
  for (const Prepared* statement : {&prune_sessions_, &prune_tokens_}) {
    const int code = Use(*statement).time(now).step();
    if (code != SQLITE_DONE) return failed(code);
  }
  const int code = Use(prune_rooms_).integer(max_rooms).step();
  if (code != SQLITE_DONE) return failed(code);
  return {};
}

// A file that is there or can be made, and that only this user can read.
Result<Descriptor> open_file(const std::filesystem::path& path) {
  Descriptor opened(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (opened) return opened;
  return fail(
      "unwritable",
      fmt::format("{}: cannot be written ({}); give this user the right to write it and its folder",
                  path.string(), std::generic_category().message(errno)));
}

Result<Descriptor> lock_file(const std::filesystem::path& path) {
  auto opened = open_file(path);
  if (opened && flock(opened->get(), LOCK_EX | LOCK_NB) != 0) {
    return fail("in_use",
                fmt::format("{}: another Liaison runs with this data folder; stop it, or give "
                            "another folder with --data",
                            path.string()));
  }
  return opened;
}

Result<std::unique_ptr<Store>> open_store(std::string file, const char* vfs, Descriptor lock) {
  auto store = std::make_unique<SqliteStore>(std::move(file), vfs, std::move(lock));
  if (auto opened = store->open(); !opened) return std::unexpected(opened.error());
  return store;
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& data) {
  auto lock = lock_file(data / "liaison.lock");
  if (!lock) return std::unexpected(lock.error());
  const auto file = data / "liaison.db";
  // Before SQLite does it with wider permissions; it gives the files beside it the same ones.
  if (const auto created = open_file(file); !created) return std::unexpected(created.error());
  return open_store(file.string(), nullptr, std::move(*lock));
}

Result<std::unique_ptr<Store>> open_sqlite_store_on(std::string file, const char* vfs) {
  return open_store(std::move(file), vfs, Descriptor());
}

}  // namespace liaison::io
