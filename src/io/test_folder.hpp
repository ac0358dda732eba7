// A folder for one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/ensure.hpp"

namespace liaison::io {

struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "liaison-test-XXXXXX").string();
    ENSURE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }

  std::filesystem::path path;
};

}  // namespace liaison::io
