#include "sfu/start_rates.hpp"

#include <gtest/gtest.h>

namespace liaison::sfu {
namespace {

const Instant start = Instant{} + hours(5);
const IpAddress office = IpAddress::v4(192, 0, 2, 1);

TEST(StartRates, KnowsNobodyAtFirst) { EXPECT_FALSE(StartRates().start(office, start)); }

TEST(StartRates, BeginsWithAShareOfWhatWasMeasuredLast) {
  StartRates rates;
  rates.remember(office, 4'000'000, start);
  EXPECT_EQ(rates.start(office, start), 2'800'000U);
  rates.remember(office, 1'000'000, start);
  EXPECT_EQ(rates.start(office, start), 700'000U);
  EXPECT_FALSE(rates.start(IpAddress::v4(192, 0, 2, 2), start)) << "another line";
}

TEST(StartRates, HasALeastAndAMost) {
  StartRates rates;
  rates.remember(office, 30'000, start);
  EXPECT_EQ(rates.start(office, start), StartRates::least);
  rates.remember(office, 100'000'000, start);
  EXPECT_EQ(rates.start(office, start), StartRates::most);
}

TEST(StartRates, TheAddressesOfOneIpv6LineAreOne) {
  StartRates rates;
  rates.remember(*IpAddress::parse("2001:db8:1:2::1"), 2'000'000, start);
  EXPECT_TRUE(rates.start(*IpAddress::parse("2001:db8:1:2:ffff::9"), start));
  EXPECT_FALSE(rates.start(*IpAddress::parse("2001:db8:1:3::1"), start));
}

TEST(StartRates, ForgetsAfterAnHour) {
  StartRates rates;
  rates.remember(office, 2'000'000, start);
  EXPECT_TRUE(rates.start(office, start + StartRates::kept));
  EXPECT_FALSE(rates.start(office, start + StartRates::kept + milliseconds(1)));
}

TEST(StartRates, TheOldestMakesRoom) {
  StartRates rates;
  const auto address = [](std::size_t i) {
    return IpAddress::v4(10, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i));
  };
  for (std::size_t i = 0; i < StartRates::limit; ++i)
    rates.remember(address(i), 1'000'000, start + milliseconds(i));
  rates.remember(address(0), 1'000'000, start + seconds(60));
  rates.remember(office, 1'000'000, start + seconds(60));
  EXPECT_EQ(rates.size(), StartRates::limit);
  EXPECT_TRUE(rates.start(office, start + seconds(60)));
  EXPECT_TRUE(rates.start(address(0), start + seconds(60))) << "it was here again";
  EXPECT_FALSE(rates.start(address(1), start + seconds(60)));
}

}  // namespace
}  // namespace liaison::sfu
