#include "io/config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace liaison::io {
namespace {

const std::vector<IpAddress> here = {IpAddress::v4(192, 0, 2, 7), IpAddress::v4(127, 0, 0, 1),
                                     *IpAddress::parse("2001:db8::7"), *IpAddress::parse("::1")};

Result<Config> read(std::string_view text) {
  Config config;
  if (auto done = read_config(text, "liaison.toml", "/etc/liaison", config); !done)
    return std::unexpected(done.error());
  return config;
}

Result<Config> read_and_complete(std::string_view text) {
  auto config = read(text);
  if (!config) return config;
  if (auto done = complete(*config, here, 4); !done) return std::unexpected(done.error());
  return config;
}

TEST(Config, WorksWithoutAnySetting) {
  const auto config = read_and_complete("");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen.to_string(), "127.0.0.1:8000");
  EXPECT_EQ(config->workers, 4U);
  EXPECT_EQ(config->media_tcp_port, 40'000);
  EXPECT_EQ(config->rooms, node::Access::open);
  // Loopback last, and all of it, since a browser on this machine is expected.
  EXPECT_EQ(config->media_addresses, (std::vector{here[0], here[2], here[1], here[3]}));
}

TEST(Config, ReadsEverySetting) {
  const auto config = read(R"(
    listen = "[::]:443"
    public-url = "https://call.example.org/"
    tls-certificate = "tls.crt"
    tls-key = "/secret/tls.key"
    media-address = ["192.0.2.7", "2001:db8::7", "192.0.2.7"]
    media-port = 50000
    media-tcp-port = 443
    workers = 2
    rooms = "invite"
    log-level = "warning"
  )");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen.to_string(), "[::]:443");
  EXPECT_EQ(config->public_url, "https://call.example.org");
  EXPECT_EQ(config->tls_certificate, "/etc/liaison/tls.crt");
  EXPECT_EQ(config->tls_key, "/secret/tls.key");
  EXPECT_EQ(config->media_addresses, (std::vector{here[0], here[2]}));
  EXPECT_EQ(config->media_port, 50'000);
  EXPECT_EQ(config->media_tcp_port, 443);
  EXPECT_EQ(config->workers, 2U);
  EXPECT_EQ(config->rooms, node::Access::invite);
  EXPECT_EQ(config->log_level, node::LogLevel::warning);
}

TEST(Config, AFlagOverridesTheFile) {
  auto config = read("media-address = [\"192.0.2.7\"]\nworkers = 2");
  ASSERT_TRUE(config);
  const std::vector<std::string> addresses = {"2001:db8::7", "127.0.0.1"};
  ASSERT_TRUE(apply_flag("media-address", addresses, *config));
  EXPECT_EQ(config->media_addresses, (std::vector{here[2], here[1]}));
  const std::vector<std::string> relative = {"here/tls.crt"};
  ASSERT_TRUE(apply_flag("tls-certificate", relative, *config));
  EXPECT_EQ(config->tls_certificate, "here/tls.crt");
}

struct Wrong {
  std::string_view text;
  std::string_view message;
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsRefusedInWordsThatHelp) {
  const auto config = read_and_complete(GetParam().text);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongConfig,
    testing::Values(
        Wrong{"media-port = 99999",
              "liaison.toml:1: media-port: 99999 is not allowed; it must be a number from 1 to "
              "65535, or 0 for any free ports"},
        Wrong{"\nmedia-port = -1",
              "liaison.toml:2: media-port: -1 is not allowed; it must be a number from 1 to 65535, "
              "or 0 for any free ports"},
        Wrong{"media-port = \"40000\"",
              "liaison.toml:1: media-port: '40000' has the wrong type; it must be a number from 1 "
              "to 65535, or 0 for any free ports, without quotes"},
        Wrong{"listen = 8000",
              "liaison.toml:1: listen: 8000 has the wrong type; it must be an IP address and a "
              "port, such as 127.0.0.1:8000 or [::1]:8000, in quotes"},
        Wrong{"listen = \"localhost:8000\"",
              "liaison.toml:1: listen: localhost:8000 is not allowed; it must be an IP address and "
              "a port, such as 127.0.0.1:8000 or [::1]:8000"},
        Wrong{
            "listen = \"\"",
            "liaison.toml:1: listen: (empty) is not allowed; it must be an IP address and a port, "
            "such as 127.0.0.1:8000 or [::1]:8000"},
        Wrong{"workers = 65",
              "liaison.toml:1: workers: 65 is not allowed; it must be a number from 1 to 64, or 0 "
              "for one per processor"},
        Wrong{"rooms = \"closed\"",
              "liaison.toml:1: rooms: closed is not allowed; it must be open or invite"},
        Wrong{"log-level = \"verbose\"",
              "liaison.toml:1: log-level: verbose is not allowed; it must be debug, info, warning "
              "or error"},
        Wrong{"media-address = [\"192.0.2.7\", \"0.0.0.0\"]",
              "liaison.toml:1: media-address: 0.0.0.0 is not allowed; it must be an IP address of "
              "this machine"},
        Wrong{"media-address = [1]",
              "liaison.toml:1: media-address: 1 has the wrong type; it must be an IP address of "
              "this machine, in quotes"},
        Wrong{"media-address = \"198.51.100.1\"",
              "media-address: 198.51.100.1 is not an address of this machine; allowed are "
              "192.0.2.7, 127.0.0.1, 2001:db8::7, ::1"},
        Wrong{"public-url = \"call.example.org\"",
              "liaison.toml:1: public-url: call.example.org is not allowed; it must be http:// or "
              "https:// and a host, with a port if need be and without a path, such as "
              "https://call.example.org"},
        Wrong{"media_port = 1",
              "liaison.toml:1: media_port is not a setting; did you mean media-port?"},
        Wrong{"wrokers = 1", "liaison.toml:1: wrokers is not a setting; did you mean workers?"},
        Wrong{
            "x = 1",
            "liaison.toml:1: x is not a setting; the settings are listen, public-url, "
            "tls-certificate, tls-key, media-address, media-port, media-tcp-port, workers, rooms, "
            "requests-per-address, log-level"},
        Wrong{"tls-key = \"k\"", "tls-key is given without tls-certificate; give both or neither"},
        Wrong{"tls-certificate = \"c\"",
              "tls-certificate is given without tls-key; give both or neither"},
        Wrong{"listen = \"0.0.0.0:80\"",
              "listen: 0.0.0.0:80 is not a loopback address, and without TLS nothing else is "
              "allowed (browsers give no camera to such a page, and anyone on the way could "
              "listen). Give tls-certificate and tls-key, or make them with `liaison init "
              "--self-signed`, or listen on 127.0.0.1"},
        Wrong{"listen = \"198.51.100.1:80\"",
              "listen: 198.51.100.1 is not an address of this machine; allowed are 192.0.2.7, "
              "127.0.0.1, 2001:db8::7, ::1, or 0.0.0.0 or [::] for all"},
        Wrong{"media-port = 65535\nworkers = 2",
              "media-port: 65535 leaves no room for 2 workers, each of which has a port; it must "
              "be at most 65534"}));

TEST(Config, SurvivesWhatTomlplusplusThinksImpossible) {
  for (const char* text : {"\xef\xbb\x9f", "[/"}) {
    const auto config = read(text);
    ASSERT_FALSE(config);
    EXPECT_TRUE(config.error().message.starts_with("liaison.toml:1: not valid TOML: "))
        << config.error().message;
  }
}

TEST(Config, SaysInWhichLineTheFileIsNotToml) {
  const auto config = read("workers = 1\nlisten = \"\x01\"");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.starts_with("liaison.toml:2: not valid TOML: "))
      << config.error().message;
}

TEST(Config, ShowsNoControlCharactersOfAFile) {
  const auto config = read("rooms = \"\\u001b[2J\"");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.contains("\\x1b[2J")) << config.error().message;
}

