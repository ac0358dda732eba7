// The store in a file.
#pragma once

#include <filesystem>
#include <memory>

#include "io/store.hpp"

namespace liaison::io {

// SQLite in DATA/liaison.db, in WAL mode. One process at a time, which a lock on DATA/liaison.lock
// ensures. Codes: "in_use", "unwritable", "damaged", "too_new", "not_ours".
Result<std::unique_ptr<Store>> open_sqlite_store(const std::filesystem::path& data);

}  // namespace liaison::io
