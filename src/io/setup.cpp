#include "io/setup.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "io/config.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"

namespace liaison::io {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string{};
}

}  // namespace

Result<void> make_data_folder(const std::filesystem::path& data) {
  std::error_code error;
  if (std::filesystem::is_directory(data, error)) return {};
  if (data.has_parent_path()) std::filesystem::create_directories(data.parent_path(), error);
  if (mkdir(data.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail("unwritable", fmt::format("--data: {}: {}", data.string(),
                                          std::generic_category().message(errno)));
  }
  if (!std::filesystem::is_directory(data, error))
    return fail("unwritable",
                fmt::format("--data: {} is a file; it must be a folder", data.string()));
  return {};
}

Result<std::string> set_up(const std::filesystem::path& data, bool self_signed) {
  if (auto made = make_data_folder(data); !made) return std::unexpected(made.error());
  std::vector<std::filesystem::path> files = {data / "liaison.toml", data / "invite.key"};
  if (self_signed) files.insert(files.end(), {data / "tls.crt", data / "tls.key"});
  for (const auto& file : files) {
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(file, error))) {
      return fail("exists",
                  fmt::format("{} exists already and is not overwritten; nothing was written. "
                              "Move it away, or give another folder with --data",
                              file.string()));
    }
  }

  std::vector<SettingText> set;
  std::string told;
  if (self_signed) {
    const auto addresses = local_addresses();
    const auto fingerprint =
        create_self_signed(data / "tls.crt", data / "tls.key", host_name(), addresses);
    if (!fingerprint) return std::unexpected(fingerprint.error());
    set = {{"listen", "\"[::]:8443\""},
           {"tls-certificate", "\"tls.crt\""},
           {"tls-key", "\"tls.key\""}};
    told = fmt::format(
        "The certificate is valid for 825 days. Its SHA-256 fingerprint, to compare when "
        "a browser warns:\n  {}\n",
        *fingerprint);
  }
  if (auto made = create_invite_key(data / "invite.key"); !made)
    return std::unexpected(made.error());
  if (auto written = write_new_file(data / "liaison.toml", config_template(set), 0644); !written)
    return std::unexpected(written.error());
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& file : files) names.push_back(file.string());
  return fmt::format("Wrote {}.\n{}Start the server with: liaison serve --data {}\n",
                     fmt::join(names, ", "), told, data.string());
}

}  // namespace liaison::io
