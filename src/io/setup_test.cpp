#include "io/setup.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "io/command_line.hpp"
#include "io/interfaces.hpp"
#include "io/keys.hpp"
#include "io/test_folder.hpp"

namespace liaison::io {
namespace {

unsigned permissions(const std::filesystem::path& file) {
  struct stat status{};
  return stat(file.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
}

TEST(Setup, MakesAFolderThatServeAccepts) {
  const TemporaryFolder folder;
  const auto data = folder.path / "deep" / "data";
  const auto told = set_up(data, false);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(permissions(data), 0700U);
  EXPECT_EQ(permissions(data / "invite.key"), 0600U);
  EXPECT_FALSE(std::filesystem::exists(data / "tls.key"));

  CommandLine line;
  line.data = data;
  auto config = load_config(line);
  ASSERT_TRUE(config) << config.error().message;
  const auto done = complete(*config, local_addresses(), 1);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_TRUE(load_invite_key(data / "invite.key"));
}

TEST(Setup, MakesACertificateThatNamesThisMachine) {
  const TemporaryFolder folder;
  ASSERT_TRUE(set_up(folder.path, true));
  EXPECT_EQ(permissions(folder.path / "tls.key"), 0600U);
  std::FILE* file = std::fopen((folder.path / "tls.crt").c_str(), "r");
  ASSERT_NE(file, nullptr);
  X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_check_host(certificate, "localhost", 0, 0, nullptr), 1);
  for (const IpAddress& address : local_addresses())
    EXPECT_EQ(X509_check_ip_asc(certificate, address.to_string().c_str(), 0), 1);
  EXPECT_EQ(X509_check_host(certificate, "example.org", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_cmp_current_time(X509_get0_notAfter(certificate)), 1);
  X509_free(certificate);

  CommandLine line;
  line.data = folder.path;
  auto config = load_config(line);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->tls_certificate, folder.path / "tls.crt");
  const auto done = complete(*config, local_addresses(), 1);
  EXPECT_TRUE(done) << done.error().message;
}

TEST(Setup, OverwritesNothingAndThenWritesNothing) {
  const TemporaryFolder folder;
  std::ofstream(folder.path / "invite.key") << "precious";
  const auto told = set_up(folder.path, false);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, "exists");
  EXPECT_TRUE(told.error().message.contains("invite.key"));
  EXPECT_FALSE(std::filesystem::exists(folder.path / "liaison.toml"));
  EXPECT_EQ(*read_file(folder.path / "invite.key", 100), "precious");
}

TEST(Setup, AFolderThatCannotBeIsAnError) {
  const TemporaryFolder folder;
  std::ofstream(folder.path / "file") << "";
  EXPECT_EQ(set_up(folder.path / "file", false).error().message,
            "--data: " + (folder.path / "file").string() + " is a file; it must be a folder");
  EXPECT_TRUE(set_up(folder.path / "file" / "data", false).error().message.contains("Not a"));
}

TEST(Keys, AKeyIsReadBackAndDiffersFromTheNext) {
  const TemporaryFolder folder;
  ASSERT_TRUE(create_invite_key(folder.path / "a"));
  ASSERT_TRUE(create_invite_key(folder.path / "b"));
  const auto a = load_invite_key(folder.path / "a");
  const auto b = load_invite_key(folder.path / "b");
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->seed, b->seed);
  EXPECT_EQ(load_invite_key(folder.path / "a")->seed, a->seed);
  EXPECT_EQ(create_invite_key(folder.path / "a").error().code, "exists");
}

TEST(Keys, AnythingElseIsNotAKey) {
  const TemporaryFolder folder;
  EXPECT_EQ(load_invite_key(folder.path / "none").error().code, "no_file");
  ASSERT_TRUE(create_self_signed(folder.path / "c", folder.path / "k", "host", {}));
  EXPECT_EQ(load_invite_key(folder.path / "k").error().code, "bad_key");
  EXPECT_EQ(load_invite_key(folder.path / "c").error().code, "bad_key");
  std::ofstream(folder.path / "empty") << "";
  EXPECT_EQ(load_invite_key(folder.path / "empty").error().code, "bad_key");
  std::ofstream(folder.path / "large") << std::string(20'000, 'x');
  EXPECT_EQ(load_invite_key(folder.path / "large").error().code, "too_large");
}

TEST(Interfaces, HaveLoopbackLastAmongIPv4) {
  const auto addresses = local_addresses();
  const auto loopback = std::ranges::find(addresses, IpAddress::v4(127, 0, 0, 1));
  ASSERT_NE(loopback, addresses.end());
  EXPECT_TRUE(
      std::all_of(loopback + 1, addresses.end(), [](const IpAddress& ip) { return !ip.is_v4(); }));
}

}  // namespace
}  // namespace liaison::io
