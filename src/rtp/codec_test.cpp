#include "rtp/codec.hpp"

#include <gtest/gtest.h>

namespace liaison::rtp {
namespace {

TEST(Extension, UrisRoundTrip) {
  for (std::size_t i = 0; i < extension_count; ++i) {
    const auto extension = static_cast<Extension>(i);
    EXPECT_EQ(extension_from_uri(extension_uri(extension)), extension);
  }
  EXPECT_FALSE(extension_from_uri("urn:ietf:params:rtp-hdrext:toffset"));
  EXPECT_FALSE(extension_from_uri(""));
}

TEST(ExtensionIds, FindsWhatWasNegotiated) {
  ExtensionIds ids;
  EXPECT_FALSE(ids.find(0));
  ids[Extension::mid] = 4;
  ids[Extension::audio_level] = 255;
  EXPECT_EQ(ids.find(4), Extension::mid);
  EXPECT_EQ(ids.find(255), Extension::audio_level);
  EXPECT_FALSE(ids.find(0));
  EXPECT_FALSE(ids.find(5));
}

}  // namespace
}  // namespace liaison::rtp
