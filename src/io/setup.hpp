// `liaison init`.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace liaison::io {

// Makes the folder of a new server: liaison.toml and invite.key and, if asked for, tls.crt and
// tls.key. It overwrites nothing: if one of them is there, none is written. Gives what to tell the
// operator.
Result<std::string> set_up(const std::filesystem::path& data, bool self_signed);

// The folder, readable by its owner alone where it is new.
Result<void> make_data_folder(const std::filesystem::path& data);

}  // namespace liaison::io