TEST(Config, RefusesAFileOfMoreThanAMebibyte) {
  const auto config = read(std::string((1 << 20) + 1, '#'));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "liaison.toml: larger than 1 MiB; is it a liaison.toml?");
}

TEST(Config, ListensOutsideOnlyWithTlsAndThenOffersNoLoopback) {
  const auto config =
      read_and_complete("listen = \"[::]:443\"\ntls-certificate = \"c\"\ntls-key = \"k\"");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->media_addresses, (std::vector{here[0], here[2]}));
  EXPECT_EQ(base_url(*config, here), "https://192.0.2.7:443");
}

TEST(Config, AMachineWithoutAddressesIsAnError) {
  Config config;
  EXPECT_FALSE(complete(config, {}, 1));
}

TEST(Config, TheTemplateSaysWhatTheDefaultsAre) {
  const std::string text = config_template({});
  const auto unchanged = read(text);
  ASSERT_TRUE(unchanged) << unchanged.error().message;
  EXPECT_EQ(unchanged->listen, Config{}.listen);
  // With its comment signs taken off, every line that sets something is valid.
  std::string active;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string_view line = std::string_view(text).substr(at, end - at);
    const std::size_t equals = line.find(" = ");
    if (line.starts_with("# ") && equals != std::string_view::npos &&
        find_setting(line.substr(2, equals - 2)) != nullptr)
      active += std::string(line.substr(2)) + '\n';
    at = end + 1;
  }
  EXPECT_EQ(std::ranges::count(active, '\n'), std::ssize(settings()));
  const auto examples = read(active);
  EXPECT_TRUE(examples) << examples.error().message;
}

}  // namespace
}  // namespace liaison::io
