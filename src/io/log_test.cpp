#include "io/log.hpp"

#include <gtest/gtest.h>

namespace liaison::io {
namespace {

TEST(Log, ALineIsOneJsonObject) {
  const node::LogLine line{
      node::LogLevel::warning, "participant_joined", "c1", {{"name", "A \"B\"\n"}, {"n", "3"}}};
  EXPECT_EQ(format_log_line(line, UnixTime(milliseconds(1'700'000'000'042))),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"warning\","
            "\"event\":\"participant_joined\",\"call\":\"c1\",\"name\":\"A \\\"B\\\"\\n\",\"n\":"
            "\"3\"}\n");
}

TEST(Log, TimeBefore1970IsNoSpecialCase) {
  EXPECT_EQ(format_time(UnixTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(Log, WritesWhatIsImportantEnough) {
  const Log log(node::LogLevel::warning);
  EXPECT_FALSE(log.wants(node::LogLevel::info));
  EXPECT_TRUE(log.wants(node::LogLevel::warning));
  testing::internal::CaptureStderr();
  log.write({node::LogLevel::info, "quiet", "", {}});
  log.write({node::LogLevel::error, "loud", "", {}});
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(written.contains("quiet"));
  EXPECT_TRUE(written.contains("\"event\":\"loud\"}\n"));
}

}  // namespace
}  // namespace liaison::io
