// The store in a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "io/store.hpp"

namespace liaison::io {

// SQLite in DATA/liaison.db, in WAL mode. One process at a time, which a lock on DATA/liaison.lock
// ensures. Codes: "in_use", "unwritable", "damaged", "too_new", "not_ours".
Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& data);

// The same in `file` of an SQLite VFS that is registered under the name `vfs`: no lock, and nothing
// but that VFS is touched. The codes are the same, without "in_use" for another process.
Result<std::unique_ptr<Store>> open_sqlite_store_on(std::string file, const char* vfs);

}  // namespace liaison::io
