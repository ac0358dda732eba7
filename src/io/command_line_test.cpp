#include "io/command_line.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "io/test_folder.hpp"

namespace liaison::io {
namespace {

Result<CommandLine> parse(std::vector<std::string_view> arguments) {
  return parse_command_line(arguments);
}

std::string error_of(std::vector<std::string_view> arguments) {
  const auto line = parse(std::move(arguments));
  return line ? "no error" : line.error().message;
}

TEST(CommandLine, TakesValuesAfterASpaceOrAnEqualsSign) {
  const auto line = parse({"serve", "--data", "/tmp/x", "--media-address=::1", "--media-address",
                           "127.0.0.1", "--workers=2"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->verb, Verb::serve);
  EXPECT_EQ(line->data, "/tmp/x");
  ASSERT_EQ(line->settings.size(), 2U);
  EXPECT_EQ(line->settings[0].values, (std::vector<std::string>{"::1", "127.0.0.1"}));
  EXPECT_EQ(line->settings[1].values, (std::vector<std::string>{"2"}));
}

TEST(CommandLine, ReadsAnInvitation) {
  const auto line =
      parse({"invite", "--room", "budget-7", "--name", "Ana María", "--valid", "90m"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->room, "budget-7");
  EXPECT_EQ(line->name, "Ana María");
  EXPECT_EQ(line->valid, minutes(90));
  EXPECT_EQ(parse({"invite", "--room", "a"})->valid, hours(24));
}

TEST(CommandLine, ReadsALoadTest) {
  const auto line =
      parse({"bench", "--whip", "https://h/whip/a", "--publishers", "3", "--viewers", "100",
             "--video=0", "--from", "127.0.0.2", "--no-transport-cc", "--json"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->bench.whip, "https://h/whip/a");
  EXPECT_EQ(line->bench.publishers, 3U);
  EXPECT_EQ(line->bench.viewers, 100U);
  EXPECT_EQ(line->bench.video_kbit, 0U);
  EXPECT_EQ(line->bench.from, IpAddress::v4(127, 0, 0, 2));
  EXPECT_FALSE(line->bench.transport_cc);
  EXPECT_TRUE(line->bench.json);
  EXPECT_TRUE(error_of({"bench"}).starts_with("--whip or --whep is missing"));
  EXPECT_TRUE(error_of({"bench", "--whep", "http://h/"}).starts_with("--viewers is missing"));
  EXPECT_TRUE(error_of({"bench", "--whip", "http://h/", "--video=0", "--audio=0"})
                  .starts_with("--video and --audio are both 0"));
  EXPECT_EQ(error_of({"bench", "--viewers", "20001"}),
            "--viewers: 20001 is not allowed; it must be a number from 0 to 20000");
  EXPECT_EQ(error_of({"bench", "--whip", "h"}),
            "--whip: h is not allowed; it must be a URL that begins with http:// or https://");
}

TEST(CommandLine, ShowsHelpHoweverItIsAskedFor) {
  for (const auto& arguments : std::vector<std::vector<std::string_view>>{
           {"help", "serve"}, {"serve", "--help"}, {"serve", "--workers", "2", "-h"}}) {
    const auto line = parse(arguments);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(line->verb, Verb::help);
    EXPECT_EQ(line->about, Verb::serve);
  }
  EXPECT_EQ(parse({"--help"})->verb, Verb::help);
  EXPECT_EQ(parse({"--version"})->verb, Verb::version);
  for (const Setting& setting : settings())
    EXPECT_TRUE(help_text(Verb::serve).contains(fmt::format("--{} ", setting.name)));
}

TEST(CommandLine, EveryMistakeIsNamed) {
  EXPECT_EQ(error_of({}), "say what to do; `liaison help` shows what there is");
  EXPECT_EQ(error_of({"sevre"}), "sevre: not a command; did you mean serve?");
  EXPECT_EQ(error_of({"frobnicate"}), "frobnicate: not a command; `liaison help` shows them");
  EXPECT_EQ(error_of({"serve", "now"}),
            "now: not expected here; what `liaison serve` takes begins with --");
  EXPECT_EQ(error_of({"serve", "--lsiten", "x"}),
            "--lsiten is not a flag of `liaison serve`; did you mean --listen?");
  EXPECT_EQ(error_of({"init", "--listen", "x"}),
            "--listen is not a flag of `liaison init`; they are --help, --data, --self-signed");
  EXPECT_EQ(error_of({"serve", "--workers"}),
            "--workers: a value is missing; it must be a number from 1 to 64, or 0 for one per "
            "processor");
  EXPECT_EQ(error_of({"serve", "--workers", "1", "--workers", "2"}),
            "--workers is given twice; once is allowed");
  EXPECT_EQ(error_of({"serve", "--data="}),
            "--data: (empty) is not allowed; it must be the path of a folder");
  EXPECT_EQ(error_of({"init", "--self-signed=yes"}), "--self-signed takes no value, but has yes");
  EXPECT_EQ(error_of({"invite"}),
            "--room is missing; it must be 1 to 64 characters of a-z, 0-9 and -");
  EXPECT_EQ(error_of({"invite", "--room", "Büro"}),
            "--room: Büro is not allowed; it must be 1 to 64 characters of a-z, 0-9 and -");
  for (const std::string_view valid : {"", "h", "24", "59s", "366d", "-1h", "1.5h", "1w",
                                       "99999999999999999999h", "2147483647d"}) {
    EXPECT_TRUE(error_of({"invite", "--room", "a", "--valid", valid})
                    .ends_with("is not allowed; it must be a duration from 1m to 365d, such as "
                               "90m, 24h or 7d"))
        << valid;
  }
}

TEST(CommandLine, LoadsTheFileOfTheDataFolderAndThenTheFlags) {
  const TemporaryFolder folder;
  const std::string data = folder.path.string();
  const auto line = parse({"serve", "--data", data, "--workers", "3"});
  ASSERT_TRUE(line);
  EXPECT_EQ(load_config(*line)->media_port, 40'000);  // no file, no matter

  std::ofstream(folder.path / "liaison.toml") << "workers = 1\nmedia-port = 50000\n";
  const auto config = load_config(*line);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->workers, 3U);
  EXPECT_EQ(config->media_port, 50'000);

  const auto wrong = load_config(*parse({"serve", "--data", data, "--workers", "-3"}));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "--workers: -3 is not allowed; it must be a number from 1 to 64, or 0 for one per "
            "processor");
}

TEST(CommandLine, AFileThatCannotBeReadIsAnError) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path / "liaison.toml");
  const auto config = load_config(*parse({"serve", "--data", folder.path.native()}));
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().message.contains("liaison.toml: Is a directory"))
      << config.error().message;
}

}  // namespace
}  // namespace liaison::io
